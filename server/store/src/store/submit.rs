//! The way in of appends: what waits is counted and bounded, in number and in bytes.

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

/// Bytes that one permit of the waiting room stands for.
pub(super) const PERMIT_BYTES: usize = 1_024;

/// The result of an append that was submitted.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Appended>>);

impl Future for Pending {
    type Output = Result<Appended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A job that was dropped unanswered means that the appender is gone.
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or(Err(Error::Closed)))
    }
}

/// An append on its way into the store.
#[derive(Debug)]
pub struct Submission {
    /// Apart, because it is moved from queue to queue.
    append: Box<Append>,
    is_looked_up: bool,
    /// What was read for it from storage, if anything had to be.
    prefetched: Option<Box<Prefetched>>,
    /// The change of a stream that it makes, if it makes one.
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

    /// The append by which a stream is changed.
    pub(super) fn of_change(append: Append, change: Change) -> Self {
        Self {
            change: Some(Box::new(change)),
            ..Self::new(append, false)
        }
    }

    /// Whether the keys of storage that it needs were read, if it needs any.
    #[must_use]
    pub fn is_looked_up(&self) -> bool {
        self.is_looked_up
    }

    /// The append.
    #[must_use]
    pub fn append(&self) -> &Append {
        &self.append
    }

    /// Whether storage must be read before it enters a group.
    fn must_read(&self, store: &Store) -> bool {
        if self.is_looked_up {
            appender::needs_search(&store.shared, &self.append)
        } else {
            appender::is_needed(&store.shared, &self.append)
        }
    }
}

impl Store {
    /// Appends, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::Rejected`] if it was not written because of what the log holds; [`Error::Overloaded`] if too many wait;
    /// [`Error::Unavailable`] if it is not known whether it was written (try again with the same ids).
    pub async fn append(&self, append: impl Into<Submission>) -> Result<Appended> {
        let submission = match self.try_submit(append, false) {
            Ok(pending) => return pending.await,
            Err(submission) => submission,
        };
        let room = self.wait_for_room(&submission.append).await?;
        let place = self.queue.try_reserve().map_err(|error| match error {
            TrySendError::Full(()) => Error::Overloaded("appends that wait"),
            TrySendError::Closed(()) => self.closed(),
        })?;
        let submission = self.prefetched(submission).await?;
        self.admit(submission, Origin::Client, room, place).await
    }

    /// Reads from storage what many appends of one caller need, in one trip, so that each can be submitted without a read of
    /// its own. Appends that need much are left as they are: what those need is read when they are submitted.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the storage does not answer. None of them was submitted.
    pub async fn look_up(&self, submissions: impl IntoIterator<Item = &mut Submission>) -> Result<()> {
        let mut submissions: Vec<&mut Submission> = submissions.into_iter().collect();
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

    /// Submits an append behind all that were submitted before by the same caller, and returns what its result can be
    /// awaited by. Waits while too many wait already.
    ///
    /// # Errors
    /// [`Error::Closed`] if the store takes no more.
    pub async fn submit(&self, append: impl Into<Submission>) -> Result<Pending> {
        self.submit_from(append.into(), Origin::Client).await
    }

    /// As [`Self::submit`], for an append that another server of the log handed over. It is not handed over again.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_handed_over(&self, append: impl Into<Submission>) -> Result<Pending> {
        self.submit_from(append.into(), Origin::Server).await
    }

    /// As [`Self::submit`] and, if it is `handed_over`, [`Self::submit_handed_over`], if nothing need be waited for: neither
    /// for room nor for storage. Otherwise the append is given back.
    ///
    /// # Errors
    /// The append.
    pub fn try_submit(
        &self,
        append: impl Into<Submission>,
        handed_over: bool,
    ) -> std::result::Result<Pending, Submission> {
        let submission = append.into();
        if self.is_closed() || self.shared.is_moving() || submission.must_read(self) {
            return Err(submission);
        }
        let Ok(place) = self.queue.try_reserve() else {
            return Err(submission);
        };
        let room = self.permits(&submission.append);
        let Some(room) = room.and_then(|room| Arc::clone(&self.room).try_acquire_many_owned(room).ok())
        else {
            return Err(submission);
        };
        let origin = if handed_over {
            Origin::Server
        } else {
            Origin::Client
        };
        Ok(self.admit(submission, origin, room, place))
    }

    async fn submit_from(&self, submission: Submission, origin: Origin) -> Result<Pending> {
        let room = self.wait_for_room(&submission.append).await?;
        let place = self.queue.reserve().await.map_err(|_| self.closed())?;
        let submission = self.prefetched(submission).await?;
        Ok(self.admit(submission, origin, room, place))
    }

    /// With what must be read for it before it enters a group, which may take long.
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

    /// An append's share of the bytes that may wait, once there is room for it.
    async fn wait_for_room(&self, append: &Append) -> Result<OwnedSemaphorePermit> {
        if self.is_closed() {
            return Err(self.closed());
        }
        if self.shared.is_moving() {
            return Err(Error::MoveUnfinished);
        }
        let permits = self
            .permits(append)
            .ok_or_else(|| Error::Internal("an append over 4 TB".to_owned()))?;
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
        room.map_err(|_| self.closed())
    }

    /// Puts an append, which has its share of the bytes, into its place among those that wait.
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

    /// An append's share of the bytes that may wait.
    fn permits(&self, append: &Append) -> Option<u32> {
        let room_max = self.shared.settings.limits.waiting_bytes_max;
        let room_max = room_max.div_ceil(PERMIT_BYTES).max(1);
        let permits = append.waiting_bytes().div_ceil(PERMIT_BYTES).clamp(1, room_max);
        u32::try_from(permits).ok()
    }

    fn closed(&self) -> Error {
        self.shared.failure().unwrap_or(Error::Closed)
    }
}
