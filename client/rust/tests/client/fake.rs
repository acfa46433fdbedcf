//! A server that stores events in a vector, records its requests, and rejects calls on demand.

mod service;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use annals_proto::v1 as pb;
use pb::event_store_service_server::EventStoreServiceServer;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

/// Number of events in a message of a read or a subscription: few, so that there are many messages.
const BATCH_EVENTS: usize = 3;

/// The state of the fake, and the faults to inject.
#[derive(Default)]
pub struct State {
    pub log: Vec<pb::RecordedEvent>,
    written: HashMap<String, pb::AppendToStreamResponse>,
    /// The ids of every append received, by any call.
    pub tries: Vec<Vec<String>>,
    /// The checks of every append that has any.
    pub checks: Vec<Vec<pb::Check>>,
    /// Number of appends in each message of a pipeline.
    pub pipeline_messages: Vec<usize>,
    /// Errors for the next calls, which then do nothing else.
    pub refusals: VecDeque<Status>,
    /// Whether calls are left unanswered.
    pub silent: bool,
    /// The start of each subscription.
    pub subscribed_after: Vec<Option<u64>>,
    /// Maximum message size of a pipeline.
    pub message_bytes_max: Option<usize>,
    /// The maximum append size reported by the server.
    pub append_bytes_max: u32,
    /// Number of messages after which a read ends as if the server stopped.
    pub read_messages_max: Option<usize>,
    /// The start of each read.
    pub read_from: Vec<Option<u64>>,
    /// Number of calls for server info.
    pub infos: usize,
    /// The last snapshot saved, of any stream.
    pub snapshot: Option<pb::Snapshot>,
}

#[derive(Clone)]
pub struct Fake {
    pub state: Arc<Mutex<State>>,
    head: watch::Sender<u64>,
    pub address: SocketAddr,
    /// Whether this server, among those with the same store, rejects everything because it is shutting down.
    pub draining: Arc<AtomicBool>,
    /// Number of calls to this server, of any kind.
    pub calls: Arc<AtomicUsize>,
}

/// A status as an Annals server sends it.
pub fn refusal(code: tonic::Code, reason: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "annals", HashMap::new());
    Status::with_error_details(code, format!("refused: {reason}"), details)
}

impl Fake {
    pub async fn start() -> Self {
        Fake::serve(Arc::default(), watch::Sender::new(0)).await
    }

    /// Starts another server of the same store.
    pub async fn start_beside(&self) -> Self {
        Fake::serve(self.state.clone(), self.head.clone()).await
    }

    async fn serve(state: Arc<Mutex<State>>, head: watch::Sender<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Fake {
            state,
            head,
            address,
            draining: Arc::default(),
            calls: Arc::default(),
        };
        let service = EventStoreServiceServer::new(fake.clone());
        let serving = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(serving.serve_with_incoming(TcpListenerStream::new(listener)));
        fake
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn refuse_next(&self, status: Status) {
        self.state.lock().unwrap().refusals.push_back(status);
    }

    /// Adds `count` events to the log, as if another client had appended them.
    pub fn fill(&self, stream: &str, kind: &str, count: usize) {
        for nth in 0..count {
            let id = uuid::Uuid::now_v7().to_string();
            let event = pb::NewEvent {
                id,
                r#type: kind.into(),
                data: format!("{nth}").into(),
                ..Default::default()
            };
            self.write(pb::AppendToStreamRequest {
                stream: stream.into(),
                expected: None,
                events: vec![event],
                recorded_at: None,
            });
        }
    }

    /// The positions and ids of the log, for comparison.
    pub fn log(&self) -> Vec<(u64, String)> {
        let state = self.state.lock().unwrap();
        state
            .log
            .iter()
            .map(|event| (event.position, event.id.clone()))
            .collect()
    }

    fn append_one(&self, request: pb::AppendToStreamRequest) -> Result<pb::AppendToStreamResponse, Status> {
        self.admit_at_all()?;
        let ids = request.events.iter().map(|event| event.id.clone()).collect();
        let mut state = self.state.lock().unwrap();
        state.tries.push(ids);
        if let Some(refused) = state.refusals.pop_front() {
            return Err(refused);
        }
        drop(state);
        Ok(self.write(request))
    }

    /// Appends to several streams. If the id of the first event is known, the whole append is. Checks are recorded,
    /// but not evaluated.
    fn append_to_many(&self, request: pb::AppendToManyRequest) -> Result<pb::AppendToManyResponse, Status> {
        self.admit_at_all()?;
        let events = request.writes.iter().flat_map(|write| &write.events);
        let ids: Vec<_> = events.map(|event| event.id.clone()).collect();
        let mut state = self.state.lock().unwrap();
        state.tries.push(ids.clone());
        state.checks.push(request.checks);
        if let Some(refused) = state.refusals.pop_front() {
            return Err(refused);
        }
        drop(state);
        let mut response: Option<pb::AppendToManyResponse> = None;
        for write in request.writes {
            let stream = write.stream.clone();
            let written = self.write(pb::AppendToStreamRequest {
                stream: write.stream,
                events: write.events,
                ..pb::AppendToStreamRequest::default()
            });
            let response = response.get_or_insert_with(|| pb::AppendToManyResponse {
                first_position: written.first_position,
                recorded_at: written.recorded_at,
                already_appended: written.already_appended,
                ..pb::AppendToManyResponse::default()
            });
            response.last_position = written.last_position;
            response.streams.push(pb::WrittenStream {
                stream,
                first_revision: written.first_revision,
                last_revision: written.last_revision,
            });
        }
        response.ok_or_else(|| refusal(tonic::Code::InvalidArgument, "INVALID_FIELD"))
    }

    fn write(&self, request: pb::AppendToStreamRequest) -> pb::AppendToStreamResponse {
        let mut state = self.state.lock().unwrap();
        let id = request.events[0].id.clone();
        if let Some(earlier) = state.written.get(&id) {
            return pb::AppendToStreamResponse {
                already_appended: true,
                ..*earlier
            };
        }
        let first_revision = state
            .log
            .iter()
            .filter(|event| event.stream == request.stream)
            .count() as u64;
        let first_position = state.log.len() as u64 + 1;
        let recorded_at = Some(prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 123_456_000,
        });
        let count = request.events.len() as u64;
        for (nth, event) in (0..).zip(request.events) {
            state.log.push(pb::RecordedEvent {
                id: event.id,
                r#type: event.r#type,
                data: event.data,
                metadata: event.metadata,
                tags: event.tags,
                stream: request.stream.clone(),
                revision: first_revision + nth,
                position: first_position + nth,
                recorded_at,
                ..Default::default()
            });
        }
        let response = pb::AppendToStreamResponse {
            first_revision,
            last_revision: first_revision + count - 1,
            first_position,
            last_position: first_position + count - 1,
            recorded_at,
            already_appended: false,
        };
        state.written.insert(id, response);
        self.head.send_replace(state.log.len() as u64);
        response
    }

    fn admit_at_all(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.draining.load(Ordering::SeqCst) {
            true => Err(refusal(tonic::Code::Unavailable, "SHUTTING_DOWN")),
            false => Ok(()),
        }
    }

    /// Fails or never answers, if configured to.
    async fn admit(&self) -> Result<(), Status> {
        self.admit_at_all()?;
        let (silent, refusal) = {
            let mut state = self.state.lock().unwrap();
            (state.silent, state.refusals.pop_front())
        };
        if silent {
            futures::future::pending::<()>().await;
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Returns the events after a position or revision, as (new position or revision, matching events); bounded.
    fn after(&self, stream: Option<&str>, after: Option<u64>, query: Option<&pb::Query>) -> Found {
        let state = self.state.lock().unwrap();
        let place = |event: &pb::RecordedEvent| {
            if stream.is_some() {
                event.revision
            } else {
                event.position
            }
        };
        let matches = |event: &&pb::RecordedEvent| {
            query.is_none_or(|query| query.items.iter().any(|item| item.types.contains(&event.r#type)))
        };
        let new = |event: &&pb::RecordedEvent| {
            stream.is_none_or(|stream| event.stream == stream)
                && after.is_none_or(|after| place(event) > after)
        };
        let looked_at: Vec<_> = state.log.iter().filter(new).take(BATCH_EVENTS).collect();
        let place = looked_at.last().map(|event| place(event)).or(after);
        let position = looked_at
            .last()
            .map(|event| event.position)
            .unwrap_or(state.log.len() as u64);
        let events = looked_at.iter().copied().filter(matches).cloned().collect();
        Found {
            place,
            position,
            events,
            any: !looked_at.is_empty(),
        }
    }

    fn feed(&self, stream: Option<String>, after: Option<u64>, query: Option<pb::Query>) -> Feed {
        self.state.lock().unwrap().subscribed_after.push(after);
        let (sender, receiver) = mpsc::channel(1);
        let fake = self.clone();
        tokio::spawn(async move {
            let (mut after, mut caught_up, mut head) = (after, false, fake.head.subscribe());
            loop {
                head.mark_unchanged();
                let found = fake.after(stream.as_deref(), after, query.as_ref());
                after = found.place;
                let position = found.position;
                use pb::subscribe_all_response::Content;
                let content = match found {
                    Found { any: false, .. } if caught_up => {
                        tokio::select! {
                            changed = head.changed() => if changed.is_err() { return },
                            () = sender.closed() => return,
                        }
                        continue;
                    }
                    Found { any: false, .. } => {
                        caught_up = true;
                        Content::CaughtUp(pb::CaughtUp {
                            position,
                            revision: None,
                        })
                    }
                    Found { events, .. } if events.is_empty() => Content::Checkpoint(pb::Checkpoint {
                        position,
                        revision: None,
                    }),
                    Found { events, .. } => Content::Events(pb::EventBatch { events }),
                };
                if sender
                    .send(Ok(pb::SubscribeAllResponse {
                        content: Some(content),
                    }))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        ReceiverStream::new(receiver)
    }

    /// Removes the last event from the log.
    pub fn forget_last(&self) {
        let mut state = self.state.lock().unwrap();
        state.log.pop();
        self.head.send_replace(state.log.len() as u64);
    }

    /// Returns the position of the log at a time: one event was recorded in every second from the start of 1970.
    fn reached(&self, time: Option<prost_types::Timestamp>) -> u64 {
        let seconds = time.map_or(0, |time| u64::try_from(time.seconds).unwrap_or(0));
        seconds.min(*self.head.borrow())
    }

    /// Returns the events of a read, and the last position or revision.
    fn read(&self, wanted: Wanted<'_>) -> (Vec<pb::RecordedEvent>, u64) {
        let state = self.state.lock().unwrap();
        let place = |event: &pb::RecordedEvent| match wanted.stream {
            Some(_) => event.revision,
            None => event.position,
        };
        let mut events: Vec<_> = state
            .log
            .iter()
            .filter(|event| wanted.stream.is_none_or(|stream| event.stream == stream))
            .filter(|event| place(event) <= wanted.until)
            .cloned()
            .collect();
        let last = events.last().map_or(0, place);
        if wanted.backwards {
            events.reverse();
        }
        let behind = |event: &pb::RecordedEvent| match (wanted.from, wanted.backwards) {
            (None, _) => true,
            (Some(from), false) => place(event) >= from,
            (Some(from), true) => place(event) <= from,
        };
        events.retain(behind);
        events.truncate(wanted.limit.unwrap_or(u64::MAX) as usize);
        (events, last)
    }
}

/// The parameters of a read.
#[derive(Default)]
struct Wanted<'a> {
    stream: Option<&'a str>,
    from: Option<u64>,
    limit: Option<u64>,
    backwards: bool,
    /// The last position or revision to read.
    until: u64,
}

struct Found {
    place: Option<u64>,
    position: u64,
    events: Vec<pb::RecordedEvent>,
    any: bool,
}

type Feed = ReceiverStream<Result<pb::SubscribeAllResponse, Status>>;
