//! The conformance suite that every engine passes.
//!
//! Each case is a function that takes a fresh, empty engine and panics if the engine breaks the contract of
//! [`crate::Engine`]. An engine's tests run them all with [`crate::conformance_suite!`].
//!
//! 1. A case assumes nothing of the engine but the contract: pages may end early, a watch may wake early or late, a
//!    commit may conflict with another one that touches the same keys.
//! 2. A randomized case prints its seed when it fails.
//! 3. Timeouts only end cases that hang ([`PATIENCE`]); no duration is asserted.
//!
//! Limits: durability cannot be shown from inside a process, so each durable engine tests crashes itself.

mod commits;
pub mod differential;
mod isolation;
mod limits;
mod races;
mod random;
mod ranges;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use commits::*;
pub use isolation::*;
pub use limits::*;
pub use races::*;
pub use ranges::*;
pub use watches::*;

use crate::{Commit, Direction, Engine, Entry, KeyRange, PageLimit, Snapshot};

/// How long a case waits for an expected event before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Declares one test for each case of the suite. The argument is the path of an async function that creates a fresh
/// engine: `async fn() -> (Arc<dyn Engine>, G)`, where `G` is a guard that must outlive it, such as a temporary
/// directory. A second argument is the path of a macro that each test is passed through, for example to ignore it
/// where a requirement of the engine is missing on this machine.
#[macro_export]
macro_rules! conformance_suite {
    ($make:path) => {
        $crate::conformance_suite!($make, $crate::conformance_test);
    };
    ($make:path, $through:path) => {
        $crate::conformance_suite! { @declare $make, $through:
            sets_gets_and_clears,
            empty_values_are_not_absent_ones,
            mutations_apply_in_their_order,
            clears_a_range_without_its_end,
            keys_of_any_bytes_are_told_apart,
            checks_that_hold_let_the_commit_through,
            a_check_that_fails_changes_nothing,
            a_commit_of_checks_alone_is_judged,
            answers_several_reads_in_their_order,
            pages_by_entries_in_both_directions,
            pages_by_bytes_in_both_directions,
            the_first_entry_comes_however_large,
            ranges_end_before_their_end,
            empty_ranges_have_no_entries,
            a_snapshot_never_changes,
            a_snapshot_never_changes_between_pages,
            a_new_snapshot_sees_every_commit_that_returned,
            a_snapshot_shows_all_of_a_commit_or_nothing,
            takes_what_is_just_within_the_limits,
            refuses_what_is_over_the_limits,
            of_commits_racing_on_a_check_one_wins,
            concurrent_increments_are_all_counted,
            a_watch_wakes_on_a_change,
            a_watch_returns_if_the_value_differs_already,
            watches_of_many_tasks_all_wake,
            agrees_with_the_memory_engine,
        }
    };
    (@declare $make:path, $through:path: $($case:ident,)+) => {
        $(
            $through! {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    // The guard is dropped after the case has dropped the engine.
                    let (engine, _guard) = $make().await;
                    $crate::conformance::$case(engine).await;
                }
            }
        )+
    };
}

/// A test of the suite without conditions.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_test {
    ($test:item) => {
        $test
    };
}

/// Random commits and reads have the same effect as on [`crate::memory::MemoryEngine`]. Several hundred steps.
pub async fn agrees_with_the_memory_engine(engine: Arc<dyn Engine>) {
    let fresh = rand::random::<u32>().into();
    for seed in (1..=4).chain([fresh]) {
        engine
            .commit(Commit::durable().clear_range(everything()))
            .await
            .expect("the engine is emptied");
        let model = Arc::new(crate::memory::MemoryEngine::new());
        differential::compare(seed, 300, Arc::clone(&engine), model).await;
    }
}

fn b(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A range from before every key of the suite to after all of them.
fn everything() -> KeyRange {
    KeyRange::new(Bytes::new(), vec![0xFF; crate::limits::KEY_BYTES_MAX + 1])
}

async fn get(engine: &dyn Engine, key: &Bytes) -> Option<Bytes> {
    let snapshot = engine.snapshot().await.expect("a snapshot opens");
    snapshot.get(key.clone()).await.expect("a snapshot is read")
}

async fn contents(engine: &dyn Engine) -> Vec<Entry> {
    let snapshot = engine.snapshot().await.expect("a snapshot opens");
    let limit = PageLimit {
        entries: 1_000,
        bytes: 1_000_000,
    };
    pages(&*snapshot, everything(), Direction::Forwards, limit).await
}

/// Reads a range to its end, page by page, and checks the guarantees of the contract for every page.
async fn pages(
    snapshot: &dyn Snapshot,
    mut range: KeyRange,
    direction: Direction,
    limit: PageLimit,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = snapshot
            .range(range.clone(), direction, limit)
            .await
            .expect("a range is read");
        assert!(
            page.entries.len() <= limit.entries.max(1),
            "a page of {} entries",
            page.entries.len()
        );
        let size = |entry: &Entry| entry.key.len() + entry.value.len();
        let all_but_last = page.entries.len().saturating_sub(1);
        let before_last: usize = page.entries[..all_but_last].iter().map(size).sum();
        assert!(
            all_but_last == 0 || before_last < limit.bytes,
            "a page continued after {before_last} bytes"
        );
        for entry in &page.entries {
            assert!(
                entry.key >= range.start && entry.key < range.end,
                "{:?} is outside {range:?}",
                entry.key
            );
        }
        let Some(last) = page.entries.last() else {
            assert!(!page.more, "a page without entries promises more");
            break;
        };
        match direction {
            Direction::Forwards => range.start = [&last.key[..], &[0]].concat().into(),
            Direction::Backwards => range.end = last.key.clone(),
        }
        entries.extend(page.entries);
        if !page.more {
            break;
        }
    }
    let ordered = entries.windows(2).all(|pair| match direction {
        Direction::Forwards => pair[0].key < pair[1].key,
        Direction::Backwards => pair[0].key > pair[1].key,
    });
    assert!(ordered, "entries are not in order");
    entries
}
