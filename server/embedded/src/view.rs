//! Reading from a snapshot.
//!
//! Where a read is done: on the thread that asks, if it is of few keys and what is read lately comes from memory, because
//! changing threads costs more than a dozen look-ups. A disk would hold up whatever else that thread has to do, so when one
//! such read was slow, others go to a thread that may block, for a while. Large reads always do.

use std::sync::Arc;

use annals_engine::{BoxFuture, Entry, Error, Page, Read, Result, Snapshot};

use crate::moment::Moment;
use crate::store::Store;

/// What was committed when it was opened. It keeps the directory open.
#[derive(Clone)]
pub(crate) struct View {
    // First to be dropped: files that it read may be deleted then, while the directory is still locked.
    pub(crate) moment: Arc<Moment>,
    pub(crate) store: Arc<Store>,
}

impl Snapshot for View {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            if is_small(&reads) && self.store.pace.is_quick() {
                return self.store.pace.time(|| self.answer_all(&reads));
            }
            let view = self.clone();
            let answer = tokio::task::spawn_blocking(move || view.answer_all(&reads)).await;
            answer.unwrap_or_else(|error| Err(Error::Unavailable(format!("a read did not end: {error}"))))
        })
    }
}

/// The most keys that small reads ask for, all together.
const SMALL_ENTRIES_MAX: usize = 160;

/// Whether reads ask for few keys.
fn is_small(reads: &[Read]) -> bool {
    let entries = |read: &Read| match read {
        Read::Get(_) => 1,
        Read::Range { limit, .. } => limit.entries,
    };
    reads
        .iter()
        .fold(0, |sum: usize, read| sum.saturating_add(entries(read)))
        <= SMALL_ENTRIES_MAX
}

impl View {
    fn answer_all(&self, reads: &[Read]) -> Result<Vec<Page>> {
        reads.iter().map(|read| self.answer(read)).collect()
    }

    fn answer(&self, read: &Read) -> Result<Page> {
        read.validate()?;
        let tree = &self.store.tree;
        match read {
            Read::Get(key) => {
                let value = self.moment.get(tree, key)?;
                let entries = value
                    .map(|value| Entry {
                        key: key.clone(),
                        value,
                    })
                    .into_iter()
                    .collect();
                Ok(Page { entries, more: false })
            }
            Read::Range {
                range,
                direction,
                limit,
            } => self.moment.page(tree, range, *direction, *limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annals_engine::{Direction, KeyRange, PageLimit};

    #[test]
    fn reads_are_small_by_the_keys_that_they_may_find() {
        let range = |entries| Read::Range {
            range: KeyRange::new(&b"a"[..], &b"b"[..]),
            direction: Direction::Forwards,
            limit: PageLimit {
                entries,
                bytes: usize::MAX,
            },
        };
        assert!(is_small(&[
            Read::Get(b"a".as_slice().into()),
            range(SMALL_ENTRIES_MAX - 1)
        ]));
        assert!(!is_small(&[
            Read::Get(b"a".as_slice().into()),
            range(SMALL_ENTRIES_MAX)
        ]));
        assert!(!is_small(&[range(1), range(usize::MAX)]));
    }
}
