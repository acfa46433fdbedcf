//! A client that subscribes, and resumes after the last reported place whenever the subscription breaks off, or at
//! random. Sometimes it is slow, sometimes it stops waiting and then waits again.

use std::{sync::Arc, time::Duration};

use annals_store::{
    self as store, Error, Position, Query, Result, Revision, StreamName, SubscribeAll, SubscribeStream,
    Subscription,
};
use rand::{Rng, rngs::StdRng};
use tokio::time::Instant;

use super::{
    convert,
    coverage::Event,
    reader,
    world::{Running, STUCK, World},
};
use crate::checker::{CallId, Filter, Notice, Start, SubscribeAnswer, SubscribeRequest, Target};

struct Subscriber {
    world: Arc<World>,
    rng: StdRng,
    target: Target,
    filter: Filter,
    start: Start,
    /// The last reported position up to which everything was delivered.
    place: u64,
    /// Since when the end of the log is known.
    last_since: Option<Instant>,
}

pub(super) async fn run(world: Arc<World>, number: u64) {
    let mut rng = world.plan.rng("subscriber", number);
    let target = if rng.random_bool(0.6) {
        Target::Log
    } else {
        reader::stream(&world, &mut rng)
    };
    let filter = reader::filter(&world, &mut rng);
    let start = if rng.random_bool(0.3) {
        Start::End
    } else {
        Start::Beginning
    };
    let ms = rng.random_range(0..2_000);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let mut subscriber = Subscriber {
        world,
        rng,
        target,
        filter,
        start,
        place: 0,
        last_since: None,
    };
    while !subscriber.is_done() {
        subscriber.subscribe().await;
        let ms = subscriber.rng.random_range(0..400);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Subscriber {
    /// True if everything was delivered, or should have been long ago.
    fn is_done(&mut self) -> bool {
        let Some(last) = self.world.last() else {
            return false;
        };
        let since = self.last_since.get_or_insert_with(Instant::now).elapsed();
        if since > STUCK {
            self.world.fail(format!(
                "a subscription to {:?} is stuck at {}, before {last}",
                self.target, self.place
            ));
        }
        self.place >= last || since > STUCK
    }

    /// Subscribes, and takes notices until the subscription breaks off.
    async fn subscribe(&mut self) {
        let Some(running) = self.world.any(&mut self.rng).await else {
            return;
        };
        let request = SubscribeRequest {
            target: self.target.clone(),
            start: self.start,
            filter: self.filter.clone(),
        };
        self.count_request(&request);
        let call = self.world.history.lock().subscribe(request.clone());
        let begun = running
            .call(&self.world, "subscribe", begin(&running, &request))
            .await;
        let answer = match &begun {
            Some(Ok(_)) => SubscribeAnswer::Began,
            Some(Err(Error::PositionBeyondHead { head, .. })) => SubscribeAnswer::BeyondEnd(Some(head.0)),
            Some(Err(Error::RevisionBeyondEnd { last, .. })) => {
                SubscribeAnswer::BeyondEnd(last.map(|last| last.0))
            }
            Some(Err(error)) => {
                self.world.judge(running.node, error);
                SubscribeAnswer::Failed
            }
            None => SubscribeAnswer::Failed,
        };
        self.world.history.lock().subscribe_answered(call, answer);
        if let Some(Ok(subscription)) = begun {
            self.world.coverage.count(Event::SubscriptionBegan);
            self.follow(&running, subscription, call).await;
        }
    }

    async fn follow(&mut self, running: &Running, mut subscription: Subscription, call: CallId) {
        let slow = self.rng.random_bool(0.4);
        while !self.is_done() && !self.rng.random_bool(0.02) {
            // Waiting is abandoned now and then, which must lose nothing.
            let patience = Duration::from_millis(self.rng.random_range(1..3_000));
            let next = tokio::time::timeout(patience, subscription.next());
            match running.call(&self.world, "the next notice", next).await {
                Some(Ok(Ok(notice))) => match convert::notice(&notice) {
                    Ok((notice, revision)) => self.take(call, notice, revision),
                    Err(error) => return self.world.judge(running.node, &error),
                },
                Some(Ok(Err(error))) => return self.world.judge(running.node, &error),
                Some(Err(_)) => self.world.coverage.count(Event::SubscriptionWaitGivenUp),
                None => return,
            }
            if slow && self.rng.random_bool(0.3) {
                let ms = self.rng.random_range(0..1_500);
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
        }
    }

    fn take(&mut self, call: CallId, notice: Notice, revision: Option<u64>) {
        let (event, place) = match &notice {
            Notice::Events(events) => (
                Event::NoticeEvents,
                events.last().map_or(0, |event| event.position),
            ),
            Notice::CaughtUp(place) => (Event::NoticeCaughtUp, *place),
            Notice::FellBehind(place, _) => (Event::NoticeFellBehind, *place),
            Notice::Checkpoint(place) => (Event::NoticeCheckpoint, *place),
            Notice::ReachedRevision(_) => return,
        };
        self.world.coverage.count(event);
        self.place = place;
        match (&self.target, &notice) {
            (Target::Log, _) => self.start = Start::After(place),
            (Target::Stream(_), Notice::Events(events)) => {
                self.start = events
                    .last()
                    .map_or(self.start, |event| Start::After(event.revision));
            }
            (Target::Stream(_), _) => self.start = revision.map_or(self.start, Start::After),
        }
        let mut history = self.world.history.lock();
        history.notice(call, notice);
        if let Some(revision) = revision {
            history.notice(call, Notice::ReachedRevision(revision));
        }
    }

    fn count_request(&self, request: &SubscribeRequest) {
        let coverage = &self.world.coverage;
        coverage.add(
            Event::SubscriptionResumed,
            matches!(request.start, Start::After(_)).into(),
        );
        coverage.add(Event::SubscriptionFromEnd, (request.start == Start::End).into());
        coverage.add(
            Event::SubscriptionToStream,
            (request.target != Target::Log).into(),
        );
        coverage.add(
            Event::SubscriptionFiltered,
            (!request.filter.items.is_empty()).into(),
        );
    }
}

async fn begin(running: &Running, request: &SubscribeRequest) -> Result<Subscription> {
    let query = Query::from(&request.filter);
    match &request.target {
        Target::Log => {
            let start = start(request.start, Position);
            running.store.subscribe_all(SubscribeAll { start, query }).await
        }
        Target::Stream(stream) => {
            let stream = StreamName::new(stream).expect("a plain name is valid");
            let start = start(request.start, Revision);
            running
                .store
                .subscribe_stream(SubscribeStream { stream, start, query })
                .await
        }
    }
}

fn start<P>(start: Start, place: impl Fn(u64) -> P) -> store::Start<P> {
    match start {
        Start::Beginning => store::Start::Beginning,
        Start::After(after) => store::Start::After(place(after)),
        Start::End => store::Start::End,
    }
}
