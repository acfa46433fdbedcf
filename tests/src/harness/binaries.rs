//! Paths of the built programs and of test data.

use std::{
    env::{self, consts::EXE_SUFFIX},
    fs,
    path::{Path, PathBuf},
};

/// The folder of the build profile of the running test: `target/debug`.
fn profile_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows where it is");
    // The test is at target/debug/deps/<test>.
    let folder = test.parent().and_then(Path::parent);
    folder
        .expect("cargo puts tests two folders below the target folder")
        .to_owned()
}

/// The path of a binary of this workspace, built with the same profile as the test.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = profile_folder().join(format!("{name}{EXE_SUFFIX}"));
    let missing = "the tests run the real binaries; build them first: `cargo build` \
                   (with `--release` for release tests)";
    assert!(path.exists(), "{} is missing; {missing}", path.display());
    path
}

/// A new folder on disk, removed when the value is dropped: in `ANNALS_TEST_DIR`, or in the target folder, because
/// the system's folder for temporary files is often in memory.
///
/// # Panics
/// If it cannot be created.
#[must_use]
pub fn temporary_folder() -> tempfile::TempDir {
    let parent = match env::var_os("ANNALS_TEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => profile_folder()
            .parent()
            .map(|target| target.join("tmp"))
            .expect("the profile's folder has a parent"),
    };
    fs::create_dir_all(&parent).expect("the folder for test data can be made");
    tempfile::Builder::new()
        .prefix("annals-")
        .tempdir_in(&parent)
        .expect("a folder for test data can be made")
}
