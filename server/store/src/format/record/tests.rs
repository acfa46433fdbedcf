//! Compares records with the generated types of the protocol.

use annals_proto::v1 as pb;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use prost::Message;
use uuid::Uuid;

use super::{
    Entries, Place, Placement, Record, TimeField, entry_len, entry_len_max, plain, put_body, put_entry,
};
use crate::{ContentType, EventType, Limits, NewEvent, Position, Revision, StreamName, Tag, Timestamp};

fn body(event: &NewEvent) -> BytesMut {
    let mut body = BytesMut::new();
    put_body(&mut body, event);
    body
}

fn place<'a>(placement: &Placement<'a>, time: &'a TimeField) -> Place<'a> {
    Place {
        stream: placement.stream,
        revision: placement.revision,
        position: placement.position,
        time,
    }
}

prop_compose! {
    fn events()(
        id in any::<u128>(),
        kind in "[^\\x00-\\x1f\\x7f-\\x9f$][^\\x00-\\x1f\\x7f-\\x9f]{0,40}",
        data in proptest::collection::vec(any::<u8>(), 0..300),
        metadata in proptest::collection::vec(any::<u8>(), 0..40),
        tags in proptest::collection::vec("[a-z:]{1,12}", 0..4),
        content_type in prop_oneof![3 => Just(""), 1 => Just("application/protobuf")],
    ) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(id),
            kind: EventType::new(&kind).unwrap(),
            data: data.into(),
            metadata: metadata.into(),
            tags: tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
            content_type: ContentType::new(content_type).unwrap(),
            unknown: Bytes::new(),
        }
    }
}

proptest! {
    #[test]
    fn an_entry_is_an_event_of_the_protocol(
        event in events(),
        revision in any::<u64>(),
        position in 1..=u64::MAX,
        micros in 0..=253_402_300_799_999_999_u64,
    ) {
        let stream = StreamName::new("order-1").unwrap();
        let placement = Placement {
            stream: stream.as_str(),
            revision: Revision(revision),
            position: Position(position),
            recorded_at: Timestamp::from_micros(micros),
        };
        let body = body(&event);
        let time = TimeField::new(placement.recorded_at);
        let mut out = BytesMut::new();
        put_entry(&mut out, &body, &place(&placement, &time));
        prop_assert_eq!(out.len(), entry_len(&body, &place(&placement, &time)));
        prop_assert!(out.len() <= entry_len_max(body.len(), &stream));

        let decoded = pb::EventBatch::decode(&out[..]).unwrap();
        let [decoded] = &decoded.events[..] else { panic!("one event") };
        prop_assert_eq!(&decoded.id, &event.id.to_string());
        prop_assert_eq!(&decoded.r#type, event.kind.as_str());
        prop_assert_eq!(&decoded.data, &event.data);
        prop_assert_eq!(&decoded.metadata, &event.metadata);
        prop_assert_eq!(&decoded.tags, &event.tags.iter().map(Tag::to_string).collect::<Vec<_>>());
        prop_assert_eq!(&decoded.content_type, event.content_type.as_str());
        prop_assert_eq!(&decoded.stream, "order-1");
        prop_assert_eq!((decoded.revision, decoded.position), (revision, position));
        let time = decoded.recorded_at.as_ref().unwrap();
        prop_assert_eq!(time.seconds as u64 * 1_000_000 + time.nanos as u64 / 1_000, micros);

        // Encoded as by the protocol's own encoder, so that equal events have equal bytes everywhere.
        prop_assert_eq!(&pb::EventBatch { events: vec![decoded.clone()] }.encode_to_vec()[..], &out[..]);

        let out = out.freeze();
        let entry = Entries::new(&out).next_entry().unwrap().unwrap();
        let record = Record::from_view(&entry.view().unwrap()).unwrap();
        prop_assert_eq!(entry.placement().unwrap(), placement);
        prop_assert_eq!(record.id, event.id);
        prop_assert_eq!(record.tags, event.tags.iter().map(Tag::to_string).collect::<Vec<_>>());
        prop_assert_eq!((record.revision, record.position), (Revision(revision), Position(position)));
        prop_assert_eq!(record.recorded_at, Timestamp::from_micros(micros));
        prop_assert_eq!((record.data, record.metadata), (event.data, event.metadata));
    }

    #[test]
    fn what_is_taken_as_it_is_is_what_would_be_written(
        event in events(), at in any::<prop::sample::Index>(), bit in 0..16_u32,
    ) {
        let distinct = event.tags.iter().enumerate().all(|(n, tag)| !event.tags[..n].contains(tag));
        let mut body = body(&event);
        let taken = plain(&body, &Limits::default());
        prop_assert_eq!(taken.map(|(id, _)| id), distinct.then_some(event.id));
        // Offsets from checking a body equal those from writing it.
        let parts = put_body(&mut BytesMut::from("before"), &event);
        prop_assert!(taken.is_none_or(|(_, taken)| taken == parts));
        prop_assert_eq!(parts.kind(&body), Ok(event.kind.as_str()));
        prop_assert!(parts.tags(&body).eq(event.tags.iter().map(Tag::as_str)));
        // With one bit changed or none, an accepted body is decoded and encoded to the same bytes.
        let at = at.index(body.len());
        body[at] ^= 1_u8.checked_shl(bit).unwrap_or(0);
        if let Some((id, parts)) = plain(&body, &Limits::default()) {
            let sent = pb::NewEvent::decode(&body[..]).unwrap();
            prop_assert_eq!(&sent.id, &id.to_string());
            prop_assert_eq!(parts.kind(&body), Ok(sent.r#type.as_str()));
            prop_assert!(parts.tags(&body).eq(sent.tags.iter().map(String::as_str)));
            prop_assert!(EventType::new(&sent.r#type).is_ok());
            prop_assert!(sent.tags.iter().all(|tag| Tag::new(tag).is_ok()));
            prop_assert_eq!(&sent.encode_to_vec()[..], &body[..]);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        let mut entries = Entries::new(&bytes);
        while let Ok(Some(entry)) = entries.next_entry() {
            if let Ok(view) = entry.view() {
                let _ = (Record::from_view(&view), view.tags().count());
            }
        }
    }

    #[test]
    fn a_record_with_a_flipped_bit_is_refused_or_read_as_the_protocol_reads_it(
        event in events(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let placement = Placement {
            stream: "s", revision: Revision(3), position: Position(9), recorded_at: Timestamp::from_micros(1),
        };
        let mut out = BytesMut::new();
        put_entry(&mut out, &body(&event), &place(&placement, &TimeField::new(placement.recorded_at)));
        let at = at.index(out.len());
        out[at] ^= 1_u8 << bit;
        let out = out.freeze();
        let mut entries = Entries::new(&out);
        while let Ok(Some(entry)) = entries.next_entry() {
            // The protocol also refuses an id that is not text, which the store parses only when it is requested.
            if let Ok(view) = entry.view()
                && let Ok(sent) = pb::RecordedEvent::decode(&entry.bytes[entry.record..])
            {
                prop_assert_eq!(view.id().ok(), Uuid::try_parse(&sent.id).ok());
                prop_assert_eq!((view.kind, view.stream), (sent.r#type.as_str(), sent.stream.as_str()));
                prop_assert_eq!((view.data, view.metadata), (&sent.data[..], &sent.metadata[..]));
                prop_assert_eq!((view.revision.0, view.position.0), (sent.revision, sent.position));
                // Tags are consecutive in what the store writes, so it reads none after another field.
                let tags: Vec<&str> = view.tags().collect();
                prop_assert!(tags.len() <= sent.tags.len());
                prop_assert!(tags.iter().zip(&sent.tags).all(|(tag, sent)| tag == sent));
            }
        }
    }
}

#[test]
fn a_body_in_another_encoding_is_not_plain() {
    const ID: &[u8] = b"\x0A\x2400000000-0000-0000-0000-0000000000ab";
    const TYPE: &[u8] = &[0x12, 1, b'T'];
    const DATA: &[u8] = &[0x1A, 1, 7];
    const TAG: &[u8] = &[0x2A, 1, b'a'];
    let is_plain = |fields: &[&[u8]]| plain(&fields.concat(), &Limits::default()).is_some();
    assert!(is_plain(&[ID, TYPE]));
    assert!(is_plain(&[
        ID,
        TYPE,
        DATA,
        &[0x22, 1, 7],
        TAG,
        &[0x2A, 1, b'b'],
        &[0x32, 3, b'a', b'/', b'b']
    ]));
    let upper = ID.to_ascii_uppercase();
    let tags = |count| {
        (0..count)
            .flat_map(|n| [0x2A, 2, b'a', b'A' + n])
            .collect::<Vec<u8>>()
    };
    assert!(is_plain(&[ID, TYPE, &tags(32)]));
    let many_tags = tags(33);
    let others: [(&str, &[&[u8]]); 18] = [
        ("nothing", &[]),
        ("no id", &[TYPE]),
        ("an empty id", &[&[0x0A, 0], TYPE]),
        ("an id that is no UUID", &[&[0x0A, 1, b'1'], TYPE]),
        ("an id in upper case", &[&upper, TYPE]),
        ("no type", &[ID, DATA]),
        ("the type before the id", &[TYPE, ID]),
        ("two types", &[ID, TYPE, TYPE]),
        ("a type that is not UTF-8", &[ID, &[0x12, 1, 0xFF]]),
        ("a type with a control character", &[ID, &[0x12, 1, 0x0A]]),
        ("empty data", &[ID, TYPE, &[0x1A, 0]]),
        ("data after a tag", &[ID, TYPE, TAG, DATA]),
        (
            "a length in two bytes that needs one",
            &[ID, TYPE, &[0x1A, 0x81, 0x00, 7]],
        ),
        ("a number in the place of data", &[ID, TYPE, &[0x18, 7]]),
        ("the same tag twice", &[ID, TYPE, TAG, TAG]),
        ("more tags than an event can have", &[ID, TYPE, &many_tags]),
        ("an unknown field", &[ID, TYPE, &[0xA0, 0x01, 7]]),
        ("a field that is cut short", &[ID, TYPE, &[0x1A, 2, 7]]),
    ];
    for (reason, fields) in others {
        assert!(!is_plain(fields), "{reason}");
    }
}
