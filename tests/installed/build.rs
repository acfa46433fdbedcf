//! Looks for the programs that some tests need: a test is reported as ignored only if that is known when it is built.
//! Cargo runs this again when a program was removed or installed, or when a variable that names one has changed.

#[path = "src/search.rs"]
#[allow(dead_code, reason = "the library uses the rest")]
mod search;

use search::{Needed, folders, newer_folder};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/search.rs");
    for needed in Needed::ALL {
        let name = needed.name();
        println!("cargo::rustc-check-cfg=cfg({name})");
        println!("cargo::rerun-if-env-changed={}", needed.variable());
        if let Some(found) = needed.find() {
            println!("cargo::rustc-cfg={name}");
            // A server that `ANNALS_TEST_POSTGRES` names is not a file. A file that is missing would count as changed.
            // The newer server changes with most builds, and the tests need not be compiled again for that.
            if found.is_file() && needed != Needed::NewerServer {
                println!("cargo::rerun-if-changed={}", found.display());
            }
            continue;
        }
        // Its tests then run, and fail because it is missing.
        if search::required().iter().any(|one| one == name) {
            println!("cargo::rustc-cfg={name}");
        }
        println!("cargo::rerun-if-env-changed={}", search::REQUIRE);
        let folders = if needed == Needed::NewerServer {
            // Made here, because a folder that is missing would count as changed.
            std::fs::create_dir_all(newer_folder()).expect("a folder of the target folder can be made");
            vec![newer_folder()]
        } else {
            folders()
        };
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
    }
}
