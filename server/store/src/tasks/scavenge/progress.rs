//! The progress of a scavenge, as it is stored.
//!
//! ```text
//! v -> layout 1 byte, 1 | state 1 byte: 0 there was none yet, 1 runs, 2 stopped, 3 finished
//!      | started at (in state 0: since when the schedule counts), ended at (0: not yet): 8 bytes each, microseconds
//!      | streams done, streams in all, events removed, bytes removed, steps: 8 bytes each
//!      | three texts, each its length (varint) and its bytes: the worker, the last stream that is done, the problem
//!      | through, ids kept: 8 bytes each; absent: 0, written by a version before there were any
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    format::wire::{self, Cursor, Malformed, Parsed},
    values::position::{Position, Timestamp},
};

const LAYOUT: u8 = 1;
/// Maximum bytes of a problem's text that are stored.
const PROBLEM_BYTES_MAX: usize = 1_024;

/// State of a scavenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScavengeState {
    /// It is running.
    Running,
    /// It was stopped before its end.
    Stopped,
    /// It reached its end.
    Finished,
}

/// A pass over the streams that may have removed events, and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scavenge {
    /// State of the scavenge.
    pub state: ScavengeState,
    /// Time when it was started.
    pub started_at: Timestamp,
    /// Time when it finished or was stopped.
    pub ended_at: Option<Timestamp>,
    /// Streams processed so far.
    pub streams_done: u64,
    /// Streams that had settings when it was started.
    pub streams_total: u64,
    /// Events removed so far.
    pub events_removed: u64,
    /// Bytes of frames removed so far, as they are stored before compression.
    pub bytes_removed: u64,
    /// Why the last attempt could not continue. Empty: there is no problem.
    pub problem: String,
    /// Events up to this position are scavenged. Later ones are kept for the next scavenge.
    pub through: Position,
    /// Appends of the last day whose first event is removed. Their ids are kept, so that a retry is recognised.
    pub ids_kept: u64,
}

/// Returns the part of a problem's text that is stored.
pub(super) fn shortened(problem: &str) -> &str {
    let ends = (0..=PROBLEM_BYTES_MAX.min(problem.len())).rev();
    let end = ends.into_iter().find(|end| problem.is_char_boundary(*end));
    &problem[..end.unwrap_or_default()]
}

/// A scavenge, and where it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub scavenge: Scavenge,
    /// Whether it was ever started. If not, it only records since when none was started.
    pub began: bool,
    /// Name of the server that works, as other servers know it.
    pub worker: String,
    /// Number of commits, so that no two values are the same.
    pub steps: u64,
    /// The last stream that is done, in the order of names.
    pub done: Option<String>,
}

impl Progress {
    /// Creates the progress of a new scavenge.
    pub(crate) fn begin(now: Timestamp, streams: usize) -> Self {
        Self {
            scavenge: Scavenge {
                state: ScavengeState::Running,
                started_at: now,
                ended_at: None,
                streams_done: 0,
                streams_total: streams as u64,
                events_removed: 0,
                bytes_removed: 0,
                problem: String::new(),
                through: Position::START,
                ids_kept: 0,
            },
            began: true,
            worker: String::new(),
            steps: 0,
            done: None,
        }
    }

    /// Creates the progress of a store without a scavenge so far. The schedule counts from now.
    pub(crate) fn none(now: Timestamp) -> Self {
        let mut progress = Self::begin(now, 0).ended(ScavengeState::Finished, now);
        progress.began = false;
        progress
    }

    pub(crate) const fn is_running(&self) -> bool {
        matches!(self.scavenge.state, ScavengeState::Running)
    }

    /// Returns the progress after its end.
    pub(crate) fn ended(mut self, state: ScavengeState, now: Timestamp) -> Self {
        self.scavenge.state = state;
        self.scavenge.ended_at = Some(now.max(self.scavenge.started_at));
        self.steps += 1;
        self
    }

    pub(crate) fn to_value(&self) -> Bytes {
        let scavenge = &self.scavenge;
        let mut value = BytesMut::new();
        value.put_u8(LAYOUT);
        value.put_u8(match scavenge.state {
            _ if !self.began => 0,
            ScavengeState::Running => 1,
            ScavengeState::Stopped => 2,
            ScavengeState::Finished => 3,
        });
        for number in [
            scavenge.started_at.micros,
            scavenge.ended_at.map_or(0, |ended| ended.micros.max(1)),
            scavenge.streams_done,
            scavenge.streams_total,
            scavenge.events_removed,
            scavenge.bytes_removed,
            self.steps,
        ] {
            value.put_u64(number);
        }
        let problem = shortened(&scavenge.problem);
        for text in [&self.worker, self.done.as_deref().unwrap_or_default(), problem] {
            wire::put_varint(&mut value, text.len() as u64);
            value.put_slice(text.as_bytes());
        }
        value.put_u64(scavenge.through.0);
        value.put_u64(scavenge.ids_kept);
        value.freeze()
    }

    pub(crate) fn from_value(value: &[u8]) -> Parsed<Self> {
        let short = Malformed("scavenge: progress");
        let [LAYOUT, state, rest @ ..] = value else {
            return Err(Malformed("scavenge: unknown layout"));
        };
        let began = *state != 0;
        let state = match state {
            0 => ScavengeState::Finished,
            1 => ScavengeState::Running,
            2 => ScavengeState::Stopped,
            3 => ScavengeState::Finished,
            _ => return Err(Malformed("scavenge: unknown state")),
        };
        let mut cursor = Cursor::new(rest);
        let mut number = || -> Parsed<u64> {
            let bytes = cursor.take(8)?.try_into().map_err(|_| short)?;
            Ok(u64::from_be_bytes(bytes))
        };
        let [started, ended, done, total, events, bytes, steps] = [
            number()?,
            number()?,
            number()?,
            number()?,
            number()?,
            number()?,
            number()?,
        ];
        let mut text = || -> Parsed<String> {
            let len = usize::try_from(cursor.varint()?).map_err(|_| short)?;
            let bytes = cursor.take(len)?;
            Ok(std::str::from_utf8(bytes).map_err(|_| short)?.to_owned())
        };
        let (worker, last, problem) = (text()?, text()?, text()?);
        let [through, ids_kept] = if cursor.rest().is_empty() {
            [0, 0]
        } else {
            let mut number = || -> Parsed<u64> {
                let bytes = cursor.take(8)?.try_into().map_err(|_| short)?;
                Ok(u64::from_be_bytes(bytes))
            };
            [number()?, number()?]
        };
        Ok(Self {
            scavenge: Scavenge {
                state,
                started_at: Timestamp::from_micros(started),
                ended_at: (ended > 0).then(|| Timestamp::from_micros(ended)),
                streams_done: done,
                streams_total: total,
                events_removed: events,
                bytes_removed: bytes,
                problem,
                through: Position(through),
                ids_kept,
            },
            began,
            worker,
            steps,
            done: Some(last).filter(|last| !last.is_empty()),
        })
    }
}
