//! Changes of a stream that is appended to without a pause, and checks at the same time.

use tokio::task::JoinSet;

use crate::{
    Check, Error, Expected, Position, Query, QueryItem, Rejection, Retention, Revision, Settings, Store,
    read::follow::fresh_head,
    testing::{Fixture, append, small, stream},
};

/// Appends until the stream is permanently deleted; returns the number of appends.
async fn append_without_pause(store: Store, number: u128) -> u64 {
    for count in 0.. {
        let id = number << 64 | u128::from(count);
        match store.append(append("s", Expected::Any, &[id])).await {
            Ok(_) => {}
            Err(Error::Rejected(Rejection::Tombstoned { .. })) => return count,
            Err(error) => panic!("{error}"),
        }
    }
    0
}

fn keeping(count: u64) -> Retention {
    Retention {
        max_count: Some(count),
        ..Retention::default()
    }
}

#[tokio::test]
async fn a_stream_that_is_appended_to_without_a_pause_is_changed() {
    for stores in [1, 2] {
        let test = Fixture::new(Settings {
            shared_engine: stores > 1,
            ..small()
        })
        .await;
        let mut all = vec![test.store.clone()];
        if stores > 1 {
            all.push(test.another().await);
        }
        let mut appenders = JoinSet::new();
        for number in 1..=6_u128 {
            let store = all[number as usize % all.len()].clone();
            appenders.spawn(append_without_pause(store, number));
        }
        let (name, store) = (stream("s"), &test.store);
        test.fill("s", 1..2).await;
        let mut next = Revision::FIRST;
        for round in 0..10 {
            let deleted = store.delete_stream(&name, Expected::Any).await.unwrap();
            assert!(
                deleted.already_deleted || deleted.last_revision >= next,
                "round {round}"
            );
            next = deleted.last_revision;
            let few = store.set_retention(&name, keeping(2), None).await.unwrap();
            let more = store.set_retention(&name, keeping(50), None).await.unwrap();
            assert!(more.retention.truncate_before >= few.retention.truncate_before);
        }
        store.tombstone_stream(&name, Expected::Any).await.unwrap();
        while let Some(appended) = appenders.join_next().await {
            assert!(appended.unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn a_change_that_expects_what_is_no_longer_so_is_refused_and_not_made_again() {
    let test = Fixture::new(small()).await;
    test.fill("s", 1..4).await;
    let (name, store) = (stream("s"), &test.store);
    let (deleted, appended) = tokio::join!(
        store.delete_stream(&name, Expected::Exactly(Revision(2))),
        store.append(append("s", Expected::Any, &[9])),
    );
    assert!(appended.is_ok());
    match deleted {
        Ok(deleted) => assert_eq!(deleted.last_revision, Revision(2)),
        Err(error) => assert!(error.to_string().contains("expected at revision 2"), "{error}"),
    }
    let version = store.retention(&name).await.unwrap().version;
    let (one, other) = tokio::join!(
        store.set_retention(&name, keeping(5), Some(version)),
        store.set_retention(&name, keeping(6), Some(version)),
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(store.retention(&name).await.unwrap().version, version + 1);
}

#[tokio::test]
async fn a_condition_is_judged_while_another_server_appends_without_a_pause() {
    let test = Fixture::new(Settings {
        shared_engine: true,
        ..small()
    })
    .await;
    let all = [test.store.clone(), test.another().await];
    let mut appenders = JoinSet::new();
    for number in 1..=6_u128 {
        let store = all[number as usize % all.len()].clone();
        appenders.spawn(append_without_pause(store, number));
    }
    test.fill("s", 1..2).await;
    for round in 0..10_u128 {
        // Over the whole log, and over its end.
        let after = match round % 2 {
            0 => Position::START,
            _ => fresh_head(test.store.shared()).await.unwrap(),
        };
        let item = QueryItem {
            types: vec!["Nothing".to_owned()],
            ..QueryItem::default()
        };
        let none = Check::NoMatch {
            query: Query { items: vec![item] },
            after,
        };
        let append = append("t", Expected::Any, &[round + 1_000]).with_checks(vec![none]);
        test.store.append(append.unwrap()).await.unwrap();
    }
    test.store
        .tombstone_stream(&stream("s"), Expected::Any)
        .await
        .unwrap();
    while let Some(appended) = appenders.join_next().await {
        assert!(appended.unwrap() > 0);
    }
}
