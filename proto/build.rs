//! Compiles the .proto files with protox, so that the build needs no protoc.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "annals/v1/event_store.proto",
        "annals/v1/state.proto",
        "annals/v1/transfer.proto",
        "annals/v1/errors.proto",
    ];
    println!("cargo::rerun-if-changed=annals");
    println!("cargo::rerun-if-changed=google");
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("annals.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        .bytes(".")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds(descriptors)?;
    Ok(())
}
