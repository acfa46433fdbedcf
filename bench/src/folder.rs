//! Folders of servers: creation, disk usage, and eviction from the page cache.

use std::{fs::File, path::Path};

use rustix::fs::{Advice, fadvise};

use crate::{Error, Result};

/// Creates an empty folder below `data` that is deleted when dropped.
pub(crate) fn new_folder(name: &str, data: &Path) -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir_in(data)
        .map_err(Error::system(format!("make a folder in {}", data.display())))
}

/// Returns the bytes on disk of the files below a folder.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    /// Unit of `st_blocks`, independent of the filesystem's block size.
    const BLOCK_BYTES: u64 = 512;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * BLOCK_BYTES,
        // A server may have deleted the file in the meantime.
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// Evicts these files from the page cache, except for pages that a process has mapped.
pub(crate) fn forget(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            forget(&path)?;
        } else if let Ok(file) = File::open(&path) {
            let what = || format!("drop {} from memory", path.display());
            // Dirty pages can't be evicted.
            file.sync_data().map_err(Error::system(what()))?;
            fadvise(&file, 0, None, Advice::DontNeed).map_err(Error::system(what()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_all_files_below_a_folder_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        std::fs::create_dir(&below).unwrap();
        for file in [folder.path().join("a"), below.join("b")] {
            std::fs::write(file, [1; 100_000]).unwrap();
        }
        forget(folder.path()).unwrap();
        let bytes = disk_bytes(folder.path());
        assert!((200_000..1_000_000).contains(&bytes), "{bytes}");
    }
}
