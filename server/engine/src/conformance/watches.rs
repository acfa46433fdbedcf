//! Waiting for a change.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::timeout;

use super::{PATIENCE, b, get};
use crate::{Commit, Engine};

/// Waits until the key has another value than `last_seen`, as callers do, because a watch is a hint.
async fn changed(engine: &dyn Engine, key: Bytes, last_seen: Option<Bytes>) -> Option<Bytes> {
    let wait = async {
        loop {
            engine
                .watch(key.clone(), last_seen.clone())
                .await
                .expect("watches");
            let now = get(engine, &key).await;
            if now != last_seen {
                return now;
            }
        }
    };
    timeout(PATIENCE, wait)
        .await
        .expect("a watch wakes when the value changes")
}

/// A watch wakes when its key is set, changed or cleared, even if other keys change before.
pub async fn a_watch_wakes_on_a_change(engine: Arc<dyn Engine>) {
    let mut last_seen = None;
    for (number, value) in [Some("1"), Some("2"), Some(""), None, Some("3")]
        .into_iter()
        .enumerate()
    {
        let waiter = tokio::spawn({
            let (engine, last_seen) = (Arc::clone(&engine), last_seen.clone());
            async move { changed(&*engine, b("key"), last_seen).await }
        });
        tokio::task::yield_now().await;
        engine
            .commit(Commit::relaxed().set(b("other"), b("x")))
            .await
            .expect("sets another key");
        let commit = match value {
            Some(value) => Commit::durable().set(b("key"), b(value)),
            None => Commit::durable().clear(b("key")),
        };
        engine.commit(commit).await.expect("changes the key");
        last_seen = waiter.await.expect("the waiter ends");
        assert_eq!(last_seen, value.map(b), "change {number}");
    }
}

/// A watch that starts after the change does not wait for the next one.
pub async fn a_watch_returns_if_the_value_differs_already(engine: Arc<dyn Engine>) {
    engine
        .commit(Commit::durable().set(b("key"), b("1")))
        .await
        .expect("sets");
    for last_seen in [None, Some(b("0")), Some(b(""))] {
        assert_eq!(changed(&*engine, b("key"), last_seen).await, Some(b("1")));
    }
    assert_eq!(changed(&*engine, b("absent"), Some(b("1"))).await, None);
}

/// Every task that follows a key sees its last value, however commits and watches interleave.
pub async fn watches_of_many_tasks_all_wake(engine: Arc<dyn Engine>) {
    const LAST: u32 = 100;
    let followers = (0..16).map(|_| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let last = Some(Bytes::copy_from_slice(&LAST.to_be_bytes()));
            let mut seen = None;
            while seen != last {
                let now = changed(&*engine, b("key"), seen.clone()).await;
                assert!(now > seen, "a follower went back from {seen:?} to {now:?}");
                seen = now;
            }
        })
    });
    let followers: Vec<_> = followers.collect();
    for number in 1..=LAST {
        let commit = Commit::relaxed().set(b("key"), Bytes::copy_from_slice(&number.to_be_bytes()));
        engine.commit(commit).await.expect("sets");
        if number % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for follower in join_all(followers).await {
        follower.expect("a follower ends");
    }
}
