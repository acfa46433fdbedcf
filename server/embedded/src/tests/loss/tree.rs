//! Losses in a store with several segments, and in one whose tree already has a part of the log.

use std::fs;
use std::path::Path;

use annals_engine::{Commit, Engine};

use super::super::{b, contents, copies::copy, ends, open};
use super::{
    COMMITS, Ended, accepting, commit, ended, head, lost, numbered, places, seen, segment, settings, whole,
};
use crate::{EmbeddedEngine, Settings};

#[tokio::test]
async fn segments_that_are_missing_are_reported() {
    let settings = Settings {
        segment_bytes: 500,
        ..settings()
    };
    for Ended { how, directory, .. } in &ended(&settings).await {
        let last = (1..)
            .take_while(|number| bytes_of(directory.path(), *number) > 0)
            .count() as u32;
        assert!(last > 3, "there are {last} segments");
        // One segment, or all from one on.
        for first in 2..=last {
            for end in [first, last] {
                let taken = copy(directory.path());
                (first..=end)
                    .for_each(|number| fs::remove_file(segment(taken.path(), number)).expect("removes"));
                let loss = lost(taken.path(), settings.clone());
                assert_eq!(loss.last_durable, Some(COMMITS), "{first} to {end}, after {how}");
                assert!(loss.last_left < COMMITS);
                assert_eq!(loss.head_left, (loss.last_left > 0).then(|| head(loss.last_left)));
            }
        }
    }
}

/// The tree already has the first records. If they are missing from the log, the tree is rebuilt.
#[tokio::test]
async fn a_log_that_was_cut_before_or_after_a_fold_is_refused_until_that_is_accepted() {
    let settings = Settings {
        fold_entries: 12,
        ..settings()
    };
    for Ended { how, directory, ends } in &ended(&settings).await {
        let mut reported = Vec::new();
        for cut in places(ends) {
            let taken = copy(directory.path());
            let file = segment(taken.path(), 1);
            let all = fs::read(&file).expect("reads");
            fs::write(&file, &all[..cut as usize]).expect("writes");
            let loss = lost(taken.path(), settings.clone());
            let left = whole(ends, cut);
            assert_eq!(loss.last_left, left, "cut at {cut}, after {how}");
            assert_eq!(loss.head_left, (left > 0).then(|| head(left)));
            assert_eq!(loss.last_durable, Some(COMMITS));
            assert_eq!(loss.head_durable, Some(head(COMMITS)));
            if !reported.contains(&left) {
                reported.push(left);
                accepted_and_settled(taken.path(), &settings, left).await;
            }
        }
        assert_eq!(reported, (0..COMMITS).collect::<Vec<_>>(), "after {how}");
    }
}

/// Damage in files before the active one, whose records the tree already has, is found by readers.
#[tokio::test]
async fn a_loss_in_an_earlier_file_is_reported_when_it_is_read() {
    let settings = Settings {
        fold_entries: 4,
        segment_bytes: 500,
        ..settings()
    };
    let [Ended { directory, .. }, _] = ended(&settings).await;
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..all.len() - 1]).expect("writes");
    let engine = open(directory.path(), settings);
    let snapshot = engine.snapshot().await.expect("opens");
    let mut damaged = 0;
    for number in 1..COMMITS + 1 {
        match snapshot.get(b(&format!("log{number:02}"))).await {
            Ok(value) => assert!(value.is_some()),
            Err(annals_engine::Error::Corrupt(message)) => {
                assert!(message.contains("0000000001.seg"), "{message}");
                damaged += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(damaged, 1);
}

/// The size of a segment's file; 0 if there is none.
fn bytes_of(path: &Path, number: u32) -> u64 {
    fs::metadata(segment(path, number)).map_or(0, |file| file.len())
}

/// Accepts a loss, with a crash in between, and uses the store.
async fn accepted_and_settled(path: &Path, settings: &Settings, left: u64) {
    let engine = open(path, accepting(settings.clone()));
    assert_eq!(values(&engine).await, left);
    let killed = copy(path);
    drop(engine);
    for path in [killed.path(), path] {
        assert_eq!(lost(path, settings.clone()).last_left, left);
        let engine = open(path, accepting(settings.clone()));
        commit(&engine, left + 1..left + 9).await;
        engine.settle_loss().expect("settles");
        drop(engine);
        let engine = open(path, settings.clone());
        assert_eq!(values(&engine).await, left + 8);
    }
}

/// Checks that the values of the first commits are there and no others, and returns their number.
async fn values(engine: &EmbeddedEngine) -> u64 {
    let entries = contents(engine).await;
    let values: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.key.starts_with(b"log"))
        .collect();
    let count = values.len() as u64;
    assert_eq!(seen(engine).await, (count > 0).then(|| head(count)));
    for (number, entry) in (1..).zip(values) {
        let expected = numbered(number).mutations;
        assert!(matches!(&expected[1], annals_engine::Mutation::Set(key, value)
            if *key == entry.key && *value == entry.value));
    }
    count
}

/// Once the first segments are given up, the data they held besides values is only in the tree.
#[tokio::test]
async fn a_tree_is_not_built_again_from_a_part_of_the_log() {
    let settings = Settings {
        fold_entries: 4,
        segment_bytes: 500,
        ..settings()
    };
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings.clone());
    commit(&engine, 1..4).await;
    for number in 1..4 {
        let clear = Commit::durable().clear(b(&format!("log{number:02}")));
        engine.commit(clear).await.expect("clears");
    }
    commit(&engine, 4..COMMITS + 1).await;
    let (last, end) = {
        let mut writer = engine.writer.lock();
        writer.fold().expect("folds");
        (writer.log.active.number, writer.log.end)
    };
    drop(engine);
    let file = segment(directory.path(), last);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..end as usize - 1]).expect("writes");
    assert!(lost(directory.path(), settings.clone()).can_be_accepted);
    // As if the first segment had been given up.
    fs::remove_file(segment(directory.path(), 1)).expect("removes");
    let loss = lost(directory.path(), accepting(settings));
    assert!(!loss.can_be_accepted);
}

/// A relaxed commit is only in the tree. Durable records count without it.
#[tokio::test]
async fn a_tree_that_is_built_again_has_what_was_durable() {
    let settings = Settings {
        fold_entries: 12,
        ..settings()
    };
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), settings.clone());
    for number in 1..COMMITS + 1 {
        let relaxed = Commit::relaxed().set(b("relaxed"), head(number));
        engine.commit(relaxed).await.expect("commits");
        commit(&engine, number..number + 1).await;
    }
    let ends = ends(&engine);
    drop(engine);
    let file = segment(directory.path(), 1);
    let all = fs::read(&file).expect("reads");
    fs::write(&file, &all[..ends[3] as usize]).expect("writes");
    accepted_and_settled(directory.path(), &settings, 3).await;
}
