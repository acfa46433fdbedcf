//! The messages of a client that is newer than both servers: events with the field `number` (20), and, as recorded,
//! `newer` (70). Events stay in their encoding, so that nothing else in them is missed either.

use annals_proto::v1 as pb;
use annals_tests::harness::raw;
use bytes::Bytes;
use prost::Message;
use tonic::{Status, transport::Channel};

/// An event to append.
#[derive(Clone, PartialEq, Message)]
pub struct NewEvent {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub kind: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
    #[prost(string, repeated, tag = "5")]
    pub tags: Vec<String>,
    #[prost(uint64, tag = "20")]
    pub number: u64,
}

impl NewEvent {
    /// An event with a new id, and its number in its data, a tag and the new field.
    pub fn numbered(number: u64) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            kind: "Counted".to_owned(),
            data: number.to_string().into(),
            tags: vec![tag(number)],
            number,
        }
    }
}

/// The tag of a numbered event, which one in fifty has.
pub fn tag(number: u64) -> String {
    format!("fiftieth:{}", number % 50)
}

/// AppendToStreamRequest; Write has other numbers.
#[derive(Clone, PartialEq, Message)]
pub struct AppendToStream {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(message, repeated, tag = "3")]
    pub events: Vec<NewEvent>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AppendToMany {
    #[prost(message, repeated, tag = "1")]
    pub writes: Vec<Write>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Write {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(message, repeated, tag = "2")]
    pub events: Vec<NewEvent>,
}

/// A recorded event.
#[derive(Clone, PartialEq, Message)]
pub struct Recorded {
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
    #[prost(string, repeated, tag = "5")]
    pub tags: Vec<String>,
    #[prost(string, tag = "9")]
    pub stream: String,
    #[prost(uint64, tag = "11")]
    pub position: u64,
    #[prost(uint64, tag = "20")]
    pub number: u64,
    #[prost(string, tag = "70")]
    pub newer: String,
}

/// The responses of reads, and the events of the others.
#[derive(Clone, PartialEq, Message)]
struct Events {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    events: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct SubscribeAllResponse {
    #[prost(message, optional, tag = "1")]
    events: Option<Events>,
    #[prost(message, optional, tag = "2")]
    caught_up: Option<pb::CaughtUp>,
}

#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    part: Option<TransferPart>,
}

#[derive(Clone, PartialEq, Message)]
struct TransferPart {
    #[prost(message, optional, tag = "2")]
    events: Option<Events>,
}

/// Makes a unary call without reading its response.
pub async fn append(channel: &Channel, method: &str, request: &impl Message) -> Result<(), Status> {
    let mut answers = raw::call(channel, method, request.encode_to_vec().into()).await?;
    answers.message().await.map(drop)
}

/// Reads the log.
pub async fn read_all(channel: &Channel, request: pb::ReadAllRequest) -> Vec<Bytes> {
    read(channel, "ReadAll", request).await
}

/// Reads a stream.
pub async fn read_stream(channel: &Channel, stream: &str) -> Vec<Bytes> {
    let request = pb::ReadStreamRequest {
        stream: stream.to_owned(),
        ..Default::default()
    };
    read(channel, "ReadStream", request).await
}

async fn read(channel: &Channel, method: &str, request: impl Message) -> Vec<Bytes> {
    let mut answers = raw::call(channel, method, request.encode_to_vec().into())
        .await
        .unwrap();
    let mut events = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        events.extend(Events::decode(answer).unwrap().events);
    }
    events
}

/// The events that a subscription to the log delivers after a position. With `until_caught_up`, returns when it has
/// caught up; otherwise when it fails or ends.
pub async fn subscribe(
    channel: &Channel,
    after: u64,
    until_caught_up: bool,
    mut deliver: impl FnMut(Bytes),
) -> Result<(), Status> {
    let request = pb::SubscribeAllRequest {
        start: Some(pb::subscribe_all_request::Start::After(after)),
        query: None,
    };
    let mut answers = raw::call(channel, "SubscribeAll", request.encode_to_vec().into()).await?;
    while let Some(answer) = answers.message().await? {
        let answer = SubscribeAllResponse::decode(answer).unwrap();
        answer
            .events
            .into_iter()
            .flat_map(|batch| batch.events)
            .for_each(&mut deliver);
        if until_caught_up && answer.caught_up.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

/// The events of an export.
pub async fn export(channel: &Channel) -> Vec<Recorded> {
    let request = pb::ExportRequest::default().encode_to_vec().into();
    let mut answers = raw::call_of(channel, "annals.v1.TransferService", "Export", request)
        .await
        .unwrap();
    let mut exported = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let part = ExportResponse::decode(answer).unwrap().part;
        let events = part.and_then(|part| part.events).into_iter();
        exported.extend(
            events
                .flat_map(|batch| batch.events)
                .map(|event| Recorded::decode(event).unwrap()),
        );
    }
    exported
}
