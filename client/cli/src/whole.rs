//! A whole log as lines: written by `annals export` without filters, and read by
//! `annals import --keep-recorded-times`.
//!
//! ```text
//! {"annals_export":1,"store_id":"…","head":120}                       the first line: the format and the store
//! {"position":1,"stream":…}                                           an event, as in `record`
//! {"gap":{"first":2,"last":9,"time":"…"}}                             positions with removed events; time if known
//! {"state":{"scope":…,"after_version":0,"version":12,"entries":[{"key":…,"value_base64":…,"version":…,"time":…},…],
//!           "deletions":[["<key>",<version>],…]}}                   changes of a scope of state; replace it if after 0
//! {"stream_state":{"stream":…,"first_position":…,"created_at":…,"last_revision":…,"last_position":…}}
//! {"appends":[["<id>",<position>,<events>],…]}                        ids by which appends are recognised
//! {"snapshot":{"stream":…,"revision":…,"schema_version":…,"time":…,"data_base64":…}}
//! {"end":{"head":120}}                                                the last line
//! ```
//!
//! Events and gaps come first, in the order of their positions, with none missing; state also between them.

use annals_client::{
    Position, RecordedEvent, Revision, Snapshot, Timestamp, TransferAppend, TransferGap, TransferPart,
    TransferState, TransferStream, Uuid,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::import::{Bad, Times, parse_line};
use crate::record::time;

mod state;

/// The version of the format.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The identity of the exported store.
    pub store_id: Uuid,
    /// The head when the export began.
    pub head: Position,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    annals_export: u32,
    store_id: String,
    head: Position,
}

impl Serialize for Header {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = HeaderLine {
            annals_export: FORMAT,
            store_id: self.store_id.to_string(),
            head: self.head,
        };
        line.serialize(serializer)
    }
}

/// Parses the first line of a whole log. Returns `None` if it is another kind of line.
pub fn header(line: &[u8]) -> Option<Result<Header, String>> {
    #[derive(Deserialize)]
    struct Any {
        annals_export: serde_json::Value,
    }
    let any: Any = serde_json::from_slice(line).ok()?;
    if any.annals_export != json!(FORMAT) {
        return Some(Err(format!(
            "the export has format {}, but this version reads format {FORMAT}; \
             import it with the version that wrote it",
            any.annals_export
        )));
    }
    let malformed = |error: &dyn std::fmt::Display| format!("the first line is malformed: {error}");
    let parsed = serde_json::from_slice::<HeaderLine>(line).map_err(|error| malformed(&error));
    Some(parsed.and_then(|line| {
        Ok(Header {
            store_id: Uuid::try_parse(&line.store_id).map_err(|error| malformed(&error))?,
            head: line.head,
        })
    }))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Other {
    Gap(Gap),
    State(state::Changes),
    StreamState(StreamState),
    Appends(Vec<(String, Position, u32)>),
    Snapshot(SnapshotLine),
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    first: Position,
    last: Position,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamState {
    stream: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_position: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    last_revision: Revision,
    last_position: Position,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotLine {
    stream: String,
    revision: Revision,
    schema_version: u32,
    time: String,
    data_base64: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    head: Position,
}

/// Returns the lines of a part that does not contain events.
pub fn lines(part: TransferPart) -> Vec<serde_json::Value> {
    let lines: Vec<Other> = match part {
        TransferPart::Events(_) => Vec::new(),
        TransferPart::Gap(gap) => vec![Other::Gap(Gap {
            first: gap.first_position,
            last: gap.last_position,
            time: gap.recorded_at.map(time),
        })],
        TransferPart::State(changes) => vec![Other::State(changes.into())],
        TransferPart::Streams(streams) => streams
            .into_iter()
            .map(|state| {
                Other::StreamState(StreamState {
                    stream: state.stream,
                    first_position: state.began.map(|(first, _)| first),
                    created_at: state.began.map(|(_, at)| time(at)),
                    last_revision: state.last_revision,
                    last_position: state.last_position,
                })
            })
            .collect(),
        TransferPart::Appends(appends) => {
            let append = |append: TransferAppend| (append.id.to_string(), append.position, append.events);
            vec![Other::Appends(appends.into_iter().map(append).collect())]
        }
        TransferPart::Snapshot(snapshot) => vec![Other::Snapshot(SnapshotLine {
            stream: snapshot.stream,
            revision: snapshot.revision,
            schema_version: snapshot.schema_version,
            time: time(snapshot.saved_at),
            data_base64: BASE64.encode(&snapshot.data),
        })],
        TransferPart::End(head) => vec![Other::End(End { head })],
    };
    lines.into_iter().map(|line| json!(line)).collect()
}

/// Whether a line of a whole log is something other than an event.
pub fn is_other(line: &[u8]) -> bool {
    header(line).is_some() || serde_json::from_slice::<Other>(line).is_ok()
}

/// Parses a line of a whole log, except the first.
pub fn parse(line: &[u8]) -> Result<TransferPart, Bad> {
    let is_event = line.starts_with(b"{\"position\"");
    if !is_event && let Ok(other) = serde_json::from_slice::<Other>(line) {
        return other.try_into();
    }
    let mut has_id = true;
    let parsed = parse_line(line, Times::Kept, |_, _| {
        has_id = false;
        Uuid::nil()
    })?;
    if !has_id {
        return Err(Bad::Missing("id"));
    }
    let event = RecordedEvent {
        id: parsed.event.id,
        stream: parsed.stream,
        revision: parsed.revision.ok_or(Bad::Missing("revision"))?,
        position: parsed.position.ok_or(Bad::Missing("position"))?,
        event_type: parsed.event.event_type,
        data: parsed.event.data,
        metadata: parsed.event.metadata,
        tags: parsed.event.tags,
        content_type: annals_client::json::or_json(parsed.event.content_type),
        recorded_at: parsed.recorded_at.ok_or(Bad::Missing("time"))?,
    };
    Ok(TransferPart::Events(vec![event]))
}

fn parse_time(text: String) -> Result<Timestamp, Bad> {
    text.parse().map_err(|_| Bad::Time(text))
}

impl TryFrom<Other> for TransferPart {
    type Error = Bad;

    fn try_from(other: Other) -> Result<Self, Bad> {
        Ok(match other {
            Other::Gap(gap) => TransferPart::Gap(TransferGap {
                first_position: gap.first,
                last_position: gap.last,
                recorded_at: gap.time.map(parse_time).transpose()?,
            }),
            Other::State(changes) => TransferPart::State(TransferState::try_from(changes)?),
            Other::StreamState(state) => {
                let began = match (state.first_position, state.created_at) {
                    (Some(first), Some(at)) => Some((first, parse_time(at)?)),
                    (None, None) => None,
                    (Some(_), None) => return Err(Bad::Missing("created_at")),
                    (None, Some(_)) => return Err(Bad::Missing("first_position")),
                };
                TransferPart::Streams(vec![TransferStream {
                    stream: state.stream,
                    began,
                    last_revision: state.last_revision,
                    last_position: state.last_position,
                }])
            }
            Other::Appends(appends) => {
                let append = |(id, position, events): (String, Position, u32)| match Uuid::try_parse(&id) {
                    Ok(id) => Ok(TransferAppend { id, position, events }),
                    Err(error) => Err(Bad::Id(id, error)),
                };
                TransferPart::Appends(appends.into_iter().map(append).collect::<Result<_, _>>()?)
            }
            Other::Snapshot(snapshot) => TransferPart::Snapshot(Snapshot {
                stream: snapshot.stream,
                revision: snapshot.revision,
                schema_version: snapshot.schema_version,
                data: BASE64
                    .decode(snapshot.data_base64)
                    .map_err(|error| Bad::Base64("data_base64", error))?
                    .into(),
                saved_at: parse_time(snapshot.time)?,
            }),
            Other::End(end) => TransferPart::End(end.head),
        })
    }
}

#[cfg(test)]
mod tests;
