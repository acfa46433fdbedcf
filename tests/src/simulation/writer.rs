//! A client that appends: with every expectation, right and wrong ones, one at a time and pipelined, and repeatedly
//! with the same ids, whatever the earlier outcome was.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annals_store::{Append, Revision, StreamName, Submission};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::{
    attempt::{Attempt, Known},
    convert::{append_answer, append_state_answer},
    coverage::Event,
    state::Parts,
    world::{Running, World},
};
use crate::checker::{
    AppendAnswer, CallId, Check, FailedCheck, Found, Placed, Refusal, Sent, state::StateAnswer,
};

struct Writer {
    world: Arc<World>,
    rng: StdRng,
    /// Draws the parts of appends that concern state.
    state_rng: StdRng,
    /// The part of each append that concerns state, until it is answered.
    state_calls: BTreeMap<usize, CallId>,
    known: Known,
    /// Earlier appends, and the store to which each was first sent.
    sent: Vec<(Attempt, usize)>,
    /// Number of appends it may still send.
    left: usize,
    /// The store it used last.
    node: usize,
}

pub(super) async fn run(world: Arc<World>, number: u64) {
    let rng = world.plan.rng("writer", number);
    let left = world.plan.writes;
    let mut writer = Writer {
        left,
        ..Writer::new(world, rng, number)
    };
    while writer.left > 0 {
        if writer.rng.random_bool(0.6) {
            let ms = writer.rng.random_range(0..120);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        if writer.rng.random_bool(0.25) {
            writer.pipeline().await;
        } else {
            let attempt = writer.next_attempt();
            writer.insist(attempt).await;
        }
    }
}

/// Retries appends whose outcome is unknown.
pub(super) async fn resolve(world: &Arc<World>, open: Vec<Attempt>) {
    let rng = world.plan.rng("resolver", 0);
    let mut writer = Writer::new(Arc::clone(world), rng, u64::MAX);
    for attempt in open {
        writer.send(&attempt).await;
    }
}

impl Writer {
    fn new(world: Arc<World>, rng: StdRng, number: u64) -> Self {
        Self {
            rng,
            state_rng: world.plan.rng("state of appends", number),
            world,
            state_calls: BTreeMap::new(),
            known: Known::default(),
            sent: Vec::new(),
            left: 0,
            node: 0,
        }
    }

    /// Sends an append, and retries it where appropriate.
    async fn insist(&mut self, attempt: Attempt) {
        let mut answer = self.send(&attempt).await;
        for _ in 0..3 {
            let again = match &answer {
                AppendAnswer::Unknown => self.rng.random_bool(0.85).then_some(Event::RetryAfterUnknown),
                AppendAnswer::Acknowledged(_) => {
                    self.rng.random_bool(0.12).then_some(Event::RetryAfterSuccess)
                }
                AppendAnswer::Rejected(_) | AppendAnswer::Refused => None,
            };
            let Some(event) = again else { return };
            self.world.coverage.count(event);
            let ms = self.rng.random_range(0..600);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let attempt = attempt.varied(&mut self.rng);
            answer = self.send(&attempt).await;
        }
    }

    /// Sends an append, and waits for the response.
    async fn send(&mut self, attempt: &Attempt) -> AppendAnswer {
        self.left = self.left.saturating_sub(1);
        let Some((running, append)) = self.prepare(attempt).await else {
            return AppendAnswer::Refused;
        };
        let call = self.note(attempt);
        let result = running
            .call(&self.world, "append", running.store.append(append))
            .await;
        self.answered(&running, attempt, call, result)
    }

    /// Sends several appends without waiting for each other's responses.
    async fn pipeline(&mut self) {
        let count = self.rng.random_range(2..7);
        let known = self.known.clone();
        let mut attempts: Vec<Attempt> = Vec::new();
        for _ in 0..count {
            let attempt = match attempts.last() {
                Some(last) if self.rng.random_bool(0.15) => last.varied(&mut self.rng),
                _ => self.next_attempt(),
            };
            // Assumes that all succeed, so that some of them build on each other.
            for (stream, _) in &attempt.events {
                let last = self.known.revisions.entry(stream.clone()).or_default();
                *last = Some(last.map_or(Revision(0), |last| Revision(last.0 + 1)));
                self.known.head += 1;
            }
            attempts.push(attempt);
        }
        self.known = known;
        let Some((running, _)) = self.prepare(&attempts[0]).await else {
            return;
        };
        let submissions = attempts
            .iter()
            .map(|attempt| self.append(attempt).map(Submission::from));
        let Some(mut submissions) = submissions.collect::<Option<Vec<_>>>() else {
            return;
        };
        if self.rng.random_bool(0.5) {
            self.world.coverage.count(Event::AppendsLookedUp);
            let looked_up = running.store.look_up(&mut submissions);
            let Some(Ok(())) = running.call(&self.world, "look up", looked_up).await else {
                return;
            };
            let ms = self.rng.random_range(0..20);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let mut pending = Vec::new();
        for (attempt, append) in attempts.into_iter().zip(submissions) {
            self.left = self.left.saturating_sub(1);
            self.world.coverage.count(Event::AppendPipelined);
            let call = self.note(&attempt);
            match running
                .call(&self.world, "submit", running.store.submit(append))
                .await
            {
                Some(Ok(answer)) => pending.push((attempt, call, answer)),
                Some(Err(error)) => drop(self.answered(&running, &attempt, call, Some(Err(error)))),
                None => drop(self.answered(&running, &attempt, call, None)),
            }
        }
        let mut before = 0;
        for (attempt, call, answer) in pending {
            let result = running.call(&self.world, "a submitted append", answer).await;
            if let AppendAnswer::Acknowledged(Placed {
                first_position,
                already_appended: false,
                ..
            }) = self.answered(&running, &attempt, call, result)
            {
                if first_position <= before {
                    self.world
                        .fail(format!("position {first_position} was submitted after {before}"));
                }
                before = first_position;
            }
        }
    }

    async fn prepare(&mut self, attempt: &Attempt) -> Option<(Running, Append)> {
        let running = self.world.any(&mut self.rng).await?;
        self.node = running.node;
        let append = self.append(attempt)?;
        Some((running, append))
    }

    fn append(&self, attempt: &Attempt) -> Option<Append> {
        let limits = &self.world.plan.settings.limits;
        let refused =
            |error: &dyn std::fmt::Display| self.world.fail(format!("an append was not taken: {error}"));
        let append = attempt.append(limits).map_err(|error| refused(&error)).ok()?;
        let append = attempt.with_state(append, limits);
        append.map_err(|error| refused(&error)).ok()
    }

    fn note(&mut self, attempt: &Attempt) -> CallId {
        let coverage = &self.world.coverage;
        coverage.count(Event::Append);
        if attempt.events.len() > 100 {
            coverage.count(Event::AppendOfManyEvents);
        }
        if attempt.events.iter().any(|(_, event)| event.data.len() > 100_000) {
            coverage.count(Event::AppendChunked);
        }
        if let Some(checks) = &attempt.checks {
            coverage.count(Event::AppendToMany);
            let conditions = checks
                .iter()
                .filter(|check| matches!(check, Check::NoMatch { .. }));
            coverage.add(Event::AppendWithCondition, conditions.count() as u64);
        }
        let same = |(earlier, _): &&(Attempt, usize)| earlier.events[0].1.id == attempt.events[0].1.id;
        if let Some((earlier, node)) = self.sent.iter().find(same) {
            coverage.add(
                Event::RetryInPart,
                (earlier.events.len() != attempt.events.len()).into(),
            );
            coverage.add(Event::RetryThroughAnotherStore, (*node != self.node).into());
        } else {
            self.sent.push((attempt.clone(), self.node));
        }
        let mut history = self.world.history.lock();
        let events = attempt.events.iter();
        match &attempt.checks {
            None => {
                let events = events.map(|(_, event)| Sent::from(event)).collect();
                history.append(attempt.stream().as_str(), attempt.expected.into(), events)
            }
            Some(checks) => {
                let events = events.map(|(stream, event)| (stream.to_string(), Sent::from(event)));
                let call = history.append_to_many(events.collect(), checks.clone());
                if let Some(Parts { changes, checks }) = attempt.state.clone() {
                    coverage.count(Event::AppendWithState);
                    let state_call = history.state_of_append(call, changes, checks);
                    self.state_calls.insert(call.0, state_call);
                }
                call
            }
        }
    }

    /// Records the part of a response that concerns state.
    fn state_answered(&mut self, attempt: &Attempt, call: CallId, answer: StateAnswer) {
        let (Some(call), Some(parts)) = (self.state_calls.remove(&call.0), &attempt.state) else {
            return;
        };
        let coverage = &self.world.coverage;
        match &answer {
            StateAnswer::Written {
                already_written: true,
                ..
            } => {
                coverage.count(Event::AppendWithStateAlreadyAppended);
            }
            StateAnswer::Written { .. } => coverage.count(Event::AppendWithStateAcknowledged),
            StateAnswer::Failed(_) => coverage.count(Event::AppendWithStateRejected),
            StateAnswer::Unknown => self.world.state.open_appends.lock().push(attempt.clone()),
            StateAnswer::IdConflict | StateAnswer::Refused => {}
        }
        self.world.state.hear(parts, &answer);
        self.world.history.lock().state_write_answered(call, answer);
    }

    fn answered(
        &mut self,
        running: &Running,
        attempt: &Attempt,
        call: CallId,
        result: Option<annals_store::Result<annals_store::Appended>>,
    ) -> AppendAnswer {
        if let Some(Err(error)) = &result {
            self.world.judge(running.node, error);
        }
        let of_state = result.as_ref().map_or(StateAnswer::Unknown, append_state_answer);
        self.state_answered(attempt, call, of_state);
        let answer = result.map_or(AppendAnswer::Unknown, |result| append_answer(&result));
        let event = match &answer {
            AppendAnswer::Acknowledged(placed) => {
                self.hear_of(attempt, placed);
                if placed.already_appended {
                    Event::AppendAlreadyAppended
                } else {
                    Event::AppendAcknowledged
                }
            }
            AppendAnswer::Rejected(Refusal::Revision { actual }) => {
                let stream = attempt.stream().clone();
                self.known.revisions.insert(stream, actual.map(Revision));
                Event::AppendRejectedByRevision
            }
            AppendAnswer::Rejected(Refusal::Checks(failed)) => {
                self.hear_of_checks(attempt, failed);
                Event::AppendRejectedByChecks
            }
            AppendAnswer::Rejected(Refusal::BeyondHead { head, .. }) => {
                self.known.head = *head;
                Event::AppendRejectedBeyondHead
            }
            AppendAnswer::Rejected(Refusal::Id { .. }) => Event::AppendRejectedById,
            AppendAnswer::Refused => Event::AppendRefused,
            AppendAnswer::Unknown => Event::AppendUnknown,
        };
        self.world.coverage.count(event);
        self.world.history.lock().append_answered(call, answer.clone());
        answer
    }

    fn hear_of(&mut self, attempt: &Attempt, placed: &Placed) {
        let first = (placed.first_revision, placed.last_revision);
        let mut lasts = std::iter::once(&first)
            .chain(&placed.others)
            .map(|(_, last)| *last);
        let mut heard: Vec<&StreamName> = Vec::new();
        for (stream, _) in &attempt.events {
            if heard.contains(&stream) {
                continue;
            }
            heard.push(stream);
            let known = self.known.revisions.entry(stream.clone()).or_default();
            *known = (*known).max(lasts.next().map(Revision));
        }
        self.known.head = self.known.head.max(placed.last_position);
    }

    fn hear_of_checks(&mut self, attempt: &Attempt, failed: &[FailedCheck]) {
        for failed in failed {
            match (failed.found, attempt.checks.iter().flatten().nth(failed.index)) {
                (Found::Last(last), Some(Check::Stream { stream, .. })) => {
                    let stream = StreamName::new(stream).expect("a plain name is valid");
                    self.known.revisions.insert(stream, last.map(Revision));
                }
                (Found::Match(position), _) => self.known.head = self.known.head.max(position),
                _ => self.world.fail(format!("no check of the append is {failed:?}")),
            }
        }
    }

    /// A new append, or one that was sent long ago.
    fn next_attempt(&mut self) -> Attempt {
        if self.rng.random_bool(0.12)
            && let Some((earlier, _)) = self.sent.choose(&mut self.rng)
        {
            return earlier.varied(&mut self.rng);
        }
        let attempt = Attempt::draw(&self.world.plan, &self.known, &mut self.rng);
        let state = attempt
            .checks
            .as_ref()
            .and_then(|_| Parts::of_append(&self.world, &mut self.state_rng));
        Attempt { state, ..attempt }
    }
}
