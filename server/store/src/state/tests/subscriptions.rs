//! Subscriptions to scopes of state.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use crate::{
    Error, Result, StateNotice, StateSubscription, StateUpdate, Store, SubscribeState,
    state::{
        expiry,
        tests::{delete, listed, put, scope, versions},
    },
    testing::{Fixture, small},
};

async fn subscribe(store: &Store, prefix: &str, after: Option<u64>) -> Result<StateSubscription> {
    let subscribe = SubscribeState {
        scope: scope("s"),
        prefix: prefix.to_owned(),
        after,
    };
    store.subscribe_state(subscribe).await
}

/// What a subscriber knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub entries: BTreeMap<String, (String, u64)>,
    pub version: u64,
    deletions: usize,
}

impl Known {
    pub(super) fn take(&mut self, notice: StateNotice) {
        match notice {
            StateNotice::CaughtUp(version) | StateNotice::Checkpoint(version) => {
                assert!(version >= self.version);
                self.version = version;
            }
            StateNotice::Updates(updates) => {
                assert!(!updates.is_empty());
                for update in updates {
                    self.update(update);
                }
            }
        }
    }

    fn update(&mut self, update: StateUpdate) {
        let version = match update {
            StateUpdate::Put(entry) => {
                let value = String::from_utf8(entry.value.to_vec()).unwrap();
                self.entries.insert(entry.key.to_string(), (value, entry.version));
                entry.version
            }
            StateUpdate::Deletion { key, version } => {
                self.deletions += 1;
                self.entries.remove(key.as_str());
                version
            }
        };
        assert!(version > self.version, "versions increase");
        self.version = version;
    }
}

/// Takes notices until the subscription is caught up.
async fn caught_up(subscription: &mut StateSubscription) -> Known {
    let mut known = Known::default();
    loop {
        let notice = subscription.next().await.unwrap();
        let is_last = matches!(notice, StateNotice::CaughtUp(_));
        known.take(notice);
        if is_last {
            return known;
        }
    }
}

#[tokio::test]
async fn a_new_subscriber_gets_the_entries_and_then_each_change() {
    let store = Fixture::new(small()).await.store;
    versions(
        &store,
        1,
        vec![put("s", "a", "1"), put("s", "b", "1"), put("s", "c", "1")],
    )
    .await;
    versions(&store, 2, vec![delete("s", "a"), put("s", "b", "2")]).await;
    let mut subscription = subscribe(&store, "", None).await.unwrap();
    let mut known = caught_up(&mut subscription).await;
    assert_eq!(
        (known.version, known.deletions),
        (5, 0),
        "it never knew the deleted entry"
    );
    let waits = tokio::time::timeout(Duration::from_millis(20), subscription.next()).await;
    assert!(waits.is_err());
    versions(&store, 3, vec![put("s", "d", "3"), delete("s", "c")]).await;
    known.take(subscription.next().await.unwrap());
    let entries: Vec<_> = known
        .entries
        .into_iter()
        .map(|(key, (value, version))| (key, value, version))
        .collect();
    assert_eq!(entries, listed(&store, "s").await);
    assert_eq!(known.deletions, 1);
}

#[tokio::test]
async fn a_slow_subscriber_gets_the_latest_value_of_each_key() {
    let store = Fixture::new(small()).await.store;
    let mut subscription = subscribe(&store, "", None).await.unwrap();
    caught_up(&mut subscription).await;
    for n in 0..500_u32 {
        let change = put("s", &format!("k{}", n % 3), &n.to_string());
        versions(&store, u128::from(n) + 1, vec![change]).await;
    }
    let StateNotice::Updates(updates) = subscription.next().await.unwrap() else {
        panic!("updates");
    };
    assert_eq!(updates.len(), 3, "one for each key, not one for each change");
}

#[tokio::test]
async fn a_prefix_selects_keys_and_checkpoints_report_the_rest() {
    tokio::time::pause();
    let store = Fixture::new(small()).await.store;
    let mut subscription = subscribe(&store, "a/", None).await.unwrap();
    caught_up(&mut subscription).await;
    versions(
        &store,
        1,
        vec![put("s", "b/1", "1"), put("s", "a/1", "1"), put("s", "b/2", "1")],
    )
    .await;
    let mut known = Known::default();
    known.take(subscription.next().await.unwrap());
    assert_eq!(known.entries.len(), 1);
    versions(&store, 2, vec![put("s", "b/3", "1")]).await;
    assert_eq!(subscription.next().await.unwrap(), StateNotice::Checkpoint(4));
}

#[tokio::test]
async fn a_subscriber_that_returns_learns_of_deletions_or_must_start_over() {
    let fixture = Fixture::new(small()).await;
    let store = &fixture.store;
    versions(store, 1, vec![put("s", "a", "1"), put("s", "b", "1")]).await;
    versions(store, 2, vec![delete("s", "a")]).await;
    let mut returned = subscribe(store, "", Some(2)).await.unwrap();
    let known = caught_up(&mut returned).await;
    assert_eq!((known.deletions, known.version), (1, 3));
    let beyond = subscribe(store, "", Some(4)).await.err().unwrap();
    assert!(matches!(
        beyond,
        Error::StateVersionBeyondEnd {
            version: 4,
            first: 0,
            last: 3,
            ..
        }
    ));
    // Both of these began before the deletion is forgotten, and have not read it yet.
    let mut slow = subscribe(store, "", Some(1)).await.unwrap();
    let mut fresh = subscribe(store, "", None).await.unwrap();
    fixture
        .clock
        .0
        .fetch_add(25 * 60 * 60 * 1_000_000, Ordering::Relaxed);
    while expiry::remove_some(store.shared()).await.unwrap() {}
    let expired = subscribe(store, "", Some(2)).await.err().unwrap();
    assert!(matches!(
        expired,
        Error::StateVersionExpired {
            version: 2,
            first: 3,
            last: 3,
            ..
        }
    ));
    assert!(matches!(
        slow.next().await,
        Err(Error::StateVersionExpired { version: 1, .. })
    ));
    assert_eq!(
        caught_up(&mut fresh).await.entries.len(),
        1,
        "it never knew what was deleted"
    );
    assert!(subscribe(store, "", Some(3)).await.is_ok());
}

#[tokio::test]
async fn a_subscription_on_another_server_sees_the_changes() {
    let settings = crate::Settings {
        shared_engine: true,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let other = fixture.another().await;
    let mut subscription = subscribe(&other, "", None).await.unwrap();
    caught_up(&mut subscription).await;
    versions(&fixture.store, 1, vec![put("s", "a", "1")]).await;
    let notice = tokio::time::timeout(Duration::from_secs(5), subscription.next()).await;
    assert!(matches!(notice.unwrap().unwrap(), StateNotice::Updates(updates) if updates.len() == 1));
}

#[tokio::test]
async fn subscriptions_end_when_the_store_closes_and_are_limited() {
    let mut settings = small();
    settings.limits.subscriptions_max = 1;
    let store = Fixture::new(settings).await.store;
    let mut subscription = subscribe(&store, "", None).await.unwrap();
    assert!(matches!(
        subscribe(&store, "", None).await,
        Err(Error::Overloaded(_))
    ));
    caught_up(&mut subscription).await;
    let (ended, ()) = tokio::join!(subscription.next(), store.close());
    assert_eq!(ended.unwrap_err(), Error::Closed);
}
