//! Encodes and decodes messages.
//!
//! It differs from tonic's codec in two ways. Messages need not be [`prost::Message`]s: results of reads are bytes
//! that the store has ready (`raw`), and appends stay in the encoding in which they arrive (`encoded`). Bytes that
//! are not a message of the protocol are reported like any other invalid input, as INVALID_ARGUMENT with the field's
//! name, where tonic reports INTERNAL.

use std::marker::PhantomData;

use bytes::{Buf, BufMut};
use prost::Message;
use tonic::{
    Status,
    codec::{DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use super::{encoded::Encoded, malformed::malformed};
use crate::grpc::status::Invalid;

/// A message that can be written in protobuf encoding.
pub(crate) trait Encode {
    /// Number of bytes that [`Encode::encode`] writes.
    fn encoded_len(&self) -> usize;

    /// Writes the message.
    fn encode(&self, out: &mut impl BufMut);
}

impl<T: Message> Encode for T {
    fn encoded_len(&self) -> usize {
        Message::encoded_len(self)
    }

    fn encode(&self, out: &mut impl BufMut) {
        self.encode_raw(out);
    }
}

/// A message that can be read from protobuf encoding.
pub(crate) trait Decode: Sized {
    /// Reads a message that fills the whole buffer.
    fn decode(buf: &mut DecodeBuf<'_>) -> Result<Self, Invalid>;
}

impl<T: Message + Default> Decode for T {
    fn decode(buf: &mut DecodeBuf<'_>) -> Result<Self, Invalid> {
        Message::decode(buf).map_err(|error| malformed(&error))
    }
}

impl<M: Message + Default> Decode for Encoded<M> {
    fn decode(buf: &mut DecodeBuf<'_>) -> Result<Self, Invalid> {
        Ok(Self::new(buf.copy_to_bytes(buf.remaining())))
    }
}

/// A codec that writes `T` and reads `U`.
#[derive(Debug)]
pub(crate) struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Encode + Send + 'static, U: Decode + Send + 'static> tonic::codec::Codec for Codec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = Writer<T>;
    type Decoder = Reader<U>;

    fn encoder(&mut self) -> Writer<T> {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> Reader<U> {
        Reader(PhantomData)
    }
}

/// Encoder of messages.
#[derive(Debug)]
pub(crate) struct Writer<T>(PhantomData<T>);

impl<T: Encode> Encoder for Writer<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.reserve(item.encoded_len());
        item.encode(buf);
        Ok(())
    }
}

/// Decoder of messages.
#[derive(Debug)]
pub(crate) struct Reader<U>(PhantomData<U>);

impl<U: Decode> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buf).map(Some).map_err(Status::from)
    }
}
