//! Handing a group over; see [`crate::model::handover`].

use std::{collections::VecDeque, sync::Arc};

use tracing::debug;

use super::{Appender, Job, Origin};
use crate::model::{append::Append, error::Error, handover::HandedOver, rejection::Rejection};

impl Appender {
    /// Gives a group to the server that writes at present, if that is wanted, and answers what it says. What is left in
    /// `jobs` is to be written here. Asked before each try to write, so that no group goes on losing.
    pub(super) async fn hand_over(&mut self, jobs: &mut VecDeque<Job>) {
        let shared = Arc::clone(&self.shared);
        let Some(way) = &shared.environment.handover else {
            return;
        };
        let (writer, own) = (shared.tail.head().writer, &shared.environment.writer);
        if !writer.is_empty() && writer != *own {
            self.handing.saw(writer);
        }
        // No call takes the store's own streams, so that no client can write them.
        if jobs.iter().any(|job| job.append.stream().is_own()) {
            return;
        }
        while let Some(writer) = self.handing.target(own) {
            self.send_back(jobs);
            if jobs.iter().all(Job::is_refused_here) {
                return;
            }
            // These need not be written, and the other server would search for what was found here again.
            let (kept, sent) = std::mem::take(jobs).into_iter().partition(Job::is_refused_here);
            *jobs = sent;
            let appends: Vec<&Append> = jobs.iter().map(|job| &*job.append).collect();
            let mut outcomes = way.hand_over(&writer, &appends).await;
            outcomes.resize(jobs.len(), HandedOver::Unknown);
            self.take_outcomes(jobs, outcomes);
            let is_done = jobs.is_empty();
            jobs.extend::<VecDeque<_>>(kept);
            if is_done {
                return;
            }
            debug!(writer, left = jobs.len(), "the writer does not take appends");
            self.handing.shun(writer);
        }
    }

    /// Refuses what other servers handed over while this one does not write itself: they ask the one that does.
    fn send_back(&self, jobs: &mut VecDeque<Job>) {
        let (theirs, own): (VecDeque<_>, VecDeque<_>) = std::mem::take(jobs)
            .into_iter()
            .partition(|job| job.origin == Origin::Server);
        *jobs = own;
        let refused = Error::Overloaded("appends of other servers, none while another one writes");
        self.answer(
            theirs
                .into_iter()
                .map(|job| (job, Err(refused.clone())))
                .collect(),
        );
    }

    /// Answers what was settled, and leaves the rest.
    fn take_outcomes(&self, jobs: &mut VecDeque<Job>, outcomes: Vec<HandedOver>) {
        let mut answers = Vec::new();
        for (mut job, outcome) in std::mem::take(jobs).into_iter().zip(outcomes) {
            match outcome {
                HandedOver::Answered(verdict) => {
                    self.shared.metrics.handed_over.inc();
                    let result = verdict.map_err(|rejection| rejected(job.origin, rejection));
                    answers.push((job, result));
                    continue;
                }
                HandedOver::Refused => {}
                HandedOver::Unknown => job.origin = Origin::InDoubt,
            }
            jobs.push_back(job);
        }
        self.answer(answers);
    }
}

impl Job {
    /// Whether a check found a match in the log, so that it will not be written, by no server.
    fn is_refused_here(&self) -> bool {
        let prefetched = self.prefetched.as_ref();
        self.origin == Origin::Client && prefetched.is_some_and(|known| known.has_match())
    }
}

/// What is told of an append that was judged and not written.
pub(super) fn rejected(origin: Origin, rejection: Rejection) -> Error {
    if origin == Origin::InDoubt {
        // A server that it was handed over to before may still write it.
        return Error::Unavailable(
            "it is not known whether the append was written; send it again with the same ids".to_owned(),
        );
    }
    Error::Rejected(rejection)
}
