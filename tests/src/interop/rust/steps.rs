//! Steps in the format of the README of the cases.

use annals_client::{Event, ExpectedRevision, Query, QueryItem, Retention, Revision, StateWrite, Uuid};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::interop::odd::Odd;

/// An action with its arguments.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", content = "with", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    Connect {
        endpoint: String,
    },
    ServerInfo {},
    Json {
        value: Odd,
    },
    Append(AppendTo),
    AppendToMany {
        writes: Vec<Write>,
        #[serde(default)]
        checks: Vec<Check>,
        #[serde(default)]
        state_changes: Vec<StateChange>,
        #[serde(default)]
        state_checks: Vec<StateCheck>,
    },
    AppendPipeline {
        appends: Vec<AppendTo>,
    },
    ReadStream(ReadOfStream),
    ReadAll(ReadOfLog),
    Subscribe(SubscribeTo),
    Take {
        name: String,
        count: usize,
    },
    Unsubscribe {
        name: String,
    },
    StreamInfo {
        stream: String,
    },
    ListStreams {
        #[serde(default)]
        prefix: String,
    },
    PositionAtTime {
        time: i64,
    },
    SetRetention {
        stream: String,
        retention: Kept,
        #[serde(default)]
        expected_version: Option<u64>,
    },
    Retention {
        stream: String,
    },
    SetPrefixRetention {
        prefix: String,
        retention: Kept,
        #[serde(default)]
        expected_version: Option<u64>,
    },
    PrefixRetention {
        prefix: String,
    },
    PrefixRetentions {},
    DeleteStream(End),
    TombstoneStream(End),
    SaveSnapshot {
        stream: String,
        revision: u64,
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
        #[serde(default)]
        schema_version: u32,
        #[serde(default)]
        keep: Option<u32>,
    },
    LoadSnapshot {
        stream: String,
        #[serde(default)]
        at_or_before: Option<u64>,
        #[serde(default)]
        schema_version: Option<u32>,
    },
    Scavenge {},
    GetState {
        scope: String,
        key: String,
    },
    ListState {
        scope: String,
        #[serde(default)]
        prefix: String,
        #[serde(default)]
        after: String,
        #[serde(default)]
        page_size: Option<u32>,
    },
    WriteState {
        #[serde(default, deserialize_with = "identity")]
        id: Option<Uuid>,
        changes: Vec<StateChange>,
        #[serde(default)]
        checks: Vec<StateCheck>,
    },
    UpdateState {
        scope: String,
        key: String,
        #[serde(default, deserialize_with = "some_bytes")]
        data: Option<Vec<u8>>,
    },
    SubscribeState {
        name: String,
        scope: String,
        #[serde(default)]
        prefix: String,
        #[serde(default)]
        after_version: Option<u64>,
    },
    StateVersionExpired {
        scope: String,
        version: u64,
        first: u64,
        last: u64,
    },
}

/// A change of an entry of state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateChange {
    pub(super) scope: String,
    pub(super) key: String,
    /// None: the entry is deleted.
    #[serde(default, deserialize_with = "some_bytes")]
    pub(super) data: Option<Vec<u8>>,
}

/// A check of an entry of state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateCheck {
    pub(super) scope: String,
    pub(super) key: String,
    /// None: there must be no such entry.
    #[serde(default)]
    pub(super) version: Option<u64>,
}

/// Collects changes of state and checks.
pub(super) fn state_write(changes: Vec<StateChange>, checks: Vec<StateCheck>) -> StateWrite {
    let mut write = StateWrite::new();
    for StateChange { scope, key, data } in changes {
        write = match data {
            Some(data) => write.put(scope, key, data),
            None => write.delete(scope, key),
        };
    }
    for StateCheck { scope, key, version } in checks {
        write = match version {
            Some(version) => write.expect_version(scope, key, version),
            None => write.expect_absent(scope, key),
        };
    }
    write
}

/// An append to one stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppendTo {
    pub(super) stream: String,
    #[serde(default)]
    pub(super) expected: Expected,
    pub(super) events: Vec<NewEvent>,
}

/// Events for one of the streams of an append to many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    pub(super) stream: String,
    #[serde(default)]
    pub(super) expected: Option<Expected>,
    pub(super) events: Vec<NewEvent>,
}

/// A condition of an append.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Check {
    Stream(StreamCheck),
    NoMatch(NoMatchCheck),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamCheck {
    pub(super) stream: String,
    pub(super) expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoMatchCheck {
    #[serde(deserialize_with = "query")]
    pub(super) no_match: Query,
    pub(super) after: u64,
}

/// The end of a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) stream: String,
    #[serde(default)]
    pub(super) expected: Expected,
}

/// Selects the events to read of a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadOfStream {
    pub(super) stream: String,
    #[serde(default)]
    pub(super) from: Option<u64>,
    #[serde(default)]
    pub(super) backwards: bool,
    #[serde(default)]
    pub(super) limit: Option<u64>,
    #[serde(default, deserialize_with = "query")]
    pub(super) query: Query,
    #[serde(default)]
    pub(super) until_revision: Option<u64>,
    #[serde(default)]
    pub(super) until_time: Option<i64>,
}

/// Selects the events to read of the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadOfLog {
    #[serde(default)]
    pub(super) from: Option<u64>,
    #[serde(default)]
    pub(super) backwards: bool,
    #[serde(default)]
    pub(super) limit: Option<u64>,
    #[serde(default, deserialize_with = "query")]
    pub(super) query: Query,
    #[serde(default)]
    pub(super) until_position: Option<u64>,
    #[serde(default)]
    pub(super) until_time: Option<i64>,
}

/// The events to follow, and the name of the subscription.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscribeTo {
    pub(super) name: String,
    #[serde(default)]
    pub(super) stream: Option<String>,
    #[serde(default)]
    pub(super) after: Option<u64>,
    #[serde(default)]
    pub(super) from_end: bool,
    #[serde(default, deserialize_with = "query")]
    pub(super) query: Query,
}

/// The retention of a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    #[serde(default)]
    max_count: Option<u64>,
    #[serde(default)]
    max_age_seconds: Option<u64>,
    #[serde(default)]
    truncate_before: u64,
}

impl From<Kept> for Retention {
    fn from(kept: Kept) -> Self {
        Self {
            max_count: kept.max_count,
            max_age: kept.max_age_seconds.map(std::time::Duration::from_secs),
            truncate_before: Revision(kept.truncate_before),
        }
    }
}

/// The expected state of a stream.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Expected {
    Exactly(u64),
    Named(Named),
    #[default]
    #[serde(skip)]
    Nothing,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Named {
    Any,
    NoStream,
    StreamExists,
}

impl From<Expected> for ExpectedRevision {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Exactly(revision) => Self::Exactly(Revision(revision)),
            Expected::Named(Named::NoStream) => Self::NoStream,
            Expected::Named(Named::StreamExists) => Self::StreamExists,
            Expected::Named(Named::Any) | Expected::Nothing => Self::Any,
        }
    }
}

/// An event to append.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvent {
    #[serde(default, deserialize_with = "identity")]
    id: Option<Uuid>,
    r#type: String,
    #[serde(default, deserialize_with = "bytes")]
    data: Vec<u8>,
    #[serde(default, deserialize_with = "bytes")]
    metadata: Vec<u8>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    content_type: String,
}

/// Converts events to the client's type.
pub(super) fn events(events: Vec<NewEvent>) -> Vec<Event> {
    let made = events.into_iter().map(|event| {
        let made = Event::new(event.r#type, event.data)
            .with_metadata(event.metadata)
            .with_content_type(event.content_type);
        let made = event.tags.into_iter().fold(made, Event::with_tag);
        match event.id {
            Some(id) => made.with_id(id),
            None => made,
        }
    });
    made.collect()
}

fn identity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    BASE64
        .decode(String::deserialize(deserializer)?)
        .map_err(D::Error::custom)
}

fn some_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    bytes(deserializer).map(Some)
}

fn query<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Query, D::Error> {
    let items = Vec::<Item>::deserialize(deserializer)?;
    let items = items.into_iter().map(|item| QueryItem {
        types: item.types,
        type_prefixes: item.type_prefixes,
        streams: item.streams,
        stream_prefixes: item.stream_prefixes,
        tags: item.tags,
    });
    Ok(Query {
        items: items.collect(),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Item {
    types: Vec<String>,
    type_prefixes: Vec<String>,
    streams: Vec<String>,
    stream_prefixes: Vec<String>,
    tags: Vec<String>,
}
