//! Cases about the effects of commits, and about commits without effect.

use std::sync::Arc;

use super::{b, contents, get};
use crate::{Commit, Direction, Engine, Entry, Error, KeyRange, Mutation, PageLimit, Read};

/// Values that were set can be read, and cleared keys are absent.
pub async fn sets_gets_and_clears(engine: Arc<dyn Engine>) {
    assert_eq!(get(&*engine, &b("key")).await, None);
    engine
        .commit(Commit::durable().set(b("key"), b("first")))
        .await
        .expect("sets");
    assert_eq!(get(&*engine, &b("key")).await, Some(b("first")));
    engine
        .commit(Commit::relaxed().set(b("key"), b("second")))
        .await
        .expect("sets again");
    assert_eq!(get(&*engine, &b("key")).await, Some(b("second")));
    engine
        .commit(Commit::durable().clear(b("key")).clear(b("never there")))
        .await
        .expect("clears");
    assert_eq!(get(&*engine, &b("key")).await, None);
    assert_eq!(contents(&*engine).await, []);
}

/// A key with an empty value is present.
pub async fn empty_values_are_not_absent_ones(engine: Arc<dyn Engine>) {
    engine
        .commit(Commit::durable().check(b("key"), None).set(b("key"), b("")))
        .await
        .expect("sets");
    assert_eq!(get(&*engine, &b("key")).await, Some(b("")));
    let absent = Commit::durable().check(b("key"), None).set(b("key"), b("other"));
    assert_eq!(engine.commit(absent).await, Err(Error::Conflict));
    let present = Commit::durable()
        .check(b("key"), Some(b("")))
        .set(b("key"), b("other"));
    engine.commit(present).await.expect("the value is empty");
    assert_eq!(get(&*engine, &b("key")).await, Some(b("other")));
}

/// If a commit has several mutations of a key, the last one wins, also with ranges.
pub async fn mutations_apply_in_their_order(engine: Arc<dyn Engine>) {
    let all = KeyRange::new(b("a"), b("z"));
    engine
        .commit(Commit::durable().set(b("b"), b("old")).set(b("c"), b("old")))
        .await
        .expect("sets");
    let commit = Commit {
        mutations: vec![
            Mutation::Set(b("a"), b("1")),
            Mutation::ClearRange(all.clone()),
            Mutation::Set(b("b"), b("2")),
            Mutation::Set(b("b"), b("3")),
            Mutation::Set(b("d"), b("4")),
            Mutation::Clear(b("d")),
            Mutation::Clear(b("e")),
            Mutation::Set(b("e"), b("5")),
        ],
        ..Commit::durable()
    };
    engine.commit(commit).await.expect("commits");
    let expected = [("b", "3"), ("e", "5")].map(|(key, value)| Entry {
        key: b(key),
        value: b(value),
    });
    assert_eq!(contents(&*engine).await, expected);

    let cleared_last = Commit::durable().set(b("f"), b("6")).clear_range(all);
    engine.commit(cleared_last).await.expect("commits");
    assert_eq!(contents(&*engine).await, []);
}

/// A range is cleared from its start, inclusive, to its end, exclusive.
pub async fn clears_a_range_without_its_end(engine: Arc<dyn Engine>) {
    let keys = ["a", "b", "b\0", "bb", "c", "d"];
    let set_all = || {
        keys.iter()
            .fold(Commit::durable(), |commit, key| commit.set(b(key), b(key)))
    };
    for (start, end, left) in [
        ("b", "c", vec!["a", "c", "d"]),
        ("b\0", "bb", vec!["a", "b", "bb", "c", "d"]),
        ("", "b", vec!["b", "b\0", "bb", "c", "d"]),
        ("c", "c", keys.to_vec()),
        ("d", "a", keys.to_vec()),
        ("e", "z", keys.to_vec()),
        ("", "z", vec![]),
    ] {
        engine.commit(set_all()).await.expect("sets");
        let clear = Commit::durable().clear_range(KeyRange::new(b(start), b(end)));
        engine.commit(clear).await.expect("clears");
        let found: Vec<_> = contents(&*engine)
            .await
            .into_iter()
            .map(|entry| entry.key)
            .collect();
        assert_eq!(
            found,
            left.iter().map(|key| b(key)).collect::<Vec<_>>(),
            "after {start:?} to {end:?}"
        );
    }
}

/// Keys with bytes 0x00 and 0xFF are stored unchanged and sort by their bytes.
pub async fn keys_of_any_bytes_are_told_apart(engine: Arc<dyn Engine>) {
    let mut keys: Vec<Vec<u8>> = vec![
        vec![0x00],
        vec![0x00, 0x00],
        vec![0x00, 0xFF],
        vec![0x01],
        vec![0x01, 0x00],
        vec![0x7F, 0xFF, 0x00],
        vec![0xFE, 0xFF, 0xFF],
        vec![0xFE, 0xFF, 0xFF, 0x00],
    ];
    let commit = keys.iter().rev().fold(Commit::durable(), |commit, key| {
        commit.set(
            key.clone().into(),
            key.iter().rev().copied().collect::<Vec<_>>().into(),
        )
    });
    engine.commit(commit).await.expect("sets");
    keys.sort();
    let found = contents(&*engine).await;
    assert_eq!(
        found.iter().map(|entry| entry.key.to_vec()).collect::<Vec<_>>(),
        keys
    );
    for entry in found {
        assert_eq!(entry.value, entry.key.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!(get(&*engine, &entry.key).await, Some(entry.value));
    }
}

/// A commit whose checks hold is applied: checks of a value, of an absent key, and of keys that it changes itself.
pub async fn checks_that_hold_let_the_commit_through(engine: Arc<dyn Engine>) {
    let first = Commit::durable()
        .check(b("key"), None)
        .check(b("other"), None)
        .set(b("key"), b("1"));
    engine.commit(first).await.expect("both are absent");
    let second = Commit::durable()
        .check(b("key"), Some(b("1")))
        .check(b("key"), Some(b("1")))
        .check(b("other"), None)
        .clear(b("key"))
        .set(b("other"), b("2"));
    engine
        .commit(second)
        .await
        .expect("checks apply to the state before the commit");
    let third = Commit::durable()
        .check(b("key"), None)
        .check(b("other"), Some(b("2")))
        .set(b("key"), b("3"));
    engine.commit(third).await.expect("a cleared key is absent");
    assert_eq!(get(&*engine, &b("key")).await, Some(b("3")));
}

/// If one check among others fails, nothing is changed.
pub async fn a_check_that_fails_changes_nothing(engine: Arc<dyn Engine>) {
    engine
        .commit(Commit::durable().set(b("a"), b("1")).set(b("b"), b("2")))
        .await
        .expect("sets");
    let before = contents(&*engine).await;
    for (key, expected) in [
        ("b", None),
        ("b", Some(b("1"))),
        ("b", Some(b(""))),
        ("b", Some(b("22"))),
        ("c", Some(b("3"))),
    ] {
        let commit = Commit::durable()
            .check(b("a"), Some(b("1")))
            .check(b(key), expected.clone())
            .set(b("a"), b("changed"))
            .set(b("d"), b("new"))
            .clear(b("b"))
            .clear_range(KeyRange::new(b("a"), b("z")));
        assert_eq!(
            engine.commit(commit).await,
            Err(Error::Conflict),
            "{key} is not {expected:?}"
        );
        assert_eq!(contents(&*engine).await, before);
    }
}

/// A commit without mutations only evaluates its checks, durable or not.
pub async fn a_commit_of_checks_alone_is_judged(engine: Arc<dyn Engine>) {
    engine
        .commit(Commit::relaxed().set(b("a"), b("1")))
        .await
        .expect("sets");
    for empty in [Commit::durable(), Commit::relaxed()] {
        engine
            .commit(empty.clone())
            .await
            .expect("an empty commit succeeds");
        engine
            .commit(empty.clone().check(b("a"), Some(b("1"))))
            .await
            .expect("holds");
        assert_eq!(
            engine.commit(empty.check(b("a"), None)).await,
            Err(Error::Conflict)
        );
    }
    assert_eq!(
        contents(&*engine).await,
        [Entry {
            key: b("a"),
            value: b("1")
        }]
    );
}

/// Pages are returned in the order of the reads, each for its own read.
pub async fn answers_several_reads_in_their_order(engine: Arc<dyn Engine>) {
    let commit = (0..10).fold(Commit::durable(), |c, n| {
        c.set(b(&format!("k{n}")), b(&format!("v{n}")))
    });
    engine.commit(commit).await.expect("sets");
    let snapshot = engine.snapshot().await.expect("opens");
    let range = |start: &str, end: &str, direction| Read::Range {
        range: KeyRange::new(b(start), b(end)),
        direction,
        limit: PageLimit {
            entries: 1,
            bytes: 1_000,
        },
    };
    let reads = vec![
        Read::Get(b("k7")),
        range("k3", "k9", Direction::Backwards),
        Read::Get(b("absent")),
        range("k3", "k9", Direction::Forwards),
        Read::Get(b("k0")),
        range("x", "z", Direction::Forwards),
        Read::Get(b("k7")),
    ];
    let pages = snapshot.read(reads).await.expect("reads");
    let values: Vec<_> = pages.into_iter().map(crate::Page::into_value).collect();
    let expected = [
        Some("v7"),
        Some("v8"),
        None,
        Some("v3"),
        Some("v0"),
        None,
        Some("v7"),
    ];
    assert_eq!(values, expected.map(|value| value.map(b)));
    assert_eq!(snapshot.read(Vec::new()).await.expect("reads nothing"), []);
}
