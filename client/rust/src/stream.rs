//! Information about streams, and listing them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use annals_proto::v1 as pb;
use futures::stream::{BoxStream, Stream, StreamExt};
use jiff::Timestamp;

use crate::connection::Stub;
use crate::error::{Error, Result};
use crate::event;
use crate::position::{Position, Revision};
use crate::retention::Retention;
use crate::retry::Shared;

/// Maximum number of streams on a page, from the protocol.
const PAGE_STREAMS: u32 = 1_000;

/// The store's information about a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's name.
    pub name: String,
    /// Revision of its first remaining event; one after the last revision if all are removed.
    pub first_revision: Revision,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of the event that started it, or restarted it after its last deletion.
    pub first_position: Position,
    /// Position of its last event.
    pub last_position: Position,
    /// The time at which that event was recorded.
    pub created_at: Timestamp,
    /// How much of it is kept, as set for the stream itself.
    pub retention: Retention,
    /// The prefix whose retention applies because the stream has no count and no age of its own.
    pub retention_prefix: Option<String>,
}

impl TryFrom<pb::Stream> for StreamInfo {
    type Error = Error;

    fn try_from(stream: pb::Stream) -> Result<Self> {
        Ok(StreamInfo {
            name: stream.name,
            first_revision: stream.first_revision.into(),
            last_revision: stream.last_revision.into(),
            first_position: stream.first_position.into(),
            last_position: stream.last_position.into(),
            created_at: event::parse_time(stream.created_at.as_ref(), "created_at")?,
            retention: stream.retention.unwrap_or_default().try_into()?,
            retention_prefix: Some(stream.retention_prefix).filter(|prefix| !prefix.is_empty()),
        })
    }
}

/// Streams in the order of their names' bytes, as a [`Stream`], fetched page by page on demand.
pub struct Streams {
    pages: BoxStream<'static, Result<Vec<pb::Stream>>>,
    received: VecDeque<pb::Stream>,
}

impl Streams {
    pub(crate) fn list(shared: Arc<Shared>, timeout: Duration, prefix: String) -> Self {
        let pages = futures::stream::try_unfold(Some(String::new()), move |token| {
            let (shared, prefix) = (shared.clone(), prefix.clone());
            async move {
                let Some(page_token) = token else { return Ok(None) };
                let request = pb::ListStreamsRequest {
                    prefix,
                    page_size: Some(PAGE_STREAMS),
                    page_token,
                };
                let call = |mut stub: Stub| {
                    let request = request.clone();
                    async move { stub.list_streams(request).await }
                };
                let page = shared.call(timeout, call).await?.into_inner();
                let next = (!page.next_page_token.is_empty()).then_some(page.next_page_token);
                Ok(Some((page.streams, next)))
            }
        });
        Streams {
            pages: pages.boxed(),
            received: VecDeque::new(),
        }
    }

    /// Returns the next stream; `None` after the last. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<StreamInfo>> {
        StreamExt::next(self).await
    }
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams")
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

impl Stream for Streams {
    type Item = Result<StreamInfo>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(stream) = self.received.pop_front() {
                return Poll::Ready(Some(stream.try_into()));
            }
            match ready!(self.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => self.received = page.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
