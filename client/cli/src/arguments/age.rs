//! Ages, written like `30d` on the command line.

use std::time::Duration;

const UNITS: [(char, u64); 5] = [
    ('w', 7 * 24 * 60 * 60),
    ('d', 24 * 60 * 60),
    ('h', 60 * 60),
    ('m', 60),
    ('s', 1),
];

/// Parses an age.
pub fn parse(text: &str) -> Result<Duration, String> {
    let advice = "use a whole number of at least 1 followed by s, m, h, d or w, such as 90s or 30d";
    let wrong = || advice.to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let count: u64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    count
        .checked_mul(*seconds)
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

/// Formats an age in the largest unit that divides it: a day is `1d`, 36 hours are `36h`.
pub fn show(age: Duration) -> String {
    let seconds = age.as_secs();
    let whole = UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    let (name, unit) = whole.copied().unwrap_or(('s', 1));
    format!("{}{name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, show};

    #[test]
    fn an_age_is_read_and_shown() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("5m", 300),
            ("36h", 129_600),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
        ] {
            let age = Duration::from_secs(seconds);
            assert_eq!(parse(text), Ok(age));
            assert_eq!(show(age), text);
        }
        assert_eq!(show(parse("24h").unwrap()), "1d");
    }

    #[test]
    fn what_is_no_age_is_refused() {
        for text in [
            "",
            "s",
            "0d",
            "-1d",
            "30",
            "30 d",
            "1.5h",
            "1y",
            "99999999999999999999s",
            "18446744073709551615w",
            "1\u{e9}",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
