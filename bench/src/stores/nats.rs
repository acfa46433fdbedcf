//! NATS JetStream: one stream on disk with a message per event, whose subject is the event's stream.
//!
//! - An append of one event is a publish that expects the subject's last sequence; an append of several is an atomic
//!   batch, whose first message expects it. The event's id is the message's, so that the server drops repeats within
//!   two minutes.
//! - A subject is read with a batched direct get, which its server answers from memory or disk without a consumer.
//! - The log, a category and new events are read by an ordered consumer, to which the server pushes.

mod client;
mod consumer;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use async_nats::jetstream::{self, Context, stream};
use futures::FutureExt;
use rustix::process::Signal;
use tokio::process::Command;

use super::{Ability, Client, Consumer, Peers, Selection, Setting, Store, Work, peers::version};
use crate::{
    Error, Result,
    folder::{forget, new_folder},
    load::events::{CATEGORIES, category},
    process::{Process, Program, Restart},
    target::free_address,
};
use client::NatsClient;
use consumer::NatsConsumer;

const STORE: &str = "nats";
const STREAM: &str = "EVENTS";

/// A server with one stream.
pub(super) struct Nats {
    setting: Setting,
    process: Process,
    address: String,
    folder: tempfile::TempDir,
}

impl Nats {
    pub(super) async fn start(data: &Path, peers: &Peers) -> Result<Self> {
        let server = peers.program("nats-server")?;
        let folder = new_folder(STORE, data)?;
        let (address, settings) = (free_address()?, folder.path().join("nats.conf"));
        let text = format!(
            "listen: \"{address}\"\nmax_payload: 8MB\njetstream {{\n  store_dir: \"{}\"\n  sync_interval: always\n}}\n",
            folder.path().join("data").display()
        );
        std::fs::write(&settings, text).map_err(Error::system("write the settings of NATS"))?;
        let setting = Setting {
            program: version(&server)?,
            durable: "sync_interval: always, file storage, one replica".to_owned(),
            client: "async-nats; a publish expects the subject's last sequence; several events in an atomic \
                     batch; batched direct gets; ordered push consumers"
                .to_owned(),
        };
        let program: Program = Box::new(move || {
            let mut command = Command::new(&server);
            command.arg("-c").arg(&settings);
            command
        });
        let mut nats = Self {
            setting,
            process: Process::start("nats-server", program, folder.path())?,
            address: address.to_string(),
            folder,
        };
        nats.answers().await?;
        nats.make_stream().await?;
        Ok(nats)
    }

    async fn make_stream(&self) -> Result<()> {
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: (0..CATEGORIES as u64)
                .map(|nth| format!("{}.*", category(nth)))
                .collect(),
            storage: stream::StorageType::File,
            allow_direct: true,
            allow_atomic_publish: true,
            ..Default::default()
        };
        let made = self.context().await?.create_stream(config).await;
        made.map(drop).map_err(Error::peer(STORE, "make a stream"))
    }

    async fn context(&self) -> Result<Context> {
        let client = async_nats::connect(&self.address).await;
        Ok(jetstream::new(client.map_err(Error::peer(STORE, "connect"))?))
    }

    /// Waits until the server answers and has loaded its streams, if it had any.
    async fn answers(&mut self) -> Result<()> {
        let address = self.address.clone();
        self.process.answers(|| answered(address.clone())).await
    }
}

async fn answered(address: String) -> bool {
    match async_nats::connect(address).await {
        Ok(client) => jetstream::new(client).query_account().await.is_ok(),
        Err(_) => false,
    }
}

impl Store for Nats {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        match ability {
            Ability::Condition => Some("no conditions beyond one subject's last sequence"),
            Ability::Read(Selection::Kind(_)) => Some("a message has one subject, which is its stream"),
            Ability::Read(Selection::Tag(_)) => Some("no tags"),
            _ => None,
        }
    }

    fn processes(&self) -> Vec<u32> {
        self.process.family()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn clients(&self, count: usize, per_connection: usize) -> Work<'_, Vec<Box<dyn Client>>> {
        async move {
            let mut clients: Vec<Box<dyn Client>> = Vec::with_capacity(count);
            while clients.len() < count {
                let context = self.context().await?;
                for _ in 0..per_connection.min(count - clients.len()) {
                    clients.push(Box::new(NatsClient::new(context.clone())));
                }
            }
            Ok(clients)
        }
        .boxed()
    }

    fn consumers(&self, count: usize) -> Work<'_, Vec<Box<dyn Consumer>>> {
        async move {
            let mut consumers: Vec<Box<dyn Consumer>> = Vec::with_capacity(count);
            for _ in 0..count {
                consumers.push(Box::new(NatsConsumer::open(self.context().await?).await?));
            }
            Ok(consumers)
        }
        .boxed()
    }

    fn is_refusal(&self, error: &Error) -> bool {
        error.peer_said("WrongLastSequence")
    }

    fn restart(&mut self, restart: Restart) -> Work<'_, Duration> {
        async move {
            self.process.end(Signal::TERM, restart.is_killed).await?;
            if restart.is_cold {
                forget(self.folder.path())?;
            }
            let start = Instant::now();
            self.process.start_again()?;
            self.answers().await?;
            Ok(start.elapsed())
        }
        .boxed()
    }

    fn stop(mut self: Box<Self>) -> Work<'static, ()> {
        async move {
            self.process.end(Signal::TERM, false).await?;
            self.folder
                .close()
                .map_err(Error::system("delete the store's folder"))
        }
        .boxed()
    }
}
