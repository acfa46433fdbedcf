//! Appends as they come: events are stored in the bytes in which they are sent, so most need not be decoded. What is left
//! encoded here is taken apart by `request`.

use std::marker::PhantomData;

use annals_proto::v1 as pb;
use bytes::Bytes;
use prost::Message;

use super::{codec, request::Invalid};

/// A message of the protocol in its encoding. Nothing is known of it yet: it may be malformed.
#[derive(Clone, Debug)]
pub(crate) struct Encoded<M> {
    bytes: Bytes,
    of: PhantomData<fn() -> M>,
}

/// `annals.v1.AppendToStreamRequest`.
pub(crate) type AppendToStreamRequest = Encoded<pb::AppendToStreamRequest>;
/// `annals.v1.AppendSessionRequest`.
pub(crate) type AppendSessionRequest = Encoded<pb::AppendSessionRequest>;

impl<M: Message + Default> Encoded<M> {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            of: PhantomData,
        }
    }

    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The message, decoded.
    pub(crate) fn decode(&self) -> Result<M, Invalid> {
        M::decode(self.bytes.clone()).map_err(|error| codec::malformed(&error))
    }
}

impl<M: Message + Default> From<M> for Encoded<M> {
    fn from(message: M) -> Self {
        Self::new(message.encode_to_vec().into())
    }
}
