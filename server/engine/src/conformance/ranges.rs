//! Ranges and their pages.

use std::sync::Arc;

use bytes::Bytes;

use super::{b, everything, pages};
use crate::{Commit, Direction, Engine, Entry, KeyRange, Page, PageLimit};

const BOTH: [Direction; 2] = [Direction::Forwards, Direction::Backwards];

/// Sets `count` keys of 8 bytes; values have 0 to 96 bytes.
async fn numbered(engine: &dyn Engine, count: u64) -> Vec<Entry> {
    let entries: Vec<Entry> = (0..count)
        .map(|number| Entry {
            key: Bytes::copy_from_slice(&number.to_be_bytes()),
            value: vec![number as u8; (number * 37 % 97) as usize].into(),
        })
        .collect();
    let commit = entries.iter().fold(Commit::durable(), |c, entry| {
        c.set(entry.key.clone(), entry.value.clone())
    });
    engine.commit(commit).await.expect("sets");
    entries
}

fn in_direction(mut entries: Vec<Entry>, direction: Direction) -> Vec<Entry> {
    if direction == Direction::Backwards {
        entries.reverse();
    }
    entries
}

/// Pages with any limit of entries add up to the full range.
pub async fn pages_by_entries_in_both_directions(engine: Arc<dyn Engine>) {
    let all = numbered(&*engine, 257).await;
    let snapshot = engine.snapshot().await.expect("opens");
    for direction in BOTH {
        for entries in [1, 2, 7, 256, 257, 258, usize::MAX] {
            let limit = PageLimit {
                entries,
                bytes: usize::MAX,
            };
            let found = pages(&*snapshot, everything(), direction, limit).await;
            assert_eq!(
                found,
                in_direction(all.clone(), direction),
                "{direction:?} by {entries}"
            );
        }
    }
}

/// Pages with any limit of bytes add up to the full range.
pub async fn pages_by_bytes_in_both_directions(engine: Arc<dyn Engine>) {
    let all = numbered(&*engine, 257).await;
    let snapshot = engine.snapshot().await.expect("opens");
    for direction in BOTH {
        for bytes in [0, 1, 8, 9, 100, 5_000, usize::MAX] {
            let limit = PageLimit {
                entries: usize::MAX,
                bytes,
            };
            let found = pages(&*snapshot, everything(), direction, limit).await;
            assert_eq!(
                found,
                in_direction(all.clone(), direction),
                "{direction:?} by {bytes} bytes"
            );
        }
    }
}

/// A page makes progress even if its first entry exceeds the limit of bytes.
pub async fn the_first_entry_comes_however_large(engine: Arc<dyn Engine>) {
    let large = Bytes::from(vec![7; 90_000]);
    let keys = ["a", "b", "c"];
    let commit = keys
        .iter()
        .fold(Commit::durable(), |commit, key| commit.set(b(key), large.clone()));
    engine.commit(commit).await.expect("sets");
    let snapshot = engine.snapshot().await.expect("opens");
    for direction in BOTH {
        let page = snapshot
            .range(
                everything(),
                direction,
                PageLimit {
                    entries: 10,
                    bytes: 1,
                },
            )
            .await
            .expect("reads");
        assert_eq!(page.entries.len(), 1);
        assert_eq!(page.entries[0].value, large);
        assert!(page.more, "two more entries follow the first");
    }
}

/// Ranges include their start and exclude their end, wherever those fall between keys.
pub async fn ranges_end_before_their_end(engine: Arc<dyn Engine>) {
    let all = numbered(&*engine, 40).await;
    let snapshot = engine.snapshot().await.expect("opens");
    let bound = |half: u64| {
        let mut bytes = (half / 2).to_be_bytes().to_vec();
        bytes.extend(vec![0; (half % 2) as usize]);
        Bytes::from(bytes)
    };
    for start in (0..82).step_by(5) {
        for end in (start..82).step_by(7) {
            let range = KeyRange::new(bound(start), bound(end));
            let inside = all
                .iter()
                .filter(|e| e.key >= range.start && e.key < range.end)
                .cloned()
                .collect();
            let inside: Vec<Entry> = inside;
            for direction in BOTH {
                let limit = PageLimit {
                    entries: 4,
                    bytes: usize::MAX,
                };
                let found = pages(&*snapshot, range.clone(), direction, limit).await;
                assert_eq!(
                    found,
                    in_direction(inside.clone(), direction),
                    "{direction:?} {range:?}"
                );
            }
        }
    }
}

/// A range whose start is at or after its end, or that contains no key, is an empty page with `more` unset.
pub async fn empty_ranges_have_no_entries(engine: Arc<dyn Engine>) {
    let limit = PageLimit {
        entries: 10,
        bytes: 1_000,
    };
    let ranges = [
        ("b", "b"),
        ("c", "b"),
        ("", ""),
        ("z", ""),
        ("bb", "c"),
        ("x", "y"),
        ("", "a"),
    ];
    for commit in [
        Commit::durable(),
        Commit::durable().set(b("b"), b("1")).set(b("c"), b("2")),
    ] {
        engine.commit(commit).await.expect("sets");
        let snapshot = engine.snapshot().await.expect("opens");
        for (start, end) in ranges {
            for direction in BOTH {
                let range = KeyRange::new(b(start), b(end));
                let page = snapshot.range(range, direction, limit).await.expect("reads");
                assert_eq!(page, Page::default(), "{direction:?} from {start:?} to {end:?}");
            }
        }
    }
}
