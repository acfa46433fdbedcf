//! Converts appends to messages of an append session.

use annals_proto::v1::{self as pb, check, expected_revision, session_append::Append as OneOf};
use annals_store::{Append, Check, Expected, NewEvent, QueryItem, Write};

use crate::grpc::{self, MESSAGE_APPENDS_MAX};

/// Returns messages with all appends, in order. Each has at most `bytes_max` of events and checks, unless a single
/// append exceeds that.
pub(super) fn requests(appends: &[&Append], bytes_max: usize) -> Vec<pb::AppendSessionRequest> {
    let mut messages = Vec::new();
    let mut message = pb::AppendSessionRequest::default();
    let mut bytes = 0;
    for append in appends {
        if !message.appends.is_empty()
            && (bytes + append.waiting_bytes() > bytes_max || message.appends.len() == MESSAGE_APPENDS_MAX)
        {
            messages.push(std::mem::take(&mut message));
            bytes = 0;
        }
        bytes += append.waiting_bytes();
        message.appends.push(session_append(append));
    }
    messages.push(message);
    messages
}

/// Converts an append to the form in which it was requested. No call combines an append to one stream with checks;
/// such an append becomes one to several streams, with the expected revision of its stream as the first check.
fn session_append(append: &Append) -> pb::SessionAppend {
    let recorded_at = append.given_time().map(grpc::timestamp);
    let searched_to = append.searched();
    let append = match append.expected() {
        Some(expected) if append.checks().is_empty() => OneOf::AppendToStream(pb::AppendToStreamRequest {
            stream: append.stream().to_string(),
            expected: Some(expected_revision(expected)),
            events: append.events().map(new_event).collect(),
            recorded_at,
        }),
        own => {
            let own = own.map(|expected| Check::Stream {
                stream: append.stream().clone(),
                expected,
            });
            OneOf::AppendToMany(pb::AppendRequest {
                writes: append.writes().map(write).collect(),
                checks: own.iter().chain(append.checks()).map(check).collect(),
                recorded_at,
            })
        }
    };
    pb::SessionAppend {
        append: Some(append),
        searched_to_position: searched_to.0,
    }
}

fn expected_revision(expected: Expected) -> pb::ExpectedRevision {
    use expected_revision::Expected as OneOf;

    let expected = match expected {
        Expected::Any => OneOf::Any(()),
        Expected::NoStream => OneOf::NoStream(()),
        Expected::StreamExists => OneOf::StreamExists(()),
        Expected::Exactly(revision) => OneOf::Revision(revision.0),
    };
    pb::ExpectedRevision {
        expected: Some(expected),
    }
}

fn write(write: Write) -> pb::Write {
    pb::Write {
        stream: write.stream.to_string(),
        events: write.events.into_iter().map(new_event).collect(),
    }
}

fn check(check: &Check) -> pb::Check {
    let check = match check {
        Check::Stream { stream, expected } => check::Check::Stream(pb::StreamCheck {
            stream: stream.to_string(),
            expected: Some(expected_revision(*expected)),
        }),
        Check::NoMatch { query, after } => check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(pb::Query {
                items: query.items.iter().map(item).collect(),
            }),
            after: after.0,
        }),
    };
    pb::Check { check: Some(check) }
}

fn item(item: &QueryItem) -> pb::QueryItem {
    pb::QueryItem {
        types: item.types.clone(),
        type_prefixes: item.type_prefixes.clone(),
        streams: item.streams.clone(),
        stream_prefixes: item.stream_prefixes.clone(),
        tags: item.tags.clone(),
    }
}

fn new_event(event: NewEvent) -> pb::NewEvent {
    pb::NewEvent {
        id: event.id.to_string(),
        r#type: event.kind.to_string(),
        data: event.data,
        metadata: event.metadata,
        tags: event.tags.iter().map(ToString::to_string).collect(),
    }
}
