//! The `annals.v1` protocol as Rust types, generated from the `.proto` files beside this crate.
//!
//! Client stubs and messages are here; the server generates its own service trait, because it answers reads with bytes
//! that are already encoded. The feature `server` adds the plain service trait, for fakes in tests and for benchmarks.

/// Messages and client of package `annals.v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    tonic::include_proto!("annals.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the protocol and all that it imports, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/annals.v1.bin"));

/// Domain of every `google.rpc.ErrorInfo` that an Annals server sends.
pub const ERROR_DOMAIN: &str = "annals";
