use annals_engine::{Entry, limits};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{Assembler, Frame, Mark, chunk_count};
use crate::{
    format::wire,
    model::head::Head,
    values::position::{Position, Timestamp},
};

prop_compose! {
    fn marks()(
        marks in proptest::collection::vec((1..u32::MAX >> 2, any::<bool>(), any::<bool>()), 1..50),
    ) -> Vec<Mark> {
        marks.into_iter().map(|(events, keyed, continued)| Mark { events, keyed, continued }).collect()
    }
}

prop_compose! {
    fn frames()(
        batch in any::<u64>(),
        first in 1..u64::MAX / 2,
        more in 0..10_000_u64,
        marks in marks(),
        body in prop_oneof![0..5_000_usize, 90_000..110_000_usize, 300_000..310_000_usize],
        fill in any::<u8>(),
    ) -> Frame {
        let body = (0..body).map(|n| (n % 251) as u8 ^ fill).collect::<Vec<_>>();
        Frame::new(batch, Position(first), Position(first + more), &marks, &body)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_frame_comes_back_from_its_values_in_either_direction(frame in frames()) {
        let values = frame.to_values();
        for (key, value) in &values {
            prop_assert!(limits::check_key(key).is_ok() && limits::check_value(value).is_ok());
        }
        let forwards: Vec<Entry> =
            values.into_iter().map(|(key, value)| Entry { key, value }).collect();
        prop_assert!(forwards.is_sorted_by(|a, b| a.key < b.key));
        let mut backwards = forwards.clone();
        backwards.reverse();
        for entries in [forwards, backwards] {
            let mut assembler = Assembler::default();
            let mut found = Vec::new();
            for entry in entries {
                found.extend(assembler.push(entry).unwrap());
            }
            prop_assert_eq!(&found, std::slice::from_ref(&frame));
        }
    }

    #[test]
    fn a_frame_that_was_built_where_it_stays_is_the_same(
        events in 1..u32::MAX >> 2, flags in any::<(bool, bool)>(),
        body in proptest::collection::vec(any::<u8>(), 0..6_000),
    ) {
        let mark = Mark { events, keyed: flags.0, continued: flags.1 };
        let place = (7, Position(2), Position(9));
        let frame = Frame::of_one(place, mark, body.len() + 100, |out| out.extend_from_slice(&body));
        prop_assert_eq!(frame, Frame::new(7, Position(2), Position(9), &[mark], &body));
    }

    #[test]
    fn marks_come_back(marks in marks(), body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let frame = Frame::new(1, Position(2), Position(3), &marks, &body);
        prop_assert_eq!(frame.marks().unwrap(), marks);
        let values: Vec<Bytes> = frame.to_values().into_iter().map(|(_, value)| value).collect();
        let frame = Frame::from_values(frame.last, &values).unwrap();
        prop_assert_eq!(&frame.body[..], &body[..]);
        let scavenged = Frame::scavenged(1, Position(2), Position(3), 1, &body);
        prop_assert!(scavenged.marks().unwrap().is_empty());
    }

    #[test]
    fn an_entry_is_found_by_its_position(records in proptest::collection::vec(".{0,40}", 1..40)) {
        let mut body = BytesMut::new();
        records.iter().for_each(|record| wire::put_field_always(&mut body, 1, record.as_bytes()));
        let first = Position(7);
        let last = Position(first.0 + records.len() as u64 - 1);
        let frame = Frame::new(1, first, last, &[], &body);
        let mut entries = frame.entries();
        for position in first.0..=last.0 {
            let walked = entries.next_entry().unwrap().unwrap();
            prop_assert_eq!(frame.entry_at(Position(position)).unwrap().into_bytes(), walked.into_bytes());
        }
        // As in a frame that holds fewer events than its key covers.
        prop_assert!(frame.entry_at(last.next()).is_err());
        prop_assert!(frame.entry_at(Position(u64::MAX)).is_err());
    }

    #[test]
    fn a_missing_chunk_is_noticed(frame in frames()) {
        let mut values: Vec<Bytes> = frame.to_values().into_iter().map(|(_, value)| value).collect();
        values.pop();
        prop_assert!(Frame::from_values(frame.last, &values).is_err());
    }

    #[test]
    fn damaged_values_are_refused_or_read_but_never_panic(
        frame in frames(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut values: Vec<Bytes> = frame.to_values().into_iter().map(|(_, value)| value).collect();
        let mut first = values[0].to_vec();
        let place = at.index(first.len().min(64));
        first[place] = byte;
        first.truncate(cut.index(first.len() + 1));
        let _ = chunk_count(&first);
        values[0] = first.into();
        if let Ok(frame) = Frame::from_values(frame.last, &values) {
            let mut entries = frame.entries();
            while let Ok(Some(_)) = entries.next_entry() {}
        }
    }

    #[test]
    fn a_head_comes_back_and_a_damaged_one_never_panics(
        position in 1..=u64::MAX, batch in any::<u64>(), micros in any::<u64>(), writer in ".{0,40}",
        cut in 0..26_usize,
    ) {
        let head =
            Head { position: Position(position), batch, recorded_at: Timestamp::from_micros(micros), writer };
        let value = head.to_value().unwrap();
        prop_assert_eq!(Head::from_value(Some(&value)).unwrap(), head);
        prop_assert!(Head::from_value(Some(&value[..cut.min(value.len() - 1).min(24)])).is_err());
    }
}

#[test]
fn no_head_is_the_start_of_the_log() {
    assert_eq!(Head::from_value(None).unwrap().position, Position::START);
    assert_eq!(Head::default().to_value(), None);
}
