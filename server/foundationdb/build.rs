//! Finds FoundationDB's client library where a build from source installs it. Packages install it where every linker
//! searches; Rust's own linker does not search this folder. `FDB_CLIENT_LIB_PATH` names any other folder.

use std::path::Path;

const LOCAL: &str = "/usr/local/lib";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if Path::new(LOCAL).join("libfdb_c.so").is_file() {
        println!("cargo:rustc-link-search=native={LOCAL}");
    }
}
