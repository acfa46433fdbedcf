//! Makes a store from the parts of another.

mod writing;

use std::{collections::HashMap, sync::Arc};

use annals_engine::{Commit, Mutation};
use bytes::{Bytes, BytesMut};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::{
    Gap, KnownAppend, MovedEvent, StreamState,
    framer::Framer,
    origin::{self, Origin},
    removal,
};
use crate::{
    format::{
        keys,
        record::{self, Place, Placement, TimeField, View},
    },
    index::{self, Request},
    lifecycle::Marked,
    model::{
        append,
        error::{Error, Result},
        rejection::Rejection,
    },
    read::{follow::fresh_head, last_in, read_end},
    shared::Shared,
    state::transfer::{self as state_transfer, ScopeChanges},
    tasks::snapshot::{self, Snapshot},
    values::{
        limits,
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// An import of a log into this store. Parts that were written are kept even if the import is interrupted;
/// [`Self::finish`] completes it.
pub struct Import {
    shared: Arc<Shared>,
    source: Uuid,
    /// The origin as it is stored.
    origin: Option<Origin>,
    framer: Framer,
    /// Time when the last event was recorded.
    recorded_at: Timestamp,
    /// Position up to which the log is written.
    written: Position,
    /// Last revisions of streams, including the events that wait to be written.
    lasts: HashMap<StreamName, Option<Revision>>,
    /// Whether streams may have events before removed ones.
    may_have_holes: bool,
    /// Whether all events have arrived and are indexed on disk.
    is_settled: bool,
    /// Held so that only one import runs at a time.
    _only: OwnedMutexGuard<()>,
}

fn invalid<T>(problem: impl Into<String>) -> Result<T> {
    Err(Error::MoveInvalid(problem.into()))
}

impl Import {
    pub(crate) async fn begin(shared: Arc<Shared>, source: Uuid) -> Result<Self> {
        if !shared.settings.accept_recorded_times {
            return Err(Rejection::RecordedTimeNotAccepted.into());
        }
        let only = Arc::clone(&shared.importing)
            .try_lock_owned()
            .map_err(|_| Error::Overloaded("concurrent imports, which is one"))?;
        fresh_head(&shared).await?;
        let (stored, head) = origin::read(&*shared.engine).await?;
        let state_sum = state_transfer::sum_of_versions(&shared).await?;
        let origin = origin::check(stored, head.position, state_sum, source)?;
        let span_max = shared.settings.window_events;
        let mut import = Self {
            framer: Framer::new(head.position, batch(&shared), span_max),
            source,
            origin,
            recorded_at: head.recorded_at,
            written: head.position,
            lasts: HashMap::new(),
            may_have_holes: head.position > Position::START,
            is_settled: false,
            shared,
            _only: only,
        };
        if import.may_have_holes {
            // If a stream has lost events since then, the rest of its events begins in another window.
            import.settle().await?;
        }
        Ok(import)
    }

    /// Position up to which the log is here already. The import continues after it.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.written
    }

    /// Adds the next events of the log.
    ///
    /// # Errors
    /// [`Error::MoveInvalid`] if they are not the next ones, or can't be stored; [`Error::Rejected`] if a time is out
    /// of range; [`Error::MoveRefused`] if other events were appended to this store; [`Error::Unavailable`].
    pub async fn events(&mut self, events: Vec<MovedEvent>) -> Result<()> {
        self.learn_lasts(&events).await?;
        for event in events {
            self.event(event).await?;
            self.write_if_full().await?;
        }
        Ok(())
    }

    /// Adds positions whose events are removed.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn gap(&mut self, gap: Gap) -> Result<()> {
        self.check_next(gap.first)?;
        if gap.last < gap.first || gap.last.0 == u64::MAX {
            return invalid(format!(
                "a gap can't reach from position {} to {}",
                gap.first, gap.last
            ));
        }
        if let Some(recorded_at) = gap.recorded_at {
            self.check_time(recorded_at)?;
            self.recorded_at = recorded_at;
        }
        while !self.framer.skip(gap.last) {
            self.write_if_full().await?;
        }
        self.write_if_full().await
    }

    /// Adds the next changes of a scope of state. If they come after version 0, they replace the scope.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn state(&mut self, changes: ScopeChanges) -> Result<()> {
        self.write().await?;
        self.unfinish().await?;
        state_transfer::restore(&self.shared, changes, self.check()?).await
    }

    /// Adds the states of streams, after all events.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn streams(&mut self, states: Vec<StreamState>) -> Result<()> {
        self.end_log().await?;
        for state in &states {
            let began = state.began.map_or(state.last_position, |(first, _)| first);
            if began > state.last_position || began == Position::START || state.last_position > self.written {
                return invalid(format!(
                    "stream {:?} can't end at position {}",
                    state.stream, state.last_position
                ));
            }
        }
        let check = self.check()?;
        removal::take_streams(&self.shared, states, self.may_have_holes, &check).await
    }

    /// Adds appends that are recognised by their ids, after all events.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn appends(&mut self, appends: Vec<KnownAppend>) -> Result<()> {
        self.end_log().await?;
        let mut mutations = Vec::with_capacity(appends.len());
        for KnownAppend { id, position, events } in appends {
            let last = position.0.checked_add(u64::from(events)).map(|end| end - 1);
            let fits = position > Position::START && last.is_some_and(|last| last <= self.written.0);
            if events == 0 || events as usize > limits::APPEND_EVENTS_MAX || !fits {
                return invalid(format!(
                    "append {id} can't have {events} events from position {position} on"
                ));
            }
            let request = Request {
                first: position,
                events,
            };
            let mut value = BytesMut::new();
            index::put_request(&mut value, request);
            mutations.push(Mutation::Set(keys::request(id), value.freeze()));
        }
        removal::write(&self.shared, mutations, &self.check()?).await
    }

    /// Adds a snapshot, after all events.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn snapshot(&mut self, snapshot: Snapshot) -> Result<()> {
        self.end_log().await?;
        let (bytes, bytes_max) = (
            snapshot.data.len(),
            self.shared.settings.limits.snapshot_bytes_max,
        );
        if bytes > bytes_max {
            return invalid(format!(
                "the snapshot of stream {:?} has {bytes} bytes, but this server takes at most {bytes_max}; start it \
                 with a larger limit",
                snapshot.stream
            ));
        }
        snapshot::restore(&self.shared, snapshot).await
    }

    /// Writes all parts added so far and waits until they are durable, so that they are kept if nothing more arrives.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn flush(&mut self) -> Result<()> {
        self.write().await
    }

    /// Completes the import after all parts, and allows appends. `head` is the source's head.
    ///
    /// # Errors
    /// Same as [`Self::events`].
    pub async fn finish(mut self, head: Position) -> Result<()> {
        self.end_log().await?;
        if head != self.written {
            return invalid(format!(
                "the export ends at position {head}, but its events end at {}",
                self.written
            ));
        }
        if let Some(origin) = self.origin {
            let finished = Origin {
                finished: true,
                state_sum: state_transfer::sum_of_versions(&self.shared).await?,
                ..origin
            };
            let commit = Commit::durable()
                .check(keys::origin(), Some(origin.to_value()))
                .set(keys::origin(), finished.to_value());
            self.shared.engine.commit(commit).await?;
            // Results of earlier look-ups must not hide the entries that were written to the indexes.
            self.restart().await?;
        }
        self.shared
            .moving
            .store(false, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    async fn event(&mut self, moved: MovedEvent) -> Result<()> {
        let MovedEvent {
            event,
            stream,
            revision,
            position,
            recorded_at,
        } = moved;
        self.check_next(position)?;
        self.check_time(recorded_at)?;
        append::check_event(0, &event, &self.shared.settings.limits)
            .or_else(|error| invalid(format!("the event at position {position}: {error}")))?;
        let last = match self.lasts.get(&stream) {
            Some(last) => *last,
            None => self.shared.tail.last_revision(&stream).flatten(),
        };
        if last >= Some(revision) || revision.0 == u64::MAX {
            return invalid(format!(
                "the event at position {position} is revision {revision} of stream {stream:?}, which already has \
                 that revision"
            ));
        }
        if last.is_some_and(|last| last.next() < revision) {
            // Events were removed from the source after earlier ones were exported. The rest begins in another
            // window.
            self.write().await?;
            self.settle().await?;
            self.may_have_holes = true;
        }
        if stream.is_reserved() != event.kind.as_str().starts_with('$') {
            return invalid(format!(
                "the event at position {position} has type {:?}, which can't be in stream {stream:?}",
                event.kind
            ));
        }
        let mut body = BytesMut::with_capacity(record::body_len(&event));
        record::put_body(&mut body, &event);
        let placement = Placement {
            stream: stream.as_str(),
            revision,
            position,
            recorded_at,
        };
        Marked::of_event(&View::of_body(&body, placement)?)
            .or_else(|error| invalid(format!("the event at position {position}: {error}")))?;
        let time = TimeField::new(recorded_at);
        let place = Place {
            stream: stream.as_str(),
            revision,
            position,
            time: &time,
        };
        self.framer.push(&body, &place);
        self.recorded_at = recorded_at;
        self.lasts.insert(stream, Some(revision));
        Ok(())
    }

    fn check_next(&self, position: Position) -> Result<()> {
        if self.is_settled {
            return invalid("events and gaps must come before all other parts");
        }
        let next = self.framer.next();
        if position == next {
            return Ok(());
        }
        invalid(format!(
            "position {position} does not follow; the next position is {next}"
        ))
    }

    /// Checks that the time is not before that of the previous event, nor in the future.
    fn check_time(&self, recorded_at: Timestamp) -> Result<()> {
        let now = self.shared.environment.clock.now();
        if recorded_at >= self.recorded_at && recorded_at <= now {
            return Ok(());
        }
        let is_first = self.framer.next() == Position::START.next();
        Err(Error::Rejected(Rejection::RecordedTimeOutOfRange {
            recorded_at,
            earliest: (!is_first).then_some(self.recorded_at),
            latest: now,
        }))
    }

    /// Looks up the last revisions that neither this import nor the tail knows, in one round trip.
    async fn learn_lasts(&mut self, events: &[MovedEvent]) -> Result<()> {
        let mut unknown = Vec::new();
        for MovedEvent { stream, .. } in events {
            if !self.lasts.contains_key(stream) {
                let known = self.shared.tail.last_revision(stream);
                if known.is_none() {
                    unknown.push(stream.clone());
                }
                self.lasts.insert(stream.clone(), known.flatten());
            }
        }
        if unknown.is_empty() || self.shared.tail.indexed() == Position::START {
            return Ok(());
        }
        let snapshot = self.shared.engine.snapshot().await?;
        let pages = snapshot.read(unknown.iter().map(read_end).collect()).await?;
        for (stream, page) in unknown.into_iter().zip(pages) {
            self.lasts.insert(stream, last_in(&page)?);
        }
        Ok(())
    }

    /// The key and the value that every write to the indexes checks.
    fn check(&self) -> Result<(Bytes, Bytes)> {
        match self.origin {
            Some(origin) => Ok((keys::origin(), origin.to_value())),
            None => invalid("an export without events can't have other parts"),
        }
    }
}

/// Returns a batch number that no other commit has.
fn batch(shared: &Shared) -> u64 {
    shared.change_ids.next().as_u64_pair().1
}
