//! Admission of appends: those that wait are counted and bounded, in number and in bytes.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{
    OwnedSemaphorePermit,
    mpsc::{Permit, error::TrySendError},
    oneshot,
};

use super::Store;
use crate::{
    model::{
        append::{Append, Appended},
        error::{Error, Result},
    },
    tasks::appender::{self, Job, Origin, Prefetched, stream_change::Change},
};

/// Bytes for which one permit of the waiting room counts.
pub(super) const PERMIT_BYTES: usize = 1_024;

/// The future result of a submitted append.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Appended>>);

impl Future for Pending {
    type Output = Result<Appended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A job that was dropped without a reply means that the appender has stopped.
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or(Err(Error::Closed)))
    }
}

/// An append that is being submitted.
#[derive(Debug)]
pub struct Submission {
    /// Boxed, because it is moved from queue to queue.
    append: Box<Append>,
    is_looked_up: bool,
    /// Data read from storage for the append, if any was needed.
    prefetched: Option<Box<Prefetched>>,
    /// The stream change that the append makes, if any.
    change: Option<Box<Change>>,
}

impl From<Append> for Submission {
    fn from(append: Append) -> Self {
        Self::new(append, false)
    }
}

impl Submission {
    pub(super) fn new(append: Append, is_looked_up: bool) -> Self {
        Self {
            append: Box::new(append),
            is_looked_up,
            prefetched: None,
            change: None,
        }
    }

    /// An append that changes a stream's settings.
    pub(super) fn of_change(append: Append, change: Change) -> Self {
        Self {
            change: Some(Box::new(change)),
            ..Self::new(append, false)
        }
    }

    /// Whether the storage keys that the append needs, if any, have been read.
    #[must_use]
    pub fn is_looked_up(&self) -> bool {
        self.is_looked_up
    }

    /// The append to submit.
    #[must_use]
    pub fn append(&self) -> &Append {
        &self.append
    }

    /// Whether storage must be read before the append enters a group.
    fn must_read(&self, store: &Store) -> bool {
        if self.is_looked_up {
            appender::needs_search(&store.shared, &self.append)
        } else {
            appender::is_needed(&store.shared, &self.append)
        }
    }
}

impl Store {
    /// Appends, and waits until the append is durable.
    ///
    /// # Errors
    /// [`Error::Rejected`] if it was not written because of the content of the log; [`Error::Overloaded`] if too many
    /// appends wait; [`Error::Unavailable`] if it is unknown whether it was written (retry with the same ids).
    pub async fn append(&self, append: impl Into<Submission>) -> Result<Appended> {
        let submission = match self.try_submit(append, false) {
            Ok(pending) => return pending.await,
            Err(submission) => submission,
        };
        let room = self.wait_for_room(submission.append.waiting_bytes()).await?;
        let place = self.queue.try_reserve().map_err(|error| match error {
            TrySendError::Full(()) => Error::Overloaded("waiting appends"),
            TrySendError::Closed(()) => self.closed(),
        })?;
        let submission = self.prefetched(submission).await?;
        self.admit(submission, Origin::Client, room, place).await
    }

    /// Reads the storage keys that many appends of one caller need, in one round trip, so that each can be submitted
    /// without a read of its own. Appends that were looked up before are skipped. Appends that need more are left
    /// unchanged; their data is read when they are submitted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the storage does not respond. None of the appends was submitted.
    pub async fn look_up(&self, submissions: impl IntoIterator<Item = &mut Submission>) -> Result<()> {
        let submissions = submissions.into_iter();
        let mut submissions: Vec<&mut Submission> = submissions
            .filter(|submission| !submission.is_looked_up)
            .collect();
        let appends: Vec<&Append> = submissions.iter().map(|submission| submission.append()).collect();
        let read = appender::prefetch_keys(&self.shared, &appends).await?;
        for submission in &mut submissions {
            submission.is_looked_up = true;
        }
        for (n, prefetched) in read {
            submissions[n].prefetched = Some(Box::new(prefetched));
        }
        Ok(())
    }

    /// Submits an append after all earlier ones of the same caller, and returns a future of its result. Waits while
    /// too many appends are waiting.
    ///
    /// # Errors
    /// [`Error::Closed`] if the store accepts no more appends.
    pub async fn submit(&self, append: impl Into<Submission>) -> Result<Pending> {
        self.submit_from(append.into(), Origin::Client).await
    }

    /// Like [`Self::submit`], for an append that another server of the log forwarded. It is not forwarded again.
    ///
    /// # Errors
    /// Same as [`Self::submit`].
    pub async fn submit_forwarded(&self, append: impl Into<Submission>) -> Result<Pending> {
        self.submit_from(append.into(), Origin::Server).await
    }

    /// Submits an append like [`Self::submit`] or, if `is_forwarded`, like [`Self::submit_forwarded`], but only if
    /// that needs no waiting, neither for room nor for storage.
    ///
    /// # Errors
    /// Returns the append if it would have to wait.
    pub fn try_submit(
        &self,
        append: impl Into<Submission>,
        is_forwarded: bool,
    ) -> std::result::Result<Pending, Submission> {
        let submission = append.into();
        if self.is_closed() || self.shared.is_moving() || submission.must_read(self) {
            return Err(submission);
        }
        let Ok(place) = self.queue.try_reserve() else {
            return Err(submission);
        };
        let room = self.permits(submission.append.waiting_bytes());
        let Some(room) = room.and_then(|room| Arc::clone(&self.room).try_acquire_many_owned(room).ok())
        else {
            return Err(submission);
        };
        let origin = if is_forwarded {
            Origin::Server
        } else {
            Origin::Client
        };
        Ok(self.admit(submission, origin, room, place))
    }

    async fn submit_from(&self, submission: Submission, origin: Origin) -> Result<Pending> {
        let room = self.wait_for_room(submission.append.waiting_bytes()).await?;
        let place = self.queue.reserve().await.map_err(|_| self.closed())?;
        let submission = self.prefetched(submission).await?;
        Ok(self.admit(submission, origin, room, place))
    }

    /// Adds the data that must be read before the append enters a group. That may take long.
    async fn prefetched(&self, mut submission: Submission) -> Result<Submission> {
        if submission.must_read(self) {
            let append = &mut submission.append;
            let prefetched = appender::prefetch(&self.shared, append).await?;
            if !prefetched.has_match() {
                append.searched = append.searched.max(prefetched.searched);
            }
            submission.prefetched = Some(Box::new(prefetched));
        }
        Ok(submission)
    }

    /// Waits until the bytes of an append or of a write of state fit into the waiting room, and reserves them.
    pub(super) async fn wait_for_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        if self.is_closed() {
            return Err(self.closed());
        }
        if self.shared.is_moving() {
            return Err(Error::MoveUnfinished);
        }
        let permits = self
            .permits(bytes)
            .ok_or_else(|| Error::Internal("an append is larger than 4 TB".to_owned()))?;
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
        room.map_err(|_| self.closed())
    }

    /// Adds an append, with its share of the waiting bytes, to the queue.
    fn admit(
        &self,
        submission: Submission,
        origin: Origin,
        room: OwnedSemaphorePermit,
        place: Permit<'_, Job>,
    ) -> Pending {
        let (reply, answer) = oneshot::channel();
        place.send(Job {
            append: submission.append,
            reply,
            room,
            origin,
            prefetched: submission.prefetched,
            change: submission.change,
        });
        self.shared.metrics.waiting_appends.inc();
        Pending(answer)
    }

    fn is_closed(&self) -> bool {
        self.shared.closing.get() || self.shared.failure().is_some()
    }

    /// The share of the bytes that may wait.
    fn permits(&self, bytes: usize) -> Option<u32> {
        let room_max = self.shared.settings.limits.waiting_bytes_max;
        let room_max = room_max.div_ceil(PERMIT_BYTES).max(1);
        let permits = bytes.div_ceil(PERMIT_BYTES).clamp(1, room_max);
        u32::try_from(permits).ok()
    }

    pub(super) fn closed(&self) -> Error {
        self.shared.failure().unwrap_or(Error::Closed)
    }
}
