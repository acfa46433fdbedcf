//! Appends in the encoding in which they arrive. Events are stored in the bytes in which they are sent, so most
//! appends need not be decoded. `request` parses these messages.

use std::marker::PhantomData;

use bytes::Bytes;
use prost::Message;

use super::malformed::malformed;
use crate::grpc::status::Invalid;

/// A message of the protocol in its encoding. It has not been checked and may be malformed.
#[derive(Clone, Debug)]
pub(crate) struct Encoded<M> {
    bytes: Bytes,
    of: PhantomData<fn() -> M>,
}

/// `annals.v1.AppendToStreamRequest`.
pub(crate) type AppendToStreamRequest = Encoded<message::AppendToStreamRequest>;
/// `annals.v1.AppendToManyRequest`.
pub(crate) type AppendToManyRequest = message::AppendToManyRequest;
/// `annals.v1.AppendPipelineRequest`.
pub(crate) type AppendPipelineRequest = Encoded<message::AppendPipelineRequest>;

/// The messages of the protocol that contain events to append, with each event in its encoding: a decoded event would
/// lose the fields that this version does not know. The tests compare them with the protocol.
pub(crate) mod message {
    use annals_proto::v1 as pb;
    use bytes::Bytes;

    /// `annals.v1.AppendToStreamRequest`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct AppendToStreamRequest {
        #[prost(string, tag = "1")]
        pub stream: String,
        #[prost(message, optional, tag = "2")]
        pub expected: Option<pb::ExpectedRevision>,
        #[prost(bytes = "bytes", repeated, tag = "3")]
        pub events: Vec<Bytes>,
        #[prost(message, optional, tag = "4")]
        pub recorded_at: Option<prost_types::Timestamp>,
    }

    /// `annals.v1.AppendToManyRequest`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct AppendToManyRequest {
        #[prost(message, repeated, tag = "1")]
        pub writes: Vec<Write>,
        #[prost(message, repeated, tag = "2")]
        pub checks: Vec<pb::Check>,
        #[prost(message, optional, tag = "3")]
        pub recorded_at: Option<prost_types::Timestamp>,
        #[prost(message, repeated, tag = "4")]
        pub state_changes: Vec<pb::StateChange>,
        #[prost(message, repeated, tag = "5")]
        pub state_checks: Vec<pb::StateCheck>,
    }

    /// `annals.v1.Write`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Write {
        #[prost(string, tag = "1")]
        pub stream: String,
        #[prost(bytes = "bytes", repeated, tag = "2")]
        pub events: Vec<Bytes>,
        #[prost(message, optional, tag = "3")]
        pub expected: Option<pb::ExpectedRevision>,
    }

    /// `annals.v1.AppendPipelineRequest`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct AppendPipelineRequest {
        #[prost(message, repeated, tag = "1")]
        pub appends: Vec<PipelinedAppend>,
    }

    /// `annals.v1.PipelinedAppend`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct PipelinedAppend {
        #[prost(oneof = "OneAppend", tags = "1, 2")]
        pub append: Option<OneAppend>,
    }

    /// The append of a [`PipelinedAppend`].
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum OneAppend {
        #[prost(message, tag = "1")]
        ToStream(AppendToStreamRequest),
        #[prost(message, tag = "2")]
        ToMany(AppendToManyRequest),
    }
}

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

/// Converts messages of the protocol, so that tests can make requests of them.
#[cfg(test)]
mod of_protocol {
    use annals_proto::v1 as pb;
    use prost::Message;

    use super::{Encoded, message};

    macro_rules! from {
        ($($name:ident),*) => {
            $(
                impl From<pb::$name> for message::$name {
                    fn from(request: pb::$name) -> Self {
                        let bytes = request.encode_to_vec();
                        let message = Self::decode(&*bytes).unwrap();
                        assert_eq!(message.encode_to_vec(), bytes, "it has the fields of the protocol");
                        message
                    }
                }

                impl From<pb::$name> for Encoded<message::$name> {
                    fn from(request: pb::$name) -> Self {
                        Self::new(request.encode_to_vec().into())
                    }
                }
            )*
        };
    }

    from!(
        AppendToStreamRequest,
        AppendToManyRequest,
        PipelinedAppend,
        AppendPipelineRequest
    );
}
