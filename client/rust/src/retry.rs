//! Retries: conditions, limits and pauses.
//!
//! 1. Only errors for which [`Error::is_retryable`] is true are retried, and only within the call's deadline.
//! 2. A failed attempt moves the client on to the next endpoint. It only pauses after all endpoints have failed.
//! 3. Pauses grow exponentially with jitter (half to all of the nominal pause), so that clients that lost the same
//!    server do not retry in step. Subscriptions, which retry without limit, also wait up to the first pause before
//!    the next endpoint: no caller is blocked on them, and there may be thousands.
//! 4. Progress makes the pauses short again, but does not remove them: if endpoints accept and then fail, the client
//!    still pauses once per cycle.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::connection::{Connection, OfService, Picked};
use crate::error::{Error, Result};
use crate::pipeline::KnownLimit;
use crate::status;

/// How calls that failed for a transient reason are retried.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Pause after all endpoints have failed once. 50 ms unless set.
    pub pause_first: Duration,
    /// Maximum pause. 2 s unless set.
    pub pause_max: Duration,
    /// Maximum number of attempts of a call; 1 disables retries. Unless set, as many as the call's deadline allows.
    pub tries_max: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            pause_first: Duration::from_millis(50),
            pause_max: Duration::from_secs(2),
            tries_max: None,
        }
    }
}

impl RetryPolicy {
    /// Disables retries.
    pub fn never() -> Self {
        RetryPolicy {
            tries_max: Some(1),
            ..RetryPolicy::default()
        }
    }

    /// The nominal pause after cycle `round` (from 0) over all endpoints.
    fn pause(&self, round: u32) -> Duration {
        self.pause_first
            .saturating_mul(1 << round.min(20))
            .min(self.pause_max)
    }
}

/// The attempts of one call, or those since the last progress.
#[derive(Debug)]
pub(crate) struct Tries {
    policy: RetryPolicy,
    endpoints: u32,
    failed: u32,
}

impl Tries {
    pub(crate) fn new(policy: &RetryPolicy, connection: &Connection) -> Self {
        let endpoints = u32::try_from(connection.len()).unwrap_or(u32::MAX);
        Tries {
            policy: policy.clone(),
            endpoints,
            failed: 0,
        }
    }

    /// Counts a failure. Returns how long to wait before the next attempt; `None` if there is none left.
    pub(crate) fn after_failure(&mut self) -> Option<Duration> {
        let pause = self.count_failure();
        let spent = self.policy.tries_max.is_some_and(|most| self.failed >= most);
        (!spent).then_some(pause)
    }

    /// Counts a failure of an operation that is retried without limit. Returns how long to wait before the next
    /// attempt.
    pub(crate) fn after_failure_without_end(&mut self) -> Duration {
        match self.count_failure() {
            Duration::ZERO => self.policy.pause_first.mul_f64(rand::random_range(0.0..=1.0)),
            pause => pause,
        }
    }

    fn count_failure(&mut self) -> Duration {
        self.failed = self.failed.saturating_add(1);
        if !self.failed.is_multiple_of(self.endpoints) {
            return Duration::ZERO;
        }
        let nominal = self.policy.pause(self.failed / self.endpoints - 1);
        nominal.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Resets the pauses after progress. The client still tries all endpoints once before it pauses.
    pub(crate) fn reset(&mut self) {
        self.failed %= self.endpoints;
    }
}

/// The reconnects of a subscription or a consumer, which are retried without limit or for a time without any
/// connection.
#[derive(Debug)]
pub(crate) struct Reconnects {
    tries: Tries,
    timeout: Option<Duration>,
    /// The time since which no connection has returned anything.
    lost_at: Option<Instant>,
}

impl Reconnects {
    pub(crate) fn new(shared: &Shared, timeout: Option<Duration>) -> Self {
        Reconnects {
            tries: Tries::new(&shared.retry, &shared.connection),
            timeout,
            lost_at: None,
        }
    }

    /// Notes that a connection has returned something.
    pub(crate) fn progressed(&mut self) {
        self.tries.reset();
        self.lost_at = None;
    }

    /// Waits before an attempt to resume after a position, revision or version, or returns the error if there is to be
    /// none.
    pub(crate) async fn pause_after(&mut self, error: Error, after: Option<u64>) -> Result<()> {
        if !error.is_retryable() {
            return Err(error);
        }
        let lost_at = *self.lost_at.get_or_insert_with(Instant::now);
        let pause = self.tries.after_failure_without_end();
        if self.timeout.is_some_and(|most| lost_at.elapsed() + pause >= most) {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, after, "call broke, resuming");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// State shared by all calls of a client.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) retry: RetryPolicy,
    pub(crate) append_limit: KnownLimit,
}

impl Shared {
    /// Repeats a call until it succeeds, fails with an error that is not retryable, or `timeout` has passed.
    pub(crate) async fn call<S: OfService, T, F, Fut>(&self, timeout: Duration, attempt: F) -> Result<T>
    where
        F: FnMut(S) -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        let (answer, _) = self.call_somewhere(timeout, attempt).await?;
        Ok(answer)
    }

    /// Like [`call`](Self::call), and also returns the endpoint that answered.
    pub(crate) async fn call_somewhere<S: OfService, T, F, Fut>(
        &self,
        timeout: Duration,
        mut attempt: F,
    ) -> Result<(T, Picked)>
    where
        F: FnMut(S) -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        let deadline = Instant::now() + timeout;
        let mut tries = Tries::new(&self.retry, &self.connection);
        let mut last = None;
        loop {
            let picked = self.connection.pick();
            let error = match tokio::time::timeout_at(deadline, self.attempt(picked, &mut attempt)).await {
                Ok(Ok(answer)) => return Ok((answer, picked)),
                Ok(Err(error)) if !error.is_retryable() => return Err(error),
                Ok(Err(error)) => error,
                Err(_elapsed) => {
                    self.connection.move_on(picked);
                    return Err(Error::DeadlineExceeded {
                        after: timeout,
                        last: last.map(Box::new),
                    });
                }
            };
            let Some(pause) = tries.after_failure() else {
                return Err(error);
            };
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, ?pause, "call failed, retrying");
            tokio::time::sleep(pause).await;
            last = Some(error);
        }
    }

    /// Calls once.
    pub(crate) async fn attempt<S: OfService, T, F, Fut>(&self, picked: Picked, attempt: &mut F) -> Result<T>
    where
        F: FnMut(S) -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        attempt(S::of(&self.connection, picked))
            .await
            .map_err(|failed| self.failed(picked, &failed))
    }

    /// The error of a subscription or a consumer that its server ended, which a server that shuts down may do without
    /// an error. Moves on from the endpoint.
    pub(crate) fn ended(&self, picked: Picked) -> Error {
        self.connection.move_on(picked);
        Error::Unreachable {
            endpoint: self.connection.name(picked).to_owned(),
            message: "the server ended the call".to_owned(),
        }
    }

    /// The error of an attempt to reconnect that took longer than `timeout`. Moves on from the endpoint.
    pub(crate) fn timed_out(&self, picked: Picked, timeout: Duration) -> Error {
        self.connection.move_on(picked);
        Error::DeadlineExceeded {
            after: timeout,
            last: None,
        }
    }

    /// Decodes the failure of a call to an endpoint, and moves on from the endpoint if another could have served the
    /// call, or if this one can't serve the next one.
    pub(crate) fn failed(&self, picked: Picked, status: &tonic::Status) -> Error {
        if self.connection.is_not_grpc(picked) {
            self.connection.move_on(picked);
            return Error::NotGrpc {
                endpoint: self.connection.name(picked).to_owned(),
            };
        }
        let error = status::from_status(status, self.connection.name(picked));
        if error.is_retryable() {
            self.connection.move_on(picked);
        }
        error
    }
}

#[cfg(test)]
mod tests;
