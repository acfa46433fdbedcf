//! The contents of the tail, and how events are added to it.

use std::{collections::VecDeque, sync::Arc};

use uuid::Uuid;

use super::Ring;
use crate::{
    format::{
        frame::Frame,
        record::{Placement, View},
        wire::Malformed,
    },
    index::{Request, Window},
    lifecycle::Lifecycles,
    model::{
        append::{Append, Appended, Run},
        error::Result,
        head::Head,
    },
    values::{
        maps::HashMap,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// The append that begins with an event.
#[derive(Clone, Copy)]
struct Begun {
    events: u32,
    /// Whether the append is deduplicated by that event's id.
    keyed: bool,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) head: Head,
    pub(super) indexed: Position,
    /// Minute of the last event, to detect where the next minute begins.
    pub(super) minute: Option<u64>,
    pub(super) ring: Ring,
    /// Complete windows, oldest first; those up to `indexed` are kept only as a cache.
    pub(super) sealed: VecDeque<Arc<Window>>,
    pub(super) active: Window,
    pub(super) known: HashMap<StreamName, Option<Revision>>,
}

impl State {
    pub(super) fn add(&mut self, frame: Frame, lifecycles: &Lifecycles, window_events: u64) -> Result<()> {
        if frame.last <= self.active.last {
            return Ok(());
        }
        if frame.is_moved() {
            return self.add_moved(frame, lifecycles, window_events);
        }
        let mut entries = frame.entries();
        let mut marks = frame.marks()?.into_iter();
        let mut left = 0;
        while let Some(record) = entries.next_record()? {
            let mut begun = None;
            if left == 0 {
                let mark = marks
                    .next()
                    .ok_or(Malformed("frame: more events than its marks count"))?;
                left = mark.events;
                begun = (!mark.continued).then_some(Begun {
                    events: mark.events,
                    keyed: mark.keyed,
                });
            }
            left = left
                .checked_sub(1)
                .ok_or(Malformed("frame: an append without events"))?;
            let event = View::parse(record)?;
            // A frame may begin before the first window does.
            if event.position > self.active.last {
                self.add_event(&event, begun, lifecycles, window_events)?;
            }
        }
        if self.active.last != frame.last {
            return Err(Malformed("frame: does not hold the events it is filed under").into());
        }
        self.ring.push(Arc::new(frame));
        Ok(())
    }

    /// Adds a frame that covers positions whose events were removed in the store that it was moved from.
    fn add_moved(&mut self, frame: Frame, lifecycles: &Lifecycles, window_events: u64) -> Result<()> {
        let mut entries = frame.entries();
        while let Some(record) = entries.next_record()? {
            let event = View::parse(record)?;
            if event.position > frame.last {
                return Err(Malformed("frame: a position it does not cover").into());
            }
            // A frame may begin before the first window does.
            if event.position > self.active.last {
                self.skip_to(Position(event.position.0 - 1), window_events);
                self.add_event(&event, None, lifecycles, window_events)?;
            }
        }
        self.skip_to(frame.last, window_events);
        self.ring.push(Arc::new(frame));
        Ok(())
    }

    /// Moves the end of the windows to a position, without events.
    fn skip_to(&mut self, position: Position, window_events: u64) {
        while self.active.last < position {
            let window_end = (self.active.last.0 / window_events + 1) * window_events;
            self.active.last = position.min(Position(window_end));
            if self.active.last.0 == window_end {
                self.seal();
            }
        }
    }

    /// Adds the events of an append that was written after the head.
    pub(super) fn add_append(
        &mut self,
        append: &Append,
        appended: &Appended,
        lifecycles: &Lifecycles,
        window_events: u64,
    ) -> Result<()> {
        let firsts = appended.firsts();
        if appended.first_position != self.active.last.next() {
            return Err(Malformed("log: positions do not follow each other").into());
        }
        if lifecycles.is_empty() && !append.streams().any(StreamName::is_reserved) {
            let mut keyed = append.is_keyed().then(|| (append.events[0].id, append.count()));
            for run in append.runs(&firsts) {
                self.add_run(run, keyed.take(), appended.recorded_at, window_events)?;
            }
            return Ok(());
        }
        let mut position = appended.first_position;
        let mut begun = Some(Begun {
            events: append.count(),
            keyed: append.is_keyed(),
        });
        for event in append.placed(&firsts) {
            let placement = Placement {
                stream: event.stream.as_str(),
                revision: event.revision,
                position,
                recorded_at: appended.recorded_at,
            };
            let event = View::of_body(event.body, placement)?;
            self.add_event(&event, begun.take(), lifecycles, window_events)?;
            position = position.next();
        }
        Ok(())
    }

    /// Adds events of a stream, if no stream has settings and these events set none.
    fn add_run(
        &mut self,
        run: Run<'_>,
        mut keyed: Option<(Uuid, u32)>,
        recorded_at: Timestamp,
        window_events: u64,
    ) -> Result<()> {
        let minute = recorded_at.minute();
        let mut left = run;
        while left.len() > 0 {
            let first = self.active.last.next();
            let room = window_events - self.active.last.0 % window_events;
            let (run, behind) = left.split_at(left.len().min(super::lookup::to_len(room)));
            left = behind;
            self.active.add_run(run)?;
            self.active
                .begin(first, recorded_at, keyed.take(), self.minute != Some(minute));
            self.minute = Some(minute);
            if run.first == Revision::FIRST {
                self.active.begin_stream(run.stream.as_str(), first, recorded_at);
            }
            self.seal_if_full(window_events);
        }
        if !self.known.is_empty() {
            self.known.remove(run.stream);
        }
        Ok(())
    }

    /// Adds an event. `begun`: the append that begins with the event, if one does.
    fn add_event(
        &mut self,
        event: &View<'_>,
        begun: Option<Begun>,
        lifecycles: &Lifecycles,
        window_events: u64,
    ) -> Result<()> {
        let minute = event.recorded_at.minute();
        let keyed = match begun {
            Some(Begun { events, keyed: true }) => Some((event.id()?, events)),
            _ => None,
        };
        self.active.add(event, keyed, self.minute != Some(minute))?;
        self.minute = Some(minute);
        let last = |stream: &str| self.last_revision(stream).flatten();
        if lifecycles.take(event, last)? {
            self.active
                .begin_stream(event.stream, event.position, event.recorded_at);
            if let Some(Begun { events, .. }) = begun
                && event.revision > Revision::FIRST
            {
                let request = Request {
                    first: event.position,
                    events,
                };
                let key = (StreamName::trusted(event.stream), event.id()?);
                self.active.began_again.insert(key, request);
            }
        }
        if !self.known.is_empty() {
            self.known.remove(event.stream);
        }
        self.seal_if_full(window_events);
        Ok(())
    }

    fn seal_if_full(&mut self, window_events: u64) {
        if self.active.last.0.is_multiple_of(window_events) {
            self.seal();
        }
    }

    /// Completes the window that is being filled.
    pub(super) fn seal(&mut self) {
        let next = Window::new(self.active.last);
        self.sealed
            .push_back(Arc::new(std::mem::replace(&mut self.active, next)));
    }
}
