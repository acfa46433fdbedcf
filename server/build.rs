//! Generates the service traits: messages are those of `annals-proto`, but for the responses of reads, subscriptions
//! and pipelines, which `grpc/wire/raw.rs` writes, and for appends, which `grpc/wire/encoded.rs` leaves in the bytes
//! in which they arrive. The codec is `grpc/wire/codec.rs`. Also generates the messages and the clients for forwarding
//! to another server.

use std::{error::Error, path::PathBuf};

const INTERNAL: [&str; 2] = [
    "annals/internal/v1/forwarding.proto",
    "annals/internal/v1/group.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto/annals");
    println!("cargo::rerun-if-changed=../proto/google");
    services()?;
    forwarding_client()
}

fn services() -> Result<(), Box<dyn Error>> {
    let files = [
        "annals/v1/event_store.proto",
        "annals/v1/state.proto",
        "annals/v1/checkpoint.proto",
        "annals/v1/group.proto",
        "annals/v1/transfer.proto",
        INTERNAL[0],
        INTERNAL[1],
    ];
    let mut builder = tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        .codec_path("crate::grpc::wire::codec::Codec")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .extern_path(".annals.v1", "::annals_proto::v1")
        .extern_path(".annals.internal.v1", "crate::grpc::generated::internal");
    for (message, path) in [
        ("v1.ReadAllResponse", "raw::ReadAllResponse"),
        ("v1.ReadStreamResponse", "raw::ReadStreamResponse"),
        ("v1.SubscribeAllResponse", "raw::SubscriptionResponse"),
        ("v1.SubscribeStreamResponse", "raw::SubscriptionResponse"),
        ("v1.AppendToStreamRequest", "encoded::AppendToStreamRequest"),
        ("v1.AppendToManyRequest", "encoded::AppendToManyRequest"),
        ("v1.AppendPipelineRequest", "encoded::AppendPipelineRequest"),
        ("v1.AppendPipelineResponse", "raw::PipelineResponse"),
        ("v1.ConsumeResponse", "raw::ConsumeResponse"),
        ("internal.v1.ForwardResponse", "raw::PipelineResponse"),
    ] {
        builder = builder.extern_path(format!(".annals.{message}"), format!("crate::grpc::wire::{path}"));
    }
    builder.compile_fds(protox::compile(files, ["../proto"])?)?;
    Ok(())
}

fn forwarding_client() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("OUT_DIR")?).join("client");
    std::fs::create_dir_all(&folder)?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(false)
        .bytes(".")
        .codec_path("crate::grpc::wire::codec::Codec")
        .out_dir(folder)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .extern_path(".annals.v1", "::annals_proto::v1")
        .compile_fds(protox::compile(INTERNAL, ["../proto"])?)?;
    Ok(())
}
