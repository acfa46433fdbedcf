//! Durations as options take them: `1d`, `12h`, `1h30m`, `90s`, and for some `off`.

use std::{str::FromStr, time::Duration};

use jiff::{SpanRelativeTo, fmt::friendly::SpanParser};
use serde::{Deserialize, Deserializer, de};

use crate::Error;

/// The time between the end of one run and the start of the next. `None`: no automatic runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Option<Duration>);

impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "off" | "0" => Ok(Self(None)),
            _ => match whole_seconds(text) {
                Some(interval) => Ok(Self((!interval.is_zero()).then_some(interval))),
                None => Err(Error::Config(format!(
                    "{text:?} is not a duration; write it like 1d, 12h, 30m, 90s or off"
                ))),
            },
        }
    }
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub Duration);

impl FromStr for Age {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        whole_seconds(text).map(Self).ok_or_else(|| {
            Error::Config(format!(
                "{text:?} is not a duration; write it like 1d, 12h, 30m or 90s"
            ))
        })
    }
}

/// Returns `None` if the text is no duration, or one that is negative or has a fraction of a second.
fn whole_seconds(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let duration = Duration::try_from(exact).ok()?;
    (duration.subsec_nanos() == 0).then_some(duration)
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Age, Interval};

    #[test]
    fn a_length_of_time_has_a_unit() {
        for (text, seconds) in [
            ("1d", 86_400),
            ("24h", 86_400),
            ("2w", 1_209_600),
            ("90m", 5_400),
            ("1h30m", 5_400),
            ("1.5h", 5_400),
            ("45 s", 45),
        ] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval, Interval(Some(Duration::from_secs(seconds))), "{text}");
            assert_eq!(
                text.parse::<Age>().unwrap(),
                Age(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["0", "off", "0s", "0d"] {
            assert_eq!(text.parse::<Interval>().unwrap(), Interval(None), "{text}");
        }
        assert!("off".parse::<Age>().is_err());
        for text in [
            "",
            "1",
            "d",
            "1y",
            "1mo",
            "-1d",
            "1d ago",
            "500ms",
            "1.5s",
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
