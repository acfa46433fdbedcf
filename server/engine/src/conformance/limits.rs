//! The limits that hold on every engine.

use std::sync::Arc;

use bytes::Bytes;

use super::{b, contents, get};
use crate::limits::{COMMIT_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::{Commit, Direction, Engine, Error, KeyRange, PageLimit, Read};

fn of(len: usize) -> Bytes {
    vec![0xAB; len].into()
}

/// The longest key, the largest value and the largest commit are accepted and read back.
pub async fn takes_what_is_just_within_the_limits(engine: Arc<dyn Engine>) {
    let (key, value) = (of(KEY_BYTES_MAX), of(VALUE_BYTES_MAX));
    engine
        .commit(Commit::durable().set(key.clone(), value.clone()))
        .await
        .expect("the largest entry");
    assert_eq!(get(&*engine, &key).await, Some(value.clone()));
    let checked = Commit::durable()
        .check(key.clone(), Some(value))
        .set(key.clone(), b("small"));
    engine
        .commit(checked)
        .await
        .expect("a check of the largest entry");
    let behind: Bytes = [&key[..], &[0]].concat().into();
    let snapshot = engine.snapshot().await.expect("opens");
    let limit = PageLimit {
        entries: 10,
        bytes: 1_000,
    };
    for (start, end, count) in [(key.clone(), behind.clone(), 1), (behind, of(1), 0)] {
        let page = snapshot
            .range(KeyRange::new(start, end), Direction::Forwards, limit)
            .await
            .expect("reads");
        assert_eq!(page.entries.len(), count);
    }

    let mut commit = Commit::durable();
    while commit.bytes() < COMMIT_BYTES_MAX {
        let key = Bytes::copy_from_slice(&(commit.mutations.len() as u64).to_be_bytes());
        let room = COMMIT_BYTES_MAX - commit.bytes() - key.len();
        // The remainder must have room for a key.
        let len = if room > VALUE_BYTES_MAX + 100 {
            VALUE_BYTES_MAX
        } else {
            room.min(VALUE_BYTES_MAX / 2)
        };
        commit = commit.set(key, of(len));
    }
    assert_eq!(commit.bytes(), COMMIT_BYTES_MAX);
    let count = commit.mutations.len();
    engine.commit(commit).await.expect("the largest commit");
    assert_eq!(contents(&*engine).await.len(), count + 1);
}

/// Anything over a limit is rejected with that error, and changes nothing.
pub async fn refuses_what_is_over_the_limits(engine: Arc<dyn Engine>) {
    engine
        .commit(Commit::durable().set(b("a"), b("1")))
        .await
        .expect("sets");
    let before = contents(&*engine).await;
    let first = || Commit::durable().set(b("b"), b("2")).clear(b("a"));
    let long = of(KEY_BYTES_MAX + 1);
    let too_many = (0..=COMMIT_BYTES_MAX / VALUE_BYTES_MAX).fold(first(), |commit, number| {
        commit.set(Bytes::copy_from_slice(&number.to_be_bytes()), of(VALUE_BYTES_MAX))
    });
    let commits = [
        first().set(long.clone(), b("")),
        first().clear(long.clone()),
        first().check(long.clone(), None),
        first().clear_range(KeyRange::new(b(""), of(KEY_BYTES_MAX + 2))),
        first().set(b("c"), of(VALUE_BYTES_MAX + 1)),
        first().set(b(""), b("empty key")),
        first().clear(b("")),
        first().check(b(""), None),
        too_many,
    ];
    for (number, commit) in commits.into_iter().enumerate() {
        let answer = engine.commit(commit).await;
        assert!(
            matches!(answer, Err(Error::TooLarge(_))),
            "commit {number}: {answer:?}"
        );
        assert_eq!(contents(&*engine).await, before);
    }
    let snapshot = engine.snapshot().await.expect("opens");
    for read in [Read::Get(long), Read::Get(b(""))] {
        let answer = snapshot.read(vec![read]).await;
        assert!(matches!(answer, Err(Error::TooLarge(_))), "{answer:?}");
    }
    engine
        .commit(first())
        .await
        .expect("the engine still accepts commits");
}
