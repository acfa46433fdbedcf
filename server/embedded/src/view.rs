//! Reads from a snapshot.
//!
//! A read of few keys runs on the calling thread while recent reads came from memory, because switching threads costs
//! more than a dozen look-ups. A disk read would block the other tasks of that thread, so after a slow small read,
//! others run on a thread that may block, for a while. Large reads always do.

use std::sync::Arc;

use annals_engine::{BoxFuture, Entry, Error, Page, Read, Result, Snapshot};

use crate::moment::Moment;
use crate::store::Store;

/// The state that was committed when the snapshot was opened. It keeps the directory open.
#[derive(Clone)]
pub(crate) struct View {
    // Dropped first: that may delete files that it read, which must happen while the directory is still locked.
    pub(crate) moment: Arc<Moment>,
    pub(crate) store: Arc<Store>,
}

impl Snapshot for View {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            if is_small(&reads) && self.store.latency.is_quick() {
                return self.store.latency.time(|| self.answer_all(&reads));
            }
            let view = self.clone();
            let answer = tokio::task::spawn_blocking(move || view.answer_all(&reads)).await;
            answer.unwrap_or_else(|error| Err(Error::Unavailable(format!("a read did not finish: {error}"))))
        })
    }
}

/// Limit on the keys that small reads return, all together.
const SMALL_ENTRIES_MAX: usize = 160;

/// True if the reads return few keys.
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
