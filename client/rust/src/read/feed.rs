//! Source of a read's events: one call, and another after the last event received if the first breaks.
//!
//! 1. Each event is returned once, in order, and none that was appended after the read began: later events that
//!    another call would return are dropped.
//! 2. A read that makes no progress within the client's timeout fails, however often it is resumed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{
    self as pb, read_all_request::Until as OfLog, read_stream_request::Until as OfStream,
};
use futures::stream::{BoxStream, StreamExt};
use tokio::time::Instant;
use tonic::Streaming;

use super::{Events, Options, Until};
use crate::connection::{Picked, Stub};
use crate::error::{Error, Result};
use crate::event;
use crate::query::Direction;
use crate::retry::{Shared, Tries};

type Parts = BoxStream<'static, Result<Part, tonic::Status>>;

/// Starts a read.
pub(super) async fn open(read: Options) -> Result<Events> {
    let until = read.until.map(|until| until.of(read.stream.is_some()));
    let (shared, timeout) = (read.shared, read.timeout);
    let mut target = Target {
        stream: read.stream,
        direction: read.direction,
        from: read.from,
        limit: read.limit,
        query: (!read.query.items.is_empty()).then(|| read.query.into()),
        until,
    };
    let ((first, parts), picked) = shared
        .call_somewhere(timeout, |stub| target.clone().open(stub))
        .await?;
    let last = target.ends_at(&first);
    // The server does not report where the log ended at a time. The first event received then determines where to
    // resume; without one, there is nothing to resume.
    let untold = matches!(target.until, Some(PastEnd::LogAt(_)));
    if target.direction == Direction::Backwards && !untold {
        // Events that are appended before the read is resumed are not part of it.
        target.from.get_or_insert(last);
    }
    let mut feed = Feed {
        tries: Tries::new(&shared.retry, &shared.connection),
        shared,
        timeout,
        target,
        last,
        complete: false,
        live: Some((parts, picked)),
        lost_at: None,
    };
    let received = feed.take(first.events);
    let rest = futures::stream::try_unfold(feed, |mut feed| async move {
        let events = feed.next().await?;
        Ok(events.map(|events| (events, feed)))
    });
    Ok(Events {
        head: first.head.into(),
        last_revision: first.last_revision.map(Into::into),
        received,
        rest: rest.boxed(),
    })
}

/// The rest of the events to read.
#[derive(Clone)]
struct Target {
    stream: Option<String>,
    direction: Direction,
    from: Option<u64>,
    limit: Option<u64>,
    query: Option<pb::Query>,
    until: Option<PastEnd>,
}

/// The end of a read of a past state.
#[derive(Clone, Copy)]
enum PastEnd {
    Revision(u64),
    StreamAt(prost_types::Timestamp),
    Position(u64),
    LogAt(prost_types::Timestamp),
}

impl Until {
    /// Converts to the end of a stream, or of the log.
    fn of(self, stream: bool) -> PastEnd {
        match self {
            Until::Revision(revision) => PastEnd::Revision(revision.0),
            Until::Position(position) => PastEnd::Position(position.0),
            Until::Time(time) if stream => PastEnd::StreamAt(event::to_time(time)),
            Until::Time(time) => PastEnd::LogAt(event::to_time(time)),
        }
    }
}

impl Target {
    /// Returns the last revision or position that the read can include, and fixes it for resumed calls.
    fn ends_at(&mut self, first: &Part) -> u64 {
        match (first.last_revision, self.until) {
            (Some(last), Some(_)) => {
                self.until = Some(PastEnd::Revision(last));
                last
            }
            (Some(last), None) => last,
            (None, Some(PastEnd::Position(position))) => position,
            (None, _) => first.head,
        }
    }

    /// Starts a call, and waits for its first message; there is at least one.
    async fn open(self, mut stub: Stub) -> Result<(Part, Parts), tonic::Status> {
        let direction = pb::Direction::from(self.direction).into();
        let (limit, query) = (self.limit, self.query);
        let (until_stream, until_log) = match self.until {
            None => (None, None),
            Some(PastEnd::Revision(revision)) => (Some(OfStream::UntilRevision(revision)), None),
            Some(PastEnd::StreamAt(time)) => (Some(OfStream::UntilTime(time)), None),
            Some(PastEnd::Position(position)) => (None, Some(OfLog::UntilPosition(position))),
            Some(PastEnd::LogAt(time)) => (None, Some(OfLog::UntilTime(time))),
        };
        match self.stream {
            Some(stream) => {
                let request = pb::ReadStreamRequest {
                    stream,
                    direction,
                    from_revision: self.from,
                    limit,
                    query,
                    until: until_stream,
                };
                first(stub.read_stream(request).await?.into_inner()).await
            }
            None => {
                let request = pb::ReadAllRequest {
                    direction,
                    from_position: self.from,
                    limit,
                    query,
                    until: until_log,
                };
                first(stub.read_all(request).await?.into_inner()).await
            }
        }
    }
}

async fn first<M>(mut answers: Streaming<M>) -> Result<(Part, Parts), tonic::Status>
where
    M: Into<Part> + Send + 'static,
{
    match answers.message().await? {
        Some(message) => {
            let rest = answers.map(|answer| answer.map(Into::into));
            Ok((message.into(), rest.boxed()))
        }
        None => Err(tonic::Status::unavailable(
            "the read ended before its first message",
        )),
    }
}

/// A message of either kind of read.
struct Part {
    events: Vec<pb::RecordedEvent>,
    head: u64,
    last_revision: Option<u64>,
}

impl From<pb::ReadStreamResponse> for Part {
    fn from(message: pb::ReadStreamResponse) -> Self {
        Part {
            events: message.events,
            head: message.head,
            last_revision: Some(message.last_revision),
        }
    }
}

impl From<pb::ReadAllResponse> for Part {
    fn from(message: pb::ReadAllResponse) -> Self {
        Part {
            events: message.events,
            head: message.head,
            last_revision: None,
        }
    }
}

/// A read and its current call.
struct Feed {
    shared: Arc<Shared>,
    timeout: Duration,
    /// The rest of the read, as the next call would request it.
    target: Target,
    /// The log's last position, or the stream's last revision, when the read began.
    last: u64,
    /// Whether every event was received. The call is still read to its end, so that the server does not see it as
    /// cancelled.
    complete: bool,
    live: Option<(Parts, Picked)>,
    tries: Tries,
    /// The time since which no call has returned events.
    lost_at: Option<Instant>,
}

impl Feed {
    /// Returns the events of the next message; `None` at the end.
    async fn next(&mut self) -> Result<Option<VecDeque<pb::RecordedEvent>>> {
        loop {
            let Some((parts, picked)) = &mut self.live else {
                if self.complete {
                    return Ok(None);
                }
                return self.reopen().await.map(Some);
            };
            let error = match tokio::time::timeout(self.timeout, parts.next()).await {
                Ok(Some(Ok(part))) => return Ok(Some(self.take(part.events))),
                Ok(None) => return Ok(None),
                Ok(Some(Err(failed))) => self.shared.failed(*picked, &failed),
                Err(_elapsed) => Error::DeadlineExceeded {
                    after: self.timeout,
                    last: None,
                },
            };
            self.live = None;
            if !self.complete {
                self.pause_after(error).await?;
            }
        }
    }

    async fn reopen(&mut self) -> Result<VecDeque<pb::RecordedEvent>> {
        let target = &self.target;
        let call = |stub| target.clone().open(stub);
        let ((part, parts), picked) = self.shared.call_somewhere(self.timeout, call).await?;
        self.live = Some((parts, picked));
        Ok(self.take(part.events))
    }

    /// Waits before the read is resumed, or returns the error if it can't be resumed.
    async fn pause_after(&mut self, error: Error) -> Result<()> {
        // A call that sent nothing for the whole timeout has used all the time available.
        if !error.is_retryable() || matches!(error, Error::DeadlineExceeded { .. }) {
            return Err(error);
        }
        let Some(pause) = self.tries.after_failure() else {
            return Err(error);
        };
        let lost_at = *self.lost_at.get_or_insert_with(Instant::now);
        if lost_at.elapsed() + pause >= self.timeout {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, from = self.target.from, "read broke, resuming");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Updates the state with the events of a message.
    fn take(&mut self, events: Vec<pb::RecordedEvent>) -> VecDeque<pb::RecordedEvent> {
        let (last, by_revision) = (self.last, self.target.stream.is_some());
        let place = |event: &pb::RecordedEvent| match by_revision {
            true => event.revision,
            false => event.position,
        };
        let came = events.len();
        let events: VecDeque<_> = events.into_iter().filter(|event| place(event) <= last).collect();
        if events.len() < came {
            // The rest of the call is newer as well.
            (self.complete, self.live) = (true, None);
        }
        let Some(latest) = events.back().map(place) else {
            return events;
        };
        self.lost_at = None;
        self.tries.reset();
        let beginning = u64::from(!by_revision);
        let next = match self.target.direction {
            Direction::Forwards => (latest < last).then_some(latest + 1),
            Direction::Backwards => latest.checked_sub(1).filter(|next| *next >= beginning),
        };
        if let Some(limit) = &mut self.target.limit {
            *limit = limit.saturating_sub(events.len() as u64);
        }
        self.target.from = next;
        self.complete |= next.is_none() || self.target.limit == Some(0);
        events
    }
}
