//! What can be set, and what is injected: plain data apart from components.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    model::{handover::Handover, sabotage::Sabotage},
    values::{limits::Limits, position::Timestamp},
};

/// Events in an index window. Windows end at multiples of it, so that all servers of a log write the same, and where a scavenge
/// began.
pub const WINDOW_EVENTS: u64 = 65_536;

/// How the store works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds on what clients may ask for.
    pub limits: Limits,
    /// Whether other processes write to the same engine. The store then looks before it answers reads, and follows what
    /// they append.
    pub shared_engine: bool,
    /// The most bytes of recent frames kept in memory for reads and subscribers near the head.
    pub tail_bytes_max: usize,
    /// Events in an index window; [`WINDOW_EVENTS`] but in tests.
    pub window_events: u64,
    /// Windows that may wait for the indexer before appends do.
    pub waiting_windows_max: usize,
    /// Windows that stay in memory after they are on disk, as a cache.
    pub retired_windows_max: usize,
    /// Positions from the indexes that a read or a subscription with a query keeps in memory, 8 bytes each, unless its
    /// query names very many lists.
    pub lookup_positions_max: usize,
    /// Positions at the end of the log that are searched for matches of a condition while its group is judged. What is before
    /// them is searched before the append enters a group.
    pub condition_positions_max: u64,
    /// Events of a stream that are gone and that a query meets, before the others are left out by the stream's list.
    pub gone_events_max: usize,
    /// Pages of the log and its indexes that are read at a time to search for matches of conditions, by all appends
    /// together. Few where reading is work for this machine's processors; many where it is waiting for another machine.
    pub condition_pages_max: usize,
    /// For how many times as long as it has worked such a search rests then, while others append. 0 where reading is waiting for
    /// another machine; more where it is work, and appends would have to share processors, caches and disk with it.
    pub condition_rest: u32,
    /// Bytes in a commit of the indexer. Small, so that appends do not wait long behind one.
    pub index_commit_bytes: usize,
    /// The most bytes of events in one commit, unless a single append has more.
    pub group_bytes_max: usize,
    /// The most appends in one commit.
    pub group_appends_max: usize,
    /// How long after the end of a scavenge the next one is started. `None`: none is, unless it is asked for.
    pub scavenge_every: Option<Duration>,
    /// Events that a scavenge removes in one commit. Few, so that appends do not wait long behind one.
    pub scavenge_step_events: usize,
    /// Positions of events that are gone which a scavenge keeps in memory, unless one page of a stream's index has more.
    pub scavenge_round_events: usize,
    /// Whether an append may say when its events were recorded: while a log is moved here, and never else, because the
    /// times of an audit trail must be the store's own.
    pub accept_recorded_times: bool,
    /// Whether the store gets a new identity when it is opened: after a loss of events, so that checkpoints from before are
    /// recognised as those of another store.
    pub new_identity: bool,
    /// Whether the appender may have a thread of its own, while there are many appends. As a task among others it would wait
    /// its turn behind the calls that are ready to run, while the disk has nothing to do. Not in simulations, which have one
    /// thread.
    pub appender_thread: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            shared_engine: false,
            tail_bytes_max: 64 << 20,
            window_events: WINDOW_EVENTS,
            waiting_windows_max: 4,
            retired_windows_max: 2,
            lookup_positions_max: 16_384,
            condition_positions_max: 1_024,
            gone_events_max: 32,
            condition_pages_max: 1,
            condition_rest: 0,
            index_commit_bytes: 512 << 10,
            group_bytes_max: 2 << 20,
            group_appends_max: 4_096,
            scavenge_every: None,
            scavenge_step_events: 4_096,
            scavenge_round_events: 50_000,
            accept_recorded_times: false,
            new_identity: false,
            appender_thread: false,
        }
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC. May go backwards; recorded times do not.
    fn now(&self) -> Timestamp;
}

/// What the store takes from outside, so that a test can put something else in its place.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the store's random numbers begin. Two stores on one engine must not have the same.
    pub seed: u64,
    /// What other servers of the log call this one.
    pub writer: String,
    /// The way to other servers of the log, by what they are called; `None`: appends are never handed over.
    pub handover: Option<Arc<dyn Handover>>,
    /// A deliberate fault; none but in tests.
    pub sabotage: Sabotage,
}

impl Environment {
    /// The operating system's clock and randomness.
    #[must_use]
    pub fn system(writer: impl Into<String>) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            writer: writer.into(),
            handover: None,
            sabotage: Sabotage::None,
        }
    }
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is a machine without time; its events are recorded at 1970, and still in order.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}
