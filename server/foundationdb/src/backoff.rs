//! Waits before a step is retried.

use std::time::Duration;

use annals_engine::Error;

use crate::fault::Refusal;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// Counts the attempts of one step. Waits double from 10 ms to 1 s.
pub(crate) struct Backoff {
    left: u32,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(retry_limit: u32) -> Self {
        Self {
            left: retry_limit,
            next: FIRST,
        }
    }

    /// Returns when it is time to retry; returns the error if it is not transient, or the retries are used up.
    pub(crate) async fn after(&mut self, refusal: Refusal) -> Result<(), Error> {
        if !refusal.passing || self.left == 0 {
            return Err(refusal.error);
        }
        self.left -= 1;
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
        Ok(())
    }
}
