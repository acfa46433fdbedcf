//! The background task of an append pipeline: one call at a time, opened when there is something to send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use annals_proto::v1::{self as pb, pipelined_result};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Answer, Waiting};
use crate::connection::Picked;
use crate::error::{Error, Result};
use crate::retry::{Shared, Tries};
use crate::status;

/// Maximum number of appends in a message, from the protocol.
const MESSAGE_APPENDS_MAX: usize = 1_000;
/// Target size of a message, in bytes. Small enough that the server can start early, and far below its limit; a
/// single append may be larger.
const MESSAGE_BYTES: usize = 512 << 10;

pub(super) struct Driver {
    shared: Arc<Shared>,
    timeout: Duration,
    queue: mpsc::Receiver<Waiting>,
    /// Whether all handles of the pipeline have been dropped.
    closed: bool,
    /// Appends taken from the queue and not answered, in order.
    unanswered: VecDeque<Waiting>,
    /// The number of these, from the front, that were sent on the open call.
    sent: usize,
    /// The time of the last result, or of the first append that began to wait.
    progress_at: Instant,
    tries: Tries,
}

/// Why a call ended without an error.
enum Ended {
    /// The pipeline has ended and everything is answered.
    Pipeline,
    /// All sent appends are answered; later ones use a new call.
    Call,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, timeout: Duration, queue: mpsc::Receiver<Waiting>) -> Self {
        let tries = Tries::new(&shared.retry, &shared.connection);
        Driver {
            shared,
            timeout,
            queue,
            closed: false,
            unanswered: VecDeque::new(),
            sent: 0,
            progress_at: Instant::now(),
            tries,
        }
    }

    pub(super) async fn run(mut self) {
        while self.wait_for_work().await {
            match self.converse().await {
                Ok(Ended::Pipeline) => return,
                Ok(Ended::Call) => {}
                Err(error @ Error::TooLarge(_)) if self.sent > 0 => self.fail_largest(error),
                Err(error) => {
                    if let Err(error) = self.pause_after(error).await {
                        return self.fail(&error).await;
                    }
                }
            }
        }
    }

    /// Waits until there is something to send. Returns false if there never will be.
    async fn wait_for_work(&mut self) -> bool {
        if self.unanswered.is_empty() {
            let Some(first) = self.queue.recv().await else {
                return false;
            };
            self.take(first);
        }
        true
    }

    /// Waits before a new call, or returns the error if there is to be none.
    async fn pause_after(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() {
            return Err(error);
        }
        let Some(pause) = self.tries.after_failure() else {
            return Err(error);
        };
        if Instant::now() + pause >= self.deadline() {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, unanswered = self.unanswered.len(), "append pipeline broke, resuming");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn deadline(&self) -> Instant {
        self.progress_at + self.timeout
    }

    /// Runs one call until it ends or breaks.
    async fn converse(&mut self) -> Result<Ended> {
        self.sent = 0;
        let returns = self.shared.connection.returns();
        let picked = self.shared.connection.pick();
        // One message waits here while another is being sent; appends that queue up meanwhile form the next one.
        let (requests, outgoing) = mpsc::channel(1);
        let mut requests = Some(requests);
        let first = self.next_message();
        if let Some(requests) = &requests {
            // The channel is empty: this can't fail, and the message is being sent before headers are awaited.
            let _ = requests.try_send(first);
        }
        let mut stub = self.shared.connection.stub(picked);
        let opened = tokio::time::timeout_at(
            self.deadline(),
            stub.append_pipeline(ReceiverStream::new(outgoing)),
        );
        let mut answers = match opened.await {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(failed)) => return Err(self.shared.failed(picked, &failed)),
            Err(_elapsed) => return Err(self.stalled(picked)),
        };
        loop {
            self.shared.connection.look_home();
            // Unsent appends follow the client to its home once the sent ones are answered.
            let leaving = self.shared.connection.has_left(picked, returns);
            if self.is_over() || leaving && self.sent == 0 {
                requests = None;
            }
            let unsent = self.sent < self.unanswered.len();
            let deadline = self.deadline();
            let sending = requests.as_ref().filter(|_| unsent && !leaving);
            tokio::select! {
                biased;
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => self.answered(answer, picked)?,
                    Ok(None) if requests.is_none() || self.unanswered.is_empty() => return Ok(self.ended()),
                    Ok(None) => return Err(self.ended_early(picked)),
                    // All appends are answered; the status that ends the call does not matter.
                    Err(_) if requests.is_none() => return Ok(self.ended()),
                    Err(failed) => return Err(self.shared.failed(picked, &failed)),
                },
                permit = reserve(sending), if sending.is_some() => match permit {
                    Some(permit) => permit.send(self.next_message()),
                    // The transport dropped the request stream; the responses contain the reason.
                    None => self.drain_answers(&mut answers, picked).await?,
                },
                waiting = self.queue.recv(), if !unsent && !self.closed => match waiting {
                    Some(waiting) => self.take(waiting),
                    None => self.closed = true,
                },
                () = tokio::time::sleep_until(deadline),
                    if !self.unanswered.is_empty() || requests.is_none() =>
                {
                    if requests.is_none() {
                        return Ok(self.ended());
                    }
                    return Err(self.stalled(picked));
                }
            }
        }
    }

    /// Whether there is nothing left to send and no result outstanding.
    fn is_over(&self) -> bool {
        self.closed && self.unanswered.is_empty()
    }

    fn ended(&self) -> Ended {
        match self.is_over() {
            true => Ended::Pipeline,
            false => Ended::Call,
        }
    }

    fn take(&mut self, waiting: Waiting) {
        if self.unanswered.is_empty() {
            self.progress_at = Instant::now();
        }
        self.unanswered.push_back(waiting);
    }

    /// The next message: unsent appends of this call, then those in the queue.
    fn next_message(&mut self) -> pb::AppendPipelineRequest {
        let mut appends = Vec::new();
        let mut message_bytes = 0;
        while appends.len() < MESSAGE_APPENDS_MAX {
            if self.sent == self.unanswered.len() {
                let Ok(waiting) = self.queue.try_recv() else { break };
                self.take(waiting);
            }
            let waiting = &self.unanswered[self.sent];
            if !appends.is_empty() && message_bytes + waiting.append_bytes > MESSAGE_BYTES {
                break;
            }
            message_bytes += waiting.append_bytes;
            appends.push(waiting.append.clone());
            self.sent += 1;
        }
        pb::AppendPipelineRequest { appends }
    }

    /// Processes the results of a message. Fails at the first retryable one, leaving it and everything after it
    /// unanswered.
    fn answered(&mut self, message: pb::AppendPipelineResponse, picked: Picked) -> Result<()> {
        for result in message.results {
            if self.sent == 0 {
                return Err(Error::protocol("a pipeline result without an append"));
            }
            let result = match result.result {
                Some(pipelined_result::Result::Error(refused)) => Err(status::from_result(&refused)),
                Some(result) => Ok(result),
                None => Err(Error::protocol("an empty pipeline result")),
            };
            if let Err(error) = &result
                && error.is_retryable()
            {
                self.shared.connection.move_on(picked);
                return Err(error.clone());
            }
            self.sent -= 1;
            if let Some(waiting) = self.unanswered.pop_front() {
                answer(waiting.answer, result);
            }
            self.progress_at = Instant::now();
            self.tries.reset();
        }
        Ok(())
    }

    /// Processes the remaining results of a call that takes no more requests, and returns how it failed.
    async fn drain_answers(
        &mut self,
        answers: &mut Streaming<pb::AppendPipelineResponse>,
        picked: Picked,
    ) -> Result<()> {
        loop {
            match tokio::time::timeout_at(self.deadline(), answers.message()).await {
                Ok(Ok(Some(answer))) => self.answered(answer, picked)?,
                Ok(Ok(None)) => return Err(self.ended_early(picked)),
                Ok(Err(failed)) => return Err(self.shared.failed(picked, &failed)),
                Err(_elapsed) => return Err(self.stalled(picked)),
            }
        }
    }

    fn ended_early(&self, picked: Picked) -> Error {
        self.shared.connection.move_on(picked);
        Error::Unreachable {
            endpoint: self.shared.connection.name(picked).to_owned(),
            message: "the server ended the pipeline".to_owned(),
        }
    }

    fn stalled(&self, picked: Picked) -> Error {
        self.shared.connection.move_on(picked);
        Error::DeadlineExceeded {
            after: self.timeout,
            last: None,
        }
    }

    /// Fails the largest append sent on a call that the server ended because of a message's size. Only an append in a
    /// message of its own can have caused that. The others are resent.
    fn fail_largest(&mut self, error: Error) {
        let largest = (0..self.sent).max_by_key(|nth| self.unanswered[*nth].append_bytes);
        if let Some(waiting) = largest.and_then(|nth| self.unanswered.remove(nth)) {
            waiting.answer.fail(error);
        }
        self.progress_at = Instant::now();
    }

    /// Fails all waiting appends, which ends the pipeline.
    async fn fail(mut self, error: &Error) {
        self.queue.close();
        while let Some(waiting) = self.queue.recv().await {
            self.unanswered.push_back(waiting);
        }
        for waiting in self.unanswered {
            waiting.answer.fail(error.clone());
        }
    }
}

/// Sends a result to the caller, which may have dropped the future.
fn answer(answer: Answer, result: Result<pipelined_result::Result>) {
    match (result, answer) {
        (Err(error), answer) => answer.fail(error),
        (Ok(pipelined_result::Result::AppendedToStream(response)), Answer::One(sender)) => {
            drop(sender.send(response.try_into()));
        }
        (Ok(pipelined_result::Result::AppendedToMany(response)), Answer::All(sender)) => {
            drop(sender.send(response.try_into()));
        }
        (Ok(_), answer) => answer.fail(Error::protocol("a pipeline result of another kind of append")),
    }
}

async fn reserve<T>(sender: Option<&mpsc::Sender<T>>) -> Option<mpsc::Permit<'_, T>> {
    match sender {
        Some(sender) => sender.reserve().await.ok(),
        None => None,
    }
}
