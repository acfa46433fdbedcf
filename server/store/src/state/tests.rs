//! Writes of state, their retries and their expiry; subscriptions; appends with state.

mod appends;
mod damage;
mod model;
mod subscriptions;

use std::sync::atomic::Ordering;

use annals_engine::Commit;
use bytes::Bytes;
use uuid::Uuid;

use super::{evaluation::Evaluation, expiry};
use crate::{
    EntryName, Error, FailedCheck, Limits, ListState, Rejection, Result, ScopeName, StateChange, StateCheck,
    StateKey, StateWrite, StateWriteError, StateWritten, Store, Timestamp,
    testing::{Fixture, PATIENCE, small},
};

pub(crate) fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

pub(crate) fn entry(scope_name: &str, key: &str) -> EntryName {
    EntryName {
        scope: scope(scope_name),
        key: StateKey::new(key).unwrap(),
    }
}

pub(crate) fn put(scope: &str, key: &str, value: &str) -> StateChange {
    StateChange {
        entry: entry(scope, key),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
    }
}

pub(crate) fn delete(scope: &str, key: &str) -> StateChange {
    StateChange {
        entry: entry(scope, key),
        value: None,
    }
}

pub(crate) fn check(scope: &str, key: &str, expected: Option<u64>) -> StateCheck {
    StateCheck {
        entry: entry(scope, key),
        expected,
    }
}

pub(crate) fn write(id: u128, changes: Vec<StateChange>, checks: Vec<StateCheck>) -> StateWrite {
    StateWrite::new(Uuid::from_u128(id), changes, checks, &Limits::default()).unwrap()
}

pub(crate) async fn versions(store: &Store, id: u128, changes: Vec<StateChange>) -> Vec<u64> {
    store
        .write_state(write(id, changes, Vec::new()))
        .await
        .unwrap()
        .versions
}

/// Returns the keys, values and versions of a scope.
pub(crate) async fn listed(store: &Store, name: &str) -> Vec<(String, String, u64)> {
    let list = ListState {
        scope: scope(name),
        prefix: String::new(),
        after: None,
        limit: 1_000,
    };
    let page = store.list_state(&list).await.unwrap();
    assert!(!page.has_more);
    let text = |value: &Bytes| String::from_utf8(value.to_vec()).unwrap();
    let entries = page.entries.iter();
    entries
        .map(|entry| (entry.key.to_string(), text(&entry.value), entry.version))
        .collect()
}

fn failed(result: Result<StateWritten>) -> Vec<(usize, Option<u64>, Option<u64>)> {
    let Err(Error::Rejected(Rejection::ChecksFailed { failed, unlisted: 0 })) = result else {
        panic!("{result:?}");
    };
    let failed = failed.into_iter().map(|failed| match failed {
        FailedCheck::State {
            index,
            expected,
            actual,
            ..
        } => (index, expected, actual),
        other => panic!("{other:?}"),
    });
    failed.collect()
}

#[tokio::test]
async fn a_scope_numbers_its_changes_and_an_entry_has_the_number_of_its_last_one() {
    let store = Fixture::new(small()).await.store;
    assert_eq!(
        versions(&store, 1, vec![put("s", "a", "1"), put("s", "b", "2")]).await,
        [1, 2]
    );
    assert_eq!(versions(&store, 2, vec![put("other", "a", "x")]).await, [1]);
    assert_eq!(
        versions(&store, 3, vec![put("s", "a", "3"), delete("s", "b")]).await,
        [3, 4]
    );
    assert_eq!(
        versions(&store, 4, vec![delete("s", "b"), delete("s", "never")]).await,
        [0, 0]
    );
    assert_eq!(versions(&store, 5, vec![put("s", "b", "4")]).await, [5]);
    let found = [("a", "3", 3), ("b", "4", 5)].map(|(k, v, n)| (k.to_owned(), v.to_owned(), n));
    assert_eq!(listed(&store, "s").await, found);
    let (found, version) = store.state(&entry("s", "b")).await.unwrap();
    assert_eq!((found.unwrap().value, version), (Bytes::from_static(b"4"), 5));
    assert_eq!(store.state(&entry("nothing", "b")).await.unwrap(), (None, 0));
}

#[tokio::test]
async fn checks_hold_or_fail_as_in_the_table() {
    // The entry `absent` was never written, `deleted` was, and `present` has version 3.
    let table = [
        ("absent", None, None),
        ("absent", Some(1), Some(None)),
        ("deleted", None, None),
        ("deleted", Some(2), Some(None)),
        ("present", None, Some(Some(3))),
        ("present", Some(3), None),
        ("present", Some(2), Some(Some(3))),
        ("present", Some(4), Some(Some(3))),
    ];
    for (n, (key, expected, fails_with)) in (100..).zip(table) {
        let store = Fixture::new(small()).await.store;
        versions(&store, 1, vec![put("s", "deleted", "1")]).await;
        versions(&store, 2, vec![delete("s", "deleted"), put("s", "present", "2")]).await;
        let before = listed(&store, "s").await;
        let checked = write(n, vec![put("s", "new", "3")], vec![check("s", key, expected)]);
        let result = store.write_state(checked).await;
        match fails_with {
            None => assert_eq!(result.unwrap().versions, [4], "{key} {expected:?}"),
            Some(actual) => {
                assert_eq!(failed(result), [(0, expected, actual)], "{key} {expected:?}");
                assert_eq!(listed(&store, "s").await, before, "nothing is written");
            }
        }
    }
}

#[tokio::test]
async fn all_failed_checks_are_listed_and_nothing_is_written_in_any_scope() {
    let store = Fixture::new(small()).await.store;
    versions(&store, 1, vec![put("one", "a", "1"), put("two", "a", "1")]).await;
    let checks = vec![
        check("one", "a", Some(9)),
        check("one", "b", None),
        check("two", "a", None),
    ];
    let result = store
        .write_state(write(2, vec![put("one", "c", "2"), put("two", "c", "2")], checks))
        .await;
    assert_eq!(failed(result), [(0, Some(9), Some(1)), (2, None, Some(1))]);
    assert_eq!(
        listed(&store, "one").await.len() + listed(&store, "two").await.len(),
        2
    );
}

#[tokio::test]
async fn a_retry_returns_the_first_result_although_its_checks_would_fail_now() {
    let mut fixture = Fixture::new(small()).await;
    let first = write(
        7,
        vec![put("s", "a", "1"), delete("s", "b")],
        vec![check("s", "a", None)],
    );
    let written = fixture.store.write_state(first.clone()).await.unwrap();
    assert_eq!(
        (written.versions.as_slice(), written.already_written),
        (&[1, 0][..], false)
    );
    versions(&fixture.store, 8, vec![put("s", "a", "2")]).await;
    fixture.reopen().await;
    let other = fixture.another().await;
    for store in [&fixture.store, &other] {
        let again = store.write_state(first.clone()).await.unwrap();
        let same = StateWritten {
            already_written: true,
            ..written.clone()
        };
        assert_eq!(again, same);
        assert_eq!(listed(store, "s").await[0].1, "2", "the retry changes nothing");
    }
    for other in [
        vec![put("s", "a", "x")],
        vec![put("s", "a", "1")],
        vec![delete("s", "a")],
    ] {
        let conflict = fixture
            .store
            .write_state(write(7, other, Vec::new()))
            .await
            .unwrap_err();
        assert_eq!(
            conflict,
            Error::Rejected(Rejection::StateIdConflict {
                id: Uuid::from_u128(7)
            })
        );
    }
}

#[tokio::test]
async fn receipts_and_deletions_expire_after_a_day() {
    let fixture = Fixture::new(small()).await;
    let (store, day) = (&fixture.store, 24 * 60 * 60 * 1_000_000);
    versions(store, 1, vec![put("s", "a", "1"), put("s", "b", "1")]).await;
    versions(store, 2, vec![delete("s", "a")]).await;
    versions(store, 3, vec![delete("s", "b")]).await;
    versions(store, 4, vec![put("s", "b", "2")]).await;
    fixture.clock.0.fetch_add(day, Ordering::Relaxed);
    assert!(
        !expiry::remove_some(store.shared()).await.unwrap(),
        "a day has not passed"
    );
    let again = store
        .write_state(write(2, vec![delete("s", "a")], Vec::new()))
        .await
        .unwrap();
    assert_eq!((again.versions, again.already_written), (vec![3], true));
    fixture.clock.0.fetch_add(1, Ordering::Relaxed);
    while expiry::remove_some(store.shared()).await.unwrap() {}
    let new = store
        .write_state(write(2, vec![delete("s", "a")], Vec::new()))
        .await
        .unwrap();
    assert_eq!((new.versions, new.already_written), (vec![0], false), "forgotten");
    // What is left: the scope, one entry, its change, the version of forgotten deletions, and the last write.
    let kept: Vec<u8> = keys_of_state(&fixture).await;
    assert_eq!(kept, b"aquwyz");
}

/// Returns the first bytes of all keys of state.
async fn keys_of_state(fixture: &Fixture) -> Vec<u8> {
    use annals_engine::{Direction, Engine, KeyRange, PageLimit};
    let snapshot = fixture.engine.snapshot().await.unwrap();
    let mut found = Vec::new();
    for space in b"akquwyz" {
        let range = KeyRange::prefix(&[*space]);
        let page = snapshot
            .range(range, Direction::Forwards, PageLimit::NONE)
            .await
            .unwrap();
        found.extend(page.entries.iter().map(|entry| entry.key[0]));
    }
    found
}

#[tokio::test]
async fn pages_of_a_list_join_without_gaps() {
    let store = Fixture::new(small()).await.store;
    let keys: Vec<String> = (0..25).map(|n| format!("k{n:02}")).collect();
    versions(&store, 1, keys.iter().map(|key| put("s", key, key)).collect()).await;
    versions(&store, 2, vec![put("s", "other", "x"), put("s2", "k99", "x")]).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let list = ListState {
            scope: scope("s"),
            prefix: "k".to_owned(),
            after: after.clone(),
            limit: 10,
        };
        let page = store.list_state(&list).await.unwrap();
        assert_eq!(page.version, 26);
        after = page.entries.last().map(|entry| entry.key.clone());
        found.extend(page.entries.iter().map(|entry| entry.key.to_string()));
        if !page.has_more {
            break;
        }
        assert_eq!(page.entries.len(), 10);
    }
    assert_eq!(found, keys);
}

#[test]
fn writes_beyond_the_limits_are_refused() {
    let limits = Limits::default();
    let new = |changes, checks| StateWrite::new(Uuid::nil(), changes, checks, &limits).unwrap_err();
    let value = |bytes: usize| "x".repeat(bytes);
    let many = |count: usize| {
        (0..count)
            .map(|n| put("s", &format!("k{n}"), "v"))
            .collect::<Vec<_>>()
    };
    let checks = |count: usize| {
        (0..count)
            .map(|n| check("s", &format!("k{n}"), None))
            .collect::<Vec<_>>()
    };
    assert_eq!(new(Vec::new(), Vec::new()), StateWriteError::NoChanges);
    assert_eq!(
        new(many(1_001), Vec::new()),
        StateWriteError::TooManyChanges { changes: 1_001 }
    );
    assert_eq!(
        new(many(1), checks(1_001)),
        StateWriteError::TooManyChecks { checks: 1_001 }
    );
    let large = vec![put("s", "a", "v"), put("s", "b", &value(65_537))];
    assert_eq!(
        new(large, Vec::new()),
        StateWriteError::ValueTooLarge {
            index: 1,
            bytes: 65_537
        }
    );
    let twice = vec![put("s", "a", "v"), put("t", "a", "v"), delete("s", "a")];
    let error = StateWriteError::RepeatedChange {
        index: 2,
        entry: entry("s", "a"),
    };
    assert_eq!(new(twice, Vec::new()), error);
    let twice = vec![check("s", "a", None), check("s", "a", Some(1))];
    let error = StateWriteError::RepeatedCheck {
        index: 1,
        entry: entry("s", "a"),
    };
    assert_eq!(new(many(1), twice), error);
    let zero = vec![check("s", "a", Some(0))];
    assert_eq!(
        new(many(1), zero),
        StateWriteError::ExpectsVersionZero { index: 0 }
    );
    let full: Vec<_> = (0..65)
        .map(|n| put("s", &format!("k{n}"), &value(65_536)))
        .collect();
    assert!(matches!(new(full, Vec::new()), StateWriteError::TooLarge { .. }));
    let all = StateWrite::new(Uuid::nil(), many(1_000), checks(1_000), &limits);
    assert!(all.is_ok(), "the limits themselves are accepted");
}

/// Evaluated as of one moment, as two servers may do, two writes with the same id do not both commit, even if they have
/// no scope in common.
#[tokio::test]
async fn of_two_writes_with_one_id_one_is_made() {
    let fixture = Fixture::new(small()).await;
    let shared = fixture.store.shared();
    let mut results = Vec::new();
    let mut commits = Vec::new();
    for (number, scope) in [(1, "s"), (2, "t")] {
        let write = write(7, vec![put(scope, "a", "1")], Vec::new());
        let snapshot = shared.engine.snapshot().await.unwrap();
        let writes = std::iter::once(&write);
        let mut evaluation = Evaluation::read(&*snapshot, writes, Timestamp::default())
            .await
            .unwrap();
        evaluation.judge(&write).unwrap();
        let mut commit = Commit::durable();
        evaluation.add_to(&mut commit, number);
        commits.push(commit);
    }
    for commit in commits {
        results.push(shared.engine.commit(commit).await);
    }
    assert_eq!(results, [Ok(()), Err(annals_engine::Error::Conflict)]);
}

/// Two servers that write one scope lose races, which are counted, and nothing else is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_races_and_results_of_writes_are_counted() {
    let fixture = Fixture::new(small()).await;
    let stores = [fixture.store.clone(), fixture.another().await];
    let conflicts = || {
        stores
            .iter()
            .map(|store| store.metrics().state.conflicts.get())
            .sum::<u64>()
    };
    let began = std::time::Instant::now();
    let mut next = 1;
    while conflicts() == 0 {
        assert!(began.elapsed() < PATIENCE, "no conflict in {next} writes");
        let [first, second] = [(0, next), (1, next + 1)].map(|(n, id)| {
            let store = stores[n].clone();
            tokio::spawn(async move { versions(&store, id, vec![put("s", "a", "1")]).await })
        });
        assert_ne!(first.await.unwrap(), second.await.unwrap());
        next += 2;
    }
    let writes = stores
        .iter()
        .map(|store| store.metrics().state.writes.get())
        .sum::<u64>();
    assert_eq!(u128::from(writes), next - 1);
    for store in stores {
        assert_eq!(store.metrics().state.waiting_writes.get(), 0);
    }
}
