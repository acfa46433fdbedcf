//! The contract between the event store and what keeps its bytes: an ordered, transactional key-value store.
//!
//! A transaction is a value, [`Commit`], not an object, so that it can be printed, replayed and compared. What every
//! engine promises:
//!
//! 1. **Atomic.** A commit's mutations are all applied or none.
//! 2. **Checked.** They are applied only if every check holds at that moment; otherwise [`Error::Conflict`].
//! 3. **Ordered.** Commits take effect one after the other. Whoever opens a snapshot after a commit returned, sees it.
//! 4. **Durable.** When a durable commit returns, it and every commit before it survive loss of power. Commits that are
//!    not durable may be lost by a crash, but never one without all that came after it.
//! 5. **Isolated.** A snapshot never changes, and never shows a commit in part.
//! 6. **Never visible too early.** No snapshot shows a durable commit that a crash could still undo.
//!
//! The limits of [`limits`] hold on every engine, so that nobody writes data that only one engine takes. If a method
//! would serve one engine only, it does not belong here.

mod apart;
mod commit;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
pub mod limits;
mod lookout;
pub mod memory;
mod pace;
mod read;

pub use apart::{apart, is_own_thread, on_own_thread};
pub use commit::{Check, Commit, Mutation};
pub use error::{Error, Result};
pub use futures::future::BoxFuture;
pub use lookout::Lookout;
pub use pace::Pace;
pub use read::{Direction, Entry, KeyRange, Page, PageLimit, Read};

use bytes::Bytes;

/// A place for keys and values. Cheap to share; all methods may be called at the same time.
pub trait Engine: Send + Sync + 'static {
    /// What operators call this engine: `embedded`, `memory`, `foundationdb`.
    fn name(&self) -> &'static str;

    /// Opens a view of everything committed before this call.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>>;

    /// Applies all mutations if every check holds.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>>;

    /// Returns when the value of `key` may no longer be `last_seen` (`None`: absent). A hint: it may return early, and on
    /// trouble late or with an error, so whoever waits reads again and polls slowly besides.
    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>>;

    /// Returns when the engine has failed for good, with what it then answers. Commits under way may never end then, so
    /// whoever commits watches this too. Never returns for an engine that always answers.
    fn failed(&self) -> BoxFuture<'_, Error> {
        Box::pin(std::future::pending())
    }
}

/// A view of the engine at one moment. Read from it soon: engines may refuse with [`Error::TooOld`] after 5 seconds.
pub trait Snapshot: Send + Sync {
    /// Answers several reads, in their order. Engines do them in one trip or side by side, so ask for what you need
    /// together.
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>>;
}

impl dyn Snapshot + '_ {
    /// The value of one key.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub async fn get(&self, key: Bytes) -> Result<Option<Bytes>> {
        let mut pages = self.read(vec![Read::Get(key)]).await?;
        Ok(pages.pop().and_then(Page::into_value))
    }

    /// One page of a range.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub async fn range(&self, range: KeyRange, direction: Direction, limit: PageLimit) -> Result<Page> {
        let mut pages = self
            .read(vec![Read::Range {
                range,
                direction,
                limit,
            }])
            .await?;
        Ok(pages.pop().unwrap_or_default())
    }
}
