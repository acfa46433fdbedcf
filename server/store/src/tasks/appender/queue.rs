//! The queue of waiting appends: how groups are formed.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Appender, Job};

/// Maximum time that a group waits for more appends: about as long as a sync takes.
const GROUP_WAIT: Duration = Duration::from_micros(200);
/// Maximum time that a group to be forwarded waits for nearly all appends in flight: the next group can't be
/// forwarded before this one is answered.
const FORWARDING_WAIT: Duration = Duration::from_millis(2);
/// Number of appends in flight from which on a group waits for half of them.
const MANY_MIN: usize = 4;
/// Number of appends in a group that is always enough to stop waiting.
const GROUP_ENOUGH: usize = 64;

impl Appender {
    /// Waits until there are appends to write; false when there will be no more.
    pub(super) async fn receive(&mut self) -> bool {
        let room = self.shared.settings.group_appends_max;
        let mut received = Vec::new();
        if self.waiting.is_empty() {
            tokio::select! {
                biased;
                // Appends in the queue still get a reply; no more are added.
                _ = self.closing.until(|closing| *closing), if !self.queue.is_closed() => self.queue.close(),
                _ = self.queue.recv_many(&mut received, room) => {}
            }
            if received.is_empty() {
                self.queue.recv_many(&mut received, room).await;
            }
        }
        self.waiting.extend(received);
        self.take_queued();
        !self.waiting.is_empty()
    }

    fn take_queued(&mut self) {
        let room = self.shared.settings.group_appends_max;
        while self.waiting.len() < room
            && let Ok(job) = self.queue.try_recv()
        {
            self.waiting.push_back(job);
        }
    }

    /// Waits briefly so that callers who just got a reply can join the next commit: a commit costs nearly the same
    /// for one append as for many. Waits only on a thread of its own, which may sleep, and not for few callers.
    pub(super) fn wait_for_more(&mut self) {
        if !self.shared.settings.multi_threaded || self.in_flight < MANY_MIN {
            return;
        }
        let own = &self.shared.environment.writer;
        let (wanted, wait, step) = if self.forwarding.target(own).is_some() {
            (self.in_flight * 15 / 16, FORWARDING_WAIT, FORWARDING_WAIT / 8)
        } else {
            ((self.in_flight / 2).min(GROUP_ENOUGH), GROUP_WAIT, GROUP_WAIT / 4)
        };
        let started = Instant::now();
        while self.waiting.len() < wanted && started.elapsed() < wait {
            std::thread::sleep(step);
            self.take_queued();
        }
    }

    /// Updates the number of appends in flight: those that just got a reply and those that wait. It decreases slowly.
    pub(super) fn note_in_flight(&mut self, answered: usize) {
        let now = answered + self.waiting.len() + self.queue.len();
        self.in_flight = now.max(self.in_flight - self.in_flight.div_ceil(8));
    }

    /// Lets appends wait if the indexer lags, because the tail is bounded. Does not wait while the store closes,
    /// because the indexer has stopped then; the rest of the queue is bounded too.
    pub(super) async fn wait_for_indexer(&mut self) {
        let mut indexed = self.shared.tail.watch_indexed();
        let mut failed = self.shared.failed.watch();
        while self.shared.tail.waiting_windows() > self.shared.settings.waiting_windows_max
            && failed.get().is_none()
        {
            tokio::select! {
                biased;
                _ = self.closing.until(|closing| *closing) => return,
                () = failed.changed() => {}
                () = indexed.changed() => {}
            }
        }
    }

    pub(super) fn take_group(&mut self) -> VecDeque<Job> {
        let settings = &self.shared.settings;
        let mut bytes = 0;
        let mut count = 0;
        for job in self.waiting.iter().take(settings.group_appends_max) {
            bytes += job.append.group_bytes();
            if count > 0 && bytes > settings.group_bytes_max {
                break;
            }
            count += 1;
        }
        let rest = self.waiting.split_off(count);
        std::mem::replace(&mut self.waiting, rest)
    }
}
