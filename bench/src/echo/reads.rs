//! Reads without a log: a batch that is encoded once and sent unchanged.

use std::marker::PhantomData;

use annals_proto::v1 as pb;
use bytes::{BufMut, Bytes};
use futures::stream;
use prost::Message;
use tonic::{
    Request, Response, Status,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
    server::ServerStreamingService,
};
use tonic_prost::{ProstCodec, ProstDecoder};

use super::{Answered, Answers, RECORDED_AT};
use crate::load;

/// Bytes of events in a response message, as in the Annals server.
const BATCH_BYTES: usize = 128 << 10;

/// Answers reads with prepared bytes. Events are field 1 of both responses.
#[derive(Clone)]
pub(super) struct Reads {
    pub(super) event_bytes: usize,
    pub(super) batch_events: u64,
    pub(super) batch: Bytes,
}

impl Reads {
    pub(super) fn new() -> Self {
        let mut batch = Vec::with_capacity(BATCH_BYTES + 1_024);
        let (mut batch_events, mut event_bytes) = (0, 0);
        while batch.len() < BATCH_BYTES {
            let content = load::content(batch_events);
            let event = pb::RecordedEvent {
                id: String::from_utf8_lossy(&load::id(batch_events)).into_owned(),
                r#type: content.kind.to_owned(),
                data: Bytes::copy_from_slice(&content.data),
                stream: format!("order-{batch_events:010}"),
                revision: 20 + batch_events % 80,
                // As large as positions in a log of some millions, and the same in all events.
                position: 1_500_000 + batch_events,
                recorded_at: Some(RECORDED_AT),
                ..Default::default()
            };
            let before = batch.len();
            let message = pb::ReadAllResponse {
                events: vec![event],
                head: 0,
            };
            batch.put_slice(&message.encode_to_vec());
            batch_events += 1;
            event_bytes = batch.len() - before;
        }
        Self {
            event_bytes,
            batch_events,
            batch: batch.into(),
        }
    }
}

/// A request with a limit on the number of events.
pub(super) trait Limited: prost::Message + Default + Send + 'static {
    fn limit(&self) -> u64;
}

impl Limited for pb::ReadAllRequest {
    fn limit(&self) -> u64 {
        self.limit.unwrap_or(0)
    }
}

impl Limited for pb::ReadStreamRequest {
    fn limit(&self) -> u64 {
        self.limit.unwrap_or(0)
    }
}

impl<R: Limited> ServerStreamingService<R> for Reads {
    type Response = Bytes;
    type ResponseStream = Answers<Bytes>;
    type Future = std::future::Ready<Answered<Answers<Bytes>>>;

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let reads = self.clone();
        let mut left = request.into_inner().limit();
        let batches = std::iter::from_fn(move || {
            let events = left.min(reads.batch_events);
            left -= events;
            // All events have the same size.
            (events > 0).then(|| Ok(reads.batch.slice(..events as usize * reads.event_bytes)))
        });
        std::future::ready(Ok(Response::new(Box::pin(stream::iter(batches)))))
    }
}

/// Sends bytes unchanged, in answer to `R`.
pub(super) struct Encoded<R>(PhantomData<R>);

impl<R> Encoded<R> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Limited> Codec for Encoded<R> {
    type Encode = Bytes;
    type Decode = R;
    type Encoder = Self;
    type Decoder = ProstDecoder<R>;

    fn encoder(&mut self) -> Self {
        Self::new()
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<R, R>::raw_decoder(BufferSettings::default())
    }
}

impl<R: Limited> Encoder for Encoded<R> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        to.put(message);
        Ok(())
    }
}
