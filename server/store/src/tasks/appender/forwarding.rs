//! Forwards groups to another server; see [`crate::model::forwarding`].

use std::{collections::VecDeque, sync::Arc};

use tracing::debug;

use super::{Appender, Job, Origin};
use crate::model::{append::Append, error::Error, forwarding::Forwarded, rejection::Rejection};

impl Appender {
    /// Forwards a group to the server that writes at present, if that is useful, and replies with its results. The
    /// rest of `jobs` is to be written here. Called before each attempt to write, so that a group does not keep
    /// losing races.
    pub(super) async fn forward(&mut self, jobs: &mut VecDeque<Job>) {
        let shared = Arc::clone(&self.shared);
        let Some(way) = &shared.environment.forwarding else {
            return;
        };
        let (writer, own) = (shared.tail.head().writer, &shared.environment.writer);
        if !writer.is_empty() && writer != *own {
            self.forwarding.saw(writer);
        }
        // No call accepts reserved streams, so that clients can't write them. So appends to these can't be forwarded.
        if jobs.iter().any(|job| job.append.stream().is_reserved()) {
            return;
        }
        while let Some(writer) = self.forwarding.target(own) {
            self.send_back(jobs);
            if jobs.iter().all(Job::is_refused_here) {
                return;
            }
            // These will not be written, and the other server would have to repeat the search that was made here.
            let (kept, sent) = std::mem::take(jobs).into_iter().partition(Job::is_refused_here);
            *jobs = sent;
            let appends: Vec<&Append> = jobs.iter().map(|job| &*job.append).collect();
            let mut outcomes = way.forward(&writer, &appends).await;
            outcomes.resize(jobs.len(), Forwarded::Unknown);
            self.take_outcomes(jobs, outcomes);
            let is_done = jobs.is_empty();
            jobs.extend::<VecDeque<_>>(kept);
            if is_done {
                return;
            }
            debug!(writer, left = jobs.len(), "the writer does not accept appends");
            self.forwarding.shun(writer);
        }
    }

    /// Refuses appends that other servers forwarded while this server does not write itself: they ask the writer
    /// instead.
    fn send_back(&self, jobs: &mut VecDeque<Job>) {
        let (theirs, own): (VecDeque<_>, VecDeque<_>) = std::mem::take(jobs)
            .into_iter()
            .partition(|job| job.origin == Origin::Server);
        *jobs = own;
        let refused = Error::Overloaded("forwarded appends, which is none while another server writes");
        self.answer(
            theirs
                .into_iter()
                .map(|job| (job, Err(refused.clone())))
                .collect(),
        );
    }

    /// Replies to the appends that were settled, and leaves the rest.
    fn take_outcomes(&self, jobs: &mut VecDeque<Job>, outcomes: Vec<Forwarded>) {
        let mut answers = Vec::new();
        for (mut job, outcome) in std::mem::take(jobs).into_iter().zip(outcomes) {
            match outcome {
                Forwarded::Answered(verdict) => {
                    self.shared.metrics.forwarded.inc();
                    let result = verdict.map_err(|rejection| rejected(job.origin, rejection));
                    answers.push((job, result));
                    continue;
                }
                Forwarded::Refused => {}
                Forwarded::Unknown => job.origin = Origin::InDoubt,
            }
            jobs.push_back(job);
        }
        self.answer(answers);
    }
}

impl Job {
    /// Whether a check found a match in the log, so that no server will write the append.
    fn is_refused_here(&self) -> bool {
        let prefetched = self.prefetched.as_ref();
        self.origin == Origin::Client && prefetched.is_some_and(|known| known.has_match())
    }
}

/// Returns the error for an append that was evaluated and not written.
pub(super) fn rejected(origin: Origin, rejection: Rejection) -> Error {
    if origin == Origin::InDoubt {
        // A server to which it was forwarded earlier may still write it.
        return Error::Unavailable(
            "it is unknown whether the append was written; retry it with the same ids".to_owned(),
        );
    }
    Error::Rejected(rejection)
}
