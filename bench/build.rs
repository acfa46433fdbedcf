//! Compiles UmaDB's protocol with protox, so that no protoc is needed, and records the compiler version for the
//! environment line of the reports.

use std::process::Command;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    println!("cargo::rustc-env=ANNALS_BENCH_RUSTC={}", version.trim());

    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["umadb.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
