use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::{Ahead, RATE_INTERVAL, STEP_BYTES};
use crate::segment;

const SEGMENT_BYTES: u64 = 64 << 20;

/// An empty segment, and the preparation of space for it.
fn ahead() -> (tempfile::TempDir, Arc<Ahead>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(segment::path(folder.path(), 1), []).unwrap();
    let ahead = Ahead::new(folder.path(), SEGMENT_BYTES);
    ahead.begin(1, 0).unwrap();
    (folder, Arc::new(ahead))
}

#[test]
fn between_two_records_a_log_that_grows_fast_is_not_taken_for_a_slow_one() {
    let (_folder, ahead) = ahead();
    let is_seen = |_| {
        let looking = thread::spawn({
            let ahead = Arc::clone(&ahead);
            move || ahead.is_fast()
        });
        // Woken for another reason, before anything was written.
        for _ in 0..5 {
            thread::sleep(RATE_INTERVAL / 25);
            ahead.changed.notify_all();
        }
        ahead.wrote(8 << 20, 8 << 20);
        looking.join().unwrap()
    };
    // On a busy machine the interval may be over before this thread has written.
    assert!((0..100).any(is_seen));
    assert!(!ahead.is_fast());
}

#[test]
fn the_next_file_is_made_while_it_is_seen_how_fast_the_log_grows() {
    let (folder, ahead) = ahead();
    let working = thread::spawn({
        let ahead = Arc::clone(&ahead);
        move || ahead.run(&Weak::new())
    });
    let next = segment::path(folder.path(), 2);
    // Zeros are requested, so the thread measures the growth of the log for an interval.
    ahead.wrote(STEP_BYTES, STEP_BYTES);
    thread::sleep(RATE_INTERVAL / 5);
    assert!(!next.exists());
    ahead.wrote(SEGMENT_BYTES / 2, SEGMENT_BYTES / 2 + STEP_BYTES);
    let appeared = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        next.exists()
    });
    assert!(appeared);
    ahead.stop();
    working.join().unwrap();
    assert!(ahead.take_next(2).is_some());
}

#[test]
fn zeros_go_before_a_log_that_grows_slowly() {
    let (folder, ahead) = ahead();
    let working = thread::spawn({
        let ahead = Arc::clone(&ahead);
        move || ahead.run(&Weak::new())
    });
    ahead.wrote(STEP_BYTES, STEP_BYTES);
    let file = segment::path(folder.path(), 1);
    let filled = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        // No more than was written since the start.
        std::fs::metadata(&file).unwrap().len() == 2 * STEP_BYTES
    });
    assert!(filled);
    ahead.stop();
    working.join().unwrap();
}
