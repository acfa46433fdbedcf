//! Responses of reads and subscriptions, made of events in the encoding in which the store keeps them, and responses
//! of pipelines, whose messages have hundreds of small results.
//!
//! ```text
//! ReadAllResponse         = entries, head (2)
//! ReadStreamResponse      = entries, head (2), last_revision (3)
//! SubscribeAllResponse,
//! SubscribeStreamResponse = events (1): length, entries  |  caught_up (2)  |  fell_behind (3)  |  checkpoint (4)
//! AppendPipelineResponse,
//! ForwardResponse        = results (1): length, PipelinedResult, …
//! ConsumeResponse         = opened (1)  |  deliveries (2): length, Delivery, …  |  withdrawal (3)
//! Delivery                = id (1), attempt (2), event (3): length, RecordedEvent
//! entries                 = 0x0A, length, RecordedEvent, …  field 1 of both read responses and of EventBatch
//! ```
//!
//! 1. The bytes written here decode as the generated type of the same name; the tests compare them.
//! 2. Both subscriptions have the same responses, so one type serves both.

#[cfg(test)]
mod tests;

use annals_proto::v1 as pb;
use annals_services::groups::ConsumerDelivery;
use annals_store::{Appended, Notice};
use bytes::{BufMut, Bytes};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len, message, uint64};

use super::codec::Encode;
use crate::grpc::response;

/// Field numbers of the protocol.
mod number {
    pub(super) const RESULTS: u32 = 1;
    pub(super) const APPENDED_TO_STREAM: u32 = 1;
    pub(super) const HEAD: u32 = 2;
    pub(super) const LAST_REVISION: u32 = 3;
    pub(super) const EVENTS: u32 = 1;
    pub(super) const CAUGHT_UP: u32 = 2;
    pub(super) const FELL_BEHIND: u32 = 3;
    pub(super) const CHECKPOINT: u32 = 4;
    pub(super) const OPENED: u32 = 1;
    pub(super) const DELIVERIES: u32 = 2;
    pub(super) const WITHDRAWAL: u32 = 3;
    pub(super) const DELIVERY: u32 = 1;
    pub(super) const ID: u32 = 1;
    pub(super) const ATTEMPT: u32 = 2;
    pub(super) const EVENT: u32 = 3;
}

fn chunks_len(chunks: &[Bytes]) -> usize {
    chunks.iter().map(Bytes::len).sum()
}

fn put_chunks(chunks: &[Bytes], out: &mut impl BufMut) {
    chunks.iter().for_each(|chunk| out.put_slice(chunk));
}

fn number_len(field: u32, value: u64) -> usize {
    if value == 0 {
        0
    } else {
        uint64::encoded_len(field, &value)
    }
}

fn put_number(field: u32, value: u64, out: &mut impl BufMut) {
    if value != 0 {
        uint64::encode(field, &value, out);
    }
}

/// `annals.v1.ReadAllResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadAllResponse {
    pub chunks: Vec<Bytes>,
    pub head: u64,
}

impl Encode for ReadAllResponse {
    fn encoded_len(&self) -> usize {
        chunks_len(&self.chunks) + number_len(number::HEAD, self.head)
    }

    fn encode(&self, out: &mut impl BufMut) {
        put_chunks(&self.chunks, out);
        put_number(number::HEAD, self.head, out);
    }
}

/// `annals.v1.ReadStreamResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadStreamResponse {
    pub chunks: Vec<Bytes>,
    pub head: u64,
    pub last_revision: u64,
}

impl Encode for ReadStreamResponse {
    fn encoded_len(&self) -> usize {
        chunks_len(&self.chunks)
            + number_len(number::HEAD, self.head)
            + number_len(number::LAST_REVISION, self.last_revision)
    }

    fn encode(&self, out: &mut impl BufMut) {
        put_chunks(&self.chunks, out);
        put_number(number::HEAD, self.head, out);
        put_number(number::LAST_REVISION, self.last_revision, out);
    }
}

/// `annals.v1.SubscribeAllResponse` and `annals.v1.SubscribeStreamResponse`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubscriptionResponse {
    Events(Vec<Bytes>),
    CaughtUp(pb::CaughtUp),
    FellBehind(pb::FellBehind),
    Checkpoint(pb::Checkpoint),
}

impl From<Notice> for SubscriptionResponse {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Events(batch) => Self::Events(batch.chunks),
            Notice::CaughtUp { position, revision } => Self::CaughtUp(pb::CaughtUp {
                position: position.0,
                revision: revision.map(|revision| revision.0),
            }),
            Notice::FellBehind {
                position,
                head,
                revision,
            } => Self::FellBehind(pb::FellBehind {
                position: position.0,
                head: head.0,
                revision: revision.map(|revision| revision.0),
            }),
            Notice::Checkpoint { position, revision } => Self::Checkpoint(pb::Checkpoint {
                position: position.0,
                revision: revision.map(|revision| revision.0),
            }),
        }
    }
}

impl Encode for SubscriptionResponse {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Events(chunks) => {
                let len = chunks_len(chunks);
                key_len(number::EVENTS) + encoded_len_varint(len as u64) + len
            }
            Self::CaughtUp(news) => message::encoded_len(number::CAUGHT_UP, news),
            Self::FellBehind(news) => message::encoded_len(number::FELL_BEHIND, news),
            Self::Checkpoint(news) => message::encoded_len(number::CHECKPOINT, news),
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Events(chunks) => {
                encode_key(number::EVENTS, WireType::LengthDelimited, out);
                encode_varint(chunks_len(chunks) as u64, out);
                put_chunks(chunks, out);
            }
            Self::CaughtUp(news) => message::encode(number::CAUGHT_UP, news, out),
            Self::FellBehind(news) => message::encode(number::FELL_BEHIND, news, out),
            Self::Checkpoint(news) => message::encode(number::CHECKPOINT, news, out),
        }
    }
}

/// `annals.v1.ConsumeResponse`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConsumeResponse {
    Opened(pb::ConsumerOpened),
    Deliveries(Vec<ConsumerDelivery>),
    Withdrawal(pb::Withdrawal),
    /// From another server.
    Forwarded(pb::ConsumeResponse),
}

fn delivery_len(delivery: &ConsumerDelivery) -> usize {
    let event = delivery.event.bytes().len();
    number_len(number::ID, delivery.id)
        + number_len(number::ATTEMPT, delivery.attempt.into())
        + key_len(number::EVENT)
        + encoded_len_varint(event as u64)
        + event
}

fn deliveries_len(deliveries: &[ConsumerDelivery]) -> usize {
    let entry = |delivery| {
        let len = delivery_len(delivery);
        key_len(number::DELIVERY) + encoded_len_varint(len as u64) + len
    };
    deliveries.iter().map(entry).sum()
}

impl Encode for ConsumeResponse {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Opened(opened) => message::encoded_len(number::OPENED, opened),
            Self::Deliveries(deliveries) => {
                let len = deliveries_len(deliveries);
                key_len(number::DELIVERIES) + encoded_len_varint(len as u64) + len
            }
            Self::Withdrawal(withdrawal) => message::encoded_len(number::WITHDRAWAL, withdrawal),
            Self::Forwarded(response) => Message::encoded_len(response),
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Opened(opened) => message::encode(number::OPENED, opened, out),
            Self::Deliveries(deliveries) => {
                encode_key(number::DELIVERIES, WireType::LengthDelimited, out);
                encode_varint(deliveries_len(deliveries) as u64, out);
                for delivery in deliveries {
                    encode_key(number::DELIVERY, WireType::LengthDelimited, out);
                    encode_varint(delivery_len(delivery) as u64, out);
                    put_number(number::ID, delivery.id, out);
                    put_number(number::ATTEMPT, delivery.attempt.into(), out);
                    encode_key(number::EVENT, WireType::LengthDelimited, out);
                    let event = delivery.event.bytes();
                    encode_varint(event.len() as u64, out);
                    out.put_slice(event);
                }
            }
            Self::Withdrawal(withdrawal) => message::encode(number::WITHDRAWAL, withdrawal, out),
            Self::Forwarded(response) => response.encode_raw(out),
        }
    }
}

/// The most bytes of an `AppendToStreamResponse`: four numbers, a time, and a flag.
const APPENDED_BYTES_MAX: usize = 4 * 11 + 2 + 2 * 11 + 2;

/// `annals.v1.AppendPipelineResponse` and `annals.internal.v1.ForwardResponse`, encoded result by result: results need
/// not be kept until the message is complete, nor measured before they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PipelineResponse {
    results: usize,
    bytes: Vec<u8>,
}

impl PipelineResponse {
    /// Returns the number of results.
    pub(crate) const fn results(&self) -> usize {
        self.results
    }

    /// Adds a result.
    pub(crate) fn push(&mut self, result: &pb::PipelinedResult) {
        message::encode(number::RESULTS, result, &mut self.bytes);
        self.results += 1;
    }

    /// Adds the result of an append to one stream that was written.
    pub(crate) fn push_appended(&mut self, appended: &Appended) {
        let mut room = [0; APPENDED_BYTES_MAX];
        let mut left = &mut room[..];
        response::appended(appended).encode_raw(&mut left);
        let len = APPENDED_BYTES_MAX - left.len();
        let result_len = key_len(number::APPENDED_TO_STREAM) + encoded_len_varint(len as u64) + len;
        encode_key(number::RESULTS, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(result_len as u64, &mut self.bytes);
        encode_key(
            number::APPENDED_TO_STREAM,
            WireType::LengthDelimited,
            &mut self.bytes,
        );
        encode_varint(len as u64, &mut self.bytes);
        self.bytes.extend_from_slice(&room[..len]);
        self.results += 1;
    }
}

impl Encode for PipelineResponse {
    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(&self.bytes);
    }
}
