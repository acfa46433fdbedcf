//! UmaDB, called like Annals: over the same gRPC stack, with messages that encode themselves.
//!
//! UmaDB has one log and no streams; a tag represents a stream. An append that expects a revision fails if an event
//! has the stream's tag after the position of the previous append: the same guarantee.

mod wire;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::FutureExt;
use rustix::process::Signal;
use tokio::process::Command;
use tonic::{
    Code, Streaming,
    client::Grpc,
    transport::{Channel, Endpoint},
};

use super::{
    Ability, Batch, Client, Name, Peers, Selection, Setting, Store, Subscription, Work, count, text,
};
use crate::{
    Error, Result,
    folder::{forget, new_folder},
    load::{
        connect,
        events::{category, kind, number, stream_name, tag},
        wire::unary,
    },
    process::{Process, Program, Restart},
    target::free_address,
};

/// Types generated from UmaDB's .proto file.
mod pb {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/umadb.v1.rs"));
}

use pb::dcb_client::DcbClient;

const APPEND: &str = "/umadb.v1.DCB/Append";
/// Larger than any response.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A UmaDB server.
pub(super) struct UmaDb {
    setting: Setting,
    process: Process,
    endpoint: Endpoint,
    folder: tempfile::TempDir,
}

impl UmaDb {
    pub(super) async fn start(name: Name, data: &Path, peers: &Peers) -> Result<Self> {
        let umadb = peers.program("umadb")?;
        let folder = new_folder(name.text(), data)?;
        let (address, file) = (free_address()?, folder.path().join("uma.db"));
        let options: &[&str] = match name {
            Name::UmadbPipelined => &["--pipelined-writer", "true", "--page-cache-max-mb", "512"],
            _ => &[],
        };
        let setting = Setting {
            program: super::peers::version(&umadb)?,
            durable: format!(
                "always: an fdatasync before each reply, shared by waiting appends; options: {}",
                if options.is_empty() {
                    "none".to_owned()
                } else {
                    options.join(" ")
                }
            ),
            client: "gRPC over tonic; messages encoded by hand; an expected revision is `no event with \
                     the stream's tag after the position of the last`"
                .to_owned(),
        };
        let program: Program = Box::new(move || {
            let mut command = Command::new(&umadb);
            command
                .args(["--listen", &address.to_string()])
                .arg("--db-path")
                .arg(&file)
                .args(options);
            command
        });
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| Error::wrong("connecting", error.to_string()))?;
        let mut umadb = Self {
            setting,
            process: Process::start("umadb", program, folder.path())?,
            endpoint,
            folder,
        };
        umadb.answers().await?;
        Ok(umadb)
    }

    async fn answers(&mut self) -> Result<()> {
        let endpoint = self.endpoint.clone();
        self.process.answers(|| answered(endpoint.clone())).await
    }
}

async fn answered(endpoint: Endpoint) -> bool {
    match endpoint.connect().await {
        Ok(channel) => DcbClient::new(channel).head(pb::HeadRequest {}).await.is_ok(),
        Err(_) => false,
    }
}

impl Store for UmaDb {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn lacks(&self, _: Ability) -> Option<&'static str> {
        None
    }

    fn processes(&self) -> Vec<u32> {
        self.process.family()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn clients(&self, count: usize, per_connection: usize) -> Work<'_, Vec<Box<dyn Client>>> {
        async move {
            let endpoint = self.endpoint.uri().to_string();
            let mut clients: Vec<Box<dyn Client>> = Vec::with_capacity(count);
            while clients.len() < count {
                let channel = connect(&endpoint).await?;
                for _ in 0..per_connection.min(count - clients.len()) {
                    clients.push(Box::new(UmaDbClient {
                        grpc: Grpc::new(channel.clone()),
                        stub: DcbClient::new(channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
                    }));
                }
            }
            Ok(clients)
        }
        .boxed()
    }

    fn is_refusal(&self, error: &Error) -> bool {
        // UmaDB's status for a violated condition.
        error.is_status(Code::FailedPrecondition)
    }

    fn restart(&mut self, restart: Restart) -> Work<'_, Duration> {
        async move {
            self.process.end(Signal::INT, restart.is_killed).await?;
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
            self.process.end(Signal::INT, false).await?;
            self.folder
                .close()
                .map_err(Error::system("delete the store's folder"))
        }
        .boxed()
    }
}

struct UmaDbClient {
    grpc: Grpc<Channel>,
    stub: DcbClient<Channel>,
}

impl Client for UmaDbClient {
    fn append(&mut self, batch: Batch) -> Work<'_, u64> {
        async move {
            let answer = unary::<pb::AppendResponse>(&mut self.grpc, APPEND, batch).await;
            Ok(answer.map_err(Error::call("append"))?.position)
        }
        .boxed()
    }

    fn append_if(&mut self, tag: u64, mark: u64, number: u64) -> Work<'_, u64> {
        // UmaDB does not distinguish the two kinds of appends.
        self.append(Batch {
            stream: tag,
            revision: 0,
            mark,
            first: number,
            events: 1,
            labelled: false,
        })
    }

    fn load(&mut self, stream: u64, _: u32) -> Work<'_, u64> {
        let item = pb::QueryItem {
            tags: vec![text(&stream_name(stream)).to_owned()],
            ..Default::default()
        };
        self.count(Some(item)).boxed()
    }

    fn read(&mut self, selection: Selection, _: u64) -> Work<'_, u64> {
        let item = match selection {
            Selection::All => None,
            Selection::Kind(of) => Some(pb::QueryItem {
                types: vec![kind(of).to_owned()],
                ..Default::default()
            }),
            Selection::Tag(of) => Some(pb::QueryItem {
                tags: vec![text(&tag(of)).to_owned()],
                ..Default::default()
            }),
            Selection::Category(of) => Some(pb::QueryItem {
                tags: vec![category(of).to_owned()],
                ..Default::default()
            }),
        };
        self.count(item).boxed()
    }

    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        async move {
            let after = if all {
                None
            } else {
                let head = self.stub.head(pb::HeadRequest {}).await;
                head.map_err(Error::call("head"))?.into_inner().position
            };
            let request = pb::SubscribeRequest {
                after,
                ..Default::default()
            };
            let answers = self.stub.subscribe(request).await;
            let answers = answers.map_err(Error::call("subscribe"))?.into_inner();
            let deliveries: Box<dyn Subscription> = Box::new(Deliveries(answers));
            Ok(deliveries)
        }
        .boxed()
    }
}

impl UmaDbClient {
    async fn count(&mut self, item: Option<pb::QueryItem>) -> Result<u64> {
        let request = pb::ReadRequest {
            query: item.map(|item| pb::Query { items: vec![item] }),
            ..Default::default()
        };
        let answers = self.stub.read(request).await;
        count("read", answers, |message| message.events.len()).await
    }
}

struct Deliveries(Streaming<pb::SubscribeResponse>);

impl Subscription for Deliveries {
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()> {
        async move {
            match self.0.message().await.map_err(Error::call("subscription"))? {
                Some(message) => {
                    let events = message.events.iter().filter_map(|event| event.event.as_ref());
                    numbers.extend(events.filter_map(|event| number(&event.uuid)));
                    Ok(())
                }
                None => Err(Error::wrong("subscription", "the server ended it")),
            }
        }
        .boxed()
    }
}
