//! The amount of work to measure, and the time it takes.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::workload::Workload;
use crate::stores::Name;

/// Amounts given on the command line. The rest is as in a full run, or with `--quick` as little as shows that
/// everything works.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct Amounts {
    /// One round of one second each, over a short log, without waiting for an idle machine: a functional check with
    /// rough figures
    #[arg(long)]
    quick: bool,

    /// Number of rounds; the medians count [default: 3; with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,

    /// Seconds of each measurement, after a warm-up of a fifth of that [default: 3; with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: Option<u64>,

    /// Events in the log that is read [default: 200000; with --quick 20000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10_000..))]
    events: Option<u64>,

    /// Events to which `growth` grows a log [default: 20000000; with --quick 2000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000_000..))]
    growth: Option<u64>,

    /// Time limit in seconds for `growth` of one store [default: 900; with --quick 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    growth_seconds: Option<u64>,

    /// Number of repeats of a run that other programs or the disk disturbed; the least disturbed run counts [default:
    /// 2; with --quick 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20))]
    repeats: Option<u32>,

    /// Seconds to wait before each run for other programs to become idle [default: 10; with --quick 0]
    #[arg(long, value_name = "SECONDS")]
    quiet_wait: Option<u64>,
}

/// The amounts to measure, with defaults applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Scale {
    pub(super) rounds: u32,
    /// Seconds of one measurement.
    pub(super) seconds: u64,
    /// Events in the log that is read.
    pub(super) events: u64,
    /// Events to which a log is grown, and the time limit in seconds.
    pub(super) growth: u64,
    pub(super) growth_seconds: u64,
    pub(super) repeats: u32,
    pub(super) quiet_wait_seconds: u64,
}

impl Amounts {
    pub(super) fn scale(&self) -> Scale {
        let of = |said: Option<u64>, full, quick| said.unwrap_or(if self.quick { quick } else { full });
        let of_count =
            |said: Option<u32>, full: u32, quick: u32| said.unwrap_or(if self.quick { quick } else { full });
        Scale {
            rounds: of_count(self.rounds, 3, 1),
            seconds: of(self.seconds, 3, 1),
            events: of(self.events, 200_000, 20_000),
            growth: of(self.growth, 20_000_000, 2_000_000),
            growth_seconds: of(self.growth_seconds, 900, 30),
            repeats: of_count(self.repeats, 2, 0),
            quiet_wait_seconds: of(self.quiet_wait, 10, 0),
        }
    }
}

/// Rate of single appends at which the slowest store fills the log that is read.
const FILLING_PER_SECOND: f64 = 10_000.0;
/// Seconds to start a store in an empty folder until it answers, and to stop it.
const START_SECONDS: f64 = 3.0;
/// Seconds around each run: connecting, and checking for other programs.
const AROUND_SECONDS: f64 = 0.7;

impl Scale {
    /// Estimates the time without disturbances; growth counts with its limit.
    pub(super) fn estimate(&self, stores: &[Name], workloads: &[Workload]) -> Duration {
        let seconds: f64 = stores
            .iter()
            .map(|&store| {
                let offered = workloads.iter().filter(|workload| workload.is_offered_by(store));
                let filling =
                    match workloads.iter().any(|workload| workload.needs_a_log()) && !store.is_limit() {
                        true => self.events as f64 / FILLING_PER_SECOND,
                        false => 0.0,
                    };
                START_SECONDS + filling + offered.map(|workload| self.of_one(*workload)).sum::<f64>()
            })
            .sum();
        Duration::from_secs_f64(seconds * f64::from(self.rounds))
    }

    fn of_one(&self, workload: Workload) -> f64 {
        AROUND_SECONDS
            + match workload {
                Workload::Growth => self.growth_seconds as f64,
                _ if workload.is_timed() => self.seconds as f64 * 1.2,
                Workload::DiskSize | Workload::Memory => 0.0,
                _ => 2.0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::workload::chosen;

    fn amounts(quick: bool) -> Amounts {
        Amounts {
            quick,
            rounds: None,
            seconds: None,
            events: None,
            growth: None,
            growth_seconds: None,
            repeats: None,
            quiet_wait: None,
        }
    }

    const STORES: [Name; 7] = [
        Name::Annals,
        Name::AnnalsFoundationdb,
        Name::Umadb,
        Name::MessageDb,
        Name::Nats,
        Name::Echo,
        Name::Disk,
    ];

    #[test]
    fn what_is_said_counts_even_with_quick() {
        let said = Amounts {
            rounds: Some(2),
            ..amounts(true)
        };
        let scale = said.scale();
        assert_eq!((scale.rounds, scale.seconds, scale.repeats), (2, 1, 0));
        assert_eq!(amounts(false).scale().rounds, 3);
    }

    #[test]
    fn everything_takes_minutes_with_quick_and_less_than_an_hour_without() {
        let workloads = chosen(&["all".to_owned()]).unwrap();
        let minutes = |quick| amounts(quick).scale().estimate(&STORES, &workloads).as_secs() / 60;
        assert!((3..8).contains(&minutes(true)), "{}", minutes(true));
        assert!((20..50).contains(&minutes(false)), "{}", minutes(false));
    }
}
