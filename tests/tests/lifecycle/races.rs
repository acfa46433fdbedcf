//! Deletion during appends: each append is either before the deletion, and removed, or after it, and kept.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use annals_client::{Client, Error, ExpectedRevision as Expected, Revision};
use annals_tests::{
    harness::{Server, sample::event, seed, within_patience},
    on_every_engine,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{append, read};

on_every_engine!(
    what_is_deleted_and_what_is_kept_fit_together,
    of_a_delete_and_an_append_that_both_expect_a_revision_one_wins,
    a_stream_that_is_appended_to_without_a_pause_is_deleted,
);

const STREAMS: usize = 3;

async fn append_many(client: Client, seed: u64) -> Vec<(String, u64, String)> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut written = Vec::new();
    for _ in 0..80 {
        let stream = format!("s-{}", random.random_range(0..STREAMS));
        let event = event("T");
        let id = event.id.to_string();
        let appended = client.append(&stream, Expected::Any, [event]).await.unwrap();
        written.push((stream, appended.first_revision.0, id));
    }
    written
}

/// Deletes repeatedly; returns the revision up to which each stream was deleted.
async fn delete_many(client: Client, seed: u64) -> BTreeMap<String, u64> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut deleted = BTreeMap::new();
    for _ in 0..30 {
        let stream = format!("s-{}", random.random_range(0..STREAMS));
        match client.delete_stream(&stream, Expected::Any).await {
            Ok(done) => {
                let before = deleted.insert(stream, done.last_revision.0);
                assert!(before.is_none_or(|before| before <= done.last_revision.0));
            }
            Err(Error::StreamNotFound { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    deleted
}

async fn what_is_deleted_and_what_is_kept_fit_together(server: Server) {
    let seed = seed();
    let client = server.client();
    let appends = (0..4).map(|n| tokio::spawn(append_many(client.clone(), seed + n)));
    let appends: Vec<_> = appends.collect();
    let deletes = tokio::spawn(delete_many(client.clone(), seed + 100));
    let mut written = BTreeMap::new();
    for appends in appends {
        for (stream, revision, id) in within_patience("appends", appends).await.unwrap() {
            assert_eq!(written.insert((stream, revision), id), None, "each revision once");
        }
    }
    let deleted = within_patience("deletes", deletes).await.unwrap();
    for stream in (0..STREAMS).map(|n| format!("s-{n}")) {
        let kept: BTreeMap<(String, u64), String> = written
            .iter()
            .filter(|((name, revision), _)| {
                *name == stream && deleted.get(&stream).is_none_or(|last| revision > last)
            })
            .map(|(key, id)| (key.clone(), id.clone()))
            .collect();
        let found: BTreeMap<(String, u64), String> = match client.read_stream(&stream).await {
            Ok(events) => {
                let events = events.collect().await.unwrap();
                let key = |event: annals_client::RecordedEvent| {
                    ((event.stream, event.revision.0), event.id.to_string())
                };
                events.into_iter().map(key).collect()
            }
            Err(Error::StreamNotFound { .. }) => BTreeMap::new(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, kept, "{stream}");
    }
}

async fn of_a_delete_and_an_append_that_both_expect_a_revision_one_wins(server: Server) {
    let client = server.client();
    for round in 0..30 {
        let stream = format!("round-{round}");
        append(&client, &stream, &["A"]).await;
        let (deleted, appended) = tokio::join!(
            client.delete_stream(&stream, Expected::Exactly(Revision(0))),
            client.append(&stream, Expected::Exactly(Revision(0)), [event("B")]),
        );
        match (&deleted, &appended) {
            (Ok(_), Err(Error::RevisionConflict { actual: None, .. })) => {
                assert!(client.read_stream(&stream).await.is_err());
            }
            (
                Err(Error::RevisionConflict {
                    actual: Some(Revision(1)),
                    ..
                }),
                Ok(_),
            ) => {
                assert_eq!(read(&client, &stream).await.len(), 2);
            }
            both => panic!("{both:?}"),
        }
    }
}

/// Appends to a stream until it is stopped. Returns the revisions of its appends.
async fn append_without_pause(client: Client, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut revisions = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let appended = client.append("busy", Expected::Any, [event("T")]).await.unwrap();
        revisions.push(appended.first_revision.0);
    }
    revisions
}

/// Every kind of change, while eight clients append to the stream.
async fn a_stream_that_is_appended_to_without_a_pause_is_deleted(server: Server) {
    const APPENDERS: usize = 8;
    let client = server.client();
    let stop = Arc::new(AtomicBool::new(false));
    append(&client, "busy", &["First"]).await;
    let appenders = (0..APPENDERS).map(|_| tokio::spawn(append_without_pause(server.client(), stop.clone())));
    let appenders: Vec<_> = appenders.collect();
    let mut before = 0;
    for _ in 0..10 {
        let deleted = client.delete_stream("busy", Expected::Any).await.unwrap();
        assert!(deleted.already_deleted || deleted.last_revision >= before);
        before = deleted.last_revision.0;
        for count in [3, 100] {
            let kept = annals_client::Retention::new().max_count(count);
            client.set_retention("busy", kept).await.unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut revisions = vec![0];
    for appender in appenders {
        revisions.extend(within_patience("appends", appender).await.unwrap());
    }
    revisions.sort_unstable();
    assert!(
        revisions.iter().copied().eq(0..revisions.len() as u64),
        "each once"
    );
    let kept = match client.read_stream("busy").await {
        Ok(events) => events.collect().await.unwrap(),
        Err(Error::StreamNotFound { .. }) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    assert!(kept.iter().all(|event| event.revision > before));
    let ended = client.tombstone_stream("busy", Expected::Any).await.unwrap();
    assert!(!ended.already_tombstoned);
}
