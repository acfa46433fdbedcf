//! Zeros after the end of the log.

use std::fs;
use std::path::Path;

use annals_engine::Commit;
use bytes::Bytes;

use super::fault::Fault;
use super::{b, contents, open, set, try_open, with_bulk};
use crate::{EmbeddedEngine, Settings, segment};

/// The length of the active segment's file, and the end of the log in it.
fn lengths(engine: &EmbeddedEngine) -> (u64, u64) {
    let writer = engine.writer.lock();
    let file = fs::metadata(writer.log.active.path()).expect("is there");
    (file.len(), writer.log.end)
}

async fn set_bytes(engine: &EmbeddedEngine, key: &str, bytes: usize) {
    use annals_engine::Engine;
    let commit = Commit::durable().set(b(key), Bytes::from(vec![1; bytes]));
    engine.commit(commit).await.expect("sets");
}

#[tokio::test]
async fn the_file_grows_once_in_many_small_records() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["f"]));
    let (mut growths, mut before) = (0, 0);
    for number in 0..3_000 {
        set_bytes(&engine, &format!("f{number:04}"), 400).await;
        let (file, end) = lengths(&engine);
        assert!(
            end <= file && file <= 2 * end,
            "{file} bytes, of which {end} are used"
        );
        assert!(file - end <= 256 << 10, "{file} bytes, of which {end} are used");
        growths += u32::from(file != before);
        before = file;
    }
    assert!((5..25).contains(&growths), "{growths}");
}

#[tokio::test]
async fn no_zeros_follow_a_large_record() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["f"]));
    for number in 0..10 {
        set_bytes(&engine, &format!("f{number}"), 50_000).await;
        let (file, end) = lengths(&engine);
        assert_eq!(file, end);
    }
    set_bytes(&engine, "g", 1).await;
    let (file, end) = lengths(&engine);
    assert_eq!(file, end + (256 << 10));
    // It overwrites zeros, and more are not needed.
    set_bytes(&engine, "h", 50_000).await;
    assert_eq!(lengths(&engine), (file, end + 36 + 12 + 50_000));
}

fn segment_lengths(path: &Path) -> Vec<u64> {
    let folder = path.join("store/log");
    let numbers = segment::numbers(&folder).expect("reads");
    let length = |number| {
        fs::metadata(segment::path(&folder, number))
            .expect("is there")
            .len()
    };
    numbers.into_iter().map(length).collect()
}

#[tokio::test]
async fn a_segment_that_ended_has_none_and_a_store_that_opens_neither() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        segment_bytes: 10_000,
        ..with_bulk(&["f"])
    };
    let engine = open(directory.path(), settings.clone());
    for number in 0..100 {
        set_bytes(&engine, &format!("f{number:02}"), 700).await;
    }
    let (file, end) = lengths(&engine);
    assert!(
        end < file && file <= 10_000,
        "{file} bytes, of which {end} are used"
    );
    let mut expected: Vec<u64> = {
        let writer = engine.writer.lock();
        writer.segments.values().map(|segment| segment.bytes()).collect()
    };
    let last = expected.len() - 1;
    assert!(last >= 7, "{expected:?}");
    expected[last] = file;
    assert_eq!(segment_lengths(directory.path()), expected);
    drop(engine);
    let engine = try_open(directory.path(), settings).expect("opens");
    expected[last] = end;
    assert_eq!(segment_lengths(directory.path()), expected);
    assert_eq!(contents(&engine).await.len(), 100);
}

#[tokio::test]
async fn a_disk_without_room_for_zeros_takes_records() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = open(directory.path(), with_bulk(&["f"]));
    engine.writer.lock().log.fault = Some(Fault::after(10_000));
    for number in 0..50 {
        set(&engine, &format!("f{number}"), "v").await;
    }
    let (file, end) = lengths(&engine);
    assert_eq!(file, end);
    assert_eq!(contents(&engine).await.len(), 50);
}
