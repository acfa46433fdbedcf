//! The directory of a store: its paths, its lock and its format.
//!
//! 1. The holder of the lock on the lock file is alone in the directory. The operating system releases it when a
//!    process dies.
//! 2. The bulk prefixes of a store never change, since they decide where a key is looked up.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::fault::OpenError;
use crate::fs::sync;
use crate::layout::distinct;

const FIRST_LINE: &str = "annals embedded store, format 3";
/// The format before the durable mark was added.
const UNMARKED_LINE: &str = "annals embedded store, format 2";

/// Whether a store must have a durable mark (`durable`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It has one.
    Yes,
    /// It was created by a version that wrote no mark, and gets one when it is opened.
    NotYet,
}

/// The path of the store.
pub(crate) fn store(path: &Path) -> PathBuf {
    path.join("store")
}

/// The path of a store's format file.
pub(crate) fn format_file(store: &Path) -> PathBuf {
    store.join("format")
}

/// The path of a store's tree.
pub(crate) fn tree_folder(store: &Path) -> PathBuf {
    store.join("fjall")
}

/// The path at which a replacement tree is created.
pub(crate) fn new_tree_folder(store: &Path) -> PathBuf {
    store.join("fjall.new")
}

/// The path to which a replaced tree is moved.
pub(crate) fn lost_tree_folder(store: &Path) -> PathBuf {
    store.join("fjall.lost")
}

/// The path of a store's log.
pub(crate) fn log_folder(store: &Path) -> PathBuf {
    store.join("log")
}

/// The path of a store's durable mark.
pub(crate) fn mark_file(store: &Path) -> PathBuf {
    store.join("durable")
}

/// Locks the directory until the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))
        .map_err(|error| OpenError::unusable(path, "its lock file cannot be opened", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::unusable(path, "it cannot be locked", &error)),
    }
}

/// The contents of the format file of a new store.
pub(crate) fn format(bulk_prefixes: &[Bytes]) -> String {
    format_text(FIRST_LINE, bulk_prefixes)
}

/// The format file: the first line, then a line with each bulk prefix in hexadecimal.
fn format_text(first_line: &str, bulk_prefixes: &[Bytes]) -> String {
    let prefixes = distinct(bulk_prefixes)
        .into_iter()
        .map(|prefix| format!("bulk {prefix:x}\n"));
    std::iter::once(format!("{first_line}\n"))
        .chain(prefixes)
        .collect()
}

/// Records in the format file that a store has a mark.
pub(crate) fn set_marked(store: &Path) -> io::Result<()> {
    let file = format_file(store);
    let text = fs::read_to_string(&file)?;
    let draft = store.join("format.new");
    fs::write(&draft, text.replacen(UNMARKED_LINE, FIRST_LINE, 1))?;
    sync(&draft)?;
    fs::rename(&draft, &file)?;
    sync(store)
}

/// Checks that a store was created with these bulk prefixes, by this version or the one before it.
pub(crate) fn check_format(path: &Path, bulk_prefixes: &[Bytes]) -> Result<Marked, OpenError> {
    let found = match fs::read(format_file(&store(path))) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = "the file store/format is missing".to_owned();
            return Err(OpenError::Corrupt {
                path: path.to_owned(),
                message,
            });
        }
        Err(error) => return Err(OpenError::unusable(path, "store/format cannot be read", &error)),
    };
    let expected = format(bulk_prefixes);
    if found == expected.as_bytes() {
        return Ok(Marked::Yes);
    }
    if found == format_text(UNMARKED_LINE, bulk_prefixes).as_bytes() {
        return Ok(Marked::NotYet);
    }
    let found = String::from_utf8_lossy(&found).into_owned();
    let message = format!("it was created with {found:?}, this version expects {expected:?} in store/format");
    Err(OpenError::OtherFormat {
        path: path.to_owned(),
        message,
    })
}
