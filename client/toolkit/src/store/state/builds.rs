//! Entries about projections: reading and changing them.

use std::collections::BTreeMap;

use annals_client::{Client, Position, StateEntry, StateWrite, json};
use bytes::Bytes;
use serde::Serialize;

use super::layout::{self, BUILDS, BuildState, Builds, LETTERS, Place, Shown};
use super::physical_table;
use crate::command::ConflictPolicy;
use crate::projection::Definition;
use crate::store::{Generation, StoreError};

/// Maximum number of entries in a page, from the protocol.
const PAGE_MAX: u32 = 1_000;

/// The scopes of projections.
#[derive(Clone)]
pub(super) struct Projections {
    pub(super) client: Client,
    pub(super) prefix: String,
}

/// The generations of a projection and their checkpoints, as of one moment.
pub(super) struct Progress {
    pub(super) builds: Builds,
    /// The version of the entry of the generations; `None` if there is none.
    pub(super) version: Option<u64>,
    /// The checkpoints with the versions of their entries, by generation.
    places: BTreeMap<u32, (Place, u64)>,
}

impl Progress {
    /// Returns all generations, in the order of their numbers.
    pub(super) fn generations(&self, name: &str) -> Result<Vec<Generation>, StoreError> {
        let mut found = Vec::new();
        for build in &self.builds.builds {
            let missing = || {
                format!(
                    "generation {} of projection {name:?} has no checkpoint",
                    build.generation
                )
            };
            let place = self.places.get(&build.generation);
            let (place, _) = place.ok_or_else(|| StoreError::Failed(missing().into()))?;
            found.push(Generation {
                name: name.to_owned(),
                number: build.generation,
                version: build.version,
                position: Position(place.position),
                live: build.state == BuildState::Live,
                store_id: place.store_id()?,
            });
        }
        found.sort_by_key(|generation| generation.number);
        Ok(found)
    }

    pub(super) fn generation(&self, name: &str, number: u32) -> Result<Option<Generation>, StoreError> {
        let generations = self.generations(name)?;
        Ok(generations.into_iter().find(|one| one.number == number))
    }

    /// Returns the version of the entry of a checkpoint; `None` if there is none.
    pub(super) fn place_version(&self, generation: u32) -> Option<u64> {
        self.places.get(&generation).map(|&(_, version)| version)
    }
}

impl Projections {
    pub(super) fn models(&self) -> String {
        format!("{}read-models", self.prefix)
    }

    pub(super) fn rows(&self, table: &str, generation: u32) -> String {
        format!("{}/{}", self.models(), physical_table(table, generation))
    }

    pub(super) fn scope(&self, name: &str) -> String {
        format!("{}projections/{name}", self.prefix)
    }

    pub(super) fn letters(&self, name: &str) -> String {
        self.scope(name) + LETTERS
    }

    pub(super) async fn progress(&self, name: &str) -> Result<Progress, StoreError> {
        // One page is a consistent view of all of them.
        let page = self.client.list_state(self.scope(name)).page_size(PAGE_MAX).await;
        let mut progress = Progress {
            builds: Builds::default(),
            version: None,
            places: BTreeMap::new(),
        };
        for entry in page.map_err(failed)?.entries {
            if entry.key == BUILDS {
                progress.builds = entry.json().map_err(failed)?;
                progress.version = Some(entry.version);
                continue;
            }
            let number = entry.key.strip_prefix(layout::PLACE).map(str::parse);
            if let Some(Ok(number)) = number {
                let place = entry.json().map_err(failed)?;
                progress.places.insert(number, (place, entry.version));
            }
        }
        Ok(progress)
    }

    /// Makes a write. Returns false if its checks failed, because another process has changed an entry.
    pub(super) async fn write(&self, write: StateWrite) -> Result<bool, StoreError> {
        match self.client.write_state(write).await {
            Ok(_) => Ok(true),
            Err(annals_client::Error::ChecksFailed { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Adds the changes that make a generation visible to readers, and their checks.
    pub(super) async fn show(
        &self,
        mut write: StateWrite,
        projection: &Definition,
        generation: u32,
    ) -> Result<StateWrite, StoreError> {
        let models = self.models();
        for table in &projection.tables {
            let found = self.client.get_state(&models, table).await.map_err(failed)?;
            let owner = found.as_ref().map(StateEntry::json::<Shown>).transpose();
            let owner = owner.map_err(failed)?.map(|shown| shown.projection);
            let name = &projection.name;
            if let Some(owner) = owner.filter(|owner| owner != name) {
                let taken = format!("table {table:?} of projection {name:?} belongs to projection {owner:?}");
                return Err(StoreError::Failed(taken.into()));
            }
            let shown = Shown {
                projection: name.clone(),
                generation,
            };
            let version = found.map(|entry| entry.version);
            write = expecting(
                write.put(&models, table, encoded(&shown)),
                &models,
                table,
                version,
            );
        }
        Ok(write)
    }

    /// Deletes all entries of removed generations.
    pub(super) async fn clear(&self, name: &str) -> Result<(), StoreError> {
        let mut conflicts = Conflicts::default();
        loop {
            let progress = self.progress(name).await?;
            if progress.builds.removed.is_empty() {
                return Ok(());
            }
            if !self.clear_first(name, progress).await? {
                conflicts.pause().await;
            }
        }
    }

    /// Deletes the entries of the first removed generation. Returns false if another process has changed `builds`.
    async fn clear_first(&self, name: &str, mut progress: Progress) -> Result<bool, StoreError> {
        let scope = self.scope(name);
        let first = progress.builds.removed.remove(0);
        let mut places = vec![(self.letters(name), format!("{}/", first.generation))];
        let rows = |table: &String| (self.rows(table, first.generation), String::new());
        places.extend(first.tables.iter().map(rows));
        for (rows, prefix) in places {
            loop {
                let page = self.client.list_state(&rows).prefix(&prefix).page_size(PAGE_MAX);
                let entries = page.await.map_err(failed)?.entries;
                if entries.is_empty() {
                    break;
                }
                let delete = |write: StateWrite, entry: StateEntry| write.delete(&rows, entry.key);
                let write = entries.into_iter().fold(StateWrite::new(), delete);
                let write = expecting(write, &scope, BUILDS, progress.version);
                if !self.write(write).await? {
                    return Ok(false);
                }
            }
        }
        let write = StateWrite::new().put(&scope, BUILDS, encoded(&progress.builds));
        self.write(expecting(write, &scope, BUILDS, progress.version))
            .await
    }
}

/// Pauses before attempts that are repeated because other processes changed the entries that they had read.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    failed: u32,
}

impl Conflicts {
    pub(super) async fn pause(&mut self) {
        self.failed += 1;
        ConflictPolicy::default().wait(self.failed).await;
    }
}

/// Returns all entries of a scope whose keys begin with a prefix.
pub(super) async fn entries(
    client: &Client,
    scope: &str,
    prefix: &str,
) -> annals_client::Result<Vec<StateEntry>> {
    let mut found = Vec::new();
    loop {
        let mut list = client.list_state(scope).prefix(prefix).page_size(PAGE_MAX);
        if let Some(StateEntry { key, .. }) = found.last() {
            list = list.after(key);
        }
        let page = list.await?;
        found.extend(page.entries);
        if !page.has_more {
            return Ok(found);
        }
    }
}

/// Adds the check that an entry still has this version; `None`: that there is none.
pub(super) fn expecting(write: StateWrite, scope: &str, key: &str, version: Option<u64>) -> StateWrite {
    match version {
        Some(version) => write.expect_version(scope, key, version),
        None => write.expect_absent(scope, key),
    }
}

/// Encodes one of the values in [`layout`].
pub(super) fn encoded<T: Serialize>(value: &T) -> Bytes {
    // They consist of numbers and text, which JSON can represent. An empty value would be refused when it is read.
    json::to_vec(value).unwrap_or_default().into()
}

pub(super) fn failed(error: annals_client::Error) -> StoreError {
    StoreError::Failed(error.into())
}
