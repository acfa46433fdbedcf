//! Retention settings in the file: lines of streams whose names start with `$$`, which only the store itself writes.
//!
//! They are not appended. After everything is imported, the settings are applied to the store, as far as they concern
//! future events: counts, ages, tombstones. Events removed by revision or by a deletion are not in the file, and
//! revisions are counted from 0 again here, so those settings have no effect. They must not be applied earlier: the
//! store records settings with the current time, and the moved events were recorded before.

use std::collections::BTreeMap;
use std::time::Duration;

use annals_client::{Client, Error, ExpectedRevision, Retention, Revision};

use serde_json::Value;

use super::line::{Bad, Parsed};

/// The prefix of the names of streams that the store itself writes.
const OWN_PREFIX: &str = "$$";
/// The character after it in the names of those that are about a prefix.
const OF_PREFIX: char = '$';

/// The settings to apply, by stream, from the last line of each.
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
    /// Takes a line if it is a retention setting, and returns it otherwise.
    pub fn take(&mut self, parsed: Parsed) -> Result<Option<Parsed>, Bad> {
        let Some(stream) = parsed.stream.strip_prefix(OWN_PREFIX) else {
            return Ok(Some(parsed));
        };
        let kinds: &[&str] = if stream.starts_with(OF_PREFIX) {
            &["$prefix-retention-set"]
        } else {
            &["$retention-set", "$stream-deleted", "$stream-tombstoned"]
        };
        if !kinds.contains(&parsed.event.event_type.as_str()) {
            return Err(Bad::NotOfTheStore(parsed.event.event_type));
        }
        let object: serde_json::Map<String, Value> =
            serde_json::from_slice(&parsed.event.data).map_err(Bad::Setting)?;
        let setting = serde_json::from_value(Value::Object(object)).map_err(Bad::Setting)?;
        self.0.insert(stream.to_owned(), setting);
        Ok(None)
    }

    /// Applies the settings to the store, and returns the number of streams.
    pub async fn set(self, client: &Client) -> Result<u64, Error> {
        let mut streams = 0;
        for (stream, setting) in self.0 {
            let wanted = Retention {
                max_count: setting.max_count,
                max_age: setting.max_age_seconds.map(Duration::from_secs),
                truncate_before: Revision::FIRST,
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
