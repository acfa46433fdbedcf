//! Calls with a stream of responses: each step requests the next part from the store when the client has room for it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use annals_store::{LogReader, StreamReader, Subscription};
use futures::{Stream, stream};
use tonic::{Code, Status};

use crate::{
    grpc::{
        status,
        wire::raw::{ReadAllResponse, ReadStreamResponse, SubscriptionResponse},
    },
    metrics::Call,
};

/// A stream of responses, counted when it ends.
pub(crate) struct Counted<S> {
    answers: S,
    call: Call,
}

/// A stream of responses that is made from futures.
pub(crate) type Answers<T> = Counted<Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>>;

impl<S> Counted<S> {
    pub(super) const fn new(answers: S, call: Call) -> Self {
        Self { answers, call }
    }
}

impl<T, S: Stream<Item = Result<T, Status>> + Unpin> Stream for Counted<S> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.answers).poll_next(cx);
        match &next {
            Poll::Ready(None) => self.call.ended(Code::Ok),
            Poll::Ready(Some(Err(status))) => self.call.ended(status.code()),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        next
    }
}

/// State of a read. The first message is sent even if there are no events, to report the head.
enum Reading<R> {
    First(R),
    Behind(R),
    Done,
}

/// Returns the responses of a read of the log.
pub(super) fn log(reader: LogReader, call: Call) -> Answers<ReadAllResponse> {
    let answers = stream::try_unfold(Reading::First(reader), async |reading| {
        let (mut reader, first) = match reading {
            Reading::First(reader) => (reader, true),
            Reading::Behind(reader) => (reader, false),
            Reading::Done => return Ok::<_, Status>(None),
        };
        let head = reader.head().0;
        match reader.next().await.map_err(status::of_store)? {
            Some(batch) => Ok(Some((
                ReadAllResponse {
                    chunks: batch.chunks,
                    head,
                },
                Reading::Behind(reader),
            ))),
            None if first => Ok(Some((
                ReadAllResponse {
                    chunks: Vec::new(),
                    head,
                },
                Reading::Done,
            ))),
            None => Ok(None),
        }
    });
    Counted::new(Box::pin(answers), call)
}

/// Returns the responses of a read of one stream.
pub(super) fn events(reader: StreamReader, call: Call) -> Answers<ReadStreamResponse> {
    let answers = stream::try_unfold(Reading::First(reader), async |reading| {
        let (mut reader, first) = match reading {
            Reading::First(reader) => (reader, true),
            Reading::Behind(reader) => (reader, false),
            Reading::Done => return Ok::<_, Status>(None),
        };
        let (head, last_revision) = (reader.head().0, reader.last_revision().0);
        let answer = |chunks| ReadStreamResponse {
            chunks,
            head,
            last_revision,
        };
        match reader.next().await.map_err(status::of_store)? {
            Some(batch) => Ok(Some((answer(batch.chunks), Reading::Behind(reader)))),
            None if first => Ok(Some((answer(Vec::new()), Reading::Done))),
            None => Ok(None),
        }
    });
    Counted::new(Box::pin(answers), call)
}

/// Returns the responses of a subscription, until it fails or the client ends it.
pub(super) fn notices(subscription: Subscription, call: Call) -> Answers<SubscriptionResponse> {
    let answers = stream::try_unfold(subscription, async |mut subscription| {
        let notice = subscription.next().await.map_err(status::of_store)?;
        Ok::<_, Status>(Some((SubscriptionResponse::from(notice), subscription)))
    });
    Counted::new(Box::pin(answers), call)
}
