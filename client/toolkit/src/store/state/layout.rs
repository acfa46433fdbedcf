//! Keys and values of the entries about projections, the same in the toolkits of all languages.

use annals_client::{Position, Revision, Timestamp, Uuid};
use serde::{Deserialize, Serialize};

use crate::store::{DeadLetter, StoreError};

/// The key of the entry with the generations of a projection.
pub(super) const BUILDS: &str = "builds";
/// The end of the name of the scope with the dead letters of a projection.
pub(super) const LETTERS: &str = "/dead-letters";
/// Maximum length of the reason of a dead letter, in characters, so that it fits into an entry.
const REASON_MAX: usize = 8_000;

/// The beginning of the keys of checkpoints.
pub(super) const PLACE: &str = "checkpoint/";

/// Returns the key of a checkpoint.
pub(super) fn place(generation: u32) -> String {
    format!("{PLACE}{generation}")
}

/// Returns the key of a dead letter. The position has leading zeros, so that the order of keys is that of positions.
pub(super) fn letter(generation: u32, position: Position) -> String {
    format!("{generation}/{:016}", position.0)
}

/// The generations of a projection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Builds {
    pub(super) builds: Vec<Build>,
    /// Generations whose entries are not deleted yet.
    pub(super) removed: Vec<Removed>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Build {
    pub(super) generation: u32,
    pub(super) version: u32,
    pub(super) state: BuildState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BuildState {
    Live,
    Building,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Removed {
    pub(super) generation: u32,
    pub(super) tables: Vec<String>,
}

/// A checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) position: u64,
    store_id: String,
}

impl Place {
    pub(super) fn new(position: Position, store_id: Uuid) -> Self {
        Place {
            position: position.0,
            store_id: store_id.to_string(),
        }
    }

    pub(super) fn store_id(&self) -> Result<Uuid, StoreError> {
        self.store_id
            .parse()
            .map_err(|_| garbled("a checkpoint", &self.store_id))
    }
}

/// The live generation of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) projection: String,
    pub(super) generation: u32,
}

/// A dead letter, without what its key has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Letter {
    position: u64,
    event_id: String,
    stream: String,
    revision: u64,
    #[serde(rename = "type")]
    event_type: String,
    reason: String,
    attempts: u32,
    buried_at: String,
}

impl Letter {
    pub(super) fn of(letter: &DeadLetter) -> Self {
        // Python's times have microseconds.
        let buried_at = Timestamp::from_microsecond(letter.buried_at.as_microsecond());
        Letter {
            position: letter.position.0,
            event_id: letter.event_id.to_string(),
            stream: letter.stream.clone(),
            revision: letter.revision.0,
            event_type: letter.event_type.clone(),
            reason: letter.reason.chars().take(REASON_MAX).collect(),
            attempts: letter.attempts,
            buried_at: buried_at.unwrap_or(letter.buried_at).to_string(),
        }
    }

    pub(super) fn into_dead_letter(self, name: &str, generation: u32) -> Result<DeadLetter, StoreError> {
        let event_id = self.event_id.parse();
        let buried_at = self.buried_at.parse();
        Ok(DeadLetter {
            name: name.to_owned(),
            generation,
            position: Position(self.position),
            event_id: event_id.map_err(|_| garbled("a dead letter", &self.event_id))?,
            stream: self.stream,
            revision: Revision(self.revision),
            event_type: self.event_type,
            reason: self.reason,
            attempts: self.attempts,
            buried_at: buried_at.map_err(|_| garbled("a dead letter", &self.buried_at))?,
        })
    }
}

fn garbled(what: &str, value: &str) -> StoreError {
    StoreError::Failed(format!("{what} has the unexpected value {value:?}").into())
}
