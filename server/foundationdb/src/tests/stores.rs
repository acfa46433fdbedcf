//! Several stores in one cluster, and one store open in several places.

use std::sync::Arc;

use annals_engine::{Commit, Direction, Engine, Entry, Error, KeyRange, PageLimit};
use bytes::Bytes;
use tokio::time::timeout;

use super::{PATIENCE, b, fresh_prefix, get, open, prefix, set, shared_cluster};
use crate::FoundationDbEngine;

annals_installed::tests_that_need!(foundationdb:
    stores_of_one_cluster_do_not_see_each_other,
    engines_with_the_same_prefix_are_one_store,
    a_watch_wakes_when_another_engine_commits,
    a_snapshot_that_is_older_than_the_cluster_remembers_is_too_old,
    pages_are_bounded_though_the_limits_are_not,
    commits_that_follow_each_other_notice_what_another_engine_wrote_between,
);

/// From before every key to after all of them.
fn everything() -> KeyRange {
    KeyRange::new(Bytes::new(), vec![0xFF; 20])
}

async fn contents(engine: &FoundationDbEngine) -> Vec<Entry> {
    let limit = PageLimit {
        entries: 1_000,
        bytes: 1_000_000,
    };
    let snapshot = engine.snapshot().await.expect("opens");
    let page = snapshot.range(everything(), Direction::Forwards, limit).await;
    page.expect("reads").entries
}

async fn stores_of_one_cluster_do_not_see_each_other() {
    let cluster = shared_cluster();
    let unique = fresh_prefix();
    // One is a prefix of another, and others are their neighbours in key order.
    let names = ["", "0", "/", "a", "aa", "~"].map(|suffix| prefix(&format!("{unique}{suffix}")));
    let mut engines = Vec::new();
    for name in &names {
        engines.push(open(cluster, name).await);
    }
    for (engine, name) in engines.iter().zip(&names) {
        for key in [&b"\x00"[..], b"0\0key", b"key", b"\xFE\xFF", b"\xFF\xFF"] {
            let commit = Commit::durable()
                .check(Bytes::from_static(key), None)
                .set(Bytes::from_static(key), b(name.as_str()));
            engine.commit(commit).await.expect("the key is absent");
        }
    }
    let cleared = &engines[3];
    cleared
        .commit(Commit::durable().clear_range(everything()))
        .await
        .expect("clears");
    for (nth, (engine, name)) in engines.iter().zip(&names).enumerate() {
        let entries = contents(engine).await;
        assert_eq!(entries.len(), if nth == 3 { 0 } else { 5 }, "{name}");
        assert!(
            entries.iter().all(|entry| entry.value == b(name.as_str())),
            "{name}: {entries:?}"
        );
    }
}

async fn engines_with_the_same_prefix_are_one_store() {
    let cluster = shared_cluster();
    let name = fresh_prefix();
    let (one, other) = (open(cluster, &name).await, open(cluster, &name).await);
    set(&one, "key", "1").await;
    assert_eq!(get(&other, "key").await, Some(b("1")));
    let stale = Commit::durable().check(b("key"), None).set(b("key"), b("2"));
    assert_eq!(other.commit(stale).await, Err(Error::Conflict));
}

async fn a_watch_wakes_when_another_engine_commits() {
    let cluster = shared_cluster();
    let name = fresh_prefix();
    let (watching, writing) = (Arc::new(open(cluster, &name).await), open(cluster, &name).await);
    set(&writing, "key", "1").await;
    let waiter = tokio::spawn({
        let watching = Arc::clone(&watching);
        async move { watching.watch(b("key"), Some(b("1"))).await }
    });
    // Long enough for the watch to be set, so that it is woken by a change and not by the first read.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!waiter.is_finished(), "a watch wakes without a change");
    set(&writing, "key", "2").await;
    let woken = timeout(PATIENCE, waiter).await.expect("the watch wakes");
    assert_eq!(woken.expect("the waiter ends"), Ok(()));
    assert_eq!(get(&watching, "key").await, Some(b("2")));
}

async fn a_snapshot_that_is_older_than_the_cluster_remembers_is_too_old() {
    let cluster = shared_cluster();
    let engine = open(cluster, &fresh_prefix()).await;
    set(&engine, "key", "1").await;
    let snapshot = engine.snapshot().await.expect("opens");
    let refused = async {
        loop {
            set(&engine, "key", "2").await;
            match snapshot.get(b("key")).await {
                Ok(value) => assert_eq!(value, Some(b("1")), "a snapshot changed"),
                Err(error) => return error,
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let error = timeout(PATIENCE, refused)
        .await
        .expect("it becomes too old in the end");
    assert_eq!(error, Error::TooOld);
    assert_eq!(get(&engine, "key").await, Some(b("2")));
}

async fn pages_are_bounded_though_the_limits_are_not() {
    let cluster = shared_cluster();
    let engine = open(cluster, &fresh_prefix()).await;
    let value = Bytes::from(vec![7; 90_000]);
    for part in 0..2_u8 {
        let commit = (0..40_u8).fold(Commit::durable(), |commit, key| {
            commit.set(Bytes::copy_from_slice(&[part, key]), value.clone())
        });
        engine.commit(commit).await.expect("sets");
    }
    let snapshot = engine.snapshot().await.expect("opens");
    let unlimited = PageLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let (mut range, mut found, mut pages) = (everything(), 0, 0);
    loop {
        let page = snapshot
            .range(range.clone(), Direction::Forwards, unlimited)
            .await
            .expect("reads");
        let bytes: usize = page.entries.iter().map(|entry| entry.value.len()).sum();
        assert!(bytes <= 5 << 20, "a page of {bytes} bytes");
        found += page.entries.len();
        pages += 1;
        let Some(last) = page.entries.last().filter(|_| page.more) else {
            break;
        };
        range.start = [&last.key[..], &[0]].concat().into();
    }
    assert_eq!(found, 80);
    assert!(pages >= 2, "7.2 MB came in one page");
}

/// The second and the third commit begin at the version where the previous one ended, without reading.
async fn commits_that_follow_each_other_notice_what_another_engine_wrote_between() {
    let cluster = shared_cluster();
    let name = fresh_prefix();
    let (one, other) = (open(cluster, &name).await, open(cluster, &name).await);
    let step = |from: Option<&str>, to: &str| {
        Commit::durable()
            .check(b("head"), from.map(b))
            .set(b("head"), b(to))
    };
    for (from, to) in [(None, "1"), (Some("1"), "2"), (Some("2"), "3")] {
        one.commit(step(from, to))
            .await
            .expect("there is no other writer");
    }
    other.commit(step(Some("3"), "4")).await.expect("holds");
    assert_eq!(one.commit(step(Some("3"), "lost")).await, Err(Error::Conflict));
    assert_eq!(one.commit(step(Some("3"), "lost")).await, Err(Error::Conflict));
    one.commit(step(Some("4"), "5")).await.expect("holds");
    other
        .commit(Commit::durable().clear(b("head")))
        .await
        .expect("clears");
    assert_eq!(one.commit(step(Some("5"), "lost")).await, Err(Error::Conflict));
    one.commit(step(None, "6")).await.expect("holds");
    assert_eq!(get(&other, "head").await, Some(b("6")));
}
