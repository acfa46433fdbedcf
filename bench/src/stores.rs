//! The stores that are compared: how each is started with durable settings, and how a client calls it.
//!
//! - `annals`: Annals itself, over either engine, and the echo of its messages.
//! - `umadb`: UmaDB, over the same gRPC stack as Annals.
//! - `message_db`: message-db's functions in PostgreSQL.
//! - `nats`: a stream of NATS JetStream.
//! - `disk`: appends to a bare file, with an fdatasync shared by all appends that wait for it.
//! - `peers`: the location of their programs.
//!
//! 1. A store confirms no write before it is on disk; its [`Setting`] states how this is configured.
//! 2. A call that does not return the requested events is an error, never a slow success: every count is checked.
//! 3. A store that does not support a workload states the reason; it never gets an easier one instead.

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

/// The future of a call to a store.
pub(crate) type Work<'a, T> = BoxFuture<'a, Result<T>>;

/// A store by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    /// Annals on the embedded engine
    Annals,
    /// Annals on FoundationDB, one fdbserver
    AnnalsFoundationdb,
    /// UmaDB with its default settings
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
    /// Returns the name for the tables and for JSON.
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

    /// Whether it is a limit to compare with rather than a store.
    pub(crate) const fn is_limit(self) -> bool {
        matches!(self, Self::Echo | Self::Disk)
    }

    /// Whether it is Annals, on either engine.
    pub(crate) const fn is_annals(self) -> bool {
        matches!(self, Self::Annals | Self::AnnalsFoundationdb)
    }

    /// Starts the store in an empty folder below `data` and waits until it answers.
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

/// The settings that a store runs with, for the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setting {
    /// The program, with its version.
    pub(crate) program: String,
    /// The setting that makes an answered append durable.
    pub(crate) durable: String,
    /// The generator's client library, and how requests are expressed in it.
    pub(crate) client: String,
}

/// A feature that not every store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Appends that expect a stream's revision.
    Append,
    /// Appends that require that no event has a tag.
    Condition,
    /// Reads of one stream.
    Load,
    /// Reads of the log.
    Read(Selection),
    /// Subscriptions to new events.
    Subscribe,
    /// Subscriptions to all existing events and then new ones.
    CatchUp,
    /// A separate process that can be restarted.
    Process,
}

/// The events of the log to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every event.
    All,
    /// Events of the same type as the event with this number.
    Kind(u64),
    /// Events with the same tag as the event with this number.
    Tag(u64),
    /// Events in streams of the same category as this stream.
    Category(u64),
}

/// Events with consecutive numbers for one stream, which must not have changed since the client's last append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// Number of the stream.
    pub(crate) stream: u64,
    /// Revision of the first event.
    pub(crate) revision: u64,
    /// The mark returned by the previous append to this stream; 0 for the first.
    pub(crate) mark: u64,
    /// Number of the first event.
    pub(crate) first: u64,
    /// Number of events.
    pub(crate) events: u32,
    /// Whether the events can be read by tag and category afterwards.
    pub(crate) labelled: bool,
}

impl Batch {
    pub(crate) fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.first + u64::from(self.events)
    }
}

/// A running store. Dropping it kills it and deletes its files.
pub(crate) trait Store: Send + Sync {
    /// Returns the settings that it runs with.
    fn setting(&self) -> &Setting;

    /// Returns why it does not have this feature; `None` if it has.
    fn lacks(&self, ability: Ability) -> Option<&'static str>;

    /// Returns the ids of all its processes. Ask again after clients have connected: some stores have a process for
    /// each.
    fn processes(&self) -> Vec<u32>;

    /// Returns the folder of its files.
    fn folder(&self) -> &Path;

    /// Returns `count` clients, on as few connections as `per_connection` allows, if the store's clients can share
    /// one.
    fn clients(&self, count: usize, per_connection: usize) -> Work<'_, Vec<Box<dyn Client>>>;

    /// Returns `count` consumers that share the work on all events, each on its own connection.
    fn consumers(&self, count: usize) -> Work<'_, Vec<Box<dyn Consumer>>> {
        let _ = count;
        lacking()
    }

    /// Whether the error is the store's refusal of an append that conflicts with its contents.
    fn is_refusal(&self, error: &Error) -> bool {
        let _ = error;
        false
    }

    /// Returns the endpoint for append sessions, if the store has them.
    fn session_endpoint(&self) -> Option<&str> {
        None
    }

    /// Waits until background work of earlier requests is done, if it would delay later ones.
    fn settle(&self) -> Work<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Stops the store, starts it again, and waits until it answers. Returns the time from the start to the first
    /// answer.
    fn restart(&mut self, restart: Restart) -> Work<'_, Duration>;

    /// Stops the store and deletes its files.
    fn stop(self: Box<Self>) -> Work<'static, ()>;
}

/// Returns the error of a call to a store that does not have the feature.
pub(crate) fn lacking<'a, T: Send + 'a>() -> Work<'a, T> {
    Box::pin(async { Err(Error::Usage("the store does not support the call".to_owned())) })
}

/// Returns a name, a tag, an id or data as text.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("what is sent is made of ASCII")
}

/// Consumes the responses of a call, and counts the events in them.
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
    /// Appends durably, all events or none. Returns the mark of the stream's new end.
    fn append(&mut self, batch: Batch) -> Work<'_, u64>;

    /// Appends one event with the tag of this number, if no event with the tag is after the mark. Returns the new
    /// mark.
    fn append_if(&mut self, tag: u64, mark: u64, number: u64) -> Work<'_, u64> {
        let _ = (tag, mark, number);
        lacking()
    }

    /// Reads and decodes this stream of `events` events. Returns the number received.
    fn load(&mut self, stream: u64, events: u32) -> Work<'_, u64> {
        let _ = (stream, events);
        lacking()
    }

    /// Reads and decodes the selected ones of the log's `total` events. Returns the number received.
    fn read(&mut self, selection: Selection, total: u64) -> Work<'_, u64> {
        let _ = (selection, total);
        lacking()
    }

    /// Subscribes to new events and, if `all`, to existing events before them. Unless `all`, the subscription is live
    /// when this returns.
    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        let _ = all;
        lacking()
    }
}

/// A subscription of a client.
pub(crate) trait Subscription: Send {
    /// Waits for the next events, and appends their numbers.
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()>;
}

/// One of the consumers that share the work on all events.
pub(crate) trait Consumer: Send {
    /// Waits for the next events, and acks each of them. Returns how many these are. If the future is dropped before
    /// events have come, nothing is lost.
    fn next(&mut self) -> Work<'_, u64>;

    /// Leaves, once the server has all acks.
    fn leave(self: Box<Self>) -> Work<'static, ()>;
}
