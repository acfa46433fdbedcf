//! Converts appends to messages that forward them.

use annals_proto::v1::{self as pb, check};
use annals_store::{Append, Check, QueryItem, StateWrite};

use crate::grpc::internal::{ForwardRequest, ForwardedAppend, ForwardedWrite};
use crate::grpc::{self, MESSAGE_APPENDS_MAX};

/// Returns messages with all appends, in order. Each has at most `bytes_max` of events and checks, unless a single
/// append exceeds that.
pub(super) fn requests(appends: &[&Append], bytes_max: usize) -> Vec<ForwardRequest> {
    let mut messages = Vec::new();
    let mut message = ForwardRequest::default();
    let mut bytes = 0;
    for append in appends {
        if !message.appends.is_empty()
            && (bytes + append.waiting_bytes() > bytes_max || message.appends.len() == MESSAGE_APPENDS_MAX)
        {
            messages.push(std::mem::take(&mut message));
            bytes = 0;
        }
        bytes += append.waiting_bytes();
        message.appends.push(forwarded(append));
    }
    messages.push(message);
    messages
}

/// Converts an append. If it expects a state of its stream and has other checks, the expected state is sent as the
/// first check, so that a failure lists it with the others.
fn forwarded(append: &Append) -> ForwardedAppend {
    let (expected, own) = match append.expected() {
        Some(expected) if append.checks().is_empty() => (Some(expected), None),
        expected => (None, expected),
    };
    let own = own.map(|expected| Check::Stream {
        stream: append.stream().clone(),
        expected,
    });
    let (searched_to, searched_prefix_changes) = append.searched();
    ForwardedAppend {
        writes: append
            .encoded_writes()
            .map(|(stream, events)| ForwardedWrite {
                stream: stream.to_string(),
                events,
            })
            .collect(),
        expected: expected.map(grpc::expected),
        checks: own.iter().chain(append.checks()).map(check).collect(),
        recorded_at: append.given_time().map(grpc::timestamp),
        searched_to_position: searched_to.0,
        searched_prefix_changes,
        state_changes: state(append, |state| {
            state.changes().iter().map(grpc::state_change).collect()
        }),
        state_checks: state(append, |state| {
            state.checks().iter().map(grpc::state_check).collect()
        }),
    }
}

/// Returns a part of the append that concerns state, if it has any.
fn state<T: Default>(append: &Append, part: impl Fn(&StateWrite) -> T) -> T {
    append.state().map(part).unwrap_or_default()
}

fn check(check: &Check) -> pb::Check {
    let check = match check {
        Check::Stream { stream, expected } => check::Check::Stream(pb::StreamCheck {
            stream: stream.to_string(),
            expected: Some(grpc::expected(*expected)),
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
