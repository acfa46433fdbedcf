//! State is moved as of the end of the export.

use bytes::Bytes;

use super::{
    super::{Export, Part},
    SOURCE, export, import, import_some,
    observed::scope as observed_scope,
    settings,
};
use crate::{
    Error, Expected, Limits, Position, ScopeChanges, StateEntry, StateKey, StateNotice, StateUpdate, Store,
    SubscribeState, Timestamp,
    state::tests::{check, delete, listed, put, scope, versions, write},
    testing::{Fixture, append},
};

async fn target() -> Fixture {
    Fixture::new(settings()).await
}

async fn rest(mut export: Export, mut parts: Vec<Part>) -> Vec<Part> {
    while let Some(part) = export.next().await.unwrap() {
        parts.push(part);
    }
    parts
}

async fn subscribed(store: &Store, after: u64) -> crate::Result<StateNotice> {
    let subscribe = SubscribeState {
        scope: scope("s"),
        prefix: String::new(),
        after: Some(after),
    };
    store.subscribe_state(subscribe).await?.next().await
}

#[tokio::test]
async fn checks_hold_after_a_move_and_a_subscriber_that_could_miss_a_deletion_starts_again() {
    let source = Fixture::new(settings()).await;
    versions(&source.store, 1, vec![put("s", "a", "1"), put("s", "b", "1")]).await;
    versions(&source.store, 2, vec![delete("s", "a"), put("s", "b", "2")]).await;
    versions(&source.store, 3, vec![put("deleted", "a", "1")]).await;
    versions(&source.store, 4, vec![delete("deleted", "a")]).await;
    let mut there = target().await;
    // A store with state alone is moved as well.
    import(&there.store, SOURCE, &export(&source.store).await)
        .await
        .unwrap();
    for _ in 0..2 {
        for name in ["s", "deleted"] {
            assert_eq!(
                observed_scope(&there.store, name).await,
                observed_scope(&source.store, name).await
            );
        }
        for after in [0, 1, 2, 3] {
            let expired = subscribed(&there.store, after).await;
            let Err(Error::StateVersionExpired { first, last, .. }) = expired else {
                panic!("after {after}: {expired:?}");
            };
            assert_eq!((first, last), (4, 4));
        }
        assert_eq!(subscribed(&there.store, 4).await, Ok(StateNotice::CaughtUp(4)));
        there.reopen().await;
    }
    let stale = write(5, vec![put("s", "b", "3")], vec![check("s", "b", Some(2))]);
    assert!(there.store.write_state(stale).await.is_err());
    let checks = vec![check("s", "a", None), check("s", "b", Some(4))];
    let written = there
        .store
        .write_state(write(6, vec![put("s", "a", "3")], checks))
        .await;
    assert_eq!(written.unwrap().versions, [5]);
    assert_eq!(
        versions(&there.store, 7, vec![put("deleted", "a", "2")]).await,
        [3]
    );
}

/// What changes while it is exported is exported again, until all of it is as of one moment.
#[tokio::test]
async fn state_that_changes_during_an_export_is_as_of_its_end() {
    let source = Fixture::new(settings()).await;
    let store = &source.store;
    let large = "x".repeat(60_000);
    // Three steps.
    let keys: Vec<String> = (0..180).map(|n| format!("k{n:03}")).collect();
    for (n, keys) in (1..).zip(keys.chunks(20)) {
        versions(store, n, keys.iter().map(|key| put("s", key, &large)).collect()).await;
    }
    let begin = store.export(Position::START).await.unwrap();
    let mut begin = begin;
    let mut parts = vec![begin.next().await.unwrap().unwrap()];
    assert!(
        matches!(&parts[0], Part::State(changes) if changes.after == 0),
        "{parts:?}"
    );
    // One that was sent, one that was not, one of each is deleted, and one event comes with its state.
    let changes = vec![
        put("s", "k001", "new"),
        put("s", "k170", "new"),
        delete("s", "k002"),
        delete("s", "k171"),
    ];
    versions(store, 100, changes).await;
    let count = |id: u128| {
        let changes = vec![
            put("a-count", "n", &id.to_string()),
            put("z-count", "n", &id.to_string()),
        ];
        let append = append("counted", Expected::Any, &[id]);
        append
            .with_state(changes, Vec::new(), &Limits::default())
            .unwrap()
    };
    store.append(count(201)).await.unwrap();
    parts.push(begin.next().await.unwrap().unwrap());
    store.append(count(202)).await.unwrap();
    let parts = rest(begin, parts).await;
    let steps = parts.iter().filter(|part| matches!(part, Part::State(_))).count();
    assert!(steps > 6, "{steps} parts of at most 32 values each");
    // Written after the end of the export.
    let moved: Vec<String> = [
        observed_scope(store, "s").await,
        observed_scope(store, "a-count").await,
        observed_scope(store, "z-count").await,
    ]
    .into();
    store.append(count(203)).await.unwrap();
    let there = target().await;
    import(&there.store, SOURCE, &parts).await.unwrap();
    for (name, moved) in ["s", "a-count", "z-count"].iter().zip(moved) {
        assert_eq!(observed_scope(&there.store, name).await, moved);
    }
    assert_eq!(there.store.info().head, Position(2));
}

/// Events, and state in two scopes, that are written together are moved together, whenever they are exported.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_together_is_moved_together() {
    let source = Fixture::new(settings()).await;
    let store = source.store.clone();
    let writing = tokio::spawn(async move {
        for n in 1..=400_u128 {
            let changes = vec![put("a", "n", &n.to_string()), put("z", "n", &n.to_string())];
            let append = append("counted", Expected::Any, &[n]);
            let append = append
                .with_state(changes, Vec::new(), &Limits::default())
                .unwrap();
            store.append(append).await.unwrap();
            if n % 50 == 0 {
                let retention = crate::Retention {
                    max_count: Some(u64::try_from(n).unwrap()),
                    ..crate::Retention::default()
                };
                store
                    .set_retention(&crate::testing::stream("counted"), retention, None)
                    .await
                    .unwrap();
            }
            tokio::task::yield_now().await;
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while !writing.is_finished() {
        let parts = export(&source.store).await;
        let there = target().await;
        there
            .clock
            .0
            .store(u64::MAX / 2, std::sync::atomic::Ordering::Relaxed);
        import(&there.store, SOURCE, &parts).await.unwrap();
        let events = match there.store.stream(&crate::testing::stream("counted")).await {
            Ok(info) => info.last_revision.0 + 1,
            Err(_) => 0,
        };
        for name in ["a", "z"] {
            let count = listed(&there.store, name).await;
            let count = count.first().map_or(0, |(_, value, _)| value.parse().unwrap());
            assert_eq!(count, events, "scope {name}");
        }
        seen.insert(events);
        there.store.close().await;
    }
    writing.await.unwrap();
    assert!(seen.len() > 2, "exports at several moments: {seen:?}");
}

#[tokio::test]
async fn a_later_export_replaces_the_state_of_an_earlier_one() {
    let source = Fixture::new(settings()).await;
    source.fill("x", 0..3).await;
    versions(
        &source.store,
        1,
        vec![put("s", "a", "1"), put("s", "b", "1"), put("t", "a", "1")],
    )
    .await;
    let first = export(&source.store).await;
    versions(
        &source.store,
        2,
        vec![delete("s", "a"), put("s", "b", "2"), put("u", "c", "1")],
    )
    .await;
    let second = export(&source.store).await;
    let states = |parts: &[Part]| {
        parts
            .iter()
            .take_while(|part| !matches!(part, Part::End(_)))
            .count()
    };
    // The first one at once, or interrupted after any of its parts.
    for cut in 0..=states(&first) + 1 {
        let mut there = target().await;
        let ended = import_some(&there.store, SOURCE, &first, cut).await.unwrap();
        let write = write(9, vec![put("s", "z", "x")], Vec::new());
        let has_begun = there.store.shared().is_moving();
        if has_begun && !ended {
            assert_eq!(there.store.write_state(write).await, Err(Error::MoveUnfinished));
        }
        there.reopen().await;
        assert_eq!(there.store.shared().is_moving(), has_begun);
        import_some(&there.store, SOURCE, &second, 2).await.unwrap();
        there.reopen().await;
        import(&there.store, SOURCE, &second).await.unwrap();
        for name in ["s", "t", "u"] {
            assert_eq!(
                observed_scope(&there.store, name).await,
                observed_scope(&source.store, name).await
            );
        }
        import(&there.store, SOURCE, &second).await.unwrap();
        assert_eq!(versions(&there.store, 8, vec![put("s", "a", "3")]).await, [5]);
    }
}

#[tokio::test]
async fn a_store_with_other_state_is_refused_and_an_export_without_state_changes_none() {
    let source = Fixture::new(settings()).await;
    source.fill("x", 0..3).await;
    versions(&source.store, 1, vec![put("s", "a", "1")]).await;
    let parts = export(&source.store).await;
    let used = target().await;
    versions(&used.store, 1, vec![put("other", "a", "1")]).await;
    let refused = import(&used.store, SOURCE, &parts).await.unwrap_err();
    assert!(
        matches!(&refused, Error::MoveRefused(reason) if reason.contains("has state")),
        "{refused}"
    );
    let there = target().await;
    import(&there.store, SOURCE, &parts).await.unwrap();
    // As from a server that does not export state.
    let without: Vec<Part> = parts
        .iter()
        .filter(|part| !matches!(part, Part::State(_)))
        .cloned()
        .collect();
    import(&there.store, SOURCE, &without).await.unwrap();
    assert_eq!(listed(&there.store, "s").await.len(), 1);
    versions(&there.store, 2, vec![put("s", "b", "1")]).await;
    let refused = import(&there.store, SOURCE, &parts).await.unwrap_err();
    assert!(
        matches!(&refused, Error::MoveRefused(reason) if reason.contains("other state")),
        "{refused}"
    );
    assert_eq!(listed(&there.store, "s").await.len(), 2, "nothing is written");
}

#[tokio::test]
async fn changes_that_can_not_be_those_of_a_scope_are_refused() {
    let entry = |key: &str, version, bytes: usize| {
        StateUpdate::Put(StateEntry {
            key: StateKey::new(key).unwrap(),
            value: Bytes::from(vec![b'x'; bytes]),
            version,
            changed_at: Timestamp::from_micros(5),
        })
    };
    let part = |after, version, updates: Vec<StateUpdate>| ScopeChanges {
        scope: scope("s"),
        after,
        version,
        updates,
    };
    let many = (1..=1_001).map(|n| entry(&format!("k{n}"), n, 1)).collect();
    for (what, changes) in [
        ("no version", part(3, 3, Vec::new())),
        ("a version that no scope has", part(0, u64::MAX, Vec::new())),
        ("a version that is too late", part(0, 2, vec![entry("a", 3, 1)])),
        ("a version that is too early", part(3, 9, vec![entry("a", 3, 1)])),
        (
            "a version twice",
            part(0, 2, vec![entry("a", 1, 1), entry("b", 1, 1)]),
        ),
        (
            "a key twice",
            part(0, 2, vec![entry("a", 1, 1), entry("a", 2, 1)]),
        ),
        (
            "a value that is too large",
            part(0, 2, vec![entry("a", 1, 65_537)]),
        ),
        ("too many changes", part(0, 2_000, many)),
        ("a part that is missing", part(3, 4, Vec::new())),
    ] {
        let there = target().await;
        let mut import = there.store.import(SOURCE).await.unwrap();
        import
            .state(part(0, 2, vec![entry("a", 1, 65_536)]))
            .await
            .unwrap();
        let refused = import.state(changes).await.unwrap_err();
        assert!(matches!(refused, Error::MoveInvalid(_)), "{what}: {refused}");
        assert_eq!(listed(&there.store, "s").await.len(), 1, "{what}");
    }
}
