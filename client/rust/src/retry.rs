//! Trying again: when, how often, how long after.
//!
//! 1. Only what [`Error::is_retryable`] is tried again, and only within the call's deadline.
//! 2. A try that failed moves the client on to the next endpoint; only when all were tried is there a pause.
//! 3. Pauses grow exponentially and are jittered (half to all of the nominal pause), so that clients that lost the same
//!    server do not come back in step. What is tried without end (subscriptions) waits up to the first pause even before
//!    the next endpoint: nobody waits for its answer, and there may be thousands of them.
//! 4. Progress makes the pauses short again, but does not do away with them: endpoints that accept and then fail can't
//!    make a client go round them without a pause.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::connection::{Connection, Picked, Stub};
use crate::error::{Error, Result};
use crate::session::KnownLimit;
use crate::status;

/// How calls that failed for a passing reason are tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Pause after the first failure of all endpoints. 50 ms unless set.
    pub pause_first: Duration,
    /// The longest pause. 2 s unless set.
    pub pause_max: Duration,
    /// The most tries of a call, 1 for none again. Unless set, as many as the call's deadline allows.
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
    /// Never tries again.
    pub fn never() -> Self {
        RetryPolicy {
            tries_max: Some(1),
            ..RetryPolicy::default()
        }
    }

    /// The nominal pause after the n-th (from 0) round over all endpoints.
    fn pause(&self, round: u32) -> Duration {
        self.pause_first
            .saturating_mul(1 << round.min(20))
            .min(self.pause_max)
    }
}

/// The tries of one call, or of one stretch without progress.
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

    /// Counts a failure. Returns how long to wait before the next try; `None` if there is to be none.
    pub(crate) fn after_failure(&mut self) -> Option<Duration> {
        let pause = self.count_failure();
        let spent = self.policy.tries_max.is_some_and(|most| self.failed >= most);
        (!spent).then_some(pause)
    }

    /// The same for what is tried without end.
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

    /// Starts anew after progress, except that it still goes round all endpoints before it would pause.
    pub(crate) fn reset(&mut self) {
        self.failed %= self.endpoints;
    }
}

/// What all calls of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) retry: RetryPolicy,
    pub(crate) append_limit: KnownLimit,
}

impl Shared {
    /// Calls until an answer, an error that is not to be retried, or the end of `timeout`.
    pub(crate) async fn call<T, F, Fut>(&self, timeout: Duration, attempt: F) -> Result<T>
    where
        F: FnMut(Stub) -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        let (answer, _) = self.call_somewhere(timeout, attempt).await?;
        Ok(answer)
    }

    /// The same; tells also which endpoint answered.
    pub(crate) async fn call_somewhere<T, F, Fut>(
        &self,
        timeout: Duration,
        mut attempt: F,
    ) -> Result<(T, Picked)>
    where
        F: FnMut(Stub) -> Fut,
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
            tracing::debug!(%error, ?pause, "call failed, trying again");
            tokio::time::sleep(pause).await;
            last = Some(error);
        }
    }

    /// Calls once.
    pub(crate) async fn attempt<T, F, Fut>(&self, picked: Picked, attempt: &mut F) -> Result<T>
    where
        F: FnMut(Stub) -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        attempt(self.connection.stub(picked))
            .await
            .map_err(|failed| self.failed(picked, &failed))
    }

    /// Decodes what a call to that endpoint failed with, and moves on from it if another could have served, or will serve
    /// the next call because this one can't.
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
