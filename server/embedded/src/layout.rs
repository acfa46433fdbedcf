//! Assigns each key to a keyspace, and sets how the two keyspaces are laid out on disk.
//!
//! 1. Every key has exactly one place, decided by its bytes alone: `Log` under a bulk prefix, else `Index`.
//! 2. The places divide the key order into segments. A range is the sequence of its parts in them, so reading the
//!    parts one after the other reads the range in order.

use annals_engine::KeyRange;
use bytes::Bytes;
use fjall::KeyspaceCreateOptions;

use crate::settings::Settings;

/// A keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Small values with random updates and look-ups.
    Index,
    /// Large values, written once and in order, and read in order.
    Log,
}

/// The segments of the key order. Each ends where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// In order; the first starts with the empty key, and neighbours have different places.
    segments: Vec<(Bytes, Place)>,
}

impl Layout {
    pub(crate) fn new(bulk_prefixes: &[Bytes]) -> Self {
        let mut segments = vec![(Bytes::new(), Place::Index)];
        for prefix in distinct(bulk_prefixes) {
            // A prefix that starts at the end of the last segment extends it.
            match segments.last_mut() {
                Some((start, place)) if *start == prefix => *place = Place::Log,
                _ => segments.push((prefix.clone(), Place::Log)),
            }
            if let Some(end) = end_of(&prefix) {
                segments.push((end, Place::Index));
            }
        }
        segments.dedup_by_key(|(_, place)| *place);
        Self { segments }
    }

    /// The place of a key.
    pub(crate) fn place(&self, key: &[u8]) -> Place {
        self.segments[self.segment(key)].1
    }

    /// The parts of a range in key order, none of them empty.
    pub(crate) fn parts(&self, range: &KeyRange) -> Vec<(Place, KeyRange)> {
        if range.is_empty() {
            return Vec::new();
        }
        let first = self.segment(&range.start);
        let mut parts = Vec::new();
        for (number, (start, place)) in self.segments.iter().enumerate().skip(first) {
            if *start >= range.end {
                break;
            }
            let next = self.segments.get(number + 1).map(|(next, _)| next);
            let end = next.filter(|next| **next < range.end).unwrap_or(&range.end);
            parts.push((
                *place,
                KeyRange::new(start.max(&range.start).clone(), end.clone()),
            ));
        }
        parts
    }

    fn segment(&self, key: &[u8]) -> usize {
        // At least one segment starts at or before any key: the one that starts with the empty key.
        self.segments.partition_point(|(start, _)| **start <= *key) - 1
    }
}

/// Prefixes in order, without those that another one covers.
pub(crate) fn distinct(prefixes: &[Bytes]) -> Vec<Bytes> {
    let mut sorted = prefixes.to_vec();
    sorted.sort();
    sorted.dedup_by(|longer, shorter| longer.starts_with(shorter));
    sorted
}

/// The first key after all keys that begin with `prefix`; `None`: there is no such key.
fn end_of(prefix: &[u8]) -> Option<Bytes> {
    prefix
        .iter()
        .any(|byte| *byte != 0xFF)
        .then(|| KeyRange::prefix(prefix).end)
}

/// Size of all journals at which fjall flushes whatever pins the oldest one. It also bounds what an open may have to
/// replay.
pub(crate) const JOURNAL_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// Table files kept open. Systems commonly allow a process 1,024, and a server needs some for its connections.
pub(crate) const OPEN_FILES_MAX: usize = 512;

/// Threads with which fjall flushes and compacts: fjall's own default, but at least two.
pub(crate) fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4))
}

/// Below this size, tables would be so small that fjall would mostly compact.
const MEMTABLE_BYTES_MIN: u64 = 64 * 1_024;

/// Options of the `index` keyspace. fjall keeps one active memtable and up to four that are being flushed in each
/// keyspace, then blocks writers. So the default of 32 MiB limits the data that is not yet in tables to 160 MiB of
/// the log and 80 MiB of the index. The head is rewritten with every commit, but its old versions never get past the
/// memtables.
pub(crate) fn index_options(settings: &Settings) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(settings.memtable_bytes.max(MEMTABLE_BYTES_MIN) / 2)
}

/// Options of the `log` keyspace. It holds locations of values: 27 bytes an entry, and in order, so tables are moved
/// down rather than rewritten.
pub(crate) fn log_options(settings: &Settings) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(settings.memtable_bytes.max(MEMTABLE_BYTES_MIN))
        // Point reads of the log are only made for keys that exist, so filters of the last level would only cost
        // memory.
        .expect_point_read_hits(true)
}

/// Options of the `state` keyspace: a few keys, rewritten often.
pub(crate) fn state_options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn b(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn keys_have_the_place_of_their_prefix() {
        let layout = Layout::new(&[b("f/"), b("c"), b("ca"), b("f/x")]);
        for key in ["c", "ca", "czz", "f/", "f/1", "f/x1"] {
            assert_eq!(layout.place(key.as_bytes()), Place::Log, "{key}");
        }
        for key in ["", "a", "b\u{7f}", "d", "f", "f.", "f0", "z"] {
            assert_eq!(layout.place(key.as_bytes()), Place::Index, "{key}");
        }
    }

    #[test]
    fn a_range_is_the_sequence_of_its_parts() {
        let layout = Layout::new(&[b("c"), b("f"), b("g")]);
        let parts = |start, end| layout.parts(&KeyRange::new(b(start), b(end)));
        let part = |place, start, end| (place, KeyRange::new(b(start), b(end)));
        let (index, log) = (Place::Index, Place::Log);
        assert_eq!(
            parts("", "z"),
            [
                part(index, "", "c"),
                part(log, "c", "d"),
                part(index, "d", "f"),
                part(log, "f", "h"),
                part(index, "h", "z")
            ]
        );
        assert_eq!(parts("c1", "c2"), [part(log, "c1", "c2")]);
        assert_eq!(parts("c1", "d"), [part(log, "c1", "d")]);
        assert_eq!(parts("d", "f"), [part(index, "d", "f")]);
        assert_eq!(parts("cz", "d1"), [part(log, "cz", "d"), part(index, "d", "d1")]);
        assert_eq!(parts("d", "d"), []);
        assert_eq!(parts("z", "a"), []);
    }

    #[test]
    fn prefixes_may_take_all_of_the_order_or_nothing() {
        let all = Layout::new(&[b("")]);
        assert_eq!(
            all.parts(&KeyRange::new(b("a"), b("z"))),
            [(Place::Log, KeyRange::new(b("a"), b("z")))]
        );
        let nothing = Layout::new(&[]);
        assert_eq!(nothing.place(b"a"), Place::Index);
        let last = Layout::new(&[Bytes::from_static(&[0xFF])]);
        assert_eq!(last.place(&[0xFF, 0xFF, 1]), Place::Log);
        assert_eq!(last.place(&[0xFE, 0xFF]), Place::Index);
    }
}
