//! Folding: what is in memory goes into the tree.
//!
//! 1. A fold is one batch of fjall: the last value of every key of the generation (of bulk keys, where it is in the log), up
//!    to where the log is in the tree by that, and what is in use of each segment. So the tree is always the state after
//!    some record.
//! 2. The log up to there is synced already, so the tree is never ahead of it. The batch itself is not waited for: what a
//!    loss of power takes from the tree is still in the log.
//! 3. **Relaxed commits** are in no record, only in a fold. They are counted, and every record says how many it stands on. A
//!    durable commit is answered when those are synced too. So a record that stands on one which was lost was never
//!    answered, and is cut off at the next start (`recovery`).
//! 4. Then a new generation begins, and both are published together.

use std::sync::Arc;

use annals_engine::Result;

use crate::changes::Changes;
use crate::generation::Generation;
use crate::layout::Place;
use crate::moment::Moment;
use crate::segment::Segments;
use crate::state::{self, Applied};
use crate::writer::Writer;

impl Writer {
    /// Folds what is in memory.
    pub(crate) fn fold(&mut self) -> Result<()> {
        self.fold_with(Changes::default(), None)
    }

    /// A relaxed commit, which sets no bulk key.
    pub(crate) fn fold_relaxed(&mut self, changes: Changes) -> Result<()> {
        self.relaxed += 1;
        self.fold_with(changes, None)?;
        self.relaxed_batch = self.last_batch;
        Ok(())
    }

    /// Folds without a segment, which nothing needs any more.
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

    /// Shows the tree as it is now. No batch is under way (`store`).
    fn publish_fold(&self) {
        self.store.publish(Moment {
            base: Arc::new(self.store.tree.database.snapshot()),
            generation: Arc::new(Generation::default()),
            sequence: self.log.tip.sequence,
            segments: Segments::clone(&self.segments),
        });
    }
}
