//! Many appends in flight on one call.
//!
//! ```text
//! requests -> look_up -> batch -> submitting -> waiting (in order) -> results
//! ```
//!
//! 1. Appends are handed to the store in the order in which they came, and answered in that order, one result for each.
//! 2. At most [`IN_FLIGHT_MAX`] wait for their result; then no more requests are read, and the client's window fills.
//! 3. Results that are ready travel together, but none waits for one that is not.
//! 4. An append that is refused, by its form or by the store, is a result as any other.
//! 5. When the client closed its side, or broke it, or the server drains, what was received is answered before the call
//!    ends.
//!
//! It is one stream that is polled by its connection, without a task, a timer or a channel of its own: an append costs a
//! place in a queue. A client that does not read its results is not polled, so it is not read from either.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use annals_proto::v1::{self as pb, session_result::Result as OneOf};
use annals_store::{
    Append, Appended, Error, Pending, Position, RecentStreams, Store, StreamName, Submission,
};
use futures::Stream;
use tokio_util::sync::{CancellationToken, ReusableBoxFuture, WaitForCancellationFutureOwned};
use tonic::Status;

use super::{
    append_log::AppendLine,
    codec::Encode,
    encoded::AppendSessionRequest,
    raw::AppendSessionResponse,
    request::{self, Invalid},
    response,
    status::{self, Refusal},
};

/// Appends of one session that wait for their result.
const IN_FLIGHT_MAX: usize = 4_096;
/// Appends that are taken in before results are looked at again, so that neither starves the other.
const TAKEN_AT_ONCE_MAX: usize = 512;
/// Bytes of requests that are taken in together: what they need is looked up in one trip.
const TAKEN_AT_ONCE_BYTES: usize = 1 << 20;
/// Results in one message.
const MESSAGE_RESULTS_MAX: usize = 512;

/// Bytes of results after which a message is full. One result has half a megabyte of streams' names at most, so a message
/// stays below the 4 MiB that clients take unless told otherwise.
const MESSAGE_BYTES: usize = 1 << 20;

/// The answers of one session.
pub(crate) struct Session<R> {
    store: Store,
    /// Whether it is another server that hands over what its clients asked for.
    handed_over: bool,
    /// `None` once the client closed its side or broke it, or the server drains.
    requests: Option<R>,
    recent_streams: RecentStreams,
    /// Whether the store looks up what the appends need that were received last.
    is_looking_up: bool,
    /// Its future; kept, so that its memory is used again.
    look_up: ReusableBoxFuture<'static, Vec<Submitted>>,
    /// What is left of those.
    batch: vec::IntoIter<Submitted>,
    /// The append that waits for room in the store, if one does.
    submitting: Option<Asked>,
    /// Its future; kept, so that its memory is used again.
    submit: ReusableBoxFuture<'static, Result<Pending, Error>>,
    waiting: VecDeque<Waiting>,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How the call ends once everything is answered.
    ending: Option<Status>,
}

/// An append that was received, if it can be submitted.
type Submitted = Result<Submission, Refusal>;

/// An append that has no answer yet, or whose turn has not come.
struct Waiting {
    outcome: Outcome,
    asked: Asked,
}

/// What must be known of an append to tell its result.
#[derive(Default)]
struct Asked {
    /// Its streams, if it was one to many.
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

    /// Tells the result.
    fn tell(&self, result: &Result<Appended, Refusal>, response: &mut AppendSessionResponse) {
        let result = match (result, &self.streams) {
            (Ok(appended), None) => return response.push_appended(appended),
            (Ok(appended), Some(streams)) => {
                OneOf::AppendedToMany(response::appended_to_many(appended, streams))
            }
            (Err(refusal), _) => OneOf::Error(status::to_rpc(refusal)),
        };
        response.push(&pb::SessionResult { result: Some(result) });
    }
}

enum Outcome {
    Pending(Pending),
    Refused(Refusal),
}

impl<R: Stream<Item = Result<AppendSessionRequest, Status>> + Unpin> Session<R> {
    pub(super) fn new(store: Store, requests: R, handed_over: bool, drain: CancellationToken) -> Self {
        Self {
            store,
            handed_over,
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

    /// Takes appends in until none is there, the store has no room, or there are enough. Tells whether it should be called
    /// again without being woken.
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

    /// Begins to hand an append to the store, if it can be.
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
        let submission = match self.store.try_submit(submission, self.handed_over) {
            Ok(pending) => {
                let outcome = Outcome::Pending(pending);
                return self.waiting.push_back(Waiting { outcome, asked });
            }
            Err(submission) => submission,
        };
        self.submitting = Some(asked);
        let (store, handed_over) = (self.store.clone(), self.handed_over);
        self.submit.set(async move {
            if handed_over {
                store.submit_handed_over(submission).await
            } else {
                store.submit(submission).await
            }
        });
    }

    /// The next append that was received.
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

    /// The appends of the requests that are here, as far as they are taken in together.
    fn received(&mut self, cx: &mut Context<'_>) -> Vec<Result<Append, Invalid>> {
        let (mut received, mut bytes) = (Vec::new(), 0);
        while let Some(requests) = &mut self.requests
            && received.len() < TAKEN_AT_ONCE_MAX
            && bytes < TAKEN_AT_ONCE_BYTES
            && let Poll::Ready(request) = Pin::new(requests).poll_next(cx)
        {
            match request {
                Some(Ok(request)) => {
                    bytes += request.bytes().len();
                    match request::session_appends(&request, self.store.limits()) {
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

    /// Takes appends in, and begins to look up what they need, all together, if they need anything.
    fn begin_batch(&mut self, appends: Vec<Result<Append, Invalid>>) {
        let handed_over = self.handed_over;
        let appends = appends.into_iter().map(|append| {
            let append = append?;
            // Only another server may say so.
            let must_search = !handed_over && append.searched() > Position::START;
            Ok::<_, Refusal>(if must_search {
                append.searched_to(Position::START)
            } else {
                append
            })
        });
        let batch = self.store.submissions(appends, &mut self.recent_streams);
        let is_open =
            |submission: &Submitted| matches!(submission, Ok(submission) if !submission.is_looked_up());
        if !batch.iter().any(is_open) {
            self.batch = batch.into_iter();
            return;
        }
        self.look_up.set(look_up(self.store.clone(), batch));
        self.is_looking_up = true;
    }

    /// Reads no more requests. The first reason to end is the one that is told.
    fn end(&mut self, status: Option<Status>) {
        if self.requests.take().is_some() {
            self.ending = status;
        }
    }

    /// The results that are ready, in order.
    fn results(&mut self, cx: &mut Context<'_>) -> AppendSessionResponse {
        let mut response = AppendSessionResponse::default();
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

/// Looks up what appends need, all together. If that fails, those that need anything are refused.
async fn look_up(store: Store, mut batch: Vec<Submitted>) -> Vec<Submitted> {
    let mut open: Vec<&mut Submission> = Vec::new();
    for submission in batch.iter_mut().flatten() {
        if !submission.is_looked_up() {
            open.push(submission);
        }
    }
    if let Err(error) = store.look_up(open).await {
        for submitted in &mut batch {
            if matches!(submitted, Ok(submission) if !submission.is_looked_up()) {
                *submitted = Err(error.clone().into());
            }
        }
    }
    batch
}

impl<R: Stream<Item = Result<AppendSessionRequest, Status>> + Unpin> Stream for Session<R> {
    type Item = Result<AppendSessionResponse, Status>;

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
