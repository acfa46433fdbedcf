//! Opening a tree whose journal was torn.
//!
//! fjall writes a batch in many pieces, and a loss of power may leave the end of one on the disk without its middle. If the
//! middle lies in one value, fjall 3.1 takes that for damage and refuses to open (`JournalBatchReader`), where it should cut
//! the batch off. What it refuses for is in the last journal, among the batches that were not synced, of which there are
//! few (`syncing`), and nothing of them that was answered is in the tree alone. So the journal is cut off before them:
//!
//! 1. Cut off is what is behind the last end of a batch, then behind the one before, and so on, a few times, until fjall
//!    opens. Each end is where fjall writes [`END`].
//! 2. Whether the tree lost something that it must have is not judged here: the log shows it (`recovery`).
//! 3. The journal is kept until fjall has opened without its end, and is put back if it never does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::directory::sync;

/// The end of every batch in a journal of fjall 3.
const END: &[u8] = b"FJL\x03";
/// How many batches are cut off at the most.
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

/// Opens a tree, without the torn end of its journal if there is one.
pub(crate) fn open<T>(folder: &Path, open: impl Fn() -> fjall::Result<T>) -> fjall::Result<T> {
    let refused = match open() {
        Err(error @ fjall::Error::JournalRecovery(_)) => error,
        other => return other,
    };
    let Some(journal) = last_journal(folder)? else {
        return Err(refused);
    };
    let mut whole = fs::read(&journal)?;
    // What was reserved and not written yet.
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
