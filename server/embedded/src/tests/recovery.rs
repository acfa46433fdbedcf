//! Recovery after the end of the log was lost, torn or damaged, and after the tree lost data.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annals_engine::{Commit, Engine, Entry, Error};
use bytes::Bytes;
use tempfile::TempDir;

use super::copies::{copy, copy_to};
use super::fault::Fault;
use super::{b, contents, ends, open, set, try_open, with_bulk};
use crate::record::HEADER_BYTES;
use crate::{OpenError, Settings};

fn segment(path: &Path, number: u32) -> PathBuf {
    path.join(format!("store/log/{number:010}.seg"))
}

fn refused(path: &Path, settings: Settings) -> String {
    match try_open(path, settings) {
        Err(OpenError::Corrupt { message, .. }) => message,
        Err(OpenError::Lost { loss, .. }) => loss.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("{} opened", path.display()),
    }
}

/// A commit of one key of the index and one of the log.
fn numbered(number: usize) -> Commit {
    let value = Bytes::from(vec![number as u8 + 1; number * 150]);
    let commit = Commit::durable().set(b(&format!("index{number:02}")), value.clone());
    commit.set(b(&format!("log{number:02}")), value)
}

/// The number of commits that are there. Checks that they are the first ones, each complete.
fn first_ones(entries: &[Entry]) -> usize {
    let count = entries.len() / 2;
    for (nth, entry) in entries.iter().enumerate() {
        let number = nth % count;
        let prefix = if nth < count { "index" } else { "log" };
        assert_eq!(entry.key, format!("{prefix}{number:02}"));
        assert_eq!(entry.value, vec![number as u8 + 1; number * 150]);
    }
    count
}

const COMMITS: usize = 8;

/// A store of [`COMMITS`] commits.
struct Written {
    directory: TempDir,
    /// Offsets at which its records end, preceded by the offset of the first one.
    ends: Vec<u64>,
    /// The file of the durable mark after each commit, preceded by its state before them.
    marks: Vec<Vec<u8>>,
}

impl Written {
    /// Resets the mark to when only the first commits were acknowledged.
    fn answered(&self, commits: usize) {
        fs::write(mark_file(self.directory.path()), &self.marks[commits]).expect("writes");
    }
}

fn mark_file(path: &Path) -> PathBuf {
    path.join("store/durable")
}

async fn written(settings: &Settings) -> Written {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings.clone());
    let mark = || fs::read(mark_file(directory.path())).expect("reads");
    let mut marks = vec![mark()];
    for number in 0..COMMITS {
        engine.commit(numbered(number)).await.expect("sets");
        marks.push(mark());
    }
    let ends = ends(&engine);
    assert_eq!(ends.len(), COMMITS + 1);
    Written {
        directory,
        ends,
        marks,
    }
}

/// A power failure may lose data that was written and not acknowledged. The first commits remain, each complete.
#[tokio::test]
async fn a_log_cut_anywhere_after_what_was_answered_holds_the_first_commits_whole() {
    let settings = with_bulk(&["log"]);
    let store = written(&settings).await;
    let Written { directory, ends, .. } = &store;
    let whole = fs::read(segment(directory.path(), 1)).expect("reads");
    let last_two = ends[COMMITS - 2] as usize..=ends[COMMITS] as usize;
    let cuts = (ends[0] as usize..ends[COMMITS - 2] as usize)
        .step_by(61)
        .chain(last_two);
    for cut in cuts {
        // Cut off at any byte, or never written, so that there are zeros.
        for size in [cut, whole.len() + 1_000] {
            let mut bytes = whole[..cut].to_vec();
            bytes.resize(size, 0);
            fs::write(segment(directory.path(), 1), bytes).expect("writes");
            let expected = ends.iter().filter(|end| **end <= cut as u64).count() - 1;
            store.answered(expected);
            let engine = open(directory.path(), settings.clone());
            let there = first_ones(&contents(&engine).await);
            // A record that ends in zeros is intact without them.
            assert_eq!(there, expected, "cut at {cut}, {size} bytes");
        }
    }
}

/// Any part of the record that was being written may be on disk.
#[tokio::test]
async fn a_record_that_is_torn_in_the_middle_is_cut_off_and_the_rest_is_there() {
    let settings = with_bulk(&["log"]);
    let store = written(&settings).await;
    let Written { directory, ends, .. } = &store;
    let whole = fs::read(segment(directory.path(), 1)).expect("reads");
    let (from, to) = (ends[COMMITS - 1] as usize, ends[COMMITS] as usize);
    for hole in (from..to).step_by(7) {
        for bytes in [1, 64, 512] {
            let mut torn = whole.clone();
            torn[hole..(hole + bytes).min(to)]
                .iter_mut()
                .for_each(|byte| *byte ^= 0x5A);
            fs::write(segment(directory.path(), 1), torn).expect("writes");
            store.answered(COMMITS - 1);
            let engine = open(directory.path(), settings.clone());
            assert_eq!(
                first_ones(&contents(&engine).await),
                COMMITS - 1,
                "a hole of {bytes} at {hole}"
            );
            assert_eq!(
                fs::metadata(segment(directory.path(), 1))
                    .expect("is there")
                    .len(),
                from as u64,
                "the torn record is removed permanently"
            );
        }
    }
}

/// Data is not cut off if there is evidence that it was acknowledged.
#[tokio::test]
async fn damage_before_the_last_record_is_reported_and_nothing_is_changed() {
    let settings = with_bulk(&["log"]);
    let store = written(&settings).await;
    let Written { directory, ends, .. } = &store;
    // Even if the mark is as old as it can be.
    store.answered(0);
    let whole = fs::read(segment(directory.path(), 1)).expect("reads");
    for place in (ends[2] as usize..ends[COMMITS - 2] as usize).step_by(5) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        fs::write(segment(directory.path(), 1), &damaged).expect("writes");
        let message = refused(directory.path(), settings.clone());
        assert!(message.contains("breaks off"), "{message}");
        assert_eq!(fs::read(segment(directory.path(), 1)).expect("reads"), damaged);
    }
    fs::write(segment(directory.path(), 1), whole).expect("writes");
    assert_eq!(
        first_ones(&contents(&open(directory.path(), settings)).await),
        COMMITS
    );
}

/// After a record was cut off, the log continues with another one of the same length. The remains of the old log
/// after that do not follow it.
#[tokio::test]
async fn what_is_left_of_another_log_does_not_count() {
    let settings = with_bulk(&["log"]);
    let store = written(&settings).await;
    let Written { directory, ends, .. } = &store;
    store.answered(COMMITS - 2);
    let whole = fs::read(segment(directory.path(), 1)).expect("reads");
    let cut = ends[COMMITS - 2];
    fs::write(segment(directory.path(), 1), &whole[..cut as usize]).expect("writes");
    let engine = open(directory.path(), settings.clone());
    let other = numbered(COMMITS - 2);
    let other = Commit {
        mutations: other
            .mutations
            .into_iter()
            .map(|mutation| match mutation {
                annals_engine::Mutation::Set(key, value) => {
                    annals_engine::Mutation::Set(key, vec![b'x'; value.len()].into())
                }
                other => other,
            })
            .collect(),
        ..other
    };
    engine.commit(other).await.expect("sets");
    let expected = contents(&engine).await;
    let end = engine.writer.lock().log.end;
    drop(engine);
    assert_eq!(
        end,
        ends[COMMITS - 1],
        "it is as long as the record that was cut off"
    );
    let mut bytes = fs::read(segment(directory.path(), 1)).expect("reads");
    bytes.truncate(end as usize);
    bytes.extend_from_slice(&whole[ends[COMMITS - 1] as usize..]);
    fs::write(segment(directory.path(), 1), bytes).expect("writes");
    assert_eq!(contents(&open(directory.path(), settings)).await, expected);
}

/// A value that looks like a record, as a client could send it that knows what was written here.
#[tokio::test]
async fn a_value_is_never_taken_for_a_record() {
    let settings = with_bulk(&["log"]);
    let other = written(&settings).await;
    let records = fs::read(segment(other.directory.path(), 1)).expect("reads");
    let forged = &records[other.ends[3] as usize..];
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings.clone());
    set(&engine, "log", "before").await;
    let answered = fs::read(mark_file(directory.path())).expect("reads");
    let commit = Commit::durable().set(b("log1"), Bytes::copy_from_slice(forged));
    engine.commit(commit).await.expect("sets");
    drop(engine);
    let whole = fs::read(segment(directory.path(), 1)).expect("reads");
    // Damages the beginning of its record, so that the rest looks as if the log continued.
    let value = whole.windows(forged.len()).position(|window| window == forged);
    let mut torn = whole.clone();
    torn[value.expect("is there") - 1] ^= 1;
    fs::write(segment(directory.path(), 1), torn).expect("writes");
    fs::write(mark_file(directory.path()), answered).expect("writes");
    assert_eq!(contents(&open(directory.path(), settings)).await.len(), 1);
}

#[tokio::test]
async fn a_log_over_many_segments_is_gone_through_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        segment_bytes: 1_000,
        ..with_bulk(&["log"])
    };
    let engine = open(directory.path(), settings.clone());
    for number in 0..COMMITS - 1 {
        engine.commit(numbered(number)).await.expect("sets");
    }
    let answered = fs::read(mark_file(directory.path())).expect("reads");
    engine.commit(numbered(COMMITS - 1)).await.expect("sets");
    let last = engine.writer.lock().log.active.number;
    assert!(
        last > 4,
        "values are larger than what is left of a segment, or than one"
    );
    let taken = copy(directory.path());
    assert_eq!(
        first_ones(&contents(&open(taken.path(), settings.clone())).await),
        COMMITS
    );
    drop(engine);

    // A segment in the middle is missing, or lost its beginning or its end.
    for damage in 0..3 {
        let taken = copy(directory.path());
        let file = segment(taken.path(), last - 2);
        let bytes = fs::read(&file).expect("reads");
        match damage {
            0 => fs::remove_file(&file).expect("removes"),
            1 => fs::write(&file, [&[0; 36], &bytes[36..]].concat()).expect("writes"),
            _ => fs::write(&file, &bytes[..bytes.len() - 1]).expect("writes"),
        }
        let message = refused(taken.path(), settings.clone());
        assert!(message.contains("breaks off"), "{message}");
    }
    // The last segment was begun, and its first record was not acknowledged yet.
    for size in [0, 10, 36, 50] {
        let taken = copy(directory.path());
        let file = segment(taken.path(), last);
        let bytes = fs::read(&file).expect("reads");
        fs::write(&file, &bytes[..size]).expect("writes");
        fs::write(mark_file(taken.path()), &answered).expect("writes");
        let engine = open(taken.path(), settings.clone());
        let there = first_ones(&contents(&engine).await);
        assert_eq!(there, COMMITS - 1, "{size} bytes of the last segment");
        engine.commit(numbered(there)).await.expect("sets");
        drop(engine);
        assert_eq!(
            first_ones(&contents(&open(taken.path(), settings.clone())).await),
            COMMITS
        );
    }
}

/// The process dies between the write to the log and the fold, or while the tree's last fold is not on disk.
#[tokio::test]
async fn a_tree_that_is_behind_the_log_is_brought_up_to_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        fold_entries: 6,
        segment_bytes: 2_000,
        ..with_bulk(&["log"])
    };
    let engine = open(directory.path(), settings.clone());
    let at_first = copy(directory.path());
    let mut trees = vec![copy(&directory.path().join("store/fjall"))];
    for number in 0..20 {
        engine.commit(numbered(number)).await.expect("sets");
        trees.push(copy(&directory.path().join("store/fjall")));
    }
    drop(engine);
    // With any earlier state of the tree, all of the log is recovered.
    for (nth, tree) in trees.iter().enumerate() {
        let taken = copy(directory.path());
        fs::remove_dir_all(taken.path().join("store/fjall")).expect("removes");
        copy_to(tree.path(), &taken.path().join("store/fjall"));
        for round in 0..2 {
            let engine = open(taken.path(), settings.clone());
            assert_eq!(
                first_ones(&contents(&engine).await),
                20,
                "tree {nth}, round {round}"
            );
        }
    }
    // But a log that ends before the tree does has lost something.
    fs::remove_dir_all(directory.path().join("store/log")).expect("removes");
    copy_to(
        &at_first.path().join("store/log"),
        &directory.path().join("store/log"),
    );
    refused(directory.path(), settings);
}

/// A power failure loses relaxed commits of the tree. A durable commit that depends on one was not acknowledged.
#[tokio::test]
async fn a_record_that_stands_on_a_lost_relaxed_commit_is_cut_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = with_bulk(&["log"]);
    let engine = open(directory.path(), settings.clone());
    set(&engine, "log1", "durable").await;
    let before = copy(&directory.path().join("store/fjall"));
    engine
        .commit(Commit::relaxed().set(b("relaxed"), b("1")))
        .await
        .expect("sets");
    let answered = fs::read(mark_file(directory.path())).expect("reads");
    set(&engine, "log2", "depends on it").await;
    let once = copy(directory.path());
    set(&engine, "log3", "depends on it too").await;
    drop(engine);

    let without = |taken: &TempDir| {
        fs::remove_dir_all(taken.path().join("store/fjall")).expect("removes");
        copy_to(before.path(), &taken.path().join("store/fjall"));
        fs::write(mark_file(taken.path()), &answered).expect("writes");
    };
    without(&once);
    let left = contents(&open(once.path(), settings.clone())).await;
    assert_eq!(left.len(), 1, "{left:?}");
    // Two records cannot both be unacknowledged, so the tree lost data that it had synced.
    let twice = copy(directory.path());
    without(&twice);
    let message = refused(twice.path(), settings.clone());
    assert!(message.contains("breaks off"), "{message}");
    assert_eq!(contents(&open(directory.path(), settings)).await.len(), 4);
}

/// A disk that is full, or fails, in the middle of a commit.
#[tokio::test]
async fn a_write_that_fails_is_the_end_and_nothing_that_was_answered_is_lost() {
    for room in [0, 1, 40, 200, 1_000] {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = with_bulk(&["log"]);
        let engine = open(directory.path(), settings.clone());
        engine.writer.lock().log.fault = Some(Fault::after(room));
        let mut answered = 0;
        let failure = loop {
            match engine.commit(numbered(answered)).await {
                Ok(()) => answered += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(&failure, Error::Failed(_)), "{failure:?}");
        engine.writer.lock().log.fault = None;
        let again = engine.commit(numbered(answered)).await;
        assert_eq!(again, Err(failure), "a disk that works again proves nothing");
        assert_eq!(first_ones(&contents(&engine).await), answered);
        drop(engine);
        let there = first_ones(&contents(&open(directory.path(), settings)).await);
        assert!(
            there == answered || there == answered + 1,
            "{there} of {answered}"
        );
    }
}

/// A snapshot keeps reading the state that it saw, from memory and from the log, through folds.
#[tokio::test]
async fn a_snapshot_does_not_change_while_others_fold() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        fold_entries: 7,
        segment_bytes: 3_000,
        ..with_bulk(&["log"])
    };
    let engine = Arc::new(open(directory.path(), settings));
    let mut held = Vec::new();
    for number in 0..40 {
        engine.commit(numbered(number)).await.expect("sets");
        held.push(engine.snapshot().await.expect("opens"));
    }
    for (nth, snapshot) in held.iter().enumerate() {
        let all = annals_engine::KeyRange::new(Bytes::new(), vec![0xFF; 16]);
        let limit = annals_engine::PageLimit {
            entries: usize::MAX,
            bytes: usize::MAX,
        };
        let forwards = snapshot
            .range(all.clone(), annals_engine::Direction::Forwards, limit)
            .await;
        let mut entries = forwards.expect("reads").entries;
        assert_eq!(first_ones(&entries), nth + 1);
        let backwards = snapshot
            .range(all, annals_engine::Direction::Backwards, limit)
            .await;
        entries.reverse();
        assert_eq!(backwards.expect("reads").entries, entries);
    }
}

/// Damage of a value that the tree already has is reported to its readers, and to no others.
#[tokio::test]
async fn a_damaged_value_is_told_when_it_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        fold_entries: 1,
        ..with_bulk(&["log"])
    };
    let engine = open(directory.path(), settings);
    set(&engine, "log1", "the first").await;
    set(&engine, "log2", "the second").await;
    let file = segment(directory.path(), 1);
    let mut bytes = fs::read(&file).expect("reads");
    let place = bytes
        .windows(9)
        .position(|window| window == b"the first")
        .expect("is there");
    bytes[place] ^= 1;
    fs::write(&file, bytes).expect("writes");
    let snapshot = engine.snapshot().await.expect("opens");
    let error = snapshot.get(b("log1")).await.expect_err("is damaged");
    assert!(
        matches!(&error, Error::Corrupt(message) if message.contains("segment 1")),
        "{error:?}"
    );
    assert_eq!(
        snapshot.get(b("log2")).await.expect("reads"),
        Some(b("the second"))
    );
}

const _: () = assert!(
    HEADER_BYTES == 36,
    "the tests above keep this many bytes of a segment"
);
