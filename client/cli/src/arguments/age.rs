//! Ages, written like `30d` on the command line.

use std::time::Duration;

use jiff::{
    Span, SpanRelativeTo, SpanRound, Unit,
    fmt::friendly::{Spacing, SpanParser, SpanPrinter},
};

/// Parses an age: a whole number of seconds, at least 1.
pub fn parse(text: &str) -> Result<Duration, String> {
    let age = || {
        let span = SpanParser::new().parse_span(text).ok()?;
        let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        let age = Duration::try_from(exact).ok()?;
        (age.subsec_nanos() == 0 && !age.is_zero()).then_some(age)
    };
    age().ok_or_else(|| "use whole seconds, at least 1, written like 90s, 12h, 30d or 2w".to_owned())
}

/// Formats an age as it can be parsed: 36 hours are `1d12h`.
pub fn show(age: Duration) -> String {
    let in_days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    match Span::try_from(age).and_then(|span| span.round(in_days)) {
        Ok(span) => SpanPrinter::new().spacing(Spacing::None).span_to_string(&span),
        Err(_) => format!("{}s", age.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, show};

    #[test]
    fn an_age_is_read_and_shown() {
        for (text, seconds, shown) in [
            ("1s", 1, "1s"),
            ("90s", 90, "1m30s"),
            ("5m", 300, "5m"),
            ("1.5h", 5_400, "1h30m"),
            ("24h", 86_400, "1d"),
            ("36h", 129_600, "1d12h"),
            ("2w", 1_209_600, "14d"),
            ("30 days", 2_592_000, "30d"),
            ("3652500d", 315_576_000_000, "3652500d"),
        ] {
            let age = Duration::from_secs(seconds);
            assert_eq!(parse(text), Ok(age), "{text}");
            assert_eq!(show(age), shown);
            assert_eq!(parse(shown), Ok(age), "{shown}");
        }
        assert_eq!(show(Duration::from_secs(u64::MAX)), "18446744073709551615s");
    }

    #[test]
    fn what_is_no_age_is_refused() {
        for text in [
            "",
            "s",
            "0d",
            "-1d",
            "1d ago",
            "30",
            "500ms",
            "1.5s",
            "1y",
            "1mo",
            "99999999999999999999s",
            "18446744073709551615w",
            "1\u{e9}",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
