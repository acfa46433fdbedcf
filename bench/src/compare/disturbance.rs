//! Detects whether other programs or a slow disk disturbed a run.
//!
//! 1. The activity during a run decides whether the run counts, never its figure.
//! 2. Two things are measured: the number of cores kept busy by neither the generator nor the store during the run
//!    (from `/proc/stat`; time stolen by the host counts), and the time that a write and fdatasync of 4 KiB to a bare
//!    file takes right before and right after the run.
//! 3. A sync is slow relative to the median of all syncs taken before runs, so a slow disk alone does not disturb a
//!    run.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{Result, disk, load::Measured, quick::quiet, report::OTHERS_CORES_BUSY, statistics::Summary};

/// A sync that takes this many times the usual time counts as a disturbance.
const SYNC_TIMES_MAX: f64 = 3.0;
/// Syncs per measurement of the disk: some milliseconds.
const SYNCS: usize = 40;
/// Interval between measurements of the disk while waiting for it.
const WAITING: Duration = Duration::from_millis(250);

/// Activity during a run besides the generator and the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Beside {
    pub(super) others_cores_busy: f64,
    /// Time of a write and fdatasync of 4 KiB: usually, before and after the run.
    pub(super) usual_sync_micros: f64,
    pub(super) sync_micros_before: f64,
    pub(super) sync_micros_after: f64,
}

impl Beside {
    /// Severity of the disturbance: a run with 1 or more is disturbed.
    pub(super) fn severity(&self) -> f64 {
        self.of_disk().max(self.others_cores_busy / OTHERS_CORES_BUSY)
    }

    fn slowest_sync_micros(&self) -> f64 {
        self.sync_micros_before.max(self.sync_micros_after)
    }

    fn of_disk(&self) -> f64 {
        if self.usual_sync_micros > 0.0 {
            self.slowest_sync_micros() / (self.usual_sync_micros * SYNC_TIMES_MAX)
        } else {
            0.0
        }
    }

    /// Describes the disturbance; `None` if there was none.
    pub(super) fn words(&self) -> Option<String> {
        if self.severity() < 1.0 {
            return None;
        }
        let mut words = Vec::new();
        if self.others_cores_busy >= OTHERS_CORES_BUSY {
            words.push(format!("other programs used {:.2} cores", self.others_cores_busy));
        }
        if self.of_disk() >= 1.0 {
            words.push(format!(
                "a sync took {:.0} us instead of the usual {:.0}",
                self.slowest_sync_micros(),
                self.usual_sync_micros
            ));
        }
        Some(words.join(", "))
    }
}

/// Measures the machine between runs.
#[derive(Debug)]
pub(super) struct Watch {
    data: PathBuf,
    /// Sync times measured before each run.
    syncs_micros: Vec<f64>,
}

impl Watch {
    /// Starts with `sync_micros`, the sync time measured before the first run.
    pub(super) fn new(data: PathBuf, sync_micros: f64) -> Self {
        Self {
            data,
            syncs_micros: vec![sync_micros],
        }
    }

    fn usual_sync_micros(&self) -> f64 {
        Summary::of(&self.syncs_micros).map_or(0.0, |summary| summary.median)
    }

    fn sync_micros(&self) -> Result<f64> {
        Ok(disk::sync_time(&self.data, SYNCS)?.as_secs_f64() * 1e6)
    }

    /// Waits until other programs and the disk are idle, up to `patience`.
    pub(super) async fn settled(&mut self, server: &[u32], patience: Duration) -> Result<Beside> {
        let deadline = Instant::now() + patience;
        quiet(server, patience).await;
        let mut before = self.sync_micros()?;
        while before >= self.usual_sync_micros() * SYNC_TIMES_MAX && Instant::now() < deadline {
            sleep(WAITING).await;
            before = self.sync_micros()?;
        }
        self.syncs_micros.push(before);
        Ok(Beside {
            usual_sync_micros: self.usual_sync_micros(),
            sync_micros_before: before,
            ..Beside::default()
        })
    }

    /// Returns the activity since `settled`.
    pub(super) fn since(&self, settled: Beside, measured: &Measured) -> Result<Beside> {
        Ok(Beside {
            others_cores_busy: measured.others_cores_busy,
            sync_micros_after: self.sync_micros()?,
            ..settled
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Beside = Beside {
        others_cores_busy: 0.05,
        usual_sync_micros: 150.0,
        sync_micros_before: 140.0,
        sync_micros_after: 300.0,
    };

    #[test]
    fn a_quiet_machine_disturbs_nothing() {
        assert!(QUIET.severity() < 1.0);
        assert_eq!(QUIET.words(), None);
    }

    #[test]
    fn others_on_the_cores_and_a_slow_disk_disturb_and_are_told() {
        let busy = Beside {
            others_cores_busy: 0.5,
            ..QUIET
        };
        assert!(busy.severity() > 2.0);
        assert_eq!(busy.words().unwrap(), "other programs used 0.50 cores");
        let slow = Beside {
            sync_micros_before: 600.0,
            ..QUIET
        };
        assert!(slow.severity() < busy.severity());
        assert_eq!(
            slow.words().unwrap(),
            "a sync took 600 us instead of the usual 150"
        );
    }

    #[tokio::test]
    async fn one_slow_start_does_not_make_every_later_sync_a_usual_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(folder.path().to_owned(), 1e9);
        for _ in 0..3 {
            watch.settled(&[], Duration::ZERO).await.unwrap();
        }
        assert!(watch.usual_sync_micros() < 1e8);
    }
}
