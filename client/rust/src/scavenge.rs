//! Reclaiming the space of events that are gone.

use annals_proto::v1 as pb;
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::event;

/// Whether a scavenge runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScavengeState {
    /// It runs.
    Running,
    /// It was stopped before its end; starting goes on with it.
    Stopped,
    /// It came to its end.
    Finished,
}

/// One pass over all streams of which something is gone, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scavenge {
    /// Whether it runs.
    pub state: ScavengeState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was finished or stopped.
    pub ended_at: Option<Timestamp>,
    /// Streams looked at so far.
    pub streams_done: u64,
    /// Streams that had anything set for them when it was started.
    pub streams_total: u64,
    /// Events removed so far.
    pub events_removed: u64,
    /// Bytes of frames removed so far, before compression. The engine gives them back to the disk in its own time.
    pub bytes_removed: u64,
    /// Why it could not go on at the last try. It is tried again. Empty: nothing went wrong.
    pub problem: String,
    /// Events up to this position are scavenged: the head when the work began. Later ones are kept for the next scavenge.
    pub through_position: u64,
    /// Appends of the last day whose first event is removed. Their ids are kept, so that a retry is recognised.
    pub ids_kept: u64,
}

impl Scavenge {
    /// `None`: there was never one.
    pub(crate) fn of(scavenge: Option<pb::Scavenge>) -> Result<Option<Self>> {
        let scavenge = scavenge.ok_or_else(|| Error::protocol("a scavenge is missing"))?;
        let state = match scavenge.state() {
            pb::ScavengeState::Unspecified => return Ok(None),
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
            through_position: scavenge.through_position,
            ids_kept: scavenge.ids_kept,
        }))
    }
}
