//! Adds the folder in which a build from source installs FoundationDB's client library. Packages install it where every
//! linker searches; Rust's own linker does not search this folder. `FDB_CLIENT_LIB_PATH` names any other folder.
//!
//! The folder is added whether the library is there or not, so that one that is installed after the first build is
//! found by the next.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search=native=/usr/local/lib");
}
