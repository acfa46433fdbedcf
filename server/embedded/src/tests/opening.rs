//! Opening, closing and opening again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use annals_engine::{Commit, Engine, Error};
use parking_lot::Mutex;

use super::{b, contents, open, set, try_open, with_bulk};
use crate::{EmbeddedEngine, OpenError, Settings};

fn refused(path: &Path, settings: Settings) -> OpenError {
    match EmbeddedEngine::open(path, settings) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("made/on/the/way");
    let mut expected = Vec::new();
    for round in 0..5 {
        let engine = open(&path, with_bulk(&["log"]));
        assert_eq!(contents(&engine).await, expected, "round {round}");
        engine
            .commit(Commit::relaxed().set(b(&format!("index{round}")), b("relaxed")))
            .await
            .expect("sets");
        set(&engine, &format!("log{round}"), "durable").await;
        engine
            .commit(Commit::relaxed().set(b(&format!("last{round}")), b("relaxed")))
            .await
            .expect("sets");
        expected = contents(&engine).await;
        assert_eq!(expected.len(), 3 * (round + 1));
    }
}

#[tokio::test]
async fn dropping_finishes_commits_whose_callers_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), Settings::default());
    for number in 0..10 {
        let mut commit = engine.commit(Commit::durable().set(b(&format!("key{number}")), b("value")));
        // Polled once, which submits the commit, then dropped.
        std::future::poll_fn(|context| {
            let _ = commit.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    drop(engine);
    assert_eq!(
        contents(&open(directory.path(), Settings::default())).await.len(),
        10
    );
}

#[tokio::test]
async fn a_directory_in_use_is_refused_until_it_is_free() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), Settings::default());
    set(&engine, "key", "value").await;
    let error = refused(directory.path(), Settings::default());
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains(&directory.path().display().to_string()),
        "{error}"
    );

    let snapshot = engine.snapshot().await.expect("opens");
    drop(engine);
    let error = refused(directory.path(), Settings::default());
    assert!(
        matches!(error, OpenError::InUse(_)),
        "a snapshot is still open: {error:?}"
    );
    assert_eq!(snapshot.get(b("key")).await.expect("reads"), Some(b("value")));
    drop(snapshot);
    assert_eq!(
        contents(&open(directory.path(), Settings::default())).await.len(),
        1
    );
}

#[tokio::test]
async fn a_store_opens_only_with_its_bulk_prefixes() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), with_bulk(&["log", "b"])));
    for prefixes in [&["log"][..], &[], &["log", "b", "c"]] {
        let error = refused(directory.path(), with_bulk(prefixes));
        assert!(matches!(error, OpenError::OtherFormat { .. }), "{error:?}");
    }
    drop(open(directory.path(), with_bulk(&["b", "log", "log/under", "b"])));
}

#[test]
fn what_is_no_directory_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "a file").expect("writes");
    for path in [file.clone(), file.join("below")] {
        let error = refused(&path, Settings::default());
        assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(fs::read(&file).expect("reads"), b"a file");
}

#[tokio::test]
async fn a_store_that_was_not_finished_is_made_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let draft = directory.path().join("creating/fjall");
    fs::create_dir_all(&draft).expect("creates");
    fs::write(draft.join("0.jnl"), "half a journal").expect("writes");
    let engine = open(directory.path(), Settings::default());
    set(&engine, "key", "value").await;
    assert!(!directory.path().join("creating").exists());
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let damage: [fn(&Path); 4] = [
        |store| fs::remove_file(store.join("format")).expect("removes"),
        // Damages a value in the middle of the log.
        |store| {
            let segment = store.join("log/0000000001.seg");
            let mut bytes = fs::read(&segment).expect("reads");
            let value = bytes
                .windows(8)
                .position(|window| window == b"value 50")
                .expect("is there");
            bytes[value] ^= 1;
            fs::write(&segment, bytes).expect("writes");
        },
        |store| fs::remove_file(store.join("log/0000000001.seg")).expect("removes"),
        |store| fs::write(store.join("fjall/keyspaces/1/current"), "nonsense").expect("writes"),
    ];
    for (number, damage) in damage.iter().enumerate() {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = open(directory.path(), Settings::default());
        for number in 0..100 {
            set(&engine, &format!("key {number}"), &format!("value {number}")).await;
        }
        drop(engine);
        damage(&directory.path().join("store"));
        let error = try_open(directory.path(), Settings::default())
            .err()
            .expect("is refused");
        assert!(
            matches!(error, OpenError::Corrupt { .. } | OpenError::Lost { .. }),
            "damage {number}: {error:?}"
        );
    }
}

#[tokio::test]
async fn durable_commits_are_reported_with_their_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let times: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let sink = Arc::clone(&times);
    let on_sync: crate::OnSync = Arc::new(move |time| sink.lock().push(time));
    let engine = open(
        directory.path(),
        Settings {
            on_sync: Some(on_sync),
            ..Settings::default()
        },
    );
    set(&engine, "a", "1").await;
    engine
        .commit(Commit::relaxed().set(b("b"), b("2")))
        .await
        .expect("sets");
    engine
        .commit(Commit::durable().check(b("b"), Some(b("2"))))
        .await
        .expect("syncs");
    let conflict = engine
        .commit(Commit::durable().check(b("b"), None).set(b("c"), b("3")))
        .await;
    assert_eq!(conflict, Err(Error::Conflict));
    let times = times.lock();
    assert_eq!(times.len(), 2, "two durable commits were applied");
    assert!(times.iter().all(|time| !time.is_zero()), "{times:?}");
}

#[tokio::test]
async fn after_a_failure_nothing_is_committed_and_waiting_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = Arc::new(open(directory.path(), Settings::default()));
    set(&engine, "key", "value").await;
    let watcher = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.watch(b("key"), Some(b("value"))).await }
    });
    tokio::task::yield_now().await;
    engine.store.fail("the disk failed".to_owned());
    let failed = Err(Error::Failed("the disk failed".to_owned()));
    assert_eq!(
        engine.commit(Commit::durable().set(b("key"), b("other"))).await,
        failed
    );
    assert_eq!(
        engine.commit(Commit::relaxed().set(b("key"), b("other"))).await,
        failed
    );
    assert_eq!(watcher.await.expect("ends"), failed);
    let snapshot = engine.snapshot().await.expect("opens");
    assert_eq!(
        snapshot.get(b("key")).await.expect("reads"),
        Some(b("value")),
        "committed data can still be read"
    );
}
