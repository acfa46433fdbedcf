//! Generates the service trait, and nothing else: messages are those of `annals-proto`, but for the answers of reads,
//! subscriptions and sessions, which `grpc/raw.rs` writes, and for appends, which `grpc/encoded.rs`
//! leaves in the bytes in which they come. The codec is `grpc/codec.rs`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../proto/annals");
    println!("cargo::rerun-if-changed=../proto/google");
    let descriptors = protox::compile(
        ["annals/v1/event_store.proto", "annals/v1/transfer.proto"],
        ["../proto"],
    )?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        .codec_path("crate::grpc::codec::Codec")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .extern_path(".annals.v1", "::annals_proto::v1")
        .extern_path(".annals.v1.ReadAllResponse", "crate::grpc::raw::ReadAllResponse")
        .extern_path(
            ".annals.v1.ReadStreamResponse",
            "crate::grpc::raw::ReadStreamResponse",
        )
        .extern_path(
            ".annals.v1.SubscribeAllResponse",
            "crate::grpc::raw::SubscriptionResponse",
        )
        .extern_path(
            ".annals.v1.SubscribeStreamResponse",
            "crate::grpc::raw::SubscriptionResponse",
        )
        .extern_path(
            ".annals.v1.AppendToStreamRequest",
            "crate::grpc::encoded::AppendToStreamRequest",
        )
        .extern_path(
            ".annals.v1.AppendSessionRequest",
            "crate::grpc::encoded::AppendSessionRequest",
        )
        .extern_path(
            ".annals.v1.AppendSessionResponse",
            "crate::grpc::raw::AppendSessionResponse",
        )
        .compile_fds(descriptors)?;
    Ok(())
}
