//! Appends on the fast path equal those that are decoded.

use annals_proto::v1::{self as pb, expected_revision::Expected as OneOf};
use annals_store::{Append, Limits};
use bytes::Bytes;
use prost::Message;

use super::super::{
    append::{decoded_to_stream, pipelined_append, pipelined_appends},
    append_to_stream, plain,
};
use crate::grpc::{
    status::Invalid,
    wire::encoded::{Encoded, message},
};

fn event(n: u128) -> pb::NewEvent {
    pb::NewEvent {
        id: uuid::Uuid::from_u128(n).to_string(),
        r#type: "Placed \u{fc}".into(),
        data: vec![n as u8; 200].into(),
        metadata: Bytes::from_static(b"{}"),
        tags: vec!["course:1".into(), "student:\u{fc}".into()],
        ..Default::default()
    }
}

fn request(events: Vec<pb::NewEvent>) -> pb::AppendToStreamRequest {
    pb::AppendToStreamRequest {
        stream: "order-1".into(),
        expected: None,
        events,
        recorded_at: None,
    }
}

/// All properties of an append.
fn shown(append: &Append) -> String {
    let writes: Vec<_> = append.encoded_writes().collect();
    let (expected, checks, time) = (append.expected(), append.checks(), append.given_time());
    let (bytes, ids) = (append.waiting_bytes(), append.ids().collect::<Vec<_>>());
    format!("{writes:?} {expected:?} {checks:?} {time:?} {bytes} {ids:?}")
}

fn in_pipeline(request: pb::AppendToStreamRequest) -> pb::PipelinedAppend {
    pb::PipelinedAppend {
        append: Some(pb::pipelined_append::Append::AppendToStream(request)),
    }
}

#[test]
fn what_clients_send_is_taken_as_it_came() {
    let of = |expected| pb::AppendToStreamRequest {
        expected: Some(pb::ExpectedRevision {
            expected: Some(expected),
        }),
        ..request(vec![event(1)])
    };
    let bare = pb::NewEvent {
        data: Bytes::new(),
        metadata: Bytes::new(),
        tags: Vec::new(),
        ..event(7)
    };
    for request in [
        request(vec![event(1)]),
        request((1..100).map(event).collect()),
        request(vec![bare.clone(), event(2), bare_with_tags(8)]),
        of(OneOf::Any(())),
        of(OneOf::NoStream(())),
        of(OneOf::StreamExists(())),
        of(OneOf::Revision(0)),
        of(OneOf::Revision(u64::MAX)),
    ] {
        let decoded = decoded_to_stream(request.clone().into(), &Limits::default()).unwrap();
        let taken =
            plain::append_to_stream(&request.encode_to_vec().into(), &Limits::default()).expect("fast path");
        assert_eq!(shown(&taken), shown(&decoded));
        let taken = plain::pipelined_append(&in_pipeline(request).encode_to_vec(), &Limits::default());
        assert_eq!(shown(&taken.expect("fast path")), shown(&decoded));
    }
}

#[test]
fn a_large_message_of_a_call_is_kept_and_others_are_copied() {
    let is_kept = |events: std::ops::Range<u128>| {
        let message = Bytes::from(request(events.map(event).collect()).encode_to_vec());
        let append = plain::append_to_stream(&message, &Limits::default()).expect("fast path");
        let is_kept = !message.is_unique();
        drop(append);
        assert!(message.is_unique());
        is_kept
    };
    assert!(!is_kept(1..2));
    assert!(is_kept(1..100));
}

fn bare_with_tags(n: u128) -> pb::NewEvent {
    pb::NewEvent {
        data: Bytes::new(),
        metadata: Bytes::new(),
        ..event(n)
    }
}

/// Writes a field that is a message of these bytes.
fn put_message(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    prost::encoding::encode_key(field, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(bytes.len() as u64, out);
    out.extend(bytes);
}

/// A request with a valid event, followed by one of these bytes.
fn with_event(event_bytes: &[u8]) -> Vec<u8> {
    let mut message = request(vec![event(1)]).encode_to_vec();
    put_message(3, event_bytes, &mut message);
    message
}

#[test]
fn what_is_encoded_in_another_way_is_decoded_and_leads_to_the_same() {
    let id = event(2).id;
    let id_field = [&[0x0A, 36], id.as_bytes()].concat();
    let upper = [&[0x0A, 36], event(0xABCD).id.to_uppercase().as_bytes()].concat();
    let kind = [0x12, 1, b'T'];
    let events: Vec<Vec<u8>> = vec![
        // The type before the id, two types, an empty field, a length in more bytes than it needs, an unknown field,
        // an id in upper case.
        [&kind[..], &id_field].concat(),
        [&id_field[..], &kind, &kind].concat(),
        [&id_field[..], &kind, &[0x1A, 0]].concat(),
        [&id_field[..], &[0x12, 0x81, 0x00, b'T']].concat(),
        [&id_field[..], &kind, &[0xA0, 0x01, 7]].concat(),
        [&upper[..], &kind].concat(),
    ];
    let mut messages: Vec<Vec<u8>> = events.iter().map(|event| with_event(event)).collect();
    // An unknown field at the end, events before the stream, a time.
    messages.push([request(vec![event(1)]).encode_to_vec(), vec![0x78, 1]].concat());
    let events_first = [
        pb::AppendToStreamRequest {
            stream: String::new(),
            ..request(vec![event(1)])
        }
        .encode_to_vec(),
        request(Vec::new()).encode_to_vec(),
    ];
    messages.push(events_first.concat());
    let at = prost_types::Timestamp { seconds: 1, nanos: 0 };
    messages.push(
        pb::AppendToStreamRequest {
            recorded_at: Some(at),
            ..request(vec![event(1)])
        }
        .encode_to_vec(),
    );
    for message in messages {
        assert!(
            plain::append_to_stream(&message.clone().into(), &Limits::default()).is_none(),
            "{message:?}"
        );
        let decoded = message::AppendToStreamRequest::decode(&message[..]).unwrap();
        let decoded = decoded_to_stream(decoded, &Limits::default()).unwrap();
        let taken = append_to_stream(&Encoded::new(message.into()), &Limits::default()).unwrap();
        assert_eq!(shown(&taken), shown(&decoded));
    }
}

#[test]
fn bytes_that_are_no_message_are_told_by_the_field_they_are_in() {
    // The type of this event is not UTF-8.
    let wrong = with_event(&[0x12, 1, 0xFF]);
    let refused =
        |wrong: Vec<u8>| append_to_stream(&Encoded::new(wrong.into()), &Limits::default()).unwrap_err();
    assert_eq!(refused(wrong).field, "events[1].type");
    assert!(!refused(vec![0x0A, 200]).problem.is_empty());
    // If one append is malformed, the whole message of a pipeline is refused.
    let good = in_pipeline(request(vec![event(1)])).encode_to_vec();
    let mut bad = Vec::new();
    // The name of its stream is not UTF-8.
    put_message(1, &[0x0A, 1, 0xFF], &mut bad);
    let mut message = Vec::new();
    put_message(1, &good, &mut message);
    put_message(1, &bad, &mut message);
    let refused: Invalid = pipelined_appends(&Encoded::new(message.into()), &Limits::default()).unwrap_err();
    assert!(refused.field.ends_with("stream"), "{refused}");
}

#[test]
fn appends_of_a_pipeline_are_right_or_wrong_each_by_itself() {
    let no_id = pb::NewEvent {
        id: String::new(),
        ..event(3)
    };
    let appends = vec![
        in_pipeline(request(vec![event(1)])),
        in_pipeline(pb::AppendToStreamRequest {
            stream: String::new(),
            ..request(vec![event(2)])
        }),
        in_pipeline(request(vec![no_id])),
        pb::PipelinedAppend::default(),
        in_pipeline(request(vec![event(4), event(4)])),
        in_pipeline(request(vec![event(5)])),
    ];
    let message = pb::AppendPipelineRequest {
        appends: appends.clone(),
    };
    let taken = pipelined_appends(&message.into(), &Limits::default()).unwrap();
    let of = |result: &Result<Append, Invalid>| match result {
        Ok(append) => append.len().to_string(),
        Err(invalid) => invalid.to_string(),
    };
    let decoded = appends
        .into_iter()
        .map(|append| of(&pipelined_append(append.into(), &Limits::default())));
    assert_eq!(
        taken.iter().map(of).collect::<Vec<_>>(),
        decoded.collect::<Vec<_>>()
    );
    let right: Vec<bool> = taken.iter().map(Result::is_ok).collect();
    assert_eq!(right, [true, false, true, false, false, true]);
}
