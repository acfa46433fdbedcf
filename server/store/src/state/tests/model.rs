//! Random writes beside a model: on two servers, with checks, retries, expiry and subscribers that come and go.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use proptest::prelude::*;

use crate::{
    Error, Rejection, Settings, StateNotice, Store, SubscribeState,
    state::{
        expiry,
        tests::{check, delete, listed, put, scope, subscriptions::Known, write},
    },
    testing::{Fixture, small},
};

const KEYS: [&str; 4] = ["a", "b", "b/1", "c"];

#[derive(Clone, Debug)]
enum Step {
    /// Puts (true) or deletes keys, if a key has the version that the model gives it, or one more if `wrong`.
    Write(Vec<(usize, bool)>, Option<usize>, bool),
    /// Sends an earlier write again.
    Retry(usize),
    /// The subscriber takes some notices.
    Take(usize),
    /// The subscriber leaves and returns.
    Return,
    /// Half a day passes, and what has expired is removed.
    Pass,
}

fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::btree_map(0..KEYS.len(), any::<bool>(), 1..4);
    let changes = changes.prop_map(|changes| changes.into_iter().collect());
    let checked = proptest::option::of(0..KEYS.len());
    prop_oneof![
        8 => (changes, checked, prop::bool::weighted(0.2)).prop_map(|(c, k, wrong)| Step::Write(c, k, wrong)),
        2 => (0..30_usize).prop_map(Step::Retry),
        4 => (1..4_usize).prop_map(Step::Take),
        2 => Just(Step::Return),
        2 => Just(Step::Pass),
    ]
}

/// What a scope should contain.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<String, (String, u64)>,
    last: u64,
}

/// A write, the versions that it got, and the number of half days that had passed.
type Written = (crate::StateWrite, Vec<u64>, u64);

struct Run {
    stores: [Store; 2],
    fixture: Fixture,
    model: Model,
    written: Vec<Written>,
    known: Known,
    subscription: crate::StateSubscription,
    half_days: u64,
    next_id: u128,
}

impl Run {
    async fn new() -> Self {
        let settings = Settings {
            shared_engine: true,
            ..small()
        };
        let fixture = Fixture::new(settings).await;
        let stores = [fixture.store.clone(), fixture.another().await];
        Self {
            subscription: subscribe(&stores[1], None).await.unwrap(),
            stores,
            fixture,
            model: Model::default(),
            written: Vec::new(),
            known: Known::default(),
            half_days: 0,
            next_id: 1,
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write(changes, checked, wrong) => self.write(&changes, checked, wrong).await,
            Step::Retry(n) if !self.written.is_empty() => self.retry(n % self.written.len()).await,
            Step::Retry(_) => {}
            Step::Take(count) => self.take(count).await,
            Step::Return => self.subscribe_again().await,
            Step::Pass => {
                self.half_days += 1;
                let half_day = 12 * 60 * 60 * 1_000_000 + 1;
                self.fixture.clock.0.fetch_add(half_day, Ordering::Relaxed);
                while expiry::remove_some(self.stores[0].shared()).await.unwrap() {}
            }
        }
    }

    fn store(&self) -> &Store {
        &self.stores[usize::from(self.next_id.is_multiple_of(3))]
    }

    async fn write(&mut self, changes: &[(usize, bool)], checked: Option<usize>, wrong: bool) {
        let id = self.next_id;
        self.next_id += 1;
        let value = format!("value of {id}");
        let to_change = |(key, is_put): &(usize, bool)| match is_put {
            true => put("s", KEYS[*key], &value),
            false => delete("s", KEYS[*key]),
        };
        let checks = checked.map(|key| {
            let actual = self.model.entries.get(KEYS[key]).map(|(_, version)| *version);
            let expected = if wrong {
                Some(actual.unwrap_or(0) + 1)
            } else {
                actual
            };
            check("s", KEYS[key], expected)
        });
        let write = write(
            id,
            changes.iter().map(to_change).collect(),
            checks.into_iter().collect(),
        );
        let result = self.store().write_state(write.clone()).await;
        if wrong && checked.is_some() {
            let failed = match &result {
                Err(Error::Rejected(Rejection::ChecksFailed { failed, .. })) => failed.len(),
                _ => 0,
            };
            assert_eq!(failed, 1, "{result:?}");
            return;
        }
        let mut versions = Vec::new();
        for (key, is_put) in changes {
            let key = KEYS[*key].to_owned();
            if !is_put && self.model.entries.remove(&key).is_none() {
                versions.push(0);
                continue;
            }
            self.model.last += 1;
            versions.push(self.model.last);
            if *is_put {
                self.model.entries.insert(key, (value.clone(), self.model.last));
            }
        }
        let result = result.unwrap();
        assert_eq!((&result.versions, result.already_written), (&versions, false));
        self.written.push((write, versions, self.half_days));
    }

    async fn retry(&mut self, n: usize) {
        let (write, versions, at) = &self.written[n];
        // After a day it would be a new write.
        if self.half_days - at < 2 {
            let again = self.store().write_state(write.clone()).await.unwrap();
            assert_eq!((&again.versions, again.already_written), (versions, true));
        }
    }

    async fn take(&mut self, count: usize) {
        for _ in 0..count {
            let next = tokio::time::timeout(std::time::Duration::from_millis(5), self.subscription.next());
            match next.await {
                Ok(Ok(notice)) => self.known.take(notice),
                Ok(Err(Error::StateVersionExpired { .. })) => return self.start_over().await,
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => return,
            }
        }
    }

    async fn subscribe_again(&mut self) {
        // Entries are in the order of their versions, so a subscriber may leave at any point.
        match subscribe(&self.stores[0], Some(self.known.version)).await {
            Ok(subscription) => self.subscription = subscription,
            Err(Error::StateVersionExpired { .. }) => self.start_over().await,
            Err(error) => panic!("{error}"),
        }
    }

    async fn start_over(&mut self) {
        self.known = Known::default();
        self.subscription = subscribe(&self.stores[1], None).await.unwrap();
    }

    /// The subscriber converges to what is listed, which is what the model has.
    async fn finish(mut self) {
        while self.known.version < self.model.last {
            self.take(1).await;
        }
        assert_eq!(self.known.entries, self.model.entries);
        let expected = self
            .model
            .entries
            .into_iter()
            .map(|(key, (value, version))| (key, value, version));
        assert_eq!(listed(&self.stores[0], "s").await, expected.collect::<Vec<_>>());
        for store in self.stores {
            store.close().await;
        }
    }
}

async fn subscribe(store: &Store, after: Option<u64>) -> crate::Result<crate::StateSubscription> {
    let subscribe = SubscribeState {
        scope: scope("s"),
        prefix: String::new(),
        after,
    };
    store.subscribe_state(subscribe).await
}

/// Which notices a subscription without changes sends.
#[tokio::test]
async fn a_scope_without_changes_is_caught_up_at_once() {
    let store = Fixture::new(small()).await.store;
    let mut subscription = subscribe(&store, None).await.unwrap();
    assert_eq!(subscription.next().await.unwrap(), StateNotice::CaughtUp(0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_writes_are_those_of_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for step in steps {
                run.step(step).await;
            }
            run.finish().await;
        });
    }
}
