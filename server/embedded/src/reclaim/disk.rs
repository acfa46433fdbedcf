//! What a store takes on the disk.

use std::{fs, path::Path};

/// Bytes that the files under a folder take, of those that may be reserved for them. What goes meanwhile does not count.
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

/// Elsewhere it is not known how much of what is reserved is in use.
#[cfg(not(unix))]
fn disk_bytes(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}
