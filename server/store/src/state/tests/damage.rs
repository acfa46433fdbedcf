//! Values on disk that are damaged: arbitrary bytes are refused or parsed, and never end the process.

use std::sync::atomic::Ordering;

use annals_engine::{Commit, Direction, Engine, Entry, KeyRange, PageLimit};
use bytes::Bytes;
use proptest::{prelude::*, sample::Index};
use uuid::Uuid;

use crate::{
    Error, ListState, Position, Result, Settings, StateNotice, Store, SubscribeState,
    format::keys::state as keys,
    state::{
        entry, expiry,
        receipt::Receipt,
        tests::{check, delete, put, scope, versions, write},
    },
    testing::{Fixture, small},
    values::name::StateKey,
};

/// The first bytes of all keys of state.
const SPACES: &[u8] = b"akquwyz";

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..max)
}

/// Bytes that begin as values do, so that more than their first byte is parsed.
fn likely(max: usize) -> impl Strategy<Value = Vec<u8>> {
    (0..3_u8, bytes(max)).prop_map(|(first, rest)| [&[first][..], &rest].concat())
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_come_back(value in likely(80), key in likely(40)) {
        if let Ok(receipt) = Receipt::parse(&value) {
            prop_assert_eq!(Receipt::parse(&receipt.to_value()), Ok(receipt));
        }
        let stored = Bytes::from(value.clone());
        if let Ok((version, changed_at)) = entry::parse_head(&value) {
            let parsed = entry::parse(StateKey::trusted("k"), stored.clone()).unwrap();
            prop_assert_eq!((parsed.version, parsed.changed_at), (version, changed_at));
            prop_assert_eq!(entry::to_value(version, changed_at, &parsed.value), stored.clone());
        }
        if let Ok(version) = entry::parse_version(Some(&stored)) {
            prop_assert_eq!(entry::version_value(version), stored.clone());
        }
        let named = Entry { key: Bytes::from(key), value: stored };
        if let Ok(change) = entry::parse_change(&named) {
            prop_assert_eq!(entry::change_value(&change.key, change.is_deletion), named.value.clone());
        }
        let _ = entry::parse_stored(&scope("s"), named.clone());
        let in_scope = Entry { key: [b"ys\0", &named.key[..]].concat().into(), ..named.clone() };
        let _ = entry::parse_stored(&scope("s"), in_scope);
        let _ = keys::parse_scope(&named.key);
        let _ = expiry::parse_deletions(&value);
    }
}

/// Which key of state is damaged, and how.
#[derive(Clone, Debug)]
enum Damage {
    /// The value is replaced.
    Replaced(Vec<u8>),
    /// The value ends earlier.
    Cut(Index),
    /// A byte has another value.
    Changed(Index, u8),
    /// The key is missing.
    Missing,
    /// There is another key that begins as this one.
    Added(Index, Vec<u8>, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        likely(40).prop_map(Damage::Replaced),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Changed(at, byte)),
        Just(Damage::Missing),
        (any::<Index>(), bytes(20), likely(40)).prop_map(|(at, key, value)| Damage::Added(at, key, value)),
    ]
}

fn damages() -> impl Strategy<Value = Vec<(Index, Damage)>> {
    proptest::collection::vec((any::<Index>(), damage()), 1..4)
}

impl Damage {
    fn apply(self, commit: Commit, Entry { key, value }: Entry) -> Commit {
        match self {
            Self::Replaced(value) => commit.set(key, value.into()),
            Self::Cut(at) if !value.is_empty() => commit.set(key, value.slice(..at.index(value.len()))),
            Self::Changed(at, byte) if !value.is_empty() => {
                let mut changed = value.to_vec();
                changed[at.index(value.len())] = byte;
                commit.set(key, changed.into())
            }
            Self::Cut(_) | Self::Changed(..) => commit,
            Self::Missing => commit.clear(key),
            Self::Added(at, rest, value) => {
                // At least the space is right.
                let begin = &key[..=at.index(key.len())];
                commit.set([begin, &rest[..]].concat().into(), value.into())
            }
        }
    }
}

/// Damages values of state.
async fn damage_some(fixture: &Fixture, damages: Vec<(Index, Damage)>) {
    let snapshot = fixture.engine.snapshot().await.unwrap();
    let mut stored = Vec::new();
    for space in SPACES {
        let range = KeyRange::prefix(&[*space]);
        let page = snapshot.range(range, Direction::Forwards, PageLimit::NONE).await;
        stored.extend(page.unwrap().entries);
    }
    drop(snapshot);
    let mut commit = Commit::durable();
    for (which, damage) in damages {
        commit = damage.apply(commit, which.get(&stored).clone());
    }
    fixture.engine.commit(commit).await.unwrap();
}

/// Accepts a result, or the error that reports damage. Damaged values may also be well-formed, with other versions.
fn accept<T>(result: Result<T>) {
    match result {
        Ok(_)
        | Err(
            Error::Corrupt(_)
            | Error::Rejected(_)
            | Error::StateVersionExpired { .. }
            | Error::StateVersionBeyondEnd { .. },
        ) => {}
        // A task that panics closes its queue.
        Err(other) => panic!("{other}"),
    }
}

/// Reads everything and lets it expire, after some of it was damaged.
async fn read_damaged(damages: Vec<(Index, Damage)>) {
    let settings = Settings {
        accept_recorded_times: true,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let store = &fixture.store;
    let writes = [
        vec![put("s", "a", "1"), put("s", "b", "2")],
        vec![delete("s", "a"), put("t", "c", "3")],
    ];
    for (id, changes) in (1..).zip(writes) {
        versions(store, id, changes).await;
    }
    damage_some(&fixture, damages).await;
    for name in ["s", "t"] {
        for key in ["a", "b", "c"] {
            accept(store.state(&super::entry(name, key)).await);
        }
        let list = ListState {
            scope: scope(name),
            prefix: String::new(),
            after: None,
            limit: 10,
        };
        accept(store.list_state(&list).await);
        for after in [None, Some(0), Some(1)] {
            accept(subscribed(store, name, after).await);
        }
    }
    accept(exported(store).await);
    accept(
        store
            .import(Uuid::from_u128(7))
            .await
            .map(drop)
            .or_else(|error| match error {
                Error::MoveRefused(_) => Ok(()),
                error => Err(error),
            }),
    );
    fixture
        .clock
        .0
        .fetch_add(3 * 24 * 60 * 60 * 1_000_000, Ordering::Relaxed);
    for _ in 0..4 {
        accept(expiry::remove_some(store.shared()).await);
    }
    store.close().await;
}

async fn subscribed(store: &Store, name: &str, after: Option<u64>) -> Result<()> {
    let subscribe = SubscribeState {
        scope: scope(name),
        prefix: String::new(),
        after,
    };
    let mut subscription = store.subscribe_state(subscribe).await?;
    for _ in 0..3 {
        if let StateNotice::CaughtUp(_) = subscription.next().await? {
            break;
        }
    }
    Ok(())
}

async fn exported(store: &Store) -> Result<()> {
    let mut export = store.export(Position::START).await?;
    while export.next().await?.is_some() {}
    Ok(())
}

/// Writes after some of what was written before was damaged.
async fn write_damaged(damages: Vec<(Index, Damage)>) {
    let fixture = Fixture::new(small()).await;
    let store = &fixture.store;
    let changes = vec![put("s", "a", "1"), put("s", "b", "2")];
    versions(store, 1, changes.clone()).await;
    versions(store, 2, vec![delete("s", "b")]).await;
    damage_some(&fixture, damages).await;
    for id in [1, 3, 4] {
        let checks = vec![check("s", "a", Some(1)), check("s", "b", None)];
        accept(store.write_state(write(id, changes.clone(), checks)).await);
        accept(store.write_state(write(id, changes.clone(), Vec::new())).await);
    }
    store.close().await;
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_state_is_reported_or_returned(damages in damages()) {
        run(read_damaged(damages));
    }

    #[test]
    fn a_write_over_damaged_state_is_made_or_refused(damages in damages()) {
        run(write_damaged(damages));
    }
}
