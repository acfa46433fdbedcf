//! Opens a tree whose journal has a torn end.
//!
//! fjall writes a batch in many pieces, and a power failure may leave the end of a batch on disk without its middle.
//! If the missing part lies within one value, fjall 3.1 treats that as damage and refuses to open
//! (`JournalBatchReader`), where it should truncate the batch. The torn batch is in the last journal, among the
//! batches that were not synced, of which there are few (`syncing`), and no acknowledged data in them is in the tree
//! alone. So the journal is truncated before them:
//!
//! 1. The journal is cut after the last end of a batch, then after the one before, and so on, a few times, until
//!    fjall opens. fjall writes [`END`] at the end of each batch.
//! 2. Whether the tree lost something that it must have is not decided here: the log shows it (`recovery`).
//! 3. The full journal is kept until fjall has opened the truncated one, and is restored if it never does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::fs::sync;

/// The end of every batch in a journal of fjall 3.
const END: &[u8] = b"FJL\x03";
/// Limit on the batches that are cut off.
const CUTS_MAX: usize = 8;

/// The last journal of a tree.
fn last_journal(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == "jnl");
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        journals.extend(number.filter(|_| is_journal).map(|number| (number, path)));
    }
    Ok(journals.into_iter().max().map(|(_, path)| path))
}

/// Opens a tree, cutting off the torn end of its journal if there is one.
pub(crate) fn open<T>(folder: &Path, open: impl Fn() -> fjall::Result<T>) -> fjall::Result<T> {
    let refused = match open() {
        Err(error @ fjall::Error::JournalRecovery(_)) => error,
        other => return other,
    };
    let Some(journal) = last_journal(folder)? else {
        return Err(refused);
    };
    let mut whole = fs::read(&journal)?;
    // Drops space that was reserved and not written yet.
    let used = whole
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    whole.truncate(used);
    let kept = journal.with_extension("torn");
    write(&kept, &whole)?;
    sync(folder)?;
    let mut rest = &whole[..];
    for _ in 0..CUTS_MAX {
        let Some(end) = rest.windows(END.len()).rposition(|window| window == END) else {
            break;
        };
        rest = &rest[..end];
        write(&journal, rest)?;
        if let Ok(opened) = open() {
            fs::remove_file(&kept)?;
            return Ok(opened);
        }
    }
    write(&journal, &whole)?;
    fs::remove_file(&kept)?;
    Err(refused)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    sync(path)
}
