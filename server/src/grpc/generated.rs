//! Code that `build.rs` generates from the protocol.

#![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]

/// The service traits of `annals.v1`.
pub(super) mod v1 {
    tonic::include_proto!("annals.v1");
}

/// The messages of `annals.internal.v1`, and the client of its service.
pub(crate) mod internal {
    include!(concat!(env!("OUT_DIR"), "/client/annals.internal.v1.rs"));
}

/// The service trait of `annals.internal.v1`.
pub(super) mod internal_v1 {
    tonic::include_proto!("annals.internal.v1");
}
