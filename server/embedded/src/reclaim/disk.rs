//! Measures the disk space of a store.

use std::{fs, path::Path};

/// Allocated bytes of all files under a folder. Files that disappear meanwhile do not count.
pub(super) fn taken(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let entries = entries.filter_map(std::result::Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => taken(&entry.path()),
            Ok(metadata) => disk_bytes(&metadata),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(unix)]
fn disk_bytes(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * 512
}

/// Elsewhere the allocated size is unknown; the length is used instead.
#[cfg(not(unix))]
fn disk_bytes(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
