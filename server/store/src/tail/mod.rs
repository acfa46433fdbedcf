//! The end of the log in memory: the head, the most recent frames, and the index of all events that are not yet
//! indexed on disk. The appender adds the frames that it commits, and [`crate::read::follow`] those that other
//! servers commit.
//!
//! 1. Everything here is derived from committed frames. The tail is extended only after its head, so extending it
//!    twice with the same frames has no effect.
//! 2. Windows are consecutive, without gaps, from `indexed` or earlier up to the head. Every window but the last is
//!    complete. A window ends at a multiple of `window_events`, or earlier where a scavenge began; another server may
//!    have indexed a part of it.
//! 3. `known` holds, for streams that were looked up on disk, the last revision as of the head. A stream that gets
//!    events is removed from it, because from then on a window has its last revision.
//! 4. The settings of streams ([`Lifecycles`]) are as of the head, and change before the head does: a reader that
//!    sees a head also sees every setting recorded up to it.
//!
//! Limits: the ring is bounded in bytes; windows are bounded by `waiting_windows_max` (appends wait for the indexer)
//! and `retired_windows_max`; `known` by [`KNOWN_STREAMS_MAX`].

mod lookup;
mod minutes;
mod ring;
mod state;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use parking_lot::{RwLock, RwLockWriteGuard};

use crate::{
    format::{frame::Frame, wire::Malformed},
    index::Window,
    lifecycle::{Lifecycles, Marked},
    model::{
        append::{Append, Appended},
        error::Result,
        head::Head,
        settings::Settings,
    },
    values::{
        maps::HashMap,
        name::StreamName,
        position::{Position, Timestamp},
        signal::{Signal, Watcher},
    },
};

pub(crate) use lookup::{Look, Placed, Recent};
pub(crate) use minutes::Minutes;
use ring::Ring;
use state::State;

/// Maximum number of streams whose last revision is kept after a look-up on disk. About 100 bytes each.
const KNOWN_STREAMS_MAX: usize = 131_072;

/// The end of the log in memory.
#[derive(Debug)]
pub(crate) struct Tail {
    state: RwLock<State>,
    /// Position of the head, for tasks that wait for it.
    head: Signal<Position>,
    /// End of the complete windows, for the indexer, which writes them. It changes far less often than the head.
    complete: Signal<Position>,
    /// Position after which the windows begin.
    oldest: Signal<Position>,
    /// Position up to which the indexes are on disk, for tasks that wait for it.
    indexed: Signal<Position>,
    lifecycles: Lifecycles,
    window_events: u64,
    retired_windows_max: usize,
}

impl Tail {
    pub(crate) fn new(settings: &Settings) -> Self {
        let state = State {
            head: Head::default(),
            indexed: Position::START,
            minute: None,
            ring: Ring::new(settings.tail_bytes_max),
            sealed: VecDeque::new(),
            active: Window::new(Position::START),
            known: HashMap::default(),
        };
        Self {
            state: RwLock::new(state),
            head: Signal::new(Position::START),
            complete: Signal::new(Position::START),
            oldest: Signal::new(Position::START),
            indexed: Signal::new(Position::START),
            lifecycles: Lifecycles::default(),
            window_events: settings.window_events,
            retired_windows_max: settings.retired_windows_max,
        }
    }

    /// Returns the settings of streams, as of the head.
    pub(crate) const fn lifecycles(&self) -> &Lifecycles {
        &self.lifecycles
    }

    pub(crate) fn head(&self) -> Head {
        self.state.read().head.clone()
    }

    /// Returns the time at which the log's last event was recorded, as far as it is known.
    pub(crate) fn recorded_at(&self) -> Timestamp {
        self.state.read().head.recorded_at
    }

    pub(crate) fn head_position(&self) -> Position {
        self.head.get()
    }

    pub(crate) fn indexed(&self) -> Position {
        self.indexed.get()
    }

    pub(crate) fn watch_head(&self) -> Watcher<Position> {
        self.head.watch()
    }

    pub(crate) fn watch_complete(&self) -> Watcher<Position> {
        self.complete.watch()
    }

    pub(crate) fn watch_indexed(&self) -> Watcher<Position> {
        self.indexed.watch()
    }

    /// Discards everything and starts after `head`, up to which the log is indexed on disk. `minute` is the last
    /// minute that was recorded there, `marked` the stored settings of streams.
    pub(crate) fn restart(&self, head: Head, minute: Option<u64>, marked: Vec<(StreamName, Marked)>) {
        let indexed = head.position;
        let mut state = self.state.write();
        self.lifecycles.restart(marked);
        state.head = head;
        state.indexed = indexed;
        state.minute = minute;
        state.ring.clear();
        state.sealed.clear();
        state.active = Window::new(indexed);
        state.known.clear();
        drop(state);
        self.oldest.set(indexed);
        self.indexed.set(indexed);
        self.complete.set(indexed);
        self.head.set(indexed);
    }

    /// Adds frames that were committed, and the head that they lead to. Frames or parts of frames that are already
    /// here are skipped.
    pub(crate) fn extend(&self, frames: Vec<Frame>, head: Head) -> Result<()> {
        let mut state = self.state.write();
        if head.position <= state.head.position {
            return Ok(());
        }
        for frame in frames {
            state.add(frame, &self.lifecycles, self.window_events)?;
        }
        self.move_head(state, head)
    }

    /// Adds frames of these appends, which this server wrote after the head, and the head that they lead to. The
    /// events are taken from the appends, so that they need not be parsed from the frames again.
    pub(crate) fn extend_with<'a>(
        &self,
        frames: Vec<Frame>,
        appends: impl Iterator<Item = (&'a Append, &'a Appended)>,
        head: Head,
    ) -> Result<()> {
        let mut state = self.state.write();
        for (append, appended) in appends {
            state.add_append(append, appended, &self.lifecycles, self.window_events)?;
        }
        for frame in frames {
            state.ring.push(Arc::new(frame));
        }
        self.move_head(state, head)
    }

    fn move_head(&self, mut state: RwLockWriteGuard<'_, State>, head: Head) -> Result<()> {
        if state.active.last != head.position {
            return Err(Malformed("log: frames do not lead to the head").into());
        }
        let position = head.position;
        let complete = state.active.after;
        state.head = head;
        let evicted = state.ring.take_evicted();
        drop(state);
        self.complete
            .set_if(|before| (*before != complete).then_some(complete));
        self.head.set(position);
        drop(evicted);
        Ok(())
    }

    /// Completes the window that is being filled, so that the indexer writes it now, and returns its last position.
    pub(crate) fn seal(&self) -> Position {
        let mut state = self.state.write();
        let last = state.active.last;
        if last > state.active.after {
            state.seal();
        }
        drop(state);
        self.complete.set_if(|before| (*before != last).then_some(last));
        last
    }

    /// Returns the oldest complete window that is not on disk.
    pub(crate) fn next_to_index(&self) -> Option<Arc<Window>> {
        let state = self.state.read();
        state
            .sealed
            .iter()
            .find(|window| window.last > state.indexed)
            .cloned()
    }

    /// Returns the window that is not complete, if it covers any position.
    pub(crate) fn incomplete(&self) -> Option<Window> {
        let state = self.state.read();
        (state.active.last > state.active.after).then(|| state.active.clone())
    }

    /// Whether the indexes on disk end within a window, as they do after a log was moved here.
    pub(crate) fn is_cut_by(&self, indexed: Position) -> bool {
        let state = self.state.read();
        let within = |window: &Window| window.after < indexed && indexed < window.last;
        (state.active.after < indexed && indexed <= state.active.last)
            || state.sealed.iter().any(|window| within(window))
    }

    /// Returns the windows that are not on disk, oldest first; the last one is a copy.
    pub(crate) fn unindexed(&self) -> Vec<Arc<Window>> {
        let state = self.state.read();
        let sealed = state.sealed.iter().filter(|window| window.last > state.indexed);
        sealed.cloned().chain([Arc::new(state.active.clone())]).collect()
    }

    /// Returns the number of complete windows that are not on disk.
    pub(crate) fn waiting_windows(&self) -> usize {
        let state = self.state.read();
        state
            .sealed
            .iter()
            .filter(|window| window.last > state.indexed)
            .count()
    }

    /// Records that the indexes are on disk up to `indexed`, and drops windows that are no longer needed.
    pub(crate) fn set_indexed(&self, indexed: Position) {
        let mut state = self.state.write();
        if indexed <= state.indexed {
            return;
        }
        state.indexed = indexed;
        let retired = state
            .sealed
            .iter()
            .filter(|window| window.last <= indexed)
            .count();
        // Dropped after the lock is released, because freeing them takes long.
        let retired: Vec<Arc<Window>> = state
            .sealed
            .drain(..retired.saturating_sub(self.retired_windows_max))
            .collect();
        let oldest = state.oldest();
        drop(state);
        self.oldest.set(oldest);
        self.indexed.set(indexed);
        drop(retired);
    }

    /// Returns a position after which everything is in memory; earlier events may be in memory too.
    pub(crate) fn oldest(&self) -> Position {
        self.oldest.get()
    }

    /// Returns frames from the one that holds `from` on; see [`Ring::forwards`].
    pub(crate) fn frames_forwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        self.state.read().ring.forwards(from, bytes)
    }

    /// Returns frames from the one that holds `from` back; see [`Ring::backwards`].
    pub(crate) fn frames_backwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        self.state.read().ring.backwards(from, bytes)
    }

    /// Returns for each position the frame that holds it, if it is in memory.
    pub(crate) fn frames_holding(&self, positions: &[Position]) -> Vec<Option<Arc<Frame>>> {
        let state = self.state.read();
        positions
            .iter()
            .map(|position| state.ring.holding(*position).cloned())
            .collect()
    }
}
