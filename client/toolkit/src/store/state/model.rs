//! Access to read models in state, for handlers.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use annals_client::{Client, StateWrite, json};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builds;
use crate::store::BoxError;

/// Access to a read model in state, for handlers. A table has keys and values.
///
/// Reads return the changes that were made before. All changes are written together with the checkpoint, and only if
/// no other process has moved it. One event can change 999 entries.
///
/// ```
/// use annals_client::RecordedEvent;
/// use annals_toolkit::store::{BoxError, state::StateModel};
///
/// async fn count(event: &RecordedEvent, model: &mut StateModel) -> Result<(), BoxError> {
///     let counted: u64 = model.get_json("counted", &event.stream).await?.unwrap_or_default();
///     model.put_json("counted", &event.stream, &(counted + 1))
/// }
/// ```
pub struct StateModel {
    client: Client,
    /// The tables, by the names that the projection uses.
    tables: HashMap<String, Table>,
    /// The tables and keys of the entries that were changed, in the order of their first changes.
    changed: Vec<(String, String)>,
    bytes: usize,
    generation: u32,
}

struct Table {
    scope: String,
    /// The values that were read or changed.
    known: BTreeMap<String, Known>,
}

struct Known {
    /// `None` if there is no such entry.
    value: Option<Bytes>,
    changed: bool,
}

impl StateModel {
    pub(super) fn new(
        client: Client,
        scopes: impl Iterator<Item = (String, String)>,
        generation: u32,
    ) -> Self {
        let table = |scope| Table {
            scope,
            known: BTreeMap::new(),
        };
        StateModel {
            client,
            tables: scopes.map(|(name, scope)| (name, table(scope))).collect(),
            changed: Vec::new(),
            bytes: 0,
            generation,
        }
    }

    /// Gives a key a value. Fails if the projection has no such table.
    pub fn put(
        &mut self,
        table: &str,
        key: impl Into<String>,
        value: impl Into<Bytes>,
    ) -> Result<(), BoxError> {
        self.change(table, key.into(), Some(value.into()))
    }

    /// Gives a key a value that is encoded as JSON. Fails also if JSON can't represent it.
    pub fn put_json<T: Serialize + ?Sized>(
        &mut self,
        table: &str,
        key: impl Into<String>,
        value: &T,
    ) -> Result<(), BoxError> {
        self.put(table, key, json::to_vec(value)?)
    }

    /// Deletes a key, if it exists. Fails if the projection has no such table.
    pub fn delete(&mut self, table: &str, key: impl Into<String>) -> Result<(), BoxError> {
        self.change(table, key.into(), None)
    }

    /// Returns the value of a key; `None` if there is none.
    pub async fn get(&mut self, table: &str, key: &str) -> Result<Option<Bytes>, BoxError> {
        let found = self.tables.get_mut(table).ok_or_else(|| no_table(table))?;
        if let Some(known) = found.known.get(key) {
            return Ok(known.value.clone());
        }
        let entry = self.client.get_state(&found.scope, key).await?;
        let value = entry.map(|entry| entry.value);
        let known = Known {
            value: value.clone(),
            changed: false,
        };
        found.known.insert(key.to_owned(), known);
        Ok(value)
    }

    /// Returns the value of a key, decoded from JSON; `None` if there is none. Fails if it is not the JSON of a `T`.
    pub async fn get_json<T: DeserializeOwned>(
        &mut self,
        table: &str,
        key: &str,
    ) -> Result<Option<T>, BoxError> {
        let value = self.get(table, key).await?;
        Ok(value.map(|value| serde_json::from_slice(&value)).transpose()?)
    }

    /// Returns the keys that begin with a prefix, and their values, in the byte order of the keys. It reads them all:
    /// use it for few keys.
    pub async fn items(&mut self, table: &str, prefix: &str) -> Result<Vec<(String, Bytes)>, BoxError> {
        let found = self.tables.get(table).ok_or_else(|| no_table(table))?;
        let entries = builds::entries(&self.client, &found.scope, prefix).await?;
        let mut items: BTreeMap<_, _> = entries
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect();
        for (key, known) in &found.known {
            if known.changed && key.starts_with(prefix) {
                match &known.value {
                    Some(value) => items.insert(key.clone(), value.clone()),
                    None => items.remove(key),
                };
            }
        }
        Ok(items.into_iter().collect())
    }

    /// Returns the number of the generation being built.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns the number of entries that were changed.
    pub(super) fn changes(&self) -> usize {
        self.changed.len()
    }

    /// Returns the number of bytes of all changes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the changes, one for each entry.
    pub(super) fn into_write(mut self) -> StateWrite {
        let mut write = StateWrite::new();
        for (table, key) in self.changed {
            let Some(table) = self.tables.get_mut(&table) else {
                continue;
            };
            let value = table.known.remove(&key).and_then(|known| known.value);
            write = match value {
                Some(value) => write.put(&table.scope, key, value),
                None => write.delete(&table.scope, key),
            };
        }
        write
    }

    fn change(&mut self, table: &str, key: String, value: Option<Bytes>) -> Result<(), BoxError> {
        let found = self.tables.get_mut(table).ok_or_else(|| no_table(table))?;
        self.bytes += found.scope.len() + key.len() + value.as_ref().map_or(0, Bytes::len);
        let known = Known { value, changed: true };
        let before = found.known.insert(key.clone(), known);
        if !before.is_some_and(|known| known.changed) {
            self.changed.push((table.to_owned(), key));
        }
        Ok(())
    }
}

impl fmt::Debug for StateModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateModel")
            .field("generation", &self.generation)
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

fn no_table(table: &str) -> String {
    format!("the projection has no table {table:?}; add it with `Definition::state_table`")
}
