//! The directory of a store: locking, format, and creation.
//!
//! 1. The holder of the lock on the lock file is alone in the directory. The operating system releases it when a
//!    process dies.
//! 2. If `store` exists, it is complete: it is created under another name, synced, and renamed. A crash during
//!    creation leaves no store.
//! 3. The bulk prefixes of a store never change, since they decide where a key is looked up.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fjall::Database;

use crate::fs::{create_synced, sync, sync_all_of};
use crate::layout::{self, Layout, distinct};
use crate::tree::Tree;
use crate::{OpenError, Settings, recovery, salvage};

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

/// An opened tree.
pub(crate) struct Opened {
    pub(crate) tree: Tree,
    pub(crate) marked: Marked,
    /// Dropped last: the directory is released when all else is closed.
    pub(crate) lock: File,
}

/// The path of the store.
pub(crate) fn store(path: &Path) -> PathBuf {
    path.join("store")
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

/// Opens the store in `path`, or creates one.
pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Opened, OpenError> {
    let unusable = |doing: &'static str| move |error: io::Error| OpenError::unusable(path, doing, &error);
    create_synced(path).map_err(unusable("it cannot be created"))?;
    let lock = lock(path)?;

    let store = store(path);
    if !store.try_exists().map_err(unusable("it cannot be read"))? {
        create(path, &store, settings)?;
    }
    let marked = check_format(path, &store.join("format"), settings)?;
    finish_replacing(&store).map_err(unusable("its rebuilt tree cannot be moved into place"))?;
    let tree = open_tree(path, &tree_folder(&store), settings)?;
    Ok(Opened { tree, marked, lock })
}

/// Moves the new tree into place if a crash happened after the old one was moved away.
fn finish_replacing(store: &Path) -> io::Result<()> {
    let (tree, new) = (tree_folder(store), new_tree_folder(store));
    if !tree.try_exists()? && new.try_exists()? && lost_tree_folder(store).try_exists()? {
        fs::rename(new, tree)?;
        sync(store)?;
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, OpenError> {
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

fn create(path: &Path, store: &Path, settings: &Settings) -> Result<(), OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "a store cannot be created in it", &error);
    let draft = path.join("creating");
    if draft.try_exists().map_err(unusable)? {
        fs::remove_dir_all(&draft).map_err(unusable)?;
    }
    fs::create_dir(&draft).map_err(unusable)?;
    fs::write(
        draft.join("format"),
        format_text(FIRST_LINE, &settings.bulk_prefixes),
    )
    .map_err(unusable)?;
    let tree = open_tree(path, &tree_folder(&draft), settings)?;
    recovery::begin(&draft, &tree).map_err(unusable)?;
    drop(tree);
    sync_all_of(&draft).map_err(unusable)?;
    fs::rename(&draft, store).map_err(unusable)?;
    sync(path).map_err(unusable)
}

pub(crate) fn open_tree(path: &Path, folder: &Path, settings: &Settings) -> Result<Tree, OpenError> {
    let open = || {
        let database = Database::builder(folder)
            .cache_size(settings.cache_bytes)
            // Journal contents soon reach tables too, where they are compressed; compressing them here would only
            // cost time.
            .journal_compression(fjall::CompressionType::None)
            .max_journaling_size(layout::JOURNAL_BYTES_MAX)
            .max_cached_files(Some(layout::OPEN_FILES_MAX))
            // With several threads, one of them only flushes: a long compaction must not block writers.
            .worker_threads(layout::worker_threads())
            .open()?;
        Ok(Tree {
            layout: Layout::new(&settings.bulk_prefixes),
            index: database.keyspace("index", || layout::index_options(settings))?,
            log: database.keyspace("log", || layout::log_options(settings))?,
            state: database.keyspace("state", layout::state_options)?,
            database,
        })
    };
    salvage::open(folder, open).map_err(|error| OpenError::from_fjall(path, &error))
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
    let file = store.join("format");
    let text = fs::read_to_string(&file)?;
    let draft = store.join("format.new");
    fs::write(&draft, text.replacen(UNMARKED_LINE, FIRST_LINE, 1))?;
    sync(&draft)?;
    fs::rename(&draft, &file)?;
    sync(store)
}

fn check_format(path: &Path, file: &Path, settings: &Settings) -> Result<Marked, OpenError> {
    let found = match fs::read(file) {
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
    let expected = format_text(FIRST_LINE, &settings.bulk_prefixes);
    if found == expected.as_bytes() {
        return Ok(Marked::Yes);
    }
    if found == format_text(UNMARKED_LINE, &settings.bulk_prefixes).as_bytes() {
        return Ok(Marked::NotYet);
    }
    let found = String::from_utf8_lossy(&found).into_owned();
    let message = format!("it was created with {found:?}, this version expects {expected:?} in store/format");
    Err(OpenError::OtherFormat {
        path: path.to_owned(),
        message,
    })
}
