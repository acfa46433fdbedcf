//! Settings of the store, and its dependencies on the environment: plain data without components.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    model::{forwarding::Forwarder, sabotage::Sabotage},
    values::{limits::Limits, position::Timestamp},
};

/// Number of events in an index window. Windows end at multiples of it, so that all servers of a log write the same
/// ones, and where a scavenge began.
pub const WINDOW_EVENTS: u64 = 65_536;

/// Settings of a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits on requests of clients.
    pub limits: Limits,
    /// Whether other processes write to the same engine. The store then reads the head before it serves reads, and
    /// follows their appends.
    pub shared_engine: bool,
    /// Maximum bytes of recent frames kept in memory for reads and subscribers near the head.
    pub tail_bytes_max: usize,
    /// Number of events in an index window; [`WINDOW_EVENTS`] except in tests.
    pub window_events: u64,
    /// Number of windows that may wait for the indexer before appends wait too.
    pub waiting_windows_max: usize,
    /// Number of windows that stay in memory as a cache after they are on disk.
    pub retired_windows_max: usize,
    /// Number of positions from the indexes that a read or a subscription with a query keeps in memory, 8 bytes each,
    /// unless its query names very many lists.
    pub lookup_positions_max: usize,
    /// Number of positions at the end of the log that are searched for matches of a check while its group is
    /// evaluated. Earlier positions are searched before the append enters a group.
    pub condition_positions_max: u64,
    /// Number of a stream's removed events that a query encounters before it uses the stream's list to skip the
    /// others.
    pub gone_events_max: usize,
    /// Number of pages of the log and its indexes that are read at a time to search for matches of checks, by all
    /// appends together. Few where reads are work for this machine's processors; many where they wait for another
    /// machine.
    pub condition_pages_max: usize,
    /// How long such a search pauses while others append, as a multiple of the time that it has worked: appends share
    /// processors, caches and disks with it, here or on the machines of the cluster. 0: it does not pause.
    pub condition_rest: u32,
    /// Bytes in a commit of the indexer. Small, so that appends do not wait long for it.
    pub index_commit_bytes: usize,
    /// Maximum bytes of events in one commit, unless a single append has more.
    pub group_bytes_max: usize,
    /// Maximum number of appends in one commit.
    pub group_appends_max: usize,
    /// Time from the end of a scavenge to the start of the next one. `None`: scavenges start only on request.
    pub scavenge_every: Option<Duration>,
    /// Number of events that a scavenge removes in one commit. Few, so that appends do not wait long for it.
    pub scavenge_step_events: usize,
    /// Number of positions of removed events that a scavenge keeps in memory, unless one page of a stream's index has
    /// more.
    pub scavenge_round_events: usize,
    /// Whether an append may give the time at which its events were recorded. Only while a log is moved here, because
    /// the times of an audit trail must be the store's own.
    pub accept_recorded_times: bool,
    /// Whether the store gets a new identity when it is opened. Used after a loss of events, so that checkpoints from
    /// before are recognised as those of another store.
    pub new_identity: bool,
    /// How long deletions of state are known. A subscriber that continues after an earlier one must start over.
    pub state_deletion_age: Duration,
    /// Whether the runtime has several threads. The appender then has one of its own: as a task among others, it would
    /// wait its turn after the calls that are ready to run, while the disk is idle. Not in simulations.
    pub multi_threaded: bool,
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
            state_deletion_age: Duration::from_secs(24 * 60 * 60),
            multi_threaded: false,
        }
    }
}

/// Source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time, in UTC. It may go backwards; recorded times do not.
    fn now(&self) -> Timestamp;
}

/// Dependencies of the store on its environment, which tests can replace.
#[derive(Clone)]
pub struct Environment {
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Seed of the store's random numbers. Two stores on one engine must have different seeds.
    pub seed: u64,
    /// Name of this server for the other servers of the log.
    pub writer: String,
    /// Forwards appends to other servers of the log, by their names; `None`: appends are never forwarded.
    pub forwarding: Option<Arc<dyn Forwarder>>,
    /// A deliberate fault; none except in tests.
    pub sabotage: Sabotage,
}

impl Environment {
    /// Creates an environment with the operating system's clock and randomness.
    #[must_use]
    pub fn system(writer: impl Into<String>) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            writer: writer.into(),
            forwarding: None,
            sabotage: Sabotage::None,
        }
    }
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A machine whose clock is before 1970 has no time; its events are recorded at 1970, and still in order.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}
