//! Opens a store, or creates one.
//!
//! If `store` exists, it is complete: it is created under another name, synced, and renamed. A crash during creation
//! leaves no store.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::change::Tip;
use crate::directory::{self, Marked};
use crate::durable::{Durable, Mark};
use crate::fault::{self, OpenError};
use crate::fs::{create_synced, sync, sync_all_of};
use crate::generation::Generation;
use crate::log;
use crate::moment::Moment;
use crate::recovery::{self, Found, rebuild};
use crate::segment::{HEADER_BYTES, Header};
use crate::settings::Settings;
use crate::state::{self, Applied};
use crate::store::Store;
use crate::syncing::Syncing;
use crate::tree::Tree;
use crate::writer::Writer;

/// Offsets in a segment have 32 bits, and the last record may extend beyond the segment's size.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Opens the store in `path`, or creates one. The log is at the record up to which the tree has it: the rest is still
/// to be replayed.
pub(crate) fn open(path: &Path, settings: &Settings) -> Result<(Writer, Marked), OpenError> {
    let unusable = |doing: &'static str| move |error: io::Error| OpenError::unusable(path, doing, &error);
    create_synced(path).map_err(unusable("it cannot be created"))?;
    let lock = directory::lock(path)?;
    let folder = directory::store(path);
    if !folder.try_exists().map_err(unusable("it cannot be read"))? {
        create(path, &folder, settings)?;
    }
    let marked = directory::check_format(path, &settings.bulk_prefixes)?;
    rebuild::finish_replacing(&folder).map_err(unusable("its rebuilt tree cannot be moved into place"))?;
    let mut tree = Tree::open(path, &directory::tree_folder(&folder), settings)?;
    let segment_bytes = settings.segment_bytes.min(SEGMENT_BYTES_MAX);
    let known = loop {
        match recovery::known(path, &directory::log_folder(&folder), &tree, segment_bytes)? {
            Found::Known(known) => break known,
            Found::TooShort(found) => tree = rebuild::without_lost(path, tree, found, settings)?,
        }
    };
    let moment = Moment {
        base: Arc::new(tree.database.snapshot()),
        generation: Arc::new(Generation::default()),
        sequence: known.applied.tip.sequence,
        segments: Arc::clone(&known.segments),
    };
    let writer = Writer {
        store: Arc::new(Store::new(tree, moment, folder, lock)),
        on_sync: settings.on_sync.clone(),
        log: known.log,
        segments: known.segments,
        space: known.space,
        syncing: Arc::new(Syncing::default()),
        applied: known.applied,
        relaxed: known.applied.relaxed,
        relaxed_batch: 0,
        last_batch: 0,
        fold_entries: settings.fold_entries,
        fold_bytes: settings.fold_bytes,
        head_key: settings.head_key.clone(),
        head: None,
    };
    Ok((writer, marked))
}

fn create(path: &Path, store: &Path, settings: &Settings) -> Result<(), OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "a store cannot be created in it", &error);
    let draft = path.join("creating");
    if draft.try_exists().map_err(unusable)? {
        fs::remove_dir_all(&draft).map_err(unusable)?;
    }
    fs::create_dir(&draft).map_err(unusable)?;
    let format = directory::format(&settings.bulk_prefixes);
    fs::write(directory::format_file(&draft), format).map_err(unusable)?;
    let tree = Tree::open(path, &directory::tree_folder(&draft), settings)?;
    begin(&draft, &tree).map_err(unusable)?;
    drop(tree);
    sync_all_of(&draft).map_err(unusable)?;
    fs::rename(&draft, store).map_err(unusable)?;
    sync(path).map_err(unusable)
}

/// Creates the first segment of a new store and its mark, and records in the tree that it has none of the log yet.
fn begin(store: &Path, tree: &Tree) -> io::Result<()> {
    let folder = directory::log_folder(store);
    fs::create_dir(&folder)?;
    // Random: the standard library seeds it from the system's randomness.
    let id = RandomState::new().build_hasher().finish();
    let header = Header {
        log: id,
        number: 1,
        tip: Tip::default(),
    };
    log::create(&folder, header)?.sync_all()?;
    Durable::create(&directory::mark_file(store), id, &Mark::default())?;
    let applied = Applied {
        segment: 1,
        end: HEADER_BYTES,
        tip: header.tip,
        relaxed: 0,
    };
    let written = tree.state.insert(state::APPLIED, applied.encode());
    written.map_err(|error| io::Error::other(fault::words(&error)))
}
