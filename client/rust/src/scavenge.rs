//! Reclaiming the space of removed events.

use annals_proto::v1 as pb;
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::event;
use crate::position::Position;

/// The state of a scavenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScavengeState {
    /// It is running.
    Running,
    /// It was stopped before its end; starting a scavenge continues it.
    Stopped,
    /// It has finished.
    Finished,
}

/// One pass over all streams with removed events, and its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scavenge {
    /// The current state.
    pub state: ScavengeState,
    /// The time at which it was started.
    pub started_at: Timestamp,
    /// The time at which it finished or was stopped.
    pub ended_at: Option<Timestamp>,
    /// Number of streams processed so far.
    pub streams_done: u64,
    /// Number of streams with settings when it was started.
    pub streams_total: u64,
    /// Number of events removed so far.
    pub events_removed: u64,
    /// Bytes of frames removed so far, before compression. The engine frees the disk space some time later.
    pub bytes_removed: u64,
    /// The error that stopped the last attempt to continue. It is retried. Empty if there is none.
    pub problem: String,
    /// Events up to this position are scavenged: the head when the work began. Later ones are left for the next
    /// scavenge.
    pub through_position: Position,
    /// Number of appends of the last day whose first event is removed. Their ids are kept, so that a retry is
    /// recognised.
    pub ids_kept: u64,
}

impl Scavenge {
    /// Returns `None` if no scavenge was ever started.
    pub(crate) fn of(scavenge: Option<pb::Scavenge>) -> Result<Option<Self>> {
        let Some(scavenge) = scavenge else {
            return Ok(None);
        };
        let state = match scavenge.state() {
            pb::ScavengeState::Unspecified => return Err(Error::protocol("a scavenge has no known state")),
            pb::ScavengeState::Running => ScavengeState::Running,
            pb::ScavengeState::Stopped => ScavengeState::Stopped,
            pb::ScavengeState::Finished => ScavengeState::Finished,
        };
        let ended_at = scavenge.ended_at.as_ref();
        Ok(Some(Scavenge {
            state,
            started_at: event::parse_time(scavenge.started_at.as_ref(), "started_at")?,
            ended_at: ended_at
                .map(|at| event::parse_time(Some(at), "ended_at"))
                .transpose()?,
            streams_done: scavenge.streams_done,
            streams_total: scavenge.streams_total,
            events_removed: scavenge.events_removed,
            bytes_removed: scavenge.bytes_removed,
            problem: scavenge.problem,
            through_position: scavenge.through_position.into(),
            ids_kept: scavenge.ids_kept,
        }))
    }
}
