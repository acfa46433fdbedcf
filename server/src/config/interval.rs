//! Durations as options take them: `1d`, `12h`, `30m`, `90s`, or `off`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

use crate::Error;

/// The time between the end of one run and the start of the next. `None`: no automatic runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Option<Duration>);

/// Largest first, so that an interval is displayed in the largest unit that divides it.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::Config(format!(
                "{text:?} is not a duration; write it like 1d, 12h, 30m, 90s or off"
            ))
        };
        if text == "off" || text == "0" {
            return Ok(Self(None));
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
        let unit = text[digits..].trim_start();
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?;
        let seconds = number.checked_mul(*factor).ok_or_else(refuse)?;
        Ok(Self((seconds > 0).then(|| Duration::from_secs(seconds))))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(interval) = self.0 else {
            return f.write_str("off");
        };
        let seconds = interval.as_secs();
        let divides = |(_, factor): &&(&str, u64)| seconds >= *factor && seconds.is_multiple_of(*factor);
        let (unit, factor) = UNITS.iter().find(divides).unwrap_or(&("s", 1));
        write!(f, "{}{unit}", seconds / factor)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn a_length_of_time_has_a_unit() {
        for (text, seconds, shown) in [
            ("1d", 86_400, "1d"),
            ("24h", 86_400, "1d"),
            ("90m", 5_400, "90m"),
            ("60m", 3_600, "1h"),
            ("45 s", 45, "45s"),
        ] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(
                interval.0.map(|interval| interval.as_secs()),
                Some(seconds),
                "{text}"
            );
            assert_eq!(interval.to_string(), shown);
        }
        for text in ["0", "off", "0s", "0d"] {
            assert_eq!(text.parse::<Interval>().unwrap(), Interval(None), "{text}");
        }
        for text in [
            "",
            "1",
            "d",
            "1w",
            "-1d",
            "1.5h",
            "1d2h",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("{text:?}")) && error.contains("30m"),
                "{error}"
            );
        }
    }
}
