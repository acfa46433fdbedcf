//! Compiles the .proto files with protox, so that the build needs no protoc.

use std::path::PathBuf;

use prost::Message;
use prost_types::{FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto as field};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "annals/v1/event_store.proto",
        "annals/v1/state.proto",
        "annals/v1/checkpoint.proto",
        "annals/v1/group.proto",
        "annals/v1/transfer.proto",
        "annals/v1/errors.proto",
    ];
    println!("cargo::rerun-if-changed=annals");
    println!("cargo::rerun-if-changed=google");
    let mut descriptors = protox::compile(files, ["."])?;
    if cfg!(feature = "newer-for-tests") {
        add_newer_field(&mut descriptors);
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("annals.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        .bytes(".")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Adds `string newer = 70;` to RecordedEvent, as a later version might.
fn add_newer_field(descriptors: &mut FileDescriptorSet) {
    let mut files = descriptors.file.iter_mut();
    let file = files
        .find(|file| file.name() == "annals/v1/event.proto")
        .expect("events have a file");
    // The generator requires a place in the source of each field, unless there is none of the whole file.
    file.source_code_info = None;
    let mut messages = file.message_type.iter_mut();
    let recorded_event = messages
        .find(|message| message.name() == "RecordedEvent")
        .expect("the protocol has RecordedEvent");
    recorded_event.field.push(FieldDescriptorProto {
        name: Some("newer".to_owned()),
        json_name: Some("newer".to_owned()),
        number: Some(70),
        label: Some(field::Label::Optional.into()),
        r#type: Some(field::Type::String.into()),
        ..Default::default()
    });
}
