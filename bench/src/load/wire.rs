//! Encodes appends directly into the bytes of their protobuf messages, and sends them.
//!
//! Building messages from strings and vectors and encoding those would cost the generator several allocations per
//! event, on the cores that it shares with the server. The bytes that are sent are the same.
//!
//! ```text
//! AppendToStreamRequest   1: stream   2: ExpectedRevision {1: revision | 2: no_stream {}}   3: NewEvent, repeated
//! NewEvent                1: id   2: type   3: data   5: tag, in labelled ones
//! AppendPipelineRequest    1: PipelinedAppend {1: AppendToStreamRequest}
//! AppendToManyRequest     1: Write {1: stream   2: NewEvent}   2: Check {2: NoMatchCheck {1: Query   2: after}}
//! ```

use std::marker::PhantomData;

use annals_proto::v1 as pb;
use bytes::BufMut;
use http::uri::PathAndQuery;
use prost::encoding::{encode_varint, encoded_len_varint};
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_prost::{ProstCodec, ProstDecoder};

use super::events::{self, DATA_BYTES, ID_BYTES, STREAM_BYTES, TAG_BYTES, TYPE_BYTES, stream_name, tag};

const APPEND_TO_STREAM: &str = "/annals.v1.EventStoreService/AppendToStream";
const APPEND: &str = "/annals.v1.EventStoreService/AppendToMany";
const APPEND_SESSION: &str = "/annals.v1.EventStoreService/AppendPipeline";

/// Bytes of an event: key and length of each field (one byte of length below 128, two bytes for the data) and its
/// value.
const EVENT_BODY_BYTES: usize = (2 + ID_BYTES) + (2 + TYPE_BYTES) + (3 + DATA_BYTES);

/// Events with consecutive numbers, for one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Append {
    /// The stream's number.
    pub(crate) stream: u64,
    /// Revision of the first event: the append expects the one before, or no stream.
    pub(crate) revision: u64,
    /// Number of the first event.
    pub(crate) first: u64,
    /// Number of events.
    pub(crate) events: u32,
}

/// An append whose events have tags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labelled(pub(crate) Append);

/// An append of one event with a tag, if no event with the tag is after a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditional {
    /// Number of the stream and of the tag.
    pub(crate) stream: u64,
    /// Position after which no event may have the tag.
    pub(crate) after: u64,
    /// Number of the event.
    pub(crate) number: u64,
}

/// An append as a message of a pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PipelinedAppend(pub(crate) Append);

/// A message that encodes itself.
pub(crate) trait Message: Send + Sync + 'static {
    fn write(&self, to: &mut impl BufMut);
}

impl Message for Append {
    fn write(&self, to: &mut impl BufMut) {
        self.write_head(to);
        for number in self.first..self.first + u64::from(self.events) {
            open(to, 3, EVENT_BODY_BYTES);
            write_event(number, to);
        }
    }
}

impl Message for Labelled {
    fn write(&self, to: &mut impl BufMut) {
        let append = self.0;
        append.write_head(to);
        for number in append.first..append.first + u64::from(append.events) {
            open(to, 3, EVENT_BODY_BYTES + 2 + TAG_BYTES);
            write_event(number, to);
            open(to, 5, TAG_BYTES);
            to.put_slice(&tag(number));
        }
    }
}

impl Message for Conditional {
    fn write(&self, to: &mut impl BufMut) {
        // The name of the stream is also the tag.
        let name = stream_name(self.stream);
        let event = EVENT_BODY_BYTES + 2 + STREAM_BYTES;
        open(
            to,
            1,
            (2 + STREAM_BYTES) + (1 + encoded_len_varint(event as u64) + event),
        );
        open(to, 1, STREAM_BYTES);
        to.put_slice(&name);
        open(to, 2, event);
        write_event(self.number, to);
        open(to, 5, STREAM_BYTES);
        to.put_slice(&name);

        let item = 2 + STREAM_BYTES;
        let after = match self.after {
            0 => 0,
            after => 1 + encoded_len_varint(after),
        };
        open(to, 2, 2 + (4 + item) + after);
        open(to, 2, (4 + item) + after);
        open(to, 1, 2 + item);
        open(to, 1, item);
        open(to, 5, STREAM_BYTES);
        to.put_slice(&name);
        if self.after > 0 {
            to.put_u8(2 << 3);
            encode_varint(self.after, to);
        }
    }
}

/// Writes id, type and data of an event.
fn write_event(number: u64, to: &mut impl BufMut) {
    let content = events::content(number);
    open(to, 1, ID_BYTES);
    to.put_slice(&events::id(number));
    open(to, 2, TYPE_BYTES);
    to.put_slice(content.kind.as_bytes());
    open(to, 3, DATA_BYTES);
    to.put_slice(&content.data);
}

impl Append {
    /// Writes the stream and the expected revision.
    fn write_head(&self, to: &mut impl BufMut) {
        open(to, 1, STREAM_BYTES);
        to.put_slice(&stream_name(self.stream));
        match self.revision.checked_sub(1) {
            None => to.put_slice(&[2 << 3 | 2, 2, 2 << 3 | 2, 0]),
            Some(expected) => {
                open(to, 2, 1 + encoded_len_varint(expected));
                to.put_u8(1 << 3);
                encode_varint(expected, to);
            }
        }
    }

    fn bytes(&self) -> usize {
        let expected = self
            .revision
            .checked_sub(1)
            .map_or(2, |expected| 1 + encoded_len_varint(expected));
        let event = 1 + encoded_len_varint(EVENT_BODY_BYTES as u64) + EVENT_BODY_BYTES;
        (2 + STREAM_BYTES) + (2 + expected) + event * self.events as usize
    }
}

impl Message for PipelinedAppend {
    fn write(&self, to: &mut impl BufMut) {
        let append = self.0.bytes();
        open(to, 1, 1 + encoded_len_varint(append as u64) + append);
        open(to, 1, append);
        self.0.write(to);
    }
}

/// Writes key and length of a field that is a message, a string or bytes.
pub(crate) fn open(to: &mut impl BufMut, field: u8, bytes: usize) {
    to.put_u8(field << 3 | 2);
    encode_varint(bytes as u64, to);
}

/// Sends one append in a call of its own.
pub(crate) async fn append(
    grpc: &mut Grpc<Channel>,
    append: impl Message,
) -> Result<pb::AppendToStreamResponse, Status> {
    unary(grpc, APPEND_TO_STREAM, append).await
}

/// Sends one append with a condition.
pub(crate) async fn append_if(
    grpc: &mut Grpc<Channel>,
    append: Conditional,
) -> Result<pb::AppendToManyResponse, Status> {
    unary(grpc, APPEND, append).await
}

/// Calls a unary method with a message that encodes itself.
pub(crate) async fn unary<A: prost::Message + Default + Send + 'static>(
    grpc: &mut Grpc<Channel>,
    path: &'static str,
    message: impl Message,
) -> Result<A, Status> {
    ready(grpc).await?;
    let path = PathAndQuery::from_static(path);
    Ok(grpc
        .unary(Request::new(message), path, Wire::new())
        .await?
        .into_inner())
}

/// Opens a pipeline that sends these appends.
pub(crate) async fn pipeline(
    grpc: &mut Grpc<Channel>,
    appends: impl futures::Stream<Item = PipelinedAppend> + Send + 'static,
) -> Result<Streaming<pb::AppendPipelineResponse>, Status> {
    ready(grpc).await?;
    let path = PathAndQuery::from_static(APPEND_SESSION);
    Ok(grpc
        .streaming(Request::new(appends), path, Wire::new())
        .await?
        .into_inner())
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(format!("not connected: {error}")))
}

/// Encodes `M` by its own method and decodes `A` with prost.
struct Wire<M, A>(PhantomData<(M, A)>);

impl<M, A> Wire<M, A> {
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: Message, A: prost::Message + Default + Send + 'static> Codec for Wire<M, A> {
    type Encode = M;
    type Decode = A;
    type Encoder = Writer<M>;
    type Decoder = ProstDecoder<A>;

    fn encoder(&mut self) -> Writer<M> {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> ProstDecoder<A> {
        ProstCodec::<A, A>::raw_decoder(BufferSettings::default())
    }
}

struct Writer<M>(PhantomData<M>);

impl<M: Message> Encoder for Writer<M> {
    type Item = M;
    type Error = Status;

    fn encode(&mut self, message: M, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.write(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    const FIRST: Append = Append {
        stream: 42,
        revision: 0,
        first: 7,
        events: 1,
    };
    const LATER: Append = Append {
        stream: 9_999_999_999,
        revision: 1_000,
        first: 70_000,
        events: 100,
    };

    fn written(message: &impl Message) -> Vec<u8> {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        bytes
    }

    fn name(stream: u64) -> String {
        String::from_utf8(stream_name(stream).to_vec()).unwrap()
    }

    fn event(number: u64) -> pb::NewEvent {
        pb::NewEvent {
            id: String::from_utf8(events::id(number).to_vec()).unwrap(),
            r#type: events::content(number).kind.to_owned(),
            data: events::content(number).data.to_vec().into(),
            ..Default::default()
        }
    }

    fn as_prost(append: Append) -> pb::AppendToStreamRequest {
        use pb::expected_revision::Expected;
        let expected = match append.revision {
            0 => Expected::NoStream(()),
            first => Expected::Revision(first - 1),
        };
        pb::AppendToStreamRequest {
            stream: name(append.stream),
            expected: Some(pb::ExpectedRevision {
                expected: Some(expected),
            }),
            events: (append.first..append.first + u64::from(append.events))
                .map(event)
                .collect(),
            recorded_at: None,
        }
    }

    #[test]
    fn an_append_is_written_as_prost_would_write_it() {
        for append in [FIRST, LATER, Append { revision: 1, ..FIRST }] {
            assert_eq!(written(&append), as_prost(append).encode_to_vec());
            assert_eq!(written(&append).len(), append.bytes());
        }
    }

    #[test]
    fn a_pipelines_append_is_written_as_prost_would_write_it() {
        for append in [FIRST, LATER] {
            let inner = pb::pipelined_append::Append::AppendToStream(as_prost(append));
            let message = pb::AppendPipelineRequest {
                appends: vec![pb::PipelinedAppend { append: Some(inner) }],
            };
            assert_eq!(written(&PipelinedAppend(append)), message.encode_to_vec());
        }
    }

    #[test]
    fn labelled_events_are_written_as_prost_would_write_them() {
        for append in [FIRST, LATER] {
            let mut message = as_prost(append);
            for (number, event) in (append.first..).zip(&mut message.events) {
                event.tags = vec![String::from_utf8(tag(number).to_vec()).unwrap()];
            }
            assert_eq!(written(&Labelled(append)), message.encode_to_vec());
        }
    }

    #[test]
    fn a_conditional_append_is_written_as_prost_would_write_it() {
        for after in [0, 7, 1_000_000] {
            let append = Conditional {
                stream: 42,
                after,
                number: 70_000,
            };
            let tags = vec![name(42)];
            let query = pb::Query {
                items: vec![pb::QueryItem {
                    tags: tags.clone(),
                    ..Default::default()
                }],
            };
            let check = pb::check::Check::NoMatch(pb::NoMatchCheck {
                query: Some(query),
                after,
            });
            let message = pb::AppendToManyRequest {
                writes: vec![pb::Write {
                    stream: name(42),
                    events: vec![pb::NewEvent {
                        tags,
                        ..event(append.number)
                    }],
                    expected: None,
                }],
                checks: vec![pb::Check { check: Some(check) }],
                ..pb::AppendToManyRequest::default()
            };
            assert_eq!(written(&append), message.encode_to_vec());
        }
    }
}
