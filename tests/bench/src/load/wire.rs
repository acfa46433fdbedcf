//! Appends straight into the bytes of their protobuf messages, and the calls that carry them.
//!
//! Building messages out of strings and vectors and encoding those would cost the generator several allocations an event,
//! on the cores that it shares with the server. What is sent is the same bytes.
//!
//! ```text
//! AppendToStreamRequest   1: stream   2: ExpectedRevision {1: revision | 2: no_stream {}}   3: NewEvent, repeated
//! NewEvent                1: id   2: type   3: data
//! AppendSessionRequest    1: SessionAppend {1: AppendToStreamRequest}
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

use super::events::{self, DATA_BYTES, ID_BYTES, TYPE_BYTES};

const APPEND_TO_STREAM: &str = "/annals.v1.EventStoreService/AppendToStream";
const APPEND_SESSION: &str = "/annals.v1.EventStoreService/AppendSession";

const STREAM_BYTES: usize = 16;
/// A field's key and a length below 128, the same with a length of two bytes (data).
const EVENT_BODY_BYTES: usize = (2 + ID_BYTES) + (2 + TYPE_BYTES) + (3 + DATA_BYTES);

/// Some events, with consecutive numbers, for one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Append {
    /// The stream's number.
    pub(crate) stream: u64,
    /// The revision that the first event will have: the append expects the one before, or no stream.
    pub(crate) revision: u64,
    /// The number of the first event.
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) events: u32,
}

/// The same, as a message of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionAppend(pub(crate) Append);

/// A message that writes its own bytes.
pub(crate) trait Message: Send + Sync + 'static {
    fn write(&self, to: &mut impl BufMut);
}

impl Message for Append {
    fn write(&self, to: &mut impl BufMut) {
        open(to, 1, STREAM_BYTES);
        to.put_slice(&name(self.stream));
        match self.revision.checked_sub(1) {
            None => to.put_slice(&[2 << 3 | 2, 2, 2 << 3 | 2, 0]),
            Some(expected) => {
                open(to, 2, 1 + encoded_len_varint(expected));
                to.put_u8(1 << 3);
                encode_varint(expected, to);
            }
        }
        for number in self.first..self.first + u64::from(self.events) {
            let content = events::content(number);
            open(to, 3, EVENT_BODY_BYTES);
            open(to, 1, ID_BYTES);
            to.put_slice(&events::id(number));
            open(to, 2, TYPE_BYTES);
            to.put_slice(content.kind.as_bytes());
            open(to, 3, DATA_BYTES);
            to.put_slice(&content.data);
        }
    }
}

impl Append {
    fn bytes(&self) -> usize {
        let expected = self
            .revision
            .checked_sub(1)
            .map_or(2, |expected| 1 + encoded_len_varint(expected));
        let event = 1 + encoded_len_varint(EVENT_BODY_BYTES as u64) + EVENT_BODY_BYTES;
        (2 + STREAM_BYTES) + (2 + expected) + event * self.events as usize
    }
}

impl Message for SessionAppend {
    fn write(&self, to: &mut impl BufMut) {
        let append = self.0.bytes();
        open(to, 1, 1 + encoded_len_varint(append as u64) + append);
        open(to, 1, append);
        self.0.write(to);
    }
}

/// Key and length of a field that is a message, a string or bytes.
fn open(to: &mut impl BufMut, field: u8, bytes: usize) {
    to.put_u8(field << 3 | 2);
    encode_varint(bytes as u64, to);
}

/// `order-0000000042`.
fn name(stream: u64) -> [u8; STREAM_BYTES] {
    let mut name = *b"order-0000000000";
    let mut left = stream;
    for digit in name[6..].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    name
}

/// Sends one append in a call of its own.
pub(crate) async fn append(
    grpc: &mut Grpc<Channel>,
    append: Append,
) -> Result<pb::AppendToStreamResponse, Status> {
    ready(grpc).await?;
    let path = PathAndQuery::from_static(APPEND_TO_STREAM);
    Ok(grpc
        .unary(Request::new(append), path, Wire::new())
        .await?
        .into_inner())
}

/// Opens a session that sends these.
pub(crate) async fn session(
    grpc: &mut Grpc<Channel>,
    appends: impl futures::Stream<Item = SessionAppend> + Send + 'static,
) -> Result<Streaming<pb::AppendSessionResponse>, Status> {
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

/// Encodes `M` as it writes itself, and decodes `A` with prost.
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

    fn as_prost(append: Append) -> pb::AppendToStreamRequest {
        use pb::expected_revision::Expected;
        let expected = match append.revision {
            0 => Expected::NoStream(()),
            first => Expected::Revision(first - 1),
        };
        let event = |number| pb::NewEvent {
            id: String::from_utf8(events::id(number).to_vec()).unwrap(),
            r#type: events::content(number).kind.to_owned(),
            data: events::content(number).data.to_vec().into(),
            ..Default::default()
        };
        pb::AppendToStreamRequest {
            stream: format!("order-{:010}", append.stream),
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
    fn a_sessions_append_is_written_as_prost_would_write_it() {
        for append in [FIRST, LATER] {
            let inner = pb::session_append::Append::AppendToStream(as_prost(append));
            let message = pb::AppendSessionRequest {
                appends: vec![pb::SessionAppend { append: Some(inner) }],
            };
            assert_eq!(written(&SessionAppend(append)), message.encode_to_vec());
        }
    }
}
