//! Read models in the state of an Annals server, beside the log: a projection needs no database.
//!
//! ```text
//! scope                           key            value
//! read-models                     TABLE          the projection, and the number of the live generation
//! read-models/TABLE__G            (any)          the rows of a table in generation G
//! projections/NAME                builds         the generations, and those that are being removed
//! projections/NAME                checkpoint/G   position and store id of generation G
//! projections/NAME/dead-letters   G/POSITION     a dead letter of generation G
//! ```
//!
//! 1. Every write of rows includes the checkpoint, and requires that it has the version at which it was read. So rows
//!    change only together with the checkpoint, and of two processes that handle the same event, one is superseded.
//! 2. A handler that reads rows while another process changes them may fail. This is not a failure of the handler:
//!    the checkpoint is read again first.
//! 3. The entries of a removed generation are deleted in the background, a page at a time, because they may be more
//!    than fit into a write. Each of these writes requires that `builds` has not changed, and no generation gets the
//!    number of one that is not removed yet.
//!
//! The toolkits of all languages use these scopes, keys and values, so a projection can be continued in another one.

mod builds;
mod layout;
mod model;

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_client::{Client, Position, RecordedEvent, StateEntry, StateWrite, Uuid};
use tokio::task::JoinHandle;

use super::{
    DeadLetter, Generation, Move, ReadModelStore, StoreError, demand_as_far, handle_one, physical_table,
};
use crate::error::is_of_the_moment;
use crate::projection::{Definition, Handler};

use builds::{Conflicts, Projections, encoded, expecting, failed};
use layout::{BUILDS, Build, BuildState, LETTERS, Letter, Place, Removed, Shown};
pub use model::StateModel;

/// Maximum number of changes in a write, from the protocol.
const CHANGES_MAX: usize = 1_000;
/// A batch is divided before its changes have more bytes. A single event may change more, up to the server's limit.
const BATCH_BYTES_MAX: usize = 1_000_000;

/// Stores read models in the state of a server, usually the one that has the log. Cheap to clone.
///
/// Define tables with [`Definition::state_table`]. Readers use [`get`](Self::get) and [`entries`](Self::entries), or
/// subscribe to the [`scope`](Self::scope) of a table.
///
/// The entries of removed generations are deleted while a store exists; what is left is deleted by the next process.
#[derive(Clone)]
pub struct StateStore {
    projections: Projections,
    known: Arc<Known>,
}

/// What the clones of a store share.
#[derive(Default)]
struct Known {
    /// The last known position and version of each checkpoint, by the projection's name and the generation.
    places: Mutex<HashMap<(String, u32), (Position, u64)>>,
    /// The tasks that delete the entries of removed generations, by the projection's name.
    clearing: Mutex<HashMap<String, JoinHandle<()>>>,
}

impl Drop for Known {
    fn drop(&mut self) {
        for (_, task) in locked(&self.clearing).drain() {
            task.abort();
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic can't leave the map half changed, so a poisoned lock is safe to use.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for StateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateStore").finish_non_exhaustive()
    }
}

impl StateStore {
    /// Stores read models in the state of the client's server.
    pub fn new(client: Client) -> Self {
        StateStore::with_scope_prefix(client, "")
    }

    /// Stores them in scopes whose names begin with this prefix, so that several applications can share a server.
    pub fn with_scope_prefix(client: Client, prefix: impl Into<String>) -> Self {
        StateStore {
            projections: Projections {
                client,
                prefix: prefix.into(),
            },
            known: Arc::default(),
        }
    }

    /// Returns an entry of a table of a live read model; `None` if there is none.
    pub async fn get(&self, table: &str, key: &str) -> annals_client::Result<Option<StateEntry>> {
        let mut scope = self.scope(table).await?;
        while let Some(read) = scope {
            let found = self.projections.client.get_state(&read, key).await?;
            // Read again if the generation was replaced meanwhile, because its entries are then deleted.
            scope = self.scope(table).await?;
            if scope.as_ref() == Some(&read) {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Returns the entries of a table of a live read model whose keys begin with a prefix, in the byte order of their
    /// keys.
    pub async fn entries(&self, table: &str, prefix: &str) -> annals_client::Result<Vec<StateEntry>> {
        let mut scope = self.scope(table).await?;
        while let Some(read) = scope {
            let found = builds::entries(&self.projections.client, &read, prefix).await?;
            // As above.
            scope = self.scope(table).await?;
            if scope.as_ref() == Some(&read) {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Returns the scope of a table of a live read model, for [`Client::subscribe_state`]; `None` if there is none. A
    /// rebuild replaces it.
    pub async fn scope(&self, table: &str) -> annals_client::Result<Option<String>> {
        let models = self.projections.models();
        let Some(live) = self.projections.client.get_state(models, table).await? else {
            return Ok(None);
        };
        let shown: Shown = live.json()?;
        Ok(Some(self.projections.rows(table, shown.generation)))
    }

    /// Returns the version of a checkpoint that is at `expected`. Fails with [`StoreError::Superseded`] if it is not.
    async fn version_at(&self, generation: &Generation, expected: Position) -> Result<u64, StoreError> {
        let key = (generation.name.clone(), generation.number);
        let known = locked(&self.known.places).get(&key).copied();
        if let Some((_, version)) = known.filter(|&(position, _)| position == expected) {
            return Ok(version);
        }
        self.forget(generation);
        let (scope, place) = (self.projections.scope(&key.0), layout::place(key.1));
        let found = self.projections.client.get_state(scope, place).await;
        let entry = found.map_err(failed)?.ok_or(StoreError::Superseded)?;
        if entry.json::<Place>().map_err(failed)?.position != expected.0 {
            return Err(StoreError::Superseded);
        }
        locked(&self.known.places).insert(key, (expected, entry.version));
        Ok(entry.version)
    }

    fn forget(&self, generation: &Generation) {
        locked(&self.known.places).remove(&(generation.name.clone(), generation.number));
    }

    /// Makes changes together with that of the checkpoint, if it still has this version. Returns whether it had.
    async fn advance(
        &self,
        generation: &Generation,
        version: u64,
        to: Position,
        changes: StateWrite,
    ) -> annals_client::Result<bool> {
        let (scope, key) = (
            self.projections.scope(&generation.name),
            layout::place(generation.number),
        );
        let place = encoded(&Place::new(to, generation.store_id));
        let write = changes
            .put(&scope, &key, place)
            .expect_version(&scope, &key, version);
        let written = match self.projections.client.write_state(write).await {
            Ok(written) => written,
            Err(annals_client::Error::ChecksFailed { .. }) => {
                self.forget(generation);
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        if let Some(&version) = written.versions.last() {
            let key = (generation.name.clone(), generation.number);
            locked(&self.known.places).insert(key, (to, version));
        }
        Ok(true)
    }

    /// Handles events one after the other, and returns their changes.
    async fn handle(
        &self,
        generation: &Generation,
        expected: Position,
        events: &[RecordedEvent],
        (projection, handler): (&Definition, &dyn Handler<StateModel>),
    ) -> Result<StateModel, StoreError> {
        let number = generation.number;
        let scopes = projection
            .tables
            .iter()
            .map(|table| (table.clone(), self.projections.rows(table, number)));
        let mut model = StateModel::new(self.projections.client.clone(), scopes, number);
        for (index, event) in events.iter().enumerate() {
            let mut handled = handle_one(handler, event, &mut model).await;
            // One change is that of the checkpoint.
            if handled.is_ok() && index == 0 && model.changes() >= CHANGES_MAX {
                handled = Err(format!("it changes more than {} entries", CHANGES_MAX - 1).into());
            }
            if let Err(reason) = handled {
                // It may have read rows that another process was changing.
                self.forget(generation);
                self.version_at(generation, expected).await?;
                return Err(StoreError::HandlerFailed { index, reason });
            }
            if index > 0 && (model.changes() >= CHANGES_MAX || model.bytes() > BATCH_BYTES_MAX) {
                return Err(StoreError::DoesNotFit { fitting: index });
            }
        }
        Ok(model)
    }

    /// Deletes the entries of removed generations in the background. If that fails, it is begun again later.
    fn clear_later(&self, name: &str) {
        let mut clearing = locked(&self.known.clearing);
        if clearing.get(name).is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (projections, name) = (self.projections.clone(), name.to_owned());
        let task = tokio::spawn({
            let name = name.clone();
            async move {
                if let Err(error) = projections.clear(&name).await {
                    tracing::warn!(projection = name, %error, "removed read models could not be deleted yet");
                }
            }
        });
        clearing.insert(name, task);
    }
}

impl ReadModelStore for StateStore {
    type Model = StateModel;

    async fn generations(&self, name: &str) -> Result<Vec<Generation>, StoreError> {
        let progress = self.projections.progress(name).await?;
        if !progress.builds.removed.is_empty() {
            self.clear_later(name);
        }
        progress.generations(name)
    }

    async fn create(
        &self,
        projection: &Definition,
        number: u32,
        store_id: Uuid,
        live: bool,
    ) -> Result<Generation, StoreError> {
        let name = projection.name.as_str();
        if name.ends_with(LETTERS) {
            let reserved =
                format!("the name of projection {name:?} ends with {LETTERS:?}, which is reserved");
            return Err(StoreError::Failed(reserved.into()));
        }
        let scope = self.projections.scope(name);
        let mut conflicts = Conflicts::default();
        loop {
            let mut progress = self.projections.progress(name).await?;
            if let Some(found) = progress.generation(name, number)? {
                return Ok(found);
            }
            if progress.builds.removed.iter().any(|one| one.generation == number) {
                self.projections.clear(name).await?;
                progress = self.projections.progress(name).await?;
            }
            let mut builds = progress.builds.clone();
            let state = if live {
                BuildState::Live
            } else {
                BuildState::Building
            };
            builds.builds.push(Build {
                generation: number,
                version: projection.version,
                state,
            });
            let place = Place::new(Position::START, store_id);
            let write = StateWrite::new().put(&scope, BUILDS, encoded(&builds)).put(
                &scope,
                layout::place(number),
                encoded(&place),
            );
            let mut write = expecting(write, &scope, BUILDS, progress.version);
            if live {
                write = self.projections.show(write, projection, number).await?;
            }
            if self.projections.write(write).await? {
                return Ok(Generation {
                    name: name.to_owned(),
                    number,
                    version: projection.version,
                    position: Position::START,
                    live,
                    store_id,
                });
            }
            conflicts.pause().await;
        }
    }

    async fn apply(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        projection: (&Definition, &dyn Handler<StateModel>),
    ) -> Result<(), StoreError> {
        let version = self.version_at(generation, checkpoint.from).await?;
        let model = self
            .handle(generation, checkpoint.from, events, projection)
            .await?;
        let moved = self
            .advance(generation, version, checkpoint.to, model.into_write())
            .await;
        match moved {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Superseded),
            // A key or a value of an event is invalid. Dividing the batch finds the event.
            Err(error @ (annals_client::Error::InvalidField(_) | annals_client::Error::TooLarge(_))) => {
                Err(match events.len() {
                    0 => failed(error),
                    1 => StoreError::HandlerFailed {
                        index: 0,
                        reason: error.into(),
                    },
                    many => StoreError::DoesNotFit { fitting: many / 2 },
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn bury(
        &self,
        generation: &Generation,
        expected: Position,
        letter: &DeadLetter,
    ) -> Result<(), StoreError> {
        let version = self.version_at(generation, expected).await?;
        let scope = self.projections.letters(&letter.name);
        let key = layout::letter(letter.generation, letter.position);
        let change = StateWrite::new().put(scope, key, encoded(&Letter::of(letter)));
        let moved = self.advance(generation, version, letter.position, change).await;
        match moved.map_err(failed)? {
            true => Ok(()),
            false => Err(StoreError::Superseded),
        }
    }

    async fn switch(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let name = projection.name.as_str();
        let scope = self.projections.scope(name);
        let mut conflicts = Conflicts::default();
        loop {
            let progress = self.projections.progress(name).await?;
            demand_as_far(&progress.generations(name)?, number)?;
            let mut builds = progress.builds.clone();
            builds.builds.retain(|one| one.generation >= number);
            for build in builds.builds.iter_mut().filter(|one| one.generation == number) {
                build.state = BuildState::Live;
            }
            let older = progress.builds.builds.iter().map(|one| one.generation);
            let older: Vec<u32> = older.filter(|&one| one < number).collect();
            builds.removed.extend(older.iter().map(|&generation| Removed {
                generation,
                tables: projection.tables.clone(),
            }));
            let write = StateWrite::new().put(&scope, BUILDS, encoded(&builds));
            let mut write = expecting(write, &scope, BUILDS, progress.version);
            for generation in older {
                // Another process must not advance a generation that is removed.
                let (key, version) = (layout::place(generation), progress.place_version(generation));
                write = expecting(write.delete(&scope, &key), &scope, &key, version);
            }
            let write = self.projections.show(write, projection, number).await?;
            if self.projections.write(write).await? {
                break;
            }
            conflicts.pause().await;
        }
        self.clear_later(name);
        Ok(())
    }

    async fn remove(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let name = projection.name.as_str();
        let scope = self.projections.scope(name);
        let mut conflicts = Conflicts::default();
        loop {
            let progress = self.projections.progress(name).await?;
            let mut builds = progress.builds.clone();
            builds.builds.retain(|one| one.generation != number);
            if builds.builds.len() == progress.builds.builds.len() {
                break;
            }
            builds.removed.push(Removed {
                generation: number,
                tables: projection.tables.clone(),
            });
            let write = StateWrite::new()
                .put(&scope, BUILDS, encoded(&builds))
                .delete(&scope, layout::place(number));
            let write = expecting(write, &scope, BUILDS, progress.version);
            if self.projections.write(write).await? {
                break;
            }
            conflicts.pause().await;
        }
        self.clear_later(name);
        Ok(())
    }

    async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let scope = self.projections.letters(name);
        let mut letters = Vec::new();
        for generation in self.generations(name).await? {
            let number = generation.number;
            let found = builds::entries(&self.projections.client, &scope, &format!("{number}/")).await;
            for entry in found.map_err(failed)? {
                let letter: Letter = entry.json().map_err(failed)?;
                letters.push(letter.into_dead_letter(name, number)?);
            }
        }
        letters.sort_by_key(|letter| letter.position);
        Ok(letters)
    }

    fn is_passing(&self, error: &(dyn Error + 'static)) -> bool {
        is_of_the_moment(error)
    }
}
