//! A client that follows a scope, and resumes after the last reported version whenever the subscription breaks off, or
//! at random, or starts over. Sometimes it is slow.

use std::{sync::Arc, time::Duration};

use annals_store as store;
use annals_store::{Error, StateSubscription, SubscribeState};
use rand::{Rng, rngs::StdRng};
use tokio::time::Instant;

use super::draw;
use crate::{
    checker::{
        CallId,
        state::{StateNotice, StateSubscribeAnswer, StateSubscribeRequest, StateUpdate},
    },
    simulation::{
        coverage::Event,
        world::{Running, STUCK, World},
    },
};

struct Subscriber {
    world: Arc<World>,
    rng: StdRng,
    scope: String,
    prefix: String,
    /// The last subscription, and the last version that it reported.
    place: Option<(CallId, u64)>,
    /// Since when the end of the scope is known.
    last_since: Option<Instant>,
}

pub(super) async fn run(world: Arc<World>, number: u64) {
    let mut rng = world.plan.rng("state subscriber", number);
    let scope = draw::scope(&world.plan, &mut rng);
    let prefix = ["", "", "a"][rng.random_range(0..3)].to_owned();
    let ms = rng.random_range(0..2_000);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let mut subscriber = Subscriber {
        world,
        rng,
        scope,
        prefix,
        place: None,
        last_since: None,
    };
    while !subscriber.is_done() {
        subscriber.subscribe().await;
        // Long enough, now and then, that deletions expire meanwhile.
        let ms = subscriber.rng.random_range(0..400);
        let away = if subscriber.rng.random_bool(0.25) {
            40 * ms
        } else {
            ms
        };
        tokio::time::sleep(Duration::from_millis(away)).await;
    }
}

impl Subscriber {
    /// True if everything was delivered, or should have been long ago.
    fn is_done(&mut self) -> bool {
        let last = self.world.state.last.lock();
        let Some(last) = last.as_ref() else { return false };
        let since = self.last_since.get_or_insert_with(Instant::now).elapsed();
        let last = last.get(&self.scope).copied().unwrap_or(0);
        let place = self.place.map(|(_, place)| place);
        if since > STUCK {
            self.world.fail(format!(
                "a subscription to {} is stuck at {place:?}, before {last}",
                self.scope
            ));
        }
        place.is_some_and(|place| place >= last) || since > STUCK
    }

    async fn subscribe(&mut self) {
        let Some(running) = self.world.any(&mut self.rng).await else {
            return;
        };
        if self.rng.random_bool(0.1) {
            self.place = None;
        }
        let request = StateSubscribeRequest {
            scope: self.scope.clone(),
            prefix: self.prefix.clone(),
            resumes: self.place,
        };
        let subscribe = SubscribeState {
            scope: draw::scope_name(&self.scope),
            prefix: self.prefix.clone(),
            after: self.place.map(|(_, place)| place),
        };
        let call = self.world.history.lock().state_subscribe(request);
        let begun = running.store.subscribe_state(subscribe);
        let begun = running.call(&self.world, "subscribe to state", begun).await;
        let answer = match &begun {
            Some(Ok(_)) => StateSubscribeAnswer::Began,
            Some(Err(Error::StateVersionExpired { first, .. })) => StateSubscribeAnswer::Expired(*first),
            Some(Err(Error::StateVersionBeyondEnd { last, .. })) => StateSubscribeAnswer::BeyondEnd(*last),
            Some(Err(error)) => {
                self.world.judge(running.node, error);
                StateSubscribeAnswer::Failed
            }
            None => StateSubscribeAnswer::Failed,
        };
        self.world.history.lock().state_subscribe_answered(call, answer);
        if let StateSubscribeAnswer::Expired(_) = answer {
            self.world.coverage.count(Event::StateSubscriptionExpired);
            self.place = None;
        }
        if let Some(Ok(subscription)) = begun {
            self.world.coverage.count(match self.place {
                Some(_) => Event::StateSubscriptionResumed,
                None => Event::StateSubscriptionBegan,
            });
            self.place = self.place.map(|(_, place)| (call, place));
            self.follow(&running, subscription, call).await;
        }
    }

    async fn follow(&mut self, running: &Running, mut subscription: StateSubscription, call: CallId) {
        let slow = self.rng.random_bool(0.4);
        while !self.is_done() && !self.rng.random_bool(0.1) {
            // Waiting is abandoned now and then, which must lose nothing.
            let patience = Duration::from_millis(self.rng.random_range(1..3_000));
            let next = tokio::time::timeout(patience, subscription.next());
            match running.call(&self.world, "the next notice of state", next).await {
                Some(Ok(Ok(notice))) => self.take(call, &notice),
                Some(Ok(Err(Error::StateVersionExpired { first, .. }))) => {
                    self.world.coverage.count(Event::StateSubscriptionExpired);
                    self.place = None;
                    return self
                        .world
                        .history
                        .lock()
                        .state_notice(call, StateNotice::Expired(first));
                }
                Some(Ok(Err(error))) => return self.world.judge(running.node, &error),
                Some(Err(_)) => {}
                None => return,
            }
            if slow && self.rng.random_bool(0.3) {
                let ms = self.rng.random_range(0..1_500);
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
        }
    }

    fn take(&mut self, call: CallId, notice: &store::StateNotice) {
        let (event, notice) = match notice {
            store::StateNotice::Updates(updates) => {
                let updates: Vec<StateUpdate> = updates.iter().map(StateUpdate::from).collect();
                let deletions = updates
                    .iter()
                    .filter(|update| matches!(update, StateUpdate::Deletion { .. }));
                self.world
                    .coverage
                    .add(Event::StateDeletionDelivered, deletions.count() as u64);
                (Event::NoticeStateUpdates, StateNotice::Updates(updates))
            }
            store::StateNotice::CaughtUp(version) => {
                (Event::NoticeStateCaughtUp, StateNotice::CaughtUp(*version))
            }
            store::StateNotice::Checkpoint(version) => {
                (Event::NoticeStateCheckpoint, StateNotice::Checkpoint(*version))
            }
        };
        self.world.coverage.count(event);
        let version = notice.version().unwrap_or(0);
        self.place = Some((call, version));
        self.world.history.lock().state_notice(call, notice);
    }
}

impl From<&store::StateUpdate> for StateUpdate {
    fn from(update: &store::StateUpdate) -> Self {
        match update {
            store::StateUpdate::Put(entry) => Self::Put(entry.into()),
            store::StateUpdate::Deletion { key, version } => Self::Deletion {
                key: key.as_str().to_owned(),
                version: *version,
            },
        }
    }
}
