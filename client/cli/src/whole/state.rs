//! The lines with changes of state.

use annals_client::{StateEntry, TransferState};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::parse_time;
use crate::import::Bad;
use crate::record::time;

/// Changes of a scope after one version and up to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    scope: String,
    after_version: u64,
    version: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deletions: Vec<(String, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    value_base64: String,
    version: u64,
    time: String,
}

impl From<TransferState> for Changes {
    fn from(state: TransferState) -> Self {
        let entry = |entry: StateEntry| Entry {
            key: entry.key,
            value_base64: BASE64.encode(&entry.value),
            version: entry.version,
            time: time(entry.changed_at),
        };
        Changes {
            scope: state.scope,
            after_version: state.after_version,
            version: state.version,
            entries: state.entries.into_iter().map(entry).collect(),
            deletions: state.deletions,
        }
    }
}

impl TryFrom<Changes> for TransferState {
    type Error = Bad;

    fn try_from(changes: Changes) -> Result<Self, Bad> {
        let entry = |entry: Entry| {
            Ok(StateEntry {
                key: entry.key,
                value: BASE64
                    .decode(entry.value_base64)
                    .map_err(|error| Bad::Base64("value_base64", error))?
                    .into(),
                version: entry.version,
                changed_at: parse_time(entry.time)?,
            })
        };
        Ok(TransferState {
            scope: changes.scope,
            after_version: changes.after_version,
            version: changes.version,
            entries: changes
                .entries
                .into_iter()
                .map(entry)
                .collect::<Result<_, Bad>>()?,
            deletions: changes.deletions,
        })
    }
}
