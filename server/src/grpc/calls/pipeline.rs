//! Pipelines of appends: many appends in flight on one call.
//!
//! ```text
//! requests -> look_up -> batch -> submitting -> waiting (in order) -> results
//! ```
//!
//! 1. Appends are submitted to the store in the order in which they arrive. Results are sent in that order, one for
//!    each append.
//! 2. At most [`IN_FLIGHT_MAX`] appends wait for their result; then no more requests are read, and the client's
//!    window fills.
//! 3. Results that are ready share a message, but none waits for one that is not ready.
//! 4. If an append is refused, as invalid or by the store, that is a result like any other.
//! 5. When the client closes its side or the connection breaks, or when the server drains, received appends get their
//!    results before the call ends.
//!
//! A pipeline is one stream that its connection polls, without a task, a timer or a channel of its own: an append
//! costs a place in a queue. A client that does not read its results is not polled, so its requests are not read
//! either.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use annals_proto::v1::{self as pb, pipelined_result::Result as OneOf};
use annals_store::{Append, Appended, Error, Limits, Pending, RecentStreams, Store, StreamName, Submission};
use futures::Stream;
use prost::Message;
use tokio_util::sync::{CancellationToken, ReusableBoxFuture, WaitForCancellationFutureOwned};
use tonic::Status;

use super::append_log::AppendLine;
use crate::grpc::{
    generated::internal::ForwardRequest,
    request, response,
    status::{self, Invalid, Refusal},
    wire::{codec::Encode, encoded::AppendPipelineRequest, raw::PipelineResponse},
};

/// The most appends of one pipeline that wait for their result.
const IN_FLIGHT_MAX: usize = 4_096;
/// The most appends that are submitted before results are polled again, so that neither starves the other.
const TAKEN_AT_ONCE_MAX: usize = 512;
/// Bytes of requests from which no further request is added to a batch. A batch needs one lookup in the store.
const TAKEN_AT_ONCE_BYTES: usize = 1 << 20;
/// The most results in one message.
const MESSAGE_RESULTS_MAX: usize = 512;

/// Bytes of results from which a message is full. One result has at most half a megabyte of stream names, so a
/// message stays below the 4 MiB that clients accept by default.
const MESSAGE_BYTES: usize = 1 << 20;

/// The responses of one pipeline.
pub(crate) struct Pipeline<R> {
    store: Store,
    /// Whether another server forwards the appends of its clients in this pipeline.
    is_forwarded: bool,
    /// `None` once the client has closed its side, the connection is broken, or the server drains.
    requests: Option<R>,
    recent_streams: RecentStreams,
    /// Whether a lookup for the last received appends is in progress.
    is_looking_up: bool,
    /// The future of the lookup; kept, so that its memory is reused.
    look_up: ReusableBoxFuture<'static, Vec<Submitted>>,
    /// Appends of the last batch that are not submitted yet.
    batch: vec::IntoIter<Submitted>,
    /// The append that is waiting for room in the store, if any.
    submitting: Option<Asked>,
    /// The future of that append; kept, so that its memory is reused.
    submit: ReusableBoxFuture<'static, Result<Pending, Error>>,
    waiting: VecDeque<Waiting>,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The status with which the call ends after the last result.
    ending: Option<Status>,
}

/// A received append that is ready to be submitted, or the reason why it is refused.
type Submitted = Result<Submission, Refusal>;

/// An append whose result is not available yet, or not next in order.
struct Waiting {
    outcome: Outcome,
    asked: Asked,
}

/// Properties of an append that its result needs.
#[derive(Default)]
struct Asked {
    /// The streams of an append to several streams.
    streams: Option<Vec<StreamName>>,
    line: Option<Box<AppendLine>>,
}

impl Asked {
    fn of(append: &Append) -> Self {
        let to_many = append.expected().is_none();
        Self {
            streams: to_many.then(|| append.streams().cloned().collect()),
            line: AppendLine::of(append),
        }
    }

    /// Adds the result to a response.
    fn tell(&self, result: &Result<Appended, Refusal>, response: &mut PipelineResponse) {
        let result = match (result, &self.streams) {
            (Ok(appended), None) => return response.push_appended(appended),
            (Ok(appended), Some(streams)) => {
                OneOf::AppendedToMany(response::appended_to_many(appended, streams))
            }
            (Err(refusal), _) => OneOf::Error(status::to_rpc(refusal)),
        };
        response.push(&pb::PipelinedResult { result: Some(result) });
    }
}

enum Outcome {
    Pending(Pending),
    Refused(Refusal),
}

/// A message with appends.
pub(crate) trait Appends {
    /// Number of bytes of the message.
    fn bytes(&self) -> usize;

    /// Parses the appends. Fails if the message as a whole is invalid.
    fn parse(self, limits: &Limits) -> Result<Vec<Result<Append, Invalid>>, Invalid>;
}

impl Appends for AppendPipelineRequest {
    fn bytes(&self) -> usize {
        self.bytes().len()
    }

    fn parse(self, limits: &Limits) -> Result<Vec<Result<Append, Invalid>>, Invalid> {
        request::pipelined_appends(&self, limits)
    }
}

impl Appends for ForwardRequest {
    fn bytes(&self) -> usize {
        Message::encoded_len(self)
    }

    fn parse(self, limits: &Limits) -> Result<Vec<Result<Append, Invalid>>, Invalid> {
        request::forwarded_appends(self, limits)
    }
}

impl<M: Appends, R: Stream<Item = Result<M, Status>> + Unpin> Pipeline<R> {
    pub(super) fn new(store: Store, requests: R, is_forwarded: bool, drain: CancellationToken) -> Self {
        Self {
            store,
            is_forwarded,
            requests: Some(requests),
            recent_streams: RecentStreams::default(),
            is_looking_up: false,
            look_up: ReusableBoxFuture::new(std::future::pending()),
            batch: Vec::new().into_iter(),
            submitting: None,
            submit: ReusableBoxFuture::new(std::future::pending()),
            waiting: VecDeque::new(),
            drain: Box::pin(drain.cancelled_owned()),
            ending: None,
        }
    }

    /// Submits appends until none has been received, the store has no room, or enough are in flight. Returns whether
    /// it should be called again without being woken.
    fn take_in(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..TAKEN_AT_ONCE_MAX {
            if self.waiting.len() >= IN_FLIGHT_MAX {
                return false;
            }
            if self.submitting.is_none() {
                match self.poll_append(cx) {
                    Poll::Ready(Some(append)) => self.begin(append),
                    Poll::Ready(None) | Poll::Pending => return false,
                }
            }
            if let Some(asked) = self.submitting.take() {
                let outcome = match self.submit.poll(cx) {
                    Poll::Ready(Ok(pending)) => Outcome::Pending(pending),
                    Poll::Ready(Err(error)) => Outcome::Refused(error.into()),
                    Poll::Pending => {
                        self.submitting = Some(asked);
                        return false;
                    }
                };
                self.waiting.push_back(Waiting { outcome, asked });
            }
        }
        true
    }

    /// Submits an append to the store, or begins to wait for room.
    fn begin(&mut self, append: Submitted) {
        let submission = match append {
            Ok(submission) => submission,
            Err(refusal) => {
                return self.waiting.push_back(Waiting {
                    outcome: Outcome::Refused(refusal),
                    asked: Asked::default(),
                });
            }
        };
        let asked = Asked::of(submission.append());
        let submission = match self.store.try_submit(submission, self.is_forwarded) {
            Ok(pending) => {
                let outcome = Outcome::Pending(pending);
                return self.waiting.push_back(Waiting { outcome, asked });
            }
            Err(submission) => submission,
        };
        self.submitting = Some(asked);
        let (store, is_forwarded) = (self.store.clone(), self.is_forwarded);
        self.submit.set(async move {
            if is_forwarded {
                store.submit_forwarded(submission).await
            } else {
                store.submit(submission).await
            }
        });
    }

    /// Returns the next append that was received.
    fn poll_append(&mut self, cx: &mut Context<'_>) -> Poll<Option<Submitted>> {
        loop {
            if let Some(append) = self.batch.next() {
                return Poll::Ready(Some(append));
            }
            if self.is_looking_up {
                self.batch = std::task::ready!(self.look_up.poll(cx)).into_iter();
                self.is_looking_up = false;
                continue;
            }
            let appends = self.received(cx);
            if !appends.is_empty() {
                self.begin_batch(appends);
            } else if self.requests.is_none() {
                return Poll::Ready(None);
            } else {
                return Poll::Pending;
            }
        }
    }

    /// Returns the appends of the requests that have arrived, up to the size of a batch.
    fn received(&mut self, cx: &mut Context<'_>) -> Vec<Result<Append, Invalid>> {
        let (mut received, mut bytes) = (Vec::new(), 0);
        while let Some(requests) = &mut self.requests
            && received.len() < TAKEN_AT_ONCE_MAX
            && bytes < TAKEN_AT_ONCE_BYTES
            && let Poll::Ready(request) = Pin::new(requests).poll_next(cx)
        {
            match request {
                Some(Ok(request)) => {
                    bytes += request.bytes();
                    match request.parse(self.store.limits()) {
                        Ok(appends) => received.extend(appends),
                        Err(invalid) => self.end(Some(invalid.into())),
                    }
                }
                Some(Err(status)) => self.end(Some(status::explained(status))),
                None => self.end(None),
            }
        }
        received
    }

    /// Makes a batch of appends, and begins one lookup for all of them if any of them needs it.
    fn begin_batch(&mut self, appends: Vec<Result<Append, Invalid>>) {
        let appends = appends.into_iter().map(|append| append.map_err(Refusal::from));
        let batch = self.store.submissions(appends, &mut self.recent_streams);
        if !batch.iter().any(must_look_up) {
            self.batch = batch.into_iter();
            return;
        }
        self.look_up.set(look_up(self.store.clone(), batch));
        self.is_looking_up = true;
    }

    /// Reads no more requests. If called again, the first status is kept.
    fn end(&mut self, status: Option<Status>) {
        if self.requests.take().is_some() {
            self.ending = status;
        }
    }

    /// Returns the results that are ready, in order.
    fn results(&mut self, cx: &mut Context<'_>) -> PipelineResponse {
        let mut response = PipelineResponse::default();
        while response.results() < MESSAGE_RESULTS_MAX && response.encoded_len() < MESSAGE_BYTES {
            let Some(front) = self.waiting.front_mut() else {
                break;
            };
            let result = match &mut front.outcome {
                Outcome::Pending(pending) => match Pin::new(pending).poll(cx) {
                    Poll::Ready(result) => {
                        if let Some(line) = front.asked.line.take() {
                            line.write(&result);
                        }
                        result.map_err(Refusal::Store)
                    }
                    Poll::Pending => break,
                },
                Outcome::Refused(refusal) => Err(refusal.clone()),
            };
            front.asked.tell(&result, &mut response);
            self.waiting.pop_front();
        }
        response
    }
}

/// Looks up the data that a batch of appends needs. If that fails, the appends that need any are refused.
async fn look_up(store: Store, mut batch: Vec<Submitted>) -> Vec<Submitted> {
    if let Err(error) = store.look_up(batch.iter_mut().flatten()).await {
        for submitted in batch.iter_mut().filter(|submitted| must_look_up(submitted)) {
            *submitted = Err(error.clone().into());
        }
    }
    batch
}

/// Whether the store must look up what an append needs.
fn must_look_up(submitted: &Submitted) -> bool {
    submitted
        .as_ref()
        .is_ok_and(|submission| !submission.is_looked_up())
}

impl<M: Appends, R: Stream<Item = Result<M, Status>> + Unpin> Stream for Pipeline<R> {
    type Item = Result<PipelineResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.requests.is_some() && this.drain.as_mut().poll(cx).is_ready() {
            this.end(Some(status::of_store(Error::Closed)));
        }
        let again = this.take_in(cx);
        let response = this.results(cx);
        if response.results() > 0 {
            return Poll::Ready(Some(Ok(response)));
        }
        if again {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let nothing_left = this.requests.is_none()
            && !this.is_looking_up
            && this.batch.as_slice().is_empty()
            && this.submitting.is_none()
            && this.waiting.is_empty();
        if nothing_left {
            Poll::Ready(this.ending.take().map(Err))
        } else {
            Poll::Pending
        }
    }
}
