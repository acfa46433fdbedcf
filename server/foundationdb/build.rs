//! Finds FoundationDB's client library where builds from source put it. Packages put it where every linker looks; this
//! folder is one that Rust's own linker does not look into. `FDB_CLIENT_LIB_PATH` names any other.

use std::path::Path;

const LOCAL: &str = "/usr/local/lib";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if Path::new(LOCAL).join("libfdb_c.so").is_file() {
        println!("cargo:rustc-link-search=native={LOCAL}");
    }
}
