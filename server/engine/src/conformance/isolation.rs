//! Cases about the visibility of commits in snapshots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{b, contents, everything, get, pages};
use crate::{Commit, Direction, Engine, KeyRange, PageLimit, Read};

/// A snapshot shows the state at which it was opened, whatever is committed afterwards.
pub async fn a_snapshot_never_changes(engine: Arc<dyn Engine>) {
    let before_all = engine.snapshot().await.expect("opens");
    engine
        .commit(Commit::durable().set(b("a"), b("1")).set(b("b"), b("1")))
        .await
        .expect("sets");
    let between = engine.snapshot().await.expect("opens");
    engine
        .commit(
            Commit::durable()
                .set(b("a"), b("2"))
                .clear(b("b"))
                .set(b("c"), b("2")),
        )
        .await
        .expect("sets");
    let after = engine.snapshot().await.expect("opens");
    engine
        .commit(Commit::durable().clear_range(everything()))
        .await
        .expect("clears");

    let read = || ["a", "b", "c"].map(|key| Read::Get(b(key))).to_vec();
    for (snapshot, expected) in [
        (&before_all, [None, None, None]),
        (&between, [Some("1"), Some("1"), None]),
        (&after, [Some("2"), None, Some("2")]),
    ] {
        let pages = snapshot.read(read()).await.expect("reads");
        let values: Vec<_> = pages.into_iter().map(crate::Page::into_value).collect();
        assert_eq!(values, expected.map(|value| value.map(b)));
    }
    assert_eq!(contents(&*engine).await, []);
}

/// Commits between two pages of a range are not visible in the second page.
pub async fn a_snapshot_never_changes_between_pages(engine: Arc<dyn Engine>) {
    let key = |number: u32| Bytes::copy_from_slice(&number.to_be_bytes());
    let even = (0..100)
        .step_by(2)
        .fold(Commit::durable(), |commit, n| commit.set(key(n), b("old")));
    engine.commit(even).await.expect("sets");
    for direction in [Direction::Forwards, Direction::Backwards] {
        let snapshot = engine.snapshot().await.expect("opens");
        let limit = PageLimit {
            entries: 5,
            bytes: usize::MAX,
        };
        let expected = pages(&*snapshot, everything(), direction, limit).await;

        let first = snapshot
            .range(everything(), direction, limit)
            .await
            .expect("reads");
        let odd = (1..100)
            .step_by(2)
            .fold(Commit::durable(), |commit, n| commit.set(key(n), b("new")));
        engine
            .commit(odd.clear_range(KeyRange::new(key(20), key(30))))
            .await
            .expect("sets");
        engine
            .commit(Commit::durable().set(key(50), b("new")))
            .await
            .expect("sets");

        let last = first.entries.last().expect("has entries").key.clone();
        let rest = match direction {
            Direction::Forwards => KeyRange::new([&last[..], &[0]].concat(), everything().end),
            Direction::Backwards => KeyRange::new(Bytes::new(), last),
        };
        let mut found = first.entries;
        found.extend(pages(&*snapshot, rest, direction, limit).await);
        assert_eq!(found, expected);
    }
}

/// A snapshot opened after a commit returned sees that commit, durable or not.
pub async fn a_new_snapshot_sees_every_commit_that_returned(engine: Arc<dyn Engine>) {
    for number in 0..200_u32 {
        let value = Bytes::copy_from_slice(&number.to_be_bytes());
        let commit = if number % 3 == 0 {
            Commit::durable()
        } else {
            Commit::relaxed()
        };
        engine
            .commit(commit.set(b("key"), value.clone()))
            .await
            .expect("sets");
        assert_eq!(get(&*engine, &b("key")).await, Some(value));
    }
}

/// While commits that keep three keys equal run, every snapshot shows them equal, and their values never decrease.
pub async fn a_snapshot_shows_all_of_a_commit_or_nothing(engine: Arc<dyn Engine>) {
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (engine, done) = (Arc::clone(&engine), Arc::clone(&done));
        async move {
            for number in 1..=300_u32 {
                let value = Bytes::copy_from_slice(&number.to_be_bytes());
                let commit = if number % 2 == 0 {
                    Commit::durable()
                } else {
                    Commit::relaxed()
                };
                let all = ["a", "m", "z"]
                    .iter()
                    .fold(commit, |commit, key| commit.set(b(key), value.clone()));
                engine.commit(all).await.expect("sets");
            }
            done.store(true, Ordering::Release);
        }
    });
    let mut last = None;
    loop {
        let was_done = done.load(Ordering::Acquire) || writer.is_finished();
        let snapshot = engine.snapshot().await.expect("opens");
        let limit = PageLimit {
            entries: 10,
            bytes: usize::MAX,
        };
        let z = snapshot.get(b("z")).await.expect("reads");
        tokio::task::yield_now().await;
        let a = snapshot.get(b("a")).await.expect("reads");
        assert_eq!(a, z, "a snapshot shows part of a commit");
        let range = pages(&*snapshot, everything(), Direction::Forwards, limit).await;
        assert!(
            range.iter().all(|entry| Some(&entry.value) == a.as_ref()),
            "{range:?} is not all {a:?}"
        );
        assert!(a >= last, "a later snapshot shows an earlier state");
        last = a;
        if was_done {
            break;
        }
    }
    writer.await.expect("the writer ends");
    assert_eq!(last, Some(Bytes::copy_from_slice(&300_u32.to_be_bytes())));
}
