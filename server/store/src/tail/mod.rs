//! The end of the log in memory: the head, the most recent frames, and the index of all events that are not yet indexed
//! on disk. The appender extends it with what it commits, and [`crate::read::follow`] with what others commit.
//!
//! 1. Everything here follows from committed frames. It is extended only behind the head, so extending it twice with the
//!    same frames does nothing.
//! 2. Windows follow each other without gaps, from `indexed` or earlier up to the head. Every window but the last is
//!    complete. A window ends at a multiple of `window_events`, or earlier where a scavenge began; another server may have
//!    indexed a part of it.
//! 3. `known` holds, for streams that were looked up on disk, the last revision as of the head. A stream that gets
//!    events leaves it, because from then on a window knows better.
//! 4. What is set for streams ([`Lifecycles`]) is as of the head, and moves before the head does: who knows a head sees
//!    what was set up to it.
//!
//! Limits: the ring is bounded in bytes; windows are bounded by `waiting_windows_max` (appends wait for the indexer) and
//! `retired_windows_max`; `known` by [`KNOWN_STREAMS_MAX`].

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

/// Streams whose last revision is remembered after a look-up on disk. About 100 bytes each.
const KNOWN_STREAMS_MAX: usize = 131_072;

/// The end of the log in memory.
#[derive(Debug)]
pub(crate) struct Tail {
    state: RwLock<State>,
    /// The head's position, for those who wait for it.
    head: Signal<Position>,
    /// Up to where there are complete windows, for who writes them: far fewer changes than the head has.
    complete: Signal<Position>,
    /// Where the windows begin.
    oldest: Signal<Position>,
    /// Up to where the indexes are on disk, for those who wait for that.
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

    /// What is set for streams, as of the head.
    pub(crate) const fn lifecycles(&self) -> &Lifecycles {
        &self.lifecycles
    }

    pub(crate) fn head(&self) -> Head {
        self.state.read().head.clone()
    }

    /// When the log's last event was recorded, as far as it is known.
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

    /// Forgets everything and begins behind what is indexed, which is where `head` is, with the minute that was recorded
    /// last there and with what is stored as set for streams.
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

    /// Takes frames that were committed and the head they led to. Frames, or parts of them, that are here already are
    /// passed over.
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

    /// The same for frames that were made here, behind the head, of these appends: what is known of their events need not
    /// be read out of the frames again.
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

    /// Completes the window that is being filled, so that the indexer writes it now, and returns the last position.
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

    /// The oldest complete window that is not on disk.
    pub(crate) fn next_to_index(&self) -> Option<Arc<Window>> {
        let state = self.state.read();
        state
            .sealed
            .iter()
            .find(|window| window.last > state.indexed)
            .cloned()
    }

    /// The window that is not complete, if it has any position.
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

    /// The windows that are not on disk, oldest first: a copy of the last one.
    pub(crate) fn unindexed(&self) -> Vec<Arc<Window>> {
        let state = self.state.read();
        let sealed = state.sealed.iter().filter(|window| window.last > state.indexed);
        sealed.cloned().chain([Arc::new(state.active.clone())]).collect()
    }

    /// Complete windows that are not on disk.
    pub(crate) fn waiting_windows(&self) -> usize {
        let state = self.state.read();
        state
            .sealed
            .iter()
            .filter(|window| window.last > state.indexed)
            .count()
    }

    /// Notes that the indexes up to `indexed` are on disk, and lets go of windows that are no longer needed.
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
        // Freeing them takes long.
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

    /// Everything after this position is in memory, or more.
    pub(crate) fn oldest(&self) -> Position {
        self.oldest.get()
    }

    /// Frames from the one that holds `from` on; see [`Ring::forwards`].
    pub(crate) fn frames_forwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        self.state.read().ring.forwards(from, bytes)
    }

    /// Frames from the one that holds `from` back; see [`Ring::backwards`].
    pub(crate) fn frames_backwards(&self, from: Position, bytes: usize) -> Option<Vec<Arc<Frame>>> {
        self.state.read().ring.backwards(from, bytes)
    }

    /// For each position the frame that holds it, where it is here.
    pub(crate) fn frames_holding(&self, positions: &[Position]) -> Vec<Option<Arc<Frame>>> {
        let state = self.state.read();
        positions
            .iter()
            .map(|position| state.ring.holding(*position).cloned())
            .collect()
    }
}
