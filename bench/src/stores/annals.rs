//! Annals itself, and the bare echo of its messages.

mod consumer;

use std::{path::Path, time::Duration};

use annals_proto::v1 as pb;
use futures::FutureExt;
use pb::{
    event_store_service_client::EventStoreServiceClient, subscribe_all_request::Start,
    subscribe_all_response::Content,
};
use tonic::{Code, Streaming, client::Grpc, transport::Channel};

use consumer::{AnnalsConsumer, create_group};

use super::{
    Ability, Batch, Client, Consumer, Name, Selection, Setting, Store, Subscription, Work, count, text,
};
use crate::{
    Error, Result,
    load::{
        connect,
        events::{category, kind, number, stream_name, tag},
        wire::{self, Append, Conditional, Labelled},
    },
    process::Restart,
    target::{Running, Target},
};

/// Larger than any response.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// An Annals server, or the echo.
pub(super) struct Annals {
    name: Name,
    setting: Setting,
    running: Running,
    endpoint: String,
}

impl Annals {
    pub(super) async fn start(name: Name, target: &Target, data: &Path) -> Result<Self> {
        let running = target.start(data).await?;
        let endpoint = running.endpoints().remove(0);
        let version = env!("CARGO_PKG_VERSION");
        let (program, durable) = match name {
            Name::Echo => (
                format!("annals-bench echo {version}"),
                "not durable: it stores nothing and shows the cost of the transport",
            ),
            Name::AnnalsFoundationdb => (
                format!("annals-server {version} over one fdbserver, ssd engine"),
                "a FoundationDB commit, on disk before the reply; a workload begins when the cluster has stored all \
                 earlier writes",
            ),
            _ => (
                format!("annals-server {version}, embedded engine"),
                "default: an fsync before each reply, shared by waiting appends",
            ),
        };
        let setting = Setting {
            program,
            durable: durable.to_owned(),
            client:
                "gRPC over tonic; messages encoded by hand; expected revision; sessions for pipelined appends"
                    .to_owned(),
        };
        Ok(Self {
            name,
            setting,
            running,
            endpoint,
        })
    }
}

impl Store for Annals {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        match (self.name, ability) {
            (
                Name::Echo,
                Ability::Condition
                | Ability::CatchUp
                | Ability::Process
                | Ability::Read(Selection::Kind(_) | Selection::Tag(_) | Selection::Category(_)),
            ) => Some("the echo stores nothing"),
            _ => None,
        }
    }

    fn processes(&self) -> Vec<u32> {
        self.running.pids()
    }

    fn folder(&self) -> &Path {
        self.running.folder()
    }

    fn clients(&self, count: usize, per_connection: usize) -> Work<'_, Vec<Box<dyn Client>>> {
        async move {
            let mut clients: Vec<Box<dyn Client>> = Vec::with_capacity(count);
            let is_echo = self.name == Name::Echo;
            while clients.len() < count {
                let channel = connect(&self.endpoint).await?;
                for _ in 0..per_connection.min(count - clients.len()) {
                    clients.push(Box::new(AnnalsClient::new(channel.clone(), is_echo)));
                }
            }
            Ok(clients)
        }
        .boxed()
    }

    fn consumers(&self, count: usize) -> Work<'_, Vec<Box<dyn Consumer>>> {
        async move {
            create_group(connect(&self.endpoint).await?).await?;
            let mut consumers: Vec<Box<dyn Consumer>> = Vec::with_capacity(count);
            for nth in 0..count {
                let channel = connect(&self.endpoint).await?;
                consumers.push(Box::new(AnnalsConsumer::open(channel, nth).await?));
            }
            Ok(consumers)
        }
        .boxed()
    }

    fn is_refusal(&self, error: &Error) -> bool {
        error.is_status(Code::Aborted)
    }

    fn session_endpoint(&self) -> Option<&str> {
        Some(&self.endpoint)
    }

    fn settle(&self) -> Work<'_, ()> {
        self.running.settle().boxed()
    }

    fn restart(&mut self, restart: Restart) -> Work<'_, Duration> {
        self.running.restart(restart).boxed()
    }

    fn stop(self: Box<Self>) -> Work<'static, ()> {
        self.running.stop().boxed()
    }
}

struct AnnalsClient {
    grpc: Grpc<Channel>,
    stub: EventStoreServiceClient<Channel>,
    is_echo: bool,
}

impl AnnalsClient {
    fn new(channel: Channel, is_echo: bool) -> Self {
        Self {
            grpc: Grpc::new(channel.clone()),
            stub: EventStoreServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX),
            is_echo,
        }
    }
}

impl Client for AnnalsClient {
    fn append(&mut self, batch: Batch) -> Work<'_, u64> {
        let append = Append {
            stream: batch.stream,
            revision: batch.revision,
            first: batch.first,
            events: batch.events,
        };
        async move {
            let answer = if batch.labelled {
                wire::append(&mut self.grpc, Labelled(append)).await
            } else {
                wire::append(&mut self.grpc, append).await
            };
            let answer = answer.map_err(Error::call("append"))?;
            if answer.first_revision != batch.revision || answer.already_appended {
                let problem = format!("revision {} was answered with {answer:?}", batch.revision);
                return Err(Error::wrong("append", problem));
            }
            Ok(answer.last_position)
        }
        .boxed()
    }

    fn append_if(&mut self, tag: u64, mark: u64, number: u64) -> Work<'_, u64> {
        let append = Conditional {
            stream: tag,
            after: mark,
            number,
        };
        async move {
            let answer = wire::append_if(&mut self.grpc, append).await;
            Ok(answer.map_err(Error::call("conditional append"))?.last_position)
        }
        .boxed()
    }

    fn load(&mut self, stream: u64, events: u32) -> Work<'_, u64> {
        let request = pb::ReadStreamRequest {
            stream: text(&stream_name(stream)).to_owned(),
            // The echo has no streams; it sends as many events as are requested.
            limit: self.is_echo.then_some(u64::from(events)),
            ..Default::default()
        };
        async move {
            let answers = self.stub.read_stream(request).await;
            count("load", answers, |message| message.events.len()).await
        }
        .boxed()
    }

    fn read(&mut self, selection: Selection, total: u64) -> Work<'_, u64> {
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
                stream_prefixes: vec![format!("{}-", category(of))],
                ..Default::default()
            }),
        };
        let request = pb::ReadAllRequest {
            limit: self.is_echo.then_some(total),
            query: item.map(|item| pb::Query { items: vec![item] }),
            ..Default::default()
        };
        async move {
            let answers = self.stub.read_all(request).await;
            count("read", answers, |message| message.events.len()).await
        }
        .boxed()
    }

    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        let start = if all { Start::After(0) } else { Start::End(()) };
        let request = pb::SubscribeAllRequest {
            start: Some(start),
            query: None,
        };
        async move {
            let answers = self.stub.subscribe_all(request).await;
            let answers = answers.map_err(Error::call("subscribe"))?.into_inner();
            let mut deliveries = Deliveries(answers);
            let mut is_live = all;
            while !is_live {
                is_live = matches!(deliveries.message().await?, Content::CaughtUp(_));
            }
            let deliveries: Box<dyn Subscription> = Box::new(deliveries);
            Ok(deliveries)
        }
        .boxed()
    }
}

struct Deliveries(Streaming<pb::SubscribeAllResponse>);

impl Deliveries {
    async fn message(&mut self) -> Result<Content> {
        loop {
            match self.0.message().await.map_err(Error::call("subscription"))? {
                Some(pb::SubscribeAllResponse {
                    content: Some(content),
                }) => return Ok(content),
                Some(_) => {}
                None => return Err(Error::wrong("subscription", "the server ended it")),
            }
        }
    }
}

impl Subscription for Deliveries {
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()> {
        async move {
            loop {
                if let Content::Events(batch) = self.message().await? {
                    numbers.extend(batch.events.iter().filter_map(|event| number(&event.id)));
                    return Ok(());
                }
            }
        }
        .boxed()
    }
}
