//! Rust types of the `annals.v1` protocol, generated from the `.proto` files in this folder.
//!
//! Contains the messages and the client stubs. The server generates its own service trait, because it sends reads as
//! bytes that are already encoded. The feature `server` adds the plain service trait, for fakes in tests and for
//! benchmarks.

/// Messages and client stubs of the package `annals.v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    tonic::include_proto!("annals.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the protocol and its imports, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/annals.v1.bin"));

/// The domain of every `google.rpc.ErrorInfo` that an Annals server sends.
pub const ERROR_DOMAIN: &str = "annals";
