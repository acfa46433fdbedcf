//! UmaDB, spoken to as Annals is: the same gRPC stack, and messages that write their own bytes.
//!
//! UmaDB has one log, no streams; what others call a stream is a tag there. An append that expects a revision fails if an
//! event bears the stream's tag after the position at which the append before it stood: the same guarantee.
//!
//! ```text
//! AppendRequest     1: Event, repeated   2: AppendCondition {1: Query {1: QueryItem {2: tag}}   2: after}
//! Event             1: type   2: tag, repeated   3: data   4: uuid
//! ```

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bytes::BufMut;
use futures::FutureExt;
use prost::encoding::{encode_varint, encoded_len_varint};
use rustix::process::Signal;
use tokio::process::Command;
use tonic::{
    Streaming,
    client::Grpc,
    transport::{Channel, Endpoint},
};

use super::{Ability, Batch, Client, Name, Peers, Selection, Setting, Store, Subscription, Work};
use crate::{
    Error, Result,
    load::{
        connect,
        events::{
            self, DATA_BYTES, ID_BYTES, STREAM_BYTES, TAG_BYTES, TYPE_BYTES, category, kind, number,
            stream_name, tag,
        },
        wire::{self, Message, open},
    },
    process::{Process, Program},
    target::{free_address, new_folder},
};

/// What UmaDB's own .proto says.
mod pb {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/umadb.v1.rs"));
}

use pb::dcb_client::DcbClient;

const APPEND: &str = "/umadb.v1.DCB/Append";
/// Larger than any answer.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Letters of a category.
const CATEGORY_BYTES: usize = 5;

/// An UmaDB server.
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
                "as it always is, an fdatasync before each answer, shared by those who wait; options: {}",
                if options.is_empty() {
                    "none".to_owned()
                } else {
                    options.join(" ")
                }
            ),
            client: "gRPC over tonic; messages encoded by hand; an expected revision is `no event with the stream's tag \
                     after the position of the last`"
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

    fn restart(&mut self, killed: bool) -> Work<'_, Duration> {
        async move {
            if killed {
                self.process.kill().await?;
            } else {
                self.process.ask_to_stop(Signal::INT)?;
                self.process.stopped().await?;
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
            self.process.ask_to_stop(Signal::INT)?;
            self.process.stopped().await?;
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
            let answer = wire::unary::<pb::AppendResponse>(&mut self.grpc, APPEND, batch).await;
            Ok(answer.map_err(Error::call("append"))?.position)
        }
        .boxed()
    }

    fn append_if(&mut self, tag: u64, mark: u64, number: u64) -> Work<'_, u64> {
        // It is the same thing here.
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
            tags: vec![text(&stream_name(stream))],
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
                tags: vec![text(&tag(of))],
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
        let mut answers = answers.map_err(Error::call("read"))?.into_inner();
        let mut count = 0;
        while let Some(message) = answers.message().await.map_err(Error::call("read"))? {
            count += message.events.len() as u64;
        }
        Ok(count)
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

impl Message for Batch {
    fn write(&self, to: &mut impl BufMut) {
        let stream = stream_name(self.stream);
        let labels = if self.labelled {
            (2 + TAG_BYTES) + (2 + CATEGORY_BYTES)
        } else {
            0
        };
        let event = (2 + TYPE_BYTES) + (2 + STREAM_BYTES) + labels + (3 + DATA_BYTES) + (2 + ID_BYTES);
        for number in self.numbers() {
            let content = events::content(number);
            open(to, 1, event);
            open(to, 1, TYPE_BYTES);
            to.put_slice(content.kind.as_bytes());
            open(to, 2, STREAM_BYTES);
            to.put_slice(&stream);
            if self.labelled {
                open(to, 2, TAG_BYTES);
                to.put_slice(&tag(number));
                open(to, 2, CATEGORY_BYTES);
                to.put_slice(category(self.stream).as_bytes());
            }
            open(to, 3, DATA_BYTES);
            to.put_slice(&content.data);
            open(to, 4, ID_BYTES);
            to.put_slice(&events::id(number));
        }
        let after = match self.mark {
            0 => 0,
            mark => 1 + encoded_len_varint(mark),
        };
        open(to, 2, 6 + STREAM_BYTES + after);
        open(to, 1, 4 + STREAM_BYTES);
        open(to, 1, 2 + STREAM_BYTES);
        open(to, 2, STREAM_BYTES);
        to.put_slice(&stream);
        if self.mark > 0 {
            to.put_u8(2 << 3);
            encode_varint(self.mark, to);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn an_append_is_written_as_prost_would_write_it() {
        for (mark, labelled) in [(0, false), (7, true), (1_000_000, false)] {
            let batch = Batch {
                stream: 42,
                revision: 3,
                mark,
                first: 70_000,
                events: 3,
                labelled,
            };
            let stream = text(&stream_name(42));
            let event = |number| {
                let mut tags = vec![stream.clone()];
                if labelled {
                    tags.extend([text(&tag(number)), category(42).to_owned()]);
                }
                pb::Event {
                    event_type: events::content(number).kind.to_owned(),
                    tags,
                    data: events::content(number).data.to_vec().into(),
                    uuid: text(&events::id(number)),
                    metadata: Vec::new(),
                }
            };
            let query = pb::Query {
                items: vec![pb::QueryItem {
                    tags: vec![stream.clone()],
                    ..Default::default()
                }],
            };
            let message = pb::AppendRequest {
                events: batch.numbers().map(event).collect(),
                condition: Some(pb::AppendCondition {
                    fail_if_events_match: Some(query),
                    after: (mark > 0).then_some(mark),
                }),
                tracking_info: None,
            };
            let mut bytes = Vec::new();
            batch.write(&mut bytes);
            assert_eq!(bytes, message.encode_to_vec());
        }
    }
}
