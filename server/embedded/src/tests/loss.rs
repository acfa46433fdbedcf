//! Durable records that are missing or damaged: after a clean stop, after kill -9, and after a power failure.

mod tree;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_engine::{Commit, Engine};
use bytes::Bytes;
use tempfile::TempDir;

use super::copies::copy;
use super::fault::Fault;
use super::{b, ends, open, try_open, with_bulk};
use crate::{EmbeddedEngine, Loss, OpenError, Settings};

const COMMITS: u64 = 9;

fn settings() -> Settings {
    Settings {
        head_key: Some(b("head")),
        ..with_bulk(&["log"])
    }
}

fn accepting(mut settings: Settings) -> Settings {
    settings.accept_loss = Some(Arc::new(|_| true));
    settings
}

/// Sets the head and one value of the log. Values have one to 511 bytes.
fn numbered(number: u64) -> Commit {
    let value = Bytes::from(vec![number as u8; 1 + (number as usize % 4) * 170]);
    let commit = Commit::durable().set(b("head"), head(number));
    commit.set(b(&format!("log{number:02}")), value)
}

fn head(number: u64) -> Bytes {
    Bytes::from(format!("head {number}"))
}

async fn commit(engine: &EmbeddedEngine, numbers: Range<u64>) {
    for number in numbers {
        engine.commit(numbered(number)).await.expect("commits");
    }
}

/// The head that readers see.
async fn seen(engine: &EmbeddedEngine) -> Option<Bytes> {
    let snapshot = engine.snapshot().await.expect("opens");
    snapshot.get(b("head")).await.expect("reads")
}

/// A store of [`COMMITS`] commits, after one of two kinds of end.
struct Ended {
    how: &'static str,
    directory: TempDir,
    /// Offsets at which records end, preceded by the offset of the first record.
    ends: Vec<u64>,
}

async fn ended(settings: &Settings) -> [Ended; 2] {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings.clone());
    commit(&engine, 1..COMMITS + 1).await;
    let ends = ends(&engine);
    let killed = copy(directory.path());
    drop(engine);
    [
        Ended {
            how: "a clean stop",
            directory,
            ends: ends.clone(),
        },
        Ended {
            how: "kill -9",
            directory: killed,
            ends,
        },
    ]
}

fn segment(path: &Path, number: u32) -> PathBuf {
    path.join(format!("store/log/{number:010}.seg"))
}

fn mark_file(path: &Path) -> PathBuf {
    path.join("store/durable")
}

fn refused(path: &Path, settings: Settings) -> OpenError {
    match try_open(path, settings) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    }
}

fn lost(path: &Path, settings: Settings) -> Loss {
    match refused(path, settings) {
        OpenError::Lost { loss, .. } => *loss,
        error => panic!("{error:?}"),
    }
}

/// Each boundary of records, the bytes around it, and some offsets within records.
fn places(ends: &[u64]) -> Vec<u64> {
    let around = ends.iter().flat_map(|end| [end.saturating_sub(1), *end, end + 1]);
    let within = ends
        .windows(2)
        .flat_map(|record| (record[0]..record[1]).step_by(149));
    let inside = |at: &u64| *at >= ends[0] && *at < ends[ends.len() - 1];
    let mut places: Vec<_> = around.chain(within).filter(inside).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The number of records that end at or before a place.
fn whole(ends: &[u64], place: u64) -> u64 {
    ends.iter().filter(|end| **end <= place).count() as u64 - 1
}

#[tokio::test]
async fn a_log_that_was_cut_anywhere_is_refused_and_left_as_it_is() {
    for Ended { how, directory, ends } in &ended(&settings()).await {
        let file = segment(directory.path(), 1);
        let all = fs::read(&file).expect("reads");
        for cut in places(ends) {
            let left = whole(ends, cut);
            // Cut off, or all zeros from there on.
            for bytes in [cut as usize, all.len() + 1_000] {
                let mut cut_off = all[..cut as usize].to_vec();
                cut_off.resize(bytes, 0);
                fs::write(&file, &cut_off).expect("writes");
                let mark = fs::read(mark_file(directory.path())).expect("reads");
                let loss = lost(directory.path(), settings());
                let expected = Loss {
                    found: loss.found.clone(),
                    last_left: left,
                    last_durable: Some(COMMITS),
                    head_left: (left > 0).then(|| head(left)),
                    head_durable: Some(head(COMMITS)),
                    can_be_accepted: true,
                };
                assert_eq!(loss, expected, "cut at {cut}, {bytes} bytes, after {how}");
                assert_eq!(fs::read(&file).expect("reads"), cut_off);
                assert_eq!(fs::read(mark_file(directory.path())).expect("reads"), mark);
            }
        }
        fs::write(&file, all).expect("writes");
        let engine = open(directory.path(), settings());
        assert_eq!(seen(&engine).await, Some(head(COMMITS)), "after {how}");
    }
}

/// The last record holds a group of many events, and any of them may be damaged.
#[tokio::test]
async fn a_log_with_a_flipped_byte_anywhere_is_refused() {
    for Ended { how, directory, ends } in &ended(&settings()).await {
        let file = segment(directory.path(), 1);
        let all = fs::read(&file).expect("reads");
        let last = (ends[ends.len() - 2]..ends[ends.len() - 1]).step_by(11);
        for place in places(ends).into_iter().chain(last) {
            let mut flipped = all.clone();
            flipped[place as usize] ^= 0x20;
            fs::write(&file, &flipped).expect("writes");
            let loss = lost(directory.path(), settings());
            let left = whole(ends, place);
            let found = (loss.last_left, loss.last_durable, loss.head_durable);
            let expected = (left, Some(COMMITS), Some(head(COMMITS)));
            assert_eq!(found, expected, "byte {place}, after {how}");
            assert_eq!(fs::read(&file).expect("reads"), flipped);
        }
    }
}

/// After a power failure the mark may be older than the log.
#[tokio::test]
async fn damage_before_a_whole_record_is_a_loss_whatever_the_mark_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings());
    let old_mark = fs::read(mark_file(directory.path())).expect("reads");
    commit(&engine, 1..COMMITS + 1).await;
    let ends = ends(&engine);
    drop(engine);
    fs::write(mark_file(directory.path()), &old_mark).expect("writes");
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    for place in places(&ends[..ends.len() - 1]) {
        let mut flipped = all.clone();
        flipped[place as usize] ^= 0x20;
        fs::write(&file, &flipped).expect("writes");
        let loss = lost(directory.path(), settings());
        assert_eq!(loss.last_left, whole(&ends, place));
        assert_eq!(loss.last_durable, Some(COMMITS), "the last record is intact");
        assert_eq!(loss.head_durable, Some(head(COMMITS)));
        // The loss is found again if the process dies after it was accepted and the rest was cut off.
        drop(open(directory.path(), accepting(settings())));
        let again = lost(directory.path(), settings());
        assert_eq!(again.last_durable, Some(COMMITS));
        fs::write(&file, &all).expect("writes");
        fs::write(mark_file(directory.path()), &old_mark).expect("writes");
    }
}

#[tokio::test]
async fn a_store_without_a_valid_mark_is_refused() {
    for Ended { how, directory, .. } in &ended(&settings()).await {
        let mark = fs::read(mark_file(directory.path())).expect("reads");
        let damages: [fn(&Path, &[u8]); 3] = [
            |file, _| fs::remove_file(file).expect("removes"),
            |file, mark| fs::write(file, vec![0; mark.len()]).expect("writes"),
            |file, mark| {
                fs::write(file, mark.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).expect("writes")
            },
        ];
        for damage in damages {
            damage(&mark_file(directory.path()), &mark);
            let loss = lost(directory.path(), settings());
            assert_eq!(
                (loss.last_left, loss.last_durable),
                (COMMITS, None),
                "after {how}"
            );
            assert!(loss.found.contains("store/durable"), "{loss}");
        }
        let engine = open(directory.path(), accepting(settings()));
        engine.settle_loss().expect("settles");
        drop(engine);
        assert_eq!(
            seen(&open(directory.path(), settings())).await,
            Some(head(COMMITS))
        );
    }
}

/// A power failure may tear the write of the mark. The previous mark is just as good for all but the last record.
#[tokio::test]
async fn a_torn_mark_is_the_one_before_it() {
    let [Ended { directory, ends, .. }, _] = ended(&settings()).await;
    let mark = fs::read(mark_file(directory.path())).expect("reads");
    let count = |at: usize| u64::from_le_bytes(mark[at + 16..at + 24].try_into().expect("eight bytes"));
    let newest = if count(0) > count(4_096) { 0 } else { 4_096 };
    let mut torn = mark.clone();
    torn[newest + 20..newest + 512].fill(0);
    fs::write(mark_file(directory.path()), &torn).expect("writes");
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..ends[ends.len() - 3] as usize]).expect("writes");
    let loss = lost(directory.path(), settings());
    assert_eq!(
        (loss.last_left, loss.last_durable),
        (COMMITS - 2, Some(COMMITS - 1))
    );
    fs::write(&file, &all).expect("writes");
    let engine = open(directory.path(), settings());
    assert_eq!(seen(&engine).await, Some(head(COMMITS)));
}

#[tokio::test]
async fn an_accepted_loss_is_reported_until_it_is_settled() {
    let [Ended { directory, ends, .. }, _] = ended(&settings()).await;
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..ends[4] as usize + 10]).expect("writes");

    let engine = open(directory.path(), accepting(settings()));
    let loss = engine.loss().expect("is reported").clone();
    assert_eq!((loss.last_left, loss.last_durable), (4, Some(COMMITS)));
    assert_eq!(seen(&engine).await, Some(head(4)));
    // As many records as were lost, and more: their numbers alone do not distinguish them.
    for number in 5..COMMITS + 5 {
        let killed = copy(directory.path());
        lost(killed.path(), settings());
        let again = open(killed.path(), accepting(settings()));
        assert_eq!(seen(&again).await, Some(head(number - 1)));
        commit(&engine, number..number + 1).await;
    }
    engine.settle_loss().expect("settles");
    let killed = copy(directory.path());
    drop(engine);
    for path in [killed.path(), directory.path()] {
        let engine = open(path, settings());
        assert_eq!(engine.loss(), None);
        assert_eq!(seen(&engine).await, Some(head(COMMITS + 4)));
        let end = engine.writer.lock().log.end;
        drop(engine);
        // From here on losses are found as before.
        let file = segment(path, 1);
        let all = fs::read(&file).expect("reads");
        fs::write(&file, &all[..end as usize - 1]).expect("writes");
        assert_eq!(lost(path, settings()).last_durable, Some(COMMITS + 4));
    }
}

#[tokio::test]
async fn a_loss_that_is_not_accepted_changes_nothing() {
    let [Ended { directory, ends, .. }, _] = ended(&settings()).await;
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    let mut flipped = all.clone();
    flipped[ends[3] as usize + 5] ^= 1;
    fs::write(&file, &flipped).expect("writes");
    let mut refusing = settings();
    refusing.accept_loss = Some(Arc::new(|loss| loss.last_left == 7));
    assert_eq!(lost(directory.path(), refusing).last_left, 3);
    assert_eq!(fs::read(&file).expect("reads"), flipped);
    // A fault of the disk's controller, for example, can then still be corrected.
    fs::write(&file, &all).expect("writes");
    assert_eq!(
        seen(&open(directory.path(), settings())).await,
        Some(head(COMMITS))
    );
}

#[tokio::test]
async fn a_commit_that_was_not_synced_does_not_move_the_mark() {
    for room in [0, 60, 200] {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = open(directory.path(), settings());
        commit(&engine, 1..4).await;
        let mark = fs::read(mark_file(directory.path())).expect("reads");
        engine.writer.lock().log.fault = Some(Fault::after(room));
        let failed = engine.commit(numbered(6)).await;
        assert!(failed.is_err(), "{room} bytes of room");
        assert_eq!(fs::read(mark_file(directory.path())).expect("reads"), mark);
        drop(engine);
        let engine = open(directory.path(), settings());
        assert!(seen(&engine).await >= Some(head(3)));
    }
}

#[tokio::test]
async fn a_store_of_the_format_before_gets_a_mark() {
    let [Ended { directory, ends, .. }, _] = ended(&settings()).await;
    let format = directory.path().join("store/format");
    let text = fs::read_to_string(&format).expect("reads");
    fs::remove_file(mark_file(directory.path())).expect("removes");
    fs::write(&format, text.replace("format 3", "format 2")).expect("writes");
    let engine = open(directory.path(), settings());
    assert_eq!(engine.loss(), None);
    assert_eq!(seen(&engine).await, Some(head(COMMITS)));
    drop(engine);
    assert_eq!(fs::read_to_string(&format).expect("reads"), text);
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..ends[ends.len() - 2] as usize]).expect("writes");
    assert_eq!(lost(directory.path(), settings()).last_durable, Some(COMMITS));
}
