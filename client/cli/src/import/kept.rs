//! What the file says of how much is kept of streams: lines of streams whose names begin with `$$`, which only the store
//! itself writes.
//!
//! They are not appended. When everything is imported, what they say is set in the store, as far as it concerns events to
//! come: counts, ages, tombstones. What was gone by revision or with a deletion is not in the file, and revisions count anew
//! here, so that part has nothing left to do. Not before: the store records what is set now, and what is moved was recorded
//! before.

use std::collections::BTreeMap;

use annals_client::{Client, Error, ExpectedRevision, Retention};

use serde_json::Value;

use super::line::{Bad, Parsed};

/// With this begin the names of streams that the store itself writes.
const OWN_PREFIX: &str = "$$";
/// With this, after it, those that are about a prefix.
const OF_PREFIX: char = '$';

/// What is to be set, by stream: what the last line says.
#[derive(Debug, Default)]
pub struct Kept(BTreeMap<String, Setting>);

#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Setting {
    max_count: Option<u64>,
    max_age_seconds: Option<u64>,
    #[serde(rename = "truncate_before")]
    _truncate_before: u64,
    #[serde(rename = "removed_before_micros")]
    _removed_before_micros: u64,
    #[serde(rename = "deleted_before")]
    _deleted_before: u64,
    #[serde(rename = "deleted_from")]
    _deleted_from: u64,
    tombstoned: bool,
}

impl Kept {
    /// Takes a line if it is about what is kept, and gives it back otherwise.
    pub fn take(&mut self, parsed: Parsed) -> Result<Option<Parsed>, Bad> {
        let Some(stream) = parsed.stream.strip_prefix(OWN_PREFIX) else {
            return Ok(Some(parsed));
        };
        let kinds: &[&str] = if stream.starts_with(OF_PREFIX) {
            &["$prefix-retention-set"]
        } else {
            &["$retention-set", "$stream-deleted", "$stream-tombstoned"]
        };
        if !kinds.contains(&parsed.event.kind.as_str()) {
            return Err(Bad::NotOfTheStore(parsed.event.kind));
        }
        let object: serde_json::Map<String, Value> =
            serde_json::from_slice(&parsed.event.data).map_err(Bad::Setting)?;
        let setting = serde_json::from_value(Value::Object(object)).map_err(Bad::Setting)?;
        self.0.insert(stream.to_owned(), setting);
        Ok(None)
    }

    /// Sets it in the store, and returns for how many streams.
    pub async fn set(self, client: &Client) -> Result<u64, Error> {
        let mut streams = 0;
        for (stream, setting) in self.0 {
            let wanted = Retention {
                max_count: setting.max_count,
                max_age_seconds: setting.max_age_seconds,
                truncate_before: 0,
            };
            if let Some(prefix) = stream.strip_prefix(OF_PREFIX) {
                if wanted == Retention::default() {
                    continue;
                }
                client.set_prefix_retention(prefix, wanted).await?;
            } else if setting.tombstoned {
                client.tombstone_stream(&stream, ExpectedRevision::Any).await?;
            } else if wanted == Retention::default() {
                continue;
            } else {
                client.set_retention(&stream, wanted).await?;
            }
            streams += 1;
        }
        Ok(streams)
    }
}
