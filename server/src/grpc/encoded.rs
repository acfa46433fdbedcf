//! Appends in the encoding in which they arrive. Events are stored in the bytes in which they are sent, so most
//! appends need not be decoded. `request` parses these messages.

use std::marker::PhantomData;

use annals_proto::v1 as pb;
use bytes::Bytes;
use prost::Message;

use super::{malformed::malformed, request::Invalid};

/// A message of the protocol in its encoding. It has not been checked and may be malformed.
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

    /// Decodes the message.
    pub(crate) fn decode(&self) -> Result<M, Invalid> {
        M::decode(self.bytes.clone()).map_err(|error| malformed(&error))
    }
}

impl<M: Message + Default> From<M> for Encoded<M> {
    fn from(message: M) -> Self {
        Self::new(message.encode_to_vec().into())
    }
}
