//! Ids of the events that the store itself writes.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Ids of the events that change settings. They are unique, so that when two servers change the same stream at the
/// same time, the second one detects that it was not first.
#[derive(Debug)]
pub(crate) struct ChangeIds {
    seed: u64,
    next: AtomicU64,
}

impl ChangeIds {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            next: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self) -> Uuid {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        // Every bit of the seed counts: those that the UUID's version and variant overwrite also affect the lower
        // half.
        let mixed = count ^ self.seed.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = u128::from(self.seed) << 64 | u128::from(mixed);
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}
