//! Reads the whole content of a store.

use std::{collections::VecDeque, sync::Arc};

use annals_engine::{Direction, KeyRange, PageLimit};
use bytes::Bytes;

use super::{Gap, KnownAppend, Part, streams};
use crate::{
    format::{frame::Frame, keys, wire::Malformed},
    index,
    model::{
        error::{Error, Result},
        head::Head,
    },
    read::{
        BATCH_BYTES, Batch,
        follow::{self, fresh_head},
        gone::{self, Gone},
        log_reader::frames,
    },
    shared::Shared,
    state::transfer::StateReader,
    tasks::snapshot,
    values::{
        name::StreamName,
        position::{Position, Timestamp},
    },
};

/// Maximum number of appends in a part.
const APPENDS_MAX: usize = 1_000;

/// The whole content of a store, part by part. Nothing is read before it is requested.
pub struct Export {
    shared: Arc<Shared>,
    /// The head when the export began.
    begun_at: Position,
    /// The head at the moment as of which all state was read.
    end: Option<Head>,
    state: StateReader,
    /// The next position to read. After the whole log was read: the position after its head.
    next: Position,
    stage: Stage,
    /// Parts that were read but not returned yet.
    parts: VecDeque<Part>,
    batch: Batch,
    gap: Option<Gap>,
}

enum Stage {
    Log,
    State,
    Streams(Option<StreamName>),
    /// Appends that are in the tail.
    Recent,
    /// Appends in the index on disk.
    Stored(KeyRange),
    Snapshots(KeyRange),
    End,
    Over,
}

impl Export {
    pub(crate) async fn begin(shared: Arc<Shared>, after: Position) -> Result<Self> {
        if shared.is_moving() {
            return Err(Error::MoveUnfinished);
        }
        let head = fresh_head(&shared).await?;
        if after > head {
            return Err(Error::PositionBeyondHead {
                position: after,
                head,
            });
        }
        Ok(Self {
            begun_at: head,
            end: None,
            state: StateReader::default(),
            shared,
            next: after.next(),
            stage: Stage::Log,
            parts: VecDeque::new(),
            batch: Batch::default(),
            gap: None,
        })
    }

    /// Last position of the log when the export began. The export ends there or later.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.begun_at
    }

    /// Returns the next part; `None` after [`Part::End`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`], as reported by the engine; [`Error::Overloaded`] if state changes
    /// faster than it is exported.
    pub async fn next(&mut self) -> Result<Option<Part>> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Ok(Some(part));
            }
            if matches!(self.stage, Stage::Over) {
                return Ok(None);
            }
            self.read().await?;
            tokio::task::yield_now().await;
        }
    }

    async fn read(&mut self) -> Result<()> {
        let up_to = Position(self.next.0 - 1);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Log => self.log().await?,
            Stage::State => {
                let step = self.state.step(&self.shared).await?;
                self.parts.extend(step.changes.into_iter().map(Part::State));
                self.end = step.head;
                if self.end.is_some() {
                    Stage::Log
                } else {
                    Stage::State
                }
            }
            Stage::Streams(after) => {
                let (states, last) = streams::page(&self.shared, after.as_ref(), up_to).await?;
                if !states.is_empty() {
                    self.parts.push_back(Part::Streams(states));
                }
                last.map_or(Stage::Recent, |last| Stage::Streams(Some(last)))
            }
            Stage::Recent => {
                self.recent(up_to);
                Stage::Stored(keys::requests())
            }
            Stage::Stored(range) => match self.stored(range, up_to).await? {
                Some(range) => Stage::Stored(range),
                None => Stage::Snapshots(keys::all_snapshots()),
            },
            Stage::Snapshots(range) => match snapshot::next(&self.shared, range, up_to).await? {
                Some((found, rest)) => {
                    self.parts.extend(found.map(Part::Snapshot));
                    Stage::Snapshots(rest)
                }
                None => Stage::End,
            },
            Stage::End => {
                self.parts.push_back(Part::End(up_to));
                Stage::Over
            }
            Stage::Over => Stage::Over,
        };
        Ok(())
    }

    /// Reads a page of the log.
    async fn log(&mut self) -> Result<Stage> {
        let to = self.end.as_ref().map_or(self.begun_at, |end| end.position);
        if self.next > to {
            return Ok(match self.end.take() {
                // The log up to here explains each gap. A setting is known before an event that it removes is skipped.
                Some(end) if self.shared.tail.lifecycles().last_set() <= to => self.end_log(&end),
                _ => Stage::State,
            });
        }
        if fresh_head(&self.shared).await? < to {
            // The tail does not have the last commit yet.
            follow::refresh(&self.shared).await?;
        }
        let page = frames(&self.shared, self.next, Direction::Forwards, BATCH_BYTES).await?;
        let gone = gone::in_frames(&self.shared, &page).await?;
        for frame in page.iter().take_while(|frame| frame.last <= to) {
            if frame.first > self.next || frame.last < self.next {
                let next = self.next;
                return Err(Error::Corrupt(format!("no event is stored at position {next}")));
            }
            self.take(frame, &gone)?;
            self.next = frame.last.next();
        }
        self.end_batch();
        Ok(Stage::Log)
    }

    fn end_log(&mut self, end: &Head) -> Stage {
        if let Some(mut gap) = self.gap.take() {
            gap.recorded_at = Some(end.recorded_at);
            self.parts.push_back(Part::Gap(gap));
        }
        if self.shared.tail.lifecycles().is_empty() {
            Stage::Recent
        } else {
            Stage::Streams(None)
        }
    }

    /// Takes the visible events of a frame.
    fn take(&mut self, frame: &Frame, gone: &Gone) -> Result<()> {
        if !frame.is_sparse() && frame.first == self.next && !gone.any_in(frame) {
            let events = usize::try_from(frame.len()).map_err(|_| Malformed("frame: too long"))?;
            self.push(frame.body.clone(), events);
            return Ok(());
        }
        let mut next = self.next;
        for entry in frame.entries_between(self.next, frame.last)? {
            let event = entry.view()?;
            let (position, recorded_at) = (event.position, event.recorded_at);
            if gone.contains(position) {
                self.skip(next, position, Some(recorded_at));
            } else {
                if next < position {
                    self.skip(next, Position(position.0 - 1), None);
                }
                self.push(entry.into_bytes(), 1);
            }
            next = position.next();
        }
        if next <= frame.last {
            self.skip(next, frame.last, None);
        }
        Ok(())
    }

    fn push(&mut self, chunk: Bytes, events: usize) {
        self.parts.extend(self.gap.take().map(Part::Gap));
        self.batch.push(chunk, events);
    }

    fn skip(&mut self, first: Position, last: Position, recorded_at: Option<Timestamp>) {
        self.end_batch();
        let gap = self.gap.get_or_insert(Gap {
            first,
            last,
            recorded_at,
        });
        gap.last = last;
        gap.recorded_at = recorded_at.or(gap.recorded_at);
    }

    fn end_batch(&mut self) {
        if !self.batch.is_empty() {
            self.parts
                .push_back(Part::Events(std::mem::take(&mut self.batch)));
        }
    }

    /// Adds the appends that are in the tail.
    fn recent(&mut self, up_to: Position) {
        for window in self.shared.tail.unindexed() {
            let mut known: Vec<KnownAppend> = window
                .requests
                .iter()
                .filter(|(_, request)| request.first <= up_to)
                .map(|(id, request)| KnownAppend {
                    id: *id,
                    position: request.first,
                    events: request.events,
                })
                .collect();
            known.sort_unstable_by_key(|append| append.position);
            let parts = known.chunks(APPENDS_MAX).map(|part| Part::Appends(part.to_vec()));
            self.parts.extend(parts);
        }
    }

    /// Adds appends from the index on disk, and returns the range of the next ones.
    async fn stored(&mut self, range: KeyRange, up_to: Position) -> Result<Option<KeyRange>> {
        let limit = PageLimit::entries(APPENDS_MAX);
        let snapshot = self.shared.engine.snapshot().await?;
        let page = snapshot.range(range.clone(), Direction::Forwards, limit).await?;
        let rest = page.rest_of(range, Direction::Forwards);
        let mut known = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            let id = keys::parse_request(&entry.key).ok_or(Malformed("index: key of a request"))?;
            let request = index::parse_request(&entry.value)?;
            if request.first <= up_to {
                known.push(KnownAppend {
                    id,
                    position: request.first,
                    events: request.events,
                });
            }
        }
        if !known.is_empty() {
            self.parts.push_back(Part::Appends(known));
        }
        Ok(rest)
    }
}
