//! Ids of the events that the store writes itself.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Ids of the events that change what is set. They differ, so that of two servers which change the same stream at the same
/// time the second one sees that it was not first.
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
        // All of the seed's bits: those that a UUID does not keep are told apart by what is mixed into the other half.
        let mixed = count ^ self.seed.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = u128::from(self.seed) << 64 | u128::from(mixed);
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}
