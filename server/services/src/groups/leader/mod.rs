//! The leader of a group: one task that reads the group's events, gives them to consumers, and stores its progress.
//!
//! 1. It reads once for all consumers, and only when there is room for more events ([`reader`]).
//! 2. Consumers receive what there is through channels with little room. One that does not read gets nothing more, and
//!    costs no more.
//! 3. It stores its progress at most every [`STORE_INTERVAL`] while something changes, one write after the other
//!    ([`storing`]). Every write checks that it still leads ([`super::lease`]); when one fails, it stops at once.
//! 4. Operations on parked events are made page by page, each with the progress in one write ([`operations`]). So the
//!    number of parked events is always true.
//! 5. Without consumers it stops after a while. An idle group has no task.

mod admission;
mod consumers;
mod operations;
mod reader;
mod replays;
mod session;
mod storing;
mod table;

use std::{pin::pin, sync::Arc};

use foldhash::HashMap;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

use super::{
    directory::{self, Start},
    error::{Error, Result},
    lease::{self, Session},
    settings::GroupSettings,
    shared::Shared,
    stored::{Group, PROGRESS, StoredProgress, parse},
    work::{ConsumerId, Counts, Settlement, Work},
};
use admission::Admission;
pub(super) use operations::Operation;
use operations::Page;
pub use operations::Selection;
use reader::Reader;
use replays::Replays;
use session::Outlet;
pub use session::{Consumer, ConsumerDelivery, ConsumerMessage, Nack, NackAction, Settle, Settler};
use storing::Storing;
use table::Figures;
pub use table::GroupFigures;
pub(super) use table::Table;

/// Time between two writes of the progress while it changes.
const STORE_INTERVAL: Duration = Duration::from_millis(150);
/// Time without consumers after which a leader stops.
const IDLE: Duration = Duration::from_secs(10);
/// Time after which a leader looks again for events to replay that another server has given to its group.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The most messages of consumers that wait for the leader.
const COMMANDS_MAX: usize = 256;
/// The most commands that are processed before deliveries are made again.
const ROUND_COMMANDS: usize = 64;
/// The most consumers of a group.
const CONSUMERS_MAX: usize = 1_000;

/// Sends commands to the leader of a group on this server.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    left: mpsc::UnboundedSender<ConsumerId>,
    /// Whose turn it is to do something with parked events.
    operations: Arc<tokio::sync::Mutex<()>>,
}

/// The state of a group, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The group.
    pub group: Group,
    /// All events up to this position are done.
    pub done_to: u64,
    /// The log is read up to this position.
    pub read_to: u64,
    /// How many events are in which state.
    pub counts: Counts,
    /// Number of parked events.
    pub parked: u64,
    /// The connected consumers.
    pub consumers: Vec<super::work::ConsumerInfo>,
}

enum Command {
    Join {
        name: String,
        permits: u32,
        reply: oneshot::Sender<Result<Consumer>>,
    },
    Settle {
        consumer: ConsumerId,
        settlement: Settlement,
        permits: Option<u32>,
    },
    /// The consumer stops gracefully. The reply is sent once what it has settled is stored.
    Leave {
        consumer: ConsumerId,
        reply: oneshot::Sender<()>,
    },
    Describe(oneshot::Sender<Status>),
    Update {
        settings: GroupSettings,
        expected: Option<u64>,
        reply: oneshot::Sender<Result<Group>>,
    },
    Delete(oneshot::Sender<Result<bool>>),
    Reset {
        start: Start,
        reply: oneshot::Sender<Result<u64>>,
    },
    /// Changes of parked events, to be stored with the progress.
    Page(Page),
    /// Parked events of another group are to be delivered by this one.
    Replay,
}

/// Why a leader stops.
#[derive(Debug)]
enum Stop {
    /// No consumer is connected.
    Idle,
    /// The server is stopping.
    Closing,
    /// Another server leads the group.
    Lost,
    /// The group was deleted.
    Deleted,
    Failed(Error),
}

struct Leader {
    shared: Arc<Shared>,
    table: Arc<Table>,
    figures: Arc<Figures>,
    group: Group,
    /// Version of the leader's entry, which every write checks.
    version: u64,
    session: Session,
    work: Work,
    commands: mpsc::Receiver<Command>,
    left: mpsc::UnboundedReceiver<ConsumerId>,
    handle: mpsc::WeakSender<Command>,
    left_handle: mpsc::UnboundedSender<ConsumerId>,
    operations: Arc<tokio::sync::Mutex<()>>,
    outlets: HashMap<ConsumerId, Outlet>,
    reader: Reader,
    admission: Admission,
    replays: Replays,
    storing: Storing,
    /// All events up to here were read, and are in memory or done.
    read_to: u64,
    parked: u64,
    delivered: u64,
    idle_since: Option<Instant>,
    /// When it last looked for events to replay that another server's group has given to this one.
    looked_at: Instant,
}

/// Starts to lead a group. The group's progress is read, and the events that are not done.
pub(super) async fn start(
    shared: &Arc<Shared>,
    table: &Arc<Table>,
    name: &str,
    session: Session,
    version: u64,
) -> Result<Handle> {
    // Read after the lead was taken: no other server changes it from now on.
    let group = directory::find(shared, name).await?.group;
    let (commands, received) = mpsc::channel(COMMANDS_MAX);
    let (left, leaving) = mpsc::unbounded_channel();
    let handle = Handle {
        commands,
        left,
        operations: Arc::default(),
    };
    let work = Work::new(group.settings.clone(), Instant::now());
    let mut leader = Leader {
        reader: Reader::idle(),
        admission: Admission::default(),
        replays: Replays::default(),
        storing: Storing::new(),
        shared: Arc::clone(shared),
        table: Arc::clone(table),
        figures: Arc::default(),
        group,
        version,
        session,
        work,
        commands: received,
        left: leaving,
        handle: handle.commands.downgrade(),
        left_handle: handle.left.clone(),
        operations: Arc::clone(&handle.operations),
        outlets: HashMap::default(),
        read_to: 0,
        parked: 0,
        delivered: 0,
        idle_since: Some(Instant::now()),
        looked_at: Instant::now(),
    };
    leader.load().await?;
    table.add(name, &handle, &leader.figures);
    tokio::spawn(leader.run());
    Ok(handle)
}

impl Leader {
    /// Reads the stored progress, and the events that are not done.
    async fn load(&mut self) -> Result<()> {
        let found = self.shared.store.state(&self.group.entry(PROGRESS)).await?.0;
        let progress: StoredProgress = match found {
            Some(found) => parse(&found.value)?,
            None => StoredProgress::default(),
        };
        self.read_to = progress.read_to;
        self.parked = progress.parked;
        self.begin(progress.pending()).await
    }

    /// Reads these events, which are not done, and then the log.
    async fn begin(&mut self, pending: Vec<(u64, u32)>) -> Result<()> {
        let positions: Vec<_> = pending.iter().map(|(position, _)| *position).collect();
        let attempts: HashMap<_, _> = pending.into_iter().collect();
        let events = directory::events_at(&self.shared, &positions).await?;
        self.admit_pending(events, &attempts).await?;
        let place = annals_store::Position(self.read_to);
        self.reader = Reader::start(&self.shared, &self.group, place);
        self.replays.look();
        Ok(())
    }

    async fn run(mut self) {
        debug!(group = self.group.name, version = self.version, "leads a group");
        let stop = self.lead().await;
        // From now on, callers look for another leader.
        self.table.forget(&self.group.name, &self.handle);
        match &stop {
            Stop::Failed(error) => warn!(group = self.group.name, %error, "no longer leads a group"),
            Stop::Lost => info!(
                group = self.group.name,
                "another server leads a group that this one led"
            ),
            _ => debug!(group = self.group.name, ?stop, "no longer leads a group"),
        }
        if matches!(stop, Stop::Idle | Stop::Closing) {
            self.store_last().await;
            lease::release(&self.shared, &self.group, self.version).await;
        }
        let name = &self.group.name;
        let error = match stop {
            Stop::Closing => Error::Closing,
            Stop::Deleted => Error::NotFound(name.clone()),
            Stop::Failed(error) => error,
            Stop::Idle | Stop::Lost => Error::Unavailable(name.clone()),
        };
        for outlet in self.outlets.into_values() {
            outlet.end(error.clone());
        }
        self.table.stopped();
    }

    async fn lead(&mut self) -> Stop {
        let shared = Arc::clone(&self.shared);
        let mut closing = pin!(shared.closing());
        loop {
            if let Some(stop) = self.step().await {
                return stop;
            }
            let wake_at = self.wakes_at();
            let takes_events = self.admission.is_idle() && self.work.has_room();
            tokio::select! {
                biased;
                () = &mut closing => return Stop::Closing,
                is_over = self.session.changed() => if is_over { return Stop::Lost },
                result = self.storing.done() => {
                    if let Err(stop) = self.stored(result) {
                        return stop;
                    }
                }
                Some(id) = self.left.recv() => self.leave(id),
                Some(command) = self.commands.recv() => {
                    if let Some(stop) = self.command(command).await {
                        return stop;
                    }
                }
                admitted = self.admission.done() => {
                    if let Err(error) = self.admitted(admitted) {
                        return Stop::Failed(error);
                    }
                }
                loaded = self.replays.loaded() => {
                    if let Err(error) = self.replay(loaded) {
                        return Stop::Failed(error);
                    }
                }
                read = self.reader.next(), if takes_events => match read {
                    Ok(read) => self.admit(read),
                    Err(error) => return Stop::Failed(error),
                },
                () = sleep_until(wake_at) => {}
            }
        }
    }

    /// Does what can be done without waiting.
    async fn step(&mut self) -> Option<Stop> {
        for _ in 0..ROUND_COMMANDS {
            let Ok(command) = self.commands.try_recv() else {
                break;
            };
            if let Some(stop) = self.command(command).await {
                return Some(stop);
            }
        }
        let (now, at) = (Instant::now(), self.shared.clock.now());
        self.work.tick(now, at);
        self.admit_held();
        self.tell();
        if self.session.holds() {
            self.deliver(now, at);
        }
        if self.shared.is_shared && now >= self.looked_at + LOOK_INTERVAL {
            self.looked_at = now;
            self.replays.look();
        }
        self.replays.load(&self.shared, &self.group, &self.work);
        self.figures.set(&self.status_figures());
        self.store(now);
        if self.work.has_consumers() {
            self.idle_since = None;
            return None;
        }
        let since = *self.idle_since.get_or_insert(now);
        let is_idle = now >= since + IDLE && self.storing.is_idle();
        is_idle.then_some(Stop::Idle)
    }

    fn wakes_at(&self) -> Option<Instant> {
        let idle = self.idle_since.map(|since| since + IDLE);
        let look = self.shared.is_shared.then(|| self.looked_at + LOOK_INTERVAL);
        [look, self.work.wakes_at(), self.storing.due(), idle]
            .into_iter()
            .flatten()
            .min()
    }

    async fn command(&mut self, command: Command) -> Option<Stop> {
        match command {
            Command::Join { name, permits, reply } => {
                let _ = reply.send(self.join(&name, permits));
            }
            Command::Settle {
                consumer,
                settlement,
                permits,
            } => self.settle(consumer, settlement, permits),
            Command::Leave { consumer, reply } => self.leave_gracefully(consumer, reply),
            Command::Describe(reply) => {
                let _ = reply.send(self.status());
            }
            Command::Update {
                settings,
                expected,
                reply,
            } => {
                let updated = directory::update(&self.shared, &self.group.name, settings, expected).await;
                let is_changed = updated.as_ref().is_ok_and(|group| *group != self.group);
                if let Ok(group) = &updated {
                    self.group = group.clone();
                }
                let _ = reply.send(updated);
                if is_changed {
                    return self.restart(None).await;
                }
            }
            Command::Delete(reply) => {
                let deleted = directory::delete(&self.shared, &self.group.name).await;
                let is_deleted = deleted.is_ok();
                let _ = reply.send(deleted);
                if is_deleted {
                    self.shared.deleted.notify_one();
                    return Some(Stop::Deleted);
                }
            }
            Command::Reset { start, reply } => {
                let place = match directory::position(&self.shared, start).await {
                    Ok(place) => place.0,
                    Err(error) => {
                        let _ = reply.send(Err(error));
                        return None;
                    }
                };
                let stop = self.restart(Some(place)).await;
                if stop.is_none() {
                    self.storing.after_next(storing::Waiter::Reset(reply, place));
                }
                return stop;
            }
            Command::Page(page) => self.storing.add(page),
            Command::Replay => self.replays.look(),
        }
        None
    }

    /// Begins again with changed settings, or after another position. Consumers stay; what they hold is withdrawn.
    async fn restart(&mut self, place: Option<u64>) -> Option<Stop> {
        // What is to be parked has left the group, and stays parked.
        if let Err(stop) = self.store_now().await {
            return Some(stop);
        }
        let pending = match place {
            Some(place) => {
                self.read_to = place;
                Vec::new()
            }
            None => self.work.progress(0).pending,
        };
        let work = Work::new(self.group.settings.clone(), Instant::now());
        let before = std::mem::replace(&mut self.work, work);
        for (id, told) in before.withdraw_all() {
            self.tell_one(id, told);
        }
        self.work.take_consumers(before);
        self.admission = Admission::default();
        self.replays = Replays::default();
        self.storing.changed();
        match self.begin(pending).await {
            Ok(()) => None,
            Err(error) => Some(Stop::Failed(error)),
        }
    }

    fn status_figures(&self) -> GroupFigures {
        let counts = self.work.counts();
        GroupFigures {
            in_flight: counts.in_flight as u64,
            retrying: counts.retrying as u64,
            parked: self.parked,
            consumers: self.outlets.len() as u64,
            done_to: self.storing.done_to(),
            delivered: self.delivered,
        }
    }

    fn status(&self) -> Status {
        let done_to = self.work.first_pending().map_or(self.read_to, |first| first - 1);
        Status {
            group: self.group.clone(),
            done_to: done_to.min(self.read_to),
            read_to: self.read_to,
            counts: self.work.counts(),
            parked: self.parked,
            consumers: self.work.consumers(),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
