//! Space is reclaimed after keys were removed, while commits and reads continue.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use annals_engine::{Commit, Engine};
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{b, contents, open, set, with_bulk};
use crate::layout::Place;
use crate::{EmbeddedEngine, OpenError, Reclaimed, Settings};

const KEYS: u32 = 20_000;

fn key(number: u32) -> Bytes {
    [b"f", &number.to_be_bytes()[..]].concat().into()
}

/// Allocated bytes of the files under a directory.
fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(path)
        .expect("reads")
        .map(|entry| entry.expect("reads"));
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            // The file was deleted meanwhile.
            Err(_) => 0,
        })
        .sum()
}

fn told() -> (Settings, mpsc::Receiver<annals_engine::Result<Reclaimed>>) {
    let (tell, told) = mpsc::channel();
    let settings = Settings {
        memtable_bytes: 1 << 20,
        reclaim_bytes_min: 1 << 20,
        on_reclaim: Some(Arc::new(move |result| drop(tell.send(result)))),
        ..with_bulk(&["f"])
    };
    (settings, told)
}

/// Sets incompressible values of 1,000 bytes each.
async fn fill(engine: &EmbeddedEngine) {
    let mut rng = StdRng::seed_from_u64(1);
    for numbers in (0..KEYS).collect::<Vec<_>>().chunks(500) {
        let mut commit = Commit::relaxed();
        for number in numbers {
            let mut value = vec![0; 1_000];
            rng.fill(&mut value[..]);
            commit = commit.set(key(*number), value.into());
        }
        engine.commit(commit).await.expect("sets");
    }
}

/// The directory is released some milliseconds after the engine was dropped.
fn reopen(path: &Path, settings: Settings) -> EmbeddedEngine {
    loop {
        match EmbeddedEngine::open(path, settings.clone()) {
            Ok(engine) => return engine,
            Err(OpenError::InUse(_)) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("{error}"),
        }
    }
}

async fn remove_nine_of_ten(engine: &EmbeddedEngine) {
    for numbers in (0..KEYS).collect::<Vec<_>>().chunks(500) {
        let removed = numbers.iter().filter(|number| !number.is_multiple_of(10));
        let commit = removed.fold(Commit::durable(), |commit, number| commit.clear(key(*number)));
        engine.commit(commit).await.expect("clears");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_comes_back_to_the_disk_by_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let (settings, told) = told();
    let engine = open(directory.path(), settings);
    fill(&engine).await;
    remove_nine_of_ten(&engine).await;
    let reclaimed = tokio::task::block_in_place(|| told.recv_timeout(Duration::from_secs(60)));
    let reclaimed = reclaimed.expect("it begins").expect("it succeeds");
    assert!(reclaimed.bytes_after < reclaimed.bytes_before, "{reclaimed:?}");
    assert_eq!(contents(&engine).await.len() as u32, KEYS / 10);
    set(&engine, "f", "after").await;
    assert_eq!(
        engine.snapshot().await.unwrap().get(b("f")).await.unwrap(),
        Some(b("after"))
    );
    // Of 20 MB, 2 MB are left, in the log; some space is prepared ahead of its end. The tree's journal is deleted
    // only once it has grown.
    let store = directory.path().join("store");
    let (log, all) = (disk_bytes(&store.join("log")), disk_bytes(&store));
    assert!(
        log < 4 << 20 && all < 8 << 20,
        "the log takes {log} bytes, all {all}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_before_a_restart_comes_back_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let quiet = Settings {
        reclaim_bytes_min: u64::MAX,
        ..with_bulk(&["f"])
    };
    let engine = open(directory.path(), quiet);
    // Two tables, which fjall does not compact on its own yet.
    let log = engine.store.tree.keyspace(Place::Log).clone();
    fill(&engine).await;
    log.rotate_memtable_and_wait().expect("flushes");
    remove_nine_of_ten(&engine).await;
    log.rotate_memtable_and_wait().expect("flushes");
    drop(log);
    drop(engine);
    let (settings, told) = told();
    let engine = reopen(directory.path(), settings);
    let reclaimed = tokio::task::block_in_place(|| told.recv_timeout(Duration::from_secs(60)));
    let reclaimed = reclaimed.expect("it begins").expect("it succeeds");
    assert!(reclaimed.bytes_after < reclaimed.bytes_before, "{reclaimed:?}");
    assert_eq!(contents(&engine).await.len() as u32, KEYS / 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_snapshot_sees_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let (settings, told) = told();
    let engine = open(directory.path(), settings);
    fill(&engine).await;
    let kept = engine.snapshot().await.expect("opens");
    remove_nine_of_ten(&engine).await;
    let reclaimed = tokio::task::block_in_place(|| told.recv_timeout(Duration::from_secs(60)));
    assert!(reclaimed.expect("it begins").is_ok());
    for number in 0..KEYS {
        let value = kept.get(key(number)).await.expect("reads");
        assert_eq!(value.map(|value| value.len()), Some(1_000), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_go_on_while_space_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let (settings, told) = told();
    let engine = open(directory.path(), settings);
    fill(&engine).await;
    remove_nine_of_ten(&engine).await;
    let mut written = 0;
    let reclaimed = loop {
        match told.try_recv() {
            Ok(reclaimed) => break reclaimed,
            Err(_) => {
                set(&engine, &format!("i{written}"), "v").await;
                written += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    assert!(reclaimed.is_ok(), "{reclaimed:?}");
    assert!(written > 0, "no commit ran before space was reclaimed");
    assert_eq!(contents(&engine).await.len(), KEYS as usize / 10 + written);
}
