//! Ids that the store and the services above it generate.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Generates ids of events and writes. They are unique, so that when two servers change the same thing at the same
/// time, the second one detects that it was not first. They follow from the seed, so that simulations can be repeated.
#[derive(Debug)]
pub struct ChangeIds {
    seed: u64,
    next: AtomicU64,
}

impl ChangeIds {
    /// Creates a generator. Two servers must have different seeds.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            next: AtomicU64::new(0),
        }
    }

    /// Returns the next id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        // Every bit of the seed counts: those that the UUID's version and variant overwrite also affect the lower
        // half.
        let mixed = count ^ self.seed.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = u128::from(self.seed) << 64 | u128::from(mixed);
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}
