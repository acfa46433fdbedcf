//! The choices of a seed for a simulation as a whole. Its parts draw their own choices from separate generators, so
//! that a change to one does not affect the others.

use std::time::Duration;

use annals_store::{Limits, Sabotage, Settings};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// One simulation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of all choices.
    pub seed: u64,
    /// A deliberate fault of the stores.
    pub sabotage: Sabotage,
    /// Number of stores on the one engine.
    pub stores: usize,
    /// Whether they forward appends to each other.
    pub forwarding: bool,
    /// The settings of the stores.
    pub settings: Settings,
    /// The probabilities of faults of the engine.
    pub faults: Faults,
    /// Number of clients that append.
    pub writers: usize,
    /// Maximum number of appends of each of them.
    pub writes: usize,
    /// Number of clients that read.
    pub readers: usize,
    /// Number of reads of each of them.
    pub reads: usize,
    /// Number of clients that subscribe.
    pub subscribers: usize,
    /// Number of streams that they all use.
    pub streams: usize,
    /// Time between restarts of a store, on average; `None`: no restarts.
    pub restart_every: Option<Duration>,
    /// Percentage of appends that contain an event larger than one value of the engine.
    pub chunked_percent: u32,
    /// Percentage of appends to many streams or with checks.
    pub to_many_percent: u32,
    /// The clients of state.
    pub state: StatePlan,
    /// Whether all clocks are ahead by hours for a while. Only used where the ends of streams are simulated, and
    /// there nothing is scavenged before the end: a scavenge would remove events that exceed their age by a clock
    /// that is ahead.
    pub clock_jumps: bool,
}

/// The clients of state, and the entries that they all use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatePlan {
    /// Number of scopes.
    pub scopes: usize,
    /// Number of keys in each of them.
    pub keys: usize,
    /// Number of clients that write.
    pub writers: u64,
    /// Number of writes of each of them.
    pub writes: usize,
    /// Number of clients that read.
    pub readers: u64,
    /// Number of reads of each of them.
    pub reads: usize,
    /// Number of clients that subscribe.
    pub subscribers: u64,
    /// Percentage of appends to many streams that also change or check state.
    pub append_percent: u32,
}

/// Probabilities of the engine's faults, per 1,000 calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Fails without an effect.
    pub unavailable: u32,
    /// Begins an outage of several seconds.
    pub outage: u32,
    /// Refuses a commit whose checks hold.
    pub conflict: u32,
    /// Leaves the outcome of a commit unknown.
    pub maybe_committed: u32,
    /// Refuses to read from a snapshot.
    pub too_old: u32,
    /// Ends a page early.
    pub short_page: u32,
    /// Takes longer than usual.
    pub slow: u32,
    /// Maximum extra time, in milliseconds.
    pub slow_ms_max: u64,
    /// Wakes watchers too early, not at all, or with an error.
    pub watch: u32,
    /// Loses or delays appends that one store forwards to another.
    pub forwarding: u32,
}

impl Plan {
    /// The choices of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        // A separate generator, so that earlier choices did not change when this was added.
        let mut apart = StdRng::seed_from_u64(seed ^ 0x4841_4E44);
        let stores = [1, 1, 1, 2, 2, 3][rng.random_range(0..6)];
        let settings = Settings {
            limits: Limits {
                waiting_appends_max: rng.random_range(4..64),
                ..Limits::default()
            },
            // A single store may also be set up as one of several; it must work like that.
            shared_engine: stores > 1 || rng.random_bool(0.2),
            tail_bytes_max: rng.random_range(500..6_000),
            window_events: rng.random_range(8..=64),
            waiting_windows_max: rng.random_range(0..3),
            retired_windows_max: rng.random_range(0..3),
            lookup_positions_max: StdRng::seed_from_u64(seed ^ 0x4C4F_4F4B).random_range(0..400),
            // Mostly the whole range is searched before the group, sometimes within it.
            condition_positions_max: StdRng::seed_from_u64(seed ^ 0x434F_4E44).random_range(0..12) / 2,
            condition_rest: 0,
            condition_pages_max: StdRng::seed_from_u64(seed ^ 0x5041_4745).random_range(1..4),
            gone_events_max: StdRng::seed_from_u64(seed ^ 0x474F_4E45).random_range(1..6),
            index_commit_bytes: rng.random_range(100..4_000),
            group_bytes_max: rng.random_range(500..20_000),
            group_appends_max: rng.random_range(1..12),
            // A simulation has one thread.
            accept_recorded_times: false,
            new_identity: false,
            multi_threaded: false,
            scavenge_every: None,
            scavenge_step_events: 16,
            scavenge_round_events: 64,
            state_deletion_age: deletion_age(seed),
        };
        Self {
            seed,
            sabotage: Sabotage::default(),
            stores,
            forwarding: stores > 1 && apart.random_bool(0.7),
            settings,
            faults: Faults {
                forwarding: if apart.random_bool(0.5) {
                    apart.random_range(0..=200)
                } else {
                    0
                },
                ..Faults::draw(&mut rng)
            },
            writers: rng.random_range(1..=5),
            writes: rng.random_range(10..30),
            readers: rng.random_range(1..=2),
            reads: rng.random_range(5..20),
            subscribers: rng.random_range(1..=4),
            streams: rng.random_range(1..=8),
            restart_every: rng
                .random_bool(0.6)
                .then(|| Duration::from_millis(rng.random_range(300..4_000))),
            to_many_percent: [0, 20, 40, 80][StdRng::seed_from_u64(seed ^ 0x4D41_4E59).random_range(0..4)],
            state: StatePlan::draw(&mut StdRng::seed_from_u64(seed ^ 0x5354_4154)),
            chunked_percent: if rng.random_bool(0.1) { 4 } else { 0 },
            clock_jumps: StdRng::seed_from_u64(seed ^ 0x4A55_4D50).random_bool(0.3),
        }
    }

    /// A generator for one part of the simulation.
    pub(super) fn rng(&self, part: &str, number: u64) -> StdRng {
        let mut hash = self.seed ^ 0x9E37_79B9_7F4A_7C15;
        for byte in part.bytes().chain(number.to_be_bytes()) {
            hash = (hash ^ u64::from(byte))
                .wrapping_mul(0x0000_0100_0000_01B3)
                .rotate_left(29);
        }
        StdRng::seed_from_u64(hash)
    }
}

/// How long deletions are known: often less than the clocks differ.
fn deletion_age(seed: u64) -> Duration {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x4147_4500);
    Duration::from_secs(match rng.random_range(0..4) {
        0 | 1 => rng.random_range(0..60),
        2 => rng.random_range(60..3_000),
        _ => 24 * 60 * 60,
    })
}

impl StatePlan {
    fn draw(rng: &mut StdRng) -> Self {
        Self {
            scopes: rng.random_range(1..=3),
            keys: rng.random_range(1..=5),
            writers: rng.random_range(0..=3),
            writes: rng.random_range(5..20),
            readers: rng.random_range(0..=1),
            reads: rng.random_range(5..15),
            subscribers: rng.random_range(0..=3),
            append_percent: [0, 30, 60][rng.random_range(0..3)],
        }
    }
}

impl Faults {
    fn draw(rng: &mut StdRng) -> Self {
        // Runs without faults find other problems: those that faults would hide, and those that only occur at full
        // speed.
        if rng.random_bool(0.15) {
            return Self::default();
        }
        let mut often = |most: u32| {
            if rng.random_bool(0.5) {
                rng.random_range(0..=most)
            } else {
                0
            }
        };
        Self {
            unavailable: often(60),
            outage: often(3),
            conflict: often(150),
            maybe_committed: often(250),
            too_old: often(60),
            short_page: often(500),
            slow: often(500),
            slow_ms_max: u64::from(often(300)) + 1,
            watch: often(600),
            forwarding: 0,
        }
    }
}
