//! The stores that are compared: how each is started in its durable setting, and how a client speaks with it.
//!
//! - `annals`: Annals itself, over either engine, and the echo of its messages.
//! - `umadb`: UmaDB, over the same gRPC stack as Annals.
//! - `message_db`: message-db's functions in PostgreSQL.
//! - `nats`: a stream of NATS JetStream.
//! - `disk`: appends to a bare file, with an fdatasync that those share who wait for it.
//! - `peers`: where their programs are found.
//!
//! 1. A store says nothing is written before it is on disk; how it was told so stands in its [`Setting`].
//! 2. A call that does not give what was asked for is an error, never a slow success: every count is checked.
//! 3. A store that can't do something says why; it is never given something easier instead.

mod annals;
mod disk;
#[cfg(feature = "peers")]
mod message_db;
#[cfg(feature = "peers")]
mod nats;
mod peers;
mod umadb;

use std::{path::Path, time::Duration};

use futures::future::BoxFuture;
use serde::Serialize;
use tonic::{Response, Status, Streaming};

use crate::{Error, Result, deployment::Deployment, engine::Engine, process::Restart, target::Target};

pub(crate) use peers::Peers;

/// What a call of a store gives, some time.
pub(crate) type Work<'a, T> = BoxFuture<'a, Result<T>>;

/// A store by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    /// Annals on the embedded engine
    Annals,
    /// Annals on FoundationDB, one fdbserver
    AnnalsFoundationdb,
    /// UmaDB as it is by default
    Umadb,
    /// UmaDB with its pipelined writer and a page cache
    UmadbPipelined,
    /// message-db on PostgreSQL
    MessageDb,
    /// NATS JetStream
    Nats,
    /// A bare server with the messages of Annals and no storage
    Echo,
    /// A bare file
    Disk,
}

impl Name {
    /// For people and for JSON.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Annals => "annals",
            Self::AnnalsFoundationdb => "annals-foundationdb",
            Self::Umadb => "umadb",
            Self::UmadbPipelined => "umadb-pipelined",
            Self::MessageDb => "message-db",
            Self::Nats => "nats",
            Self::Echo => "echo",
            Self::Disk => "disk",
        }
    }

    /// Whether it is a limit to compare with, and no store.
    pub(crate) const fn is_limit(self) -> bool {
        matches!(self, Self::Echo | Self::Disk)
    }

    /// Whether it is Annals, on whatever engine.
    pub(crate) const fn is_annals(self) -> bool {
        matches!(self, Self::Annals | Self::AnnalsFoundationdb)
    }

    /// Starts it in an empty folder below `data` and waits until it answers.
    pub(crate) async fn start(self, data: &Path, peers: &Peers) -> Result<Box<dyn Store>> {
        Ok(match self {
            Self::Annals | Self::AnnalsFoundationdb => {
                let engine = match self {
                    Self::Annals => Engine::Embedded,
                    _ => Engine::FoundationDb,
                };
                let target = Target::annals(peers.server.as_deref(), Deployment::single(engine))?;
                Box::new(annals::Annals::start(self, &target, data).await?)
            }
            Self::Echo => Box::new(annals::Annals::start(self, &Target::Echo, data).await?),
            Self::Umadb | Self::UmadbPipelined => Box::new(umadb::UmaDb::start(self, data, peers).await?),
            Self::Disk => Box::new(disk::Disk::start(data)?),
            #[cfg(feature = "peers")]
            Self::MessageDb => Box::new(message_db::MessageDb::start(data, peers).await?),
            #[cfg(feature = "peers")]
            Self::Nats => Box::new(nats::Nats::start(data, peers).await?),
            #[cfg(not(feature = "peers"))]
            Self::MessageDb | Self::Nats => return Err(Error::NoPeers(self.text())),
        })
    }
}

/// How a store runs, for the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setting {
    /// What runs, with its version.
    pub(crate) program: String,
    /// What makes an answered append durable.
    pub(crate) durable: String,
    /// How the generator speaks with it, and how what it asks for is said there.
    pub(crate) client: String,
}

/// Something that not every store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Appends that expect a stream's revision.
    Append,
    /// Appends that expect that no event bears a tag.
    Condition,
    /// Reads of one stream.
    Load,
    /// Reads of the log.
    Read(Selection),
    /// Events as they are appended.
    Subscribe,
    /// The same, after all those that are there.
    CatchUp,
    /// A process of its own that can be restarted.
    Process,
}

/// Which events of the log to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every one.
    All,
    /// Of the same type as the event with this number.
    Kind(u64),
    /// With the same tag as the event with this number.
    Tag(u64),
    /// In streams of the same category as this one.
    Category(u64),
}

/// Some events with consecutive numbers, for one stream, which must be as it was left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// The stream's number.
    pub(crate) stream: u64,
    /// The revision that the first event gets.
    pub(crate) revision: u64,
    /// What the append before it to this stream was answered with; 0 if it is the first.
    pub(crate) mark: u64,
    /// The number of the first event.
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) events: u32,
    /// Whether events can be read by tag and category afterwards.
    pub(crate) labelled: bool,
}

impl Batch {
    pub(crate) fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.first + u64::from(self.events)
    }
}

/// A store that runs. Dropping it kills it and deletes its files.
pub(crate) trait Store: Send + Sync {
    /// How it runs.
    fn setting(&self) -> &Setting;

    /// Why it can't do this; `None` if it can.
    fn lacks(&self, ability: Ability) -> Option<&'static str>;

    /// Its processes, all of them. Ask again when clients have come: some stores have a process for each.
    fn processes(&self) -> Vec<u32>;

    /// Where its files are.
    fn folder(&self) -> &Path;

    /// So many clients, on as few connections as `per_connection` allows, where the store's clients share any.
    fn clients(&self, count: usize, per_connection: usize) -> Work<'_, Vec<Box<dyn Client>>>;

    /// Whether this is how it says that an append does not fit what stands in it.
    fn is_refusal(&self, error: &Error) -> bool {
        let _ = error;
        false
    }

    /// Where it serves sessions of Annals, if it does.
    fn session_endpoint(&self) -> Option<&str> {
        None
    }

    /// Waits until nothing of what was asked of it before is left to be done, if it would hold back what comes then.
    fn settle(&self) -> Work<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Ends it, starts it again, and waits until it answers. Gives how long that took from its start.
    fn restart(&mut self, restart: Restart) -> Work<'_, Duration>;

    /// Ends it and deletes its files.
    fn stop(self: Box<Self>) -> Work<'static, ()>;
}

/// What a store without an ability answers when it is asked all the same.
pub(crate) fn lacking<'a, T: Send + 'a>() -> Work<'a, T> {
    Box::pin(async {
        Err(Error::Usage(
            "this store was asked for what it can't do".to_owned(),
        ))
    })
}

/// A name, a tag, an id or data as text.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("what is sent is made of ASCII")
}

/// Takes the answers to a call to their end, and counts the events in them.
async fn count<M>(
    load: &str,
    answers: std::result::Result<Response<Streaming<M>>, Status>,
    events: impl Fn(&M) -> usize,
) -> Result<u64> {
    let mut answers = answers.map_err(Error::call(load))?.into_inner();
    let mut count = 0;
    while let Some(message) = answers.message().await.map_err(Error::call(load))? {
        count += events(&message) as u64;
    }
    Ok(count)
}

/// One client of a store.
pub(crate) trait Client: Send {
    /// Appends, all or nothing, durably. Gives the mark of the stream's new end.
    fn append(&mut self, batch: Batch) -> Work<'_, u64>;

    /// Appends one event that bears the tag of this number, if none that does stands after the mark. Gives the new mark.
    fn append_if(&mut self, tag: u64, mark: u64, number: u64) -> Work<'_, u64> {
        let _ = (tag, mark, number);
        lacking()
    }

    /// Reads this stream of `events` events, and decodes them. Gives how many came.
    fn load(&mut self, stream: u64, events: u32) -> Work<'_, u64> {
        let _ = (stream, events);
        lacking()
    }

    /// Reads these of the log's `total` events, and decodes them. Gives how many came.
    fn read(&mut self, selection: Selection, total: u64) -> Work<'_, u64> {
        let _ = (selection, total);
        lacking()
    }

    /// Sends events to come, and before them, if `all`, those that are there. Live when it returns, unless `all`.
    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        let _ = all;
        lacking()
    }
}

/// Events as they come.
pub(crate) trait Subscription: Send {
    /// Waits for the next events, and adds their numbers.
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()>;
}
