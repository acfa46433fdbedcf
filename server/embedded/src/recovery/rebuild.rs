//! Handles a log that ends before the tree does: the tree depends on records that are missing.
//!
//! 1. The loss is reported with what the log still has. Nothing is changed unless the caller accepts it.
//! 2. If it does, the tree is rebuilt from the log alone, provided that the log is complete from its first segment:
//!    an empty tree replaces the old one, and the log is replayed from its beginning. The old tree is kept in
//!    `fjall.lost`.
//! 3. Relaxed commits are only in the tree, and are lost with it. Records that depend on them are replayed
//!    nevertheless: they were durable.
//! 4. After a crash at any moment the next start finds the loss again, because the durable mark does not move until
//!    the loss is settled.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::change::Tip;
use crate::directory;
use crate::durable::{Durable, Mark};
use crate::fault::{self, OpenError};
use crate::fs::{sync, sync_all_of};
use crate::loss::Loss;
use crate::record::Record;
use crate::segment::{self, Files, HEADER_BYTES, Header, Segment};
use crate::settings::Settings;
use crate::state::{self, Applied};
use crate::tree::Tree;

/// Reports the loss. If the caller accepts it, replaces the tree with an empty one, and returns that.
pub(crate) fn without_lost(
    path: &Path,
    tree: Tree,
    found: String,
    settings: &Settings,
) -> Result<Tree, OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the log cannot be read", &error);
    let store = directory::store(path);
    let in_tree = InTree::read(&tree, settings).map_err(|error| OpenError::from_fjall(path, &error))?;
    let walk = Walk::of(&directory::log_folder(&store), &in_tree.segments, settings).map_err(unusable)?;
    let mark_file = directory::mark_file(&store);
    let opened = Durable::open(&mark_file, walk.log).map_err(unusable)?;
    let mut durable = opened.as_ref().map(|(_, mark)| mark.clone()).unwrap_or_default();
    if durable.tip.sequence < in_tree.applied.tip.sequence {
        durable.tip = in_tree.applied.tip;
        durable.head = in_tree.head;
    }
    let loss = Loss {
        found,
        last_left: walk.tip.sequence,
        last_durable: Some(durable.tip.sequence),
        head_left: walk.head,
        head_durable: durable.head.clone(),
        can_be_accepted: walk.is_complete,
    };
    let accept = settings.accept_loss.as_ref();
    if !loss.can_be_accepted || !accept.is_some_and(|accept| accept(&loss)) {
        return Err(OpenError::Lost {
            path: path.to_owned(),
            loss: Box::new(loss),
        });
    }
    let unmarked = |error: io::Error| OpenError::unusable(path, "store/durable cannot be written", &error);
    keep(&mark_file, walk.log, &durable, opened).map_err(unmarked)?;
    drop(tree);
    replace(path, &store, settings)?;
    Tree::open(path, &directory::tree_folder(&store), settings)
}

/// Keeps the mark at the last record that was durable.
fn keep(file: &Path, log: u64, mark: &Mark, opened: Option<(Durable, Mark)>) -> io::Result<()> {
    let unsettled = Mark {
        unsettled: true,
        ..mark.clone()
    };
    match opened {
        Some((durable, _)) => durable.freeze(&unsettled),
        None => Durable::create(file, log, &unsettled).map(drop),
    }
}

/// Replaces the tree with an empty one.
fn replace(path: &Path, store: &Path, settings: &Settings) -> Result<(), OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the tree cannot be rebuilt", &error);
    let (new, lost) = (
        directory::new_tree_folder(store),
        directory::lost_tree_folder(store),
    );
    for left in [&new, &lost] {
        if left.try_exists().map_err(unusable)? {
            fs::remove_dir_all(left).map_err(unusable)?;
        }
    }
    let tree = Tree::open(path, &new, settings)?;
    let beginning = Applied {
        segment: 1,
        end: HEADER_BYTES,
        tip: Tip::default(),
        relaxed: 0,
    };
    let written = tree
        .state
        .insert(state::APPLIED, beginning.encode())
        .and_then(|()| tree.state.insert(state::REBUILDING, b""));
    written.map_err(|error| unusable(io::Error::other(fault::words(&error))))?;
    drop(tree);
    sync_all_of(&new).map_err(unusable)?;
    fs::rename(directory::tree_folder(store), lost).map_err(unusable)?;
    // A crash here leaves no tree; the next start moves the new one into place.
    fs::rename(new, directory::tree_folder(store)).map_err(unusable)?;
    sync(store).map_err(unusable)
}

/// Moves the new tree into place if a crash happened after the old one was moved away.
pub(crate) fn finish_replacing(store: &Path) -> io::Result<()> {
    let (tree, new) = (directory::tree_folder(store), directory::new_tree_folder(store));
    if !tree.try_exists()? && new.try_exists()? && directory::lost_tree_folder(store).try_exists()? {
        fs::rename(new, tree)?;
        sync(store)?;
    }
    Ok(())
}

/// The part of the log that the tree has.
struct InTree {
    applied: Applied,
    head: Option<Bytes>,
    segments: BTreeSet<u32>,
}

impl InTree {
    fn read(tree: &Tree, settings: &Settings) -> fjall::Result<Self> {
        let head = match &settings.head_key {
            Some(key) => tree.index.get(key)?.map(Bytes::from),
            None => None,
        };
        let applied = Applied::read(&tree.state)?;
        // Both were readable when the log was found to be too short.
        let segments = state::segments(&tree.state).unwrap_or_default();
        Ok(Self {
            applied: applied.ok_or(fjall::Error::Unrecoverable)?,
            head,
            segments: segments.into_iter().map(|(number, _)| number).collect(),
        })
    }
}

/// The contents of the log, read from its files alone.
struct Walk {
    log: u64,
    /// The last record such that it and all existing ones before it are intact.
    tip: Tip,
    /// The value of the head key as of that record.
    head: Option<Bytes>,
    /// Whether every record from the first one on exists.
    is_complete: bool,
}

impl Walk {
    fn of(folder: &Path, in_use: &BTreeSet<u32>, settings: &Settings) -> io::Result<Self> {
        let files = Arc::new(Files::default());
        let mut walk = Self {
            log: 0,
            tip: Tip::default(),
            head: None,
            is_complete: true,
        };
        let mut expected = 1;
        for number in segment::numbers(folder)? {
            // Segments that were given up are not missing, but besides values they held data that only the tree has.
            let given_up = (expected..number).all(|missing| !in_use.contains(&missing));
            let segment = Segment::open(folder, number, &files)?;
            let header = Header::read(&segment)?.filter(|header| header.number == number);
            let Some(header) = header.filter(|_| given_up) else {
                break;
            };
            let follows = number == expected && header.tip == walk.tip;
            if number == expected && !follows {
                break;
            }
            walk.is_complete &= follows;
            (walk.log, walk.tip) = (header.log, header.tip);
            walk.records(&segment, header.secret(), settings)?;
            expected = number + 1;
        }
        walk.is_complete &= expected > 1;
        Ok(walk)
    }

    fn records(&mut self, segment: &Segment, secret: u32, settings: &Settings) -> io::Result<()> {
        let mut offset = HEADER_BYTES;
        while let Some(record) = Record::read(segment, secret, offset)? {
            let tip = record.tip;
            let follows = record.previous == self.tip.checksum && tip.sequence == self.tip.sequence + 1;
            offset = record.end;
            let Some(changes) = record.changes(segment)?.filter(|_| follows) else {
                break;
            };
            self.tip = tip;
            for (key, value) in changes {
                if Some(&key) == settings.head_key.as_ref() {
                    self.head = value.map(|(value, _)| value);
                }
            }
        }
        Ok(())
    }
}
