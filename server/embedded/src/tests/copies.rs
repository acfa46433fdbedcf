//! Copies of a store, in the state that a crash leaves.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// Copies a directory in its current state to a temporary one.
pub(super) fn copy(path: &Path) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    copy_to(path, directory.path());
    directory
}

/// Files that disappear meanwhile are not copied.
pub(super) fn copy_to(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("has a type").is_dir() {
            copy_to(&entry.path(), &to);
        } else if let Ok(mut bytes) = fs::read(entry.path()) {
            // fjall reserves 64 MiB for a journal.
            if to.extension().is_some_and(|extension| extension == "jnl") {
                let used = bytes.iter().rposition(|byte| *byte != 0);
                bytes.truncate(used.map_or(0, |last| last + 1));
            }
            fs::write(to, bytes).expect("writes");
        }
    }
}
