//! The contract between the event store and its storage: an ordered, transactional key-value store.
//!
//! A transaction is a value, [`Commit`], not an object, so that it can be printed, replayed and compared. Every
//! engine guarantees:
//!
//! 1. **Atomic.** A commit's mutations are all applied or none.
//! 2. **Checked.** They are applied only if every check holds at that moment; otherwise [`Error::Conflict`].
//! 3. **Ordered.** Commits take effect one after the other. A snapshot opened after a commit returned sees that
//!    commit.
//! 4. **Durable.** When a durable commit returns, it and every commit before it survive a power failure. Commits that
//!    are not durable may be lost in a crash, but only together with all later ones.
//! 5. **Isolated.** A snapshot never changes, and never shows part of a commit.
//! 6. **Never visible too early.** No snapshot shows a durable commit that a crash could still undo.
//!
//! The limits of [`limits`] hold on every engine, so that no caller writes data that only one engine accepts. A
//! method that would serve one engine only does not belong here.

mod commit;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
pub mod limits;
pub mod memory;
mod read;

pub use commit::{Check, Commit, Mutation};
pub use error::{Error, Result};
pub use futures::future::BoxFuture;
pub use read::{Direction, Entry, KeyRange, Page, PageLimit, Pages, Read};

use bytes::Bytes;

/// A store of keys and values. Cheap to share; all methods may be called concurrently.
pub trait Engine: Send + Sync + 'static {
    /// The name that operators use for this engine: `embedded`, `memory`, `foundationdb`.
    fn name(&self) -> &'static str;

    /// Opens a view of everything committed before this call.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>>>;

    /// Applies all mutations if every check holds.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<()>>;

    /// Returns when the value of `key` may no longer be `last_seen` (`None`: absent). This is a hint: it may return
    /// early, and in case of trouble late or with an error, so callers read again and also poll slowly.
    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'_, Result<()>>;

    /// Returns when the engine has failed permanently, with the error that it returns from then on. Commits in
    /// progress may never finish in that case, so callers of `commit` also wait for this. Never returns for an engine
    /// that cannot fail.
    fn failed(&self) -> BoxFuture<'_, Error> {
        Box::pin(std::future::pending())
    }
}

/// A view of the engine at one moment. Read from it soon: engines may return [`Error::TooOld`] after 5 seconds.
pub trait Snapshot: Send + Sync {
    /// Executes several reads and returns their pages in the same order. Engines send them in one round trip or run
    /// them concurrently, so request everything you need together.
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>>;
}

impl dyn Snapshot + '_ {
    /// The value of one key.
    ///
    /// # Errors
    /// Those of [`Snapshot::read`].
    pub async fn get(&self, key: Bytes) -> Result<Option<Bytes>> {
        let mut pages = self.read(vec![Read::Get(key)]).await?;
        Ok(pages.pop().and_then(Page::into_value))
    }

    /// One page of a range.
    ///
    /// # Errors
    /// Those of [`Snapshot::read`].
    pub async fn range(&self, range: KeyRange, direction: Direction, limit: PageLimit) -> Result<Page> {
        let mut pages = self.read(vec![Read::range(range, direction, limit)]).await?;
        Ok(pages.pop().unwrap_or_default())
    }
}
