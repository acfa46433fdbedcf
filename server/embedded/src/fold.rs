//! Folding: flushing the in-memory generation to the tree.
//!
//! 1. A fold is one fjall batch: the latest value of every key in the generation (for bulk keys, its location in the
//!    log), how much of the log the tree then has, and the live counts of each segment. So the tree always holds the
//!    state after some record.
//! 2. The log up to that record is already synced, so the tree is never ahead of it. The batch itself need not be
//!    synced: data that a power failure takes from the tree is still in the log.
//! 3. **Relaxed commits** are in no record, only in a fold. They are counted, and every record states how many it
//!    depends on. A durable commit is acknowledged when those are synced too. So a record that depends on a lost
//!    relaxed commit was never acknowledged, and is cut off at the next start (`recovery`).
//! 4. After a fold a new generation begins, and both are published together.

use std::sync::Arc;

use annals_engine::Result;

use crate::change::Changes;
use crate::generation::Generation;
use crate::layout::Place;
use crate::moment::Moment;
use crate::segment::Segments;
use crate::state::{self, Applied};
use crate::writer::Writer;

impl Writer {
    /// Flushes the generation.
    pub(crate) fn fold(&mut self) -> Result<()> {
        self.fold_with(Changes::default(), None)
    }

    /// Applies a relaxed commit that sets no bulk key.
    pub(crate) fn fold_relaxed(&mut self, changes: Changes) -> Result<()> {
        self.relaxed += 1;
        self.fold_with(changes, None)?;
        self.relaxed_batch = self.last_batch;
        Ok(())
    }

    /// Folds and removes a segment that is no longer needed.
    pub(crate) fn fold_without(&mut self, segment: u32) -> Result<()> {
        self.fold_with(Changes::default(), Some(segment))
    }

    fn fold_with(&mut self, changes: Changes, without: Option<u32>) -> Result<()> {
        self.syncing.wait_for_room()?;
        let store = Arc::clone(&self.store);
        let (tree, now) = (&store.tree, store.current());
        let durable = now.generation.last();
        let mut batch = tree.batch(durable.len() + changes.len() + 4);
        for (key, left) in changes.over(durable) {
            let place = tree.layout.place(&key);
            if place == Place::Log {
                let replaced = self.space.replace(tree, &now, &key, &left);
                replaced.map_err(|error| store.fail_write(&error.to_string()))?;
            }
            match (place, left) {
                (Place::Log, Some((_, location))) => batch.insert(&tree.log, key, location.encode()),
                (Place::Index, Some((value, _))) => batch.insert(&tree.index, key, value),
                (place, None) => batch.remove(tree.keyspace(place), key),
            }
        }
        if let Some(segment) = without {
            self.space.remove(segment);
            batch.remove(&tree.state, state::segment_key(segment));
            Arc::make_mut(&mut self.segments).remove(&segment);
        }
        for (number, live) in self.space.take_changed() {
            batch.insert(&tree.state, state::segment_key(number), live.encode());
        }
        let applied = Applied {
            segment: self.log.active.number,
            end: self.log.end,
            tip: self.log.tip,
            relaxed: self.relaxed,
        };
        batch.insert(&tree.state, state::APPLIED, applied.encode());
        batch
            .commit()
            .map_err(|error| store.fail_write(&crate::fault::words(&error)))?;
        self.last_batch = self.syncing.wrote();
        self.applied = applied;
        drop(now);
        self.publish_fold();
        Ok(())
    }

    /// Publishes the tree as it is now. No batch is in progress (`store`).
    fn publish_fold(&self) {
        self.store.publish(Moment {
            base: Arc::new(self.store.tree.database.snapshot()),
            generation: Arc::new(Generation::default()),
            sequence: self.log.tip.sequence,
            segments: Segments::clone(&self.segments),
        });
    }
}
