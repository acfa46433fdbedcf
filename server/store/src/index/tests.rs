use annals_engine::Entry;
use proptest::prelude::*;

use super::{
    entry,
    postings::{self, POSITIONS_MAX, Postings},
};
use crate::{
    format::keys,
    index::{NewStream, Request},
    values::position::{Position, Revision, Timestamp},
};

proptest! {
    #[test]
    fn a_list_comes_back(set in proptest::collection::btree_set(1..u64::MAX, 1..300), first in 0..u64::MAX / 2) {
        let positions: Vec<Position> = set.into_iter().map(Position).collect();
        let value = postings::encode(&positions);
        prop_assert_eq!(&postings::decode(&value).unwrap(), &positions);
        let entry = Entry { key: keys::stream("s", Revision(first)), value };
        let parsed = Postings::parse_stream(&entry).unwrap();
        prop_assert_eq!(parsed.last(), Revision(first + positions.len() as u64 - 1));
        prop_assert_eq!(parsed.events().map(|(_, position)| position).collect::<Vec<_>>(), positions);
    }

    #[test]
    fn a_list_of_any_bytes_is_refused_or_ascends_and_comes_back(
        count in 0..4_u8, rest in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let bytes = [&[count][..], &rest].concat();
        if let Ok(positions) = postings::decode(&bytes) {
            prop_assert_eq!(positions.len(), usize::from(count));
            prop_assert!(positions.is_sorted_by(|a, b| a < b) && positions[0] > Position::START);
            prop_assert_eq!(&postings::decode(&postings::encode(&positions)).unwrap(), &positions);
        }
        let value = bytes.clone().into();
        if let Ok(parsed) = Postings::parse_stream(&Entry { key: bytes.into(), value }) {
            prop_assert_eq!(parsed.last(), Revision(parsed.first.0 + u64::from(count) - 1));
        }
    }

    #[test]
    fn a_small_entry_of_any_bytes_is_refused_or_encodes_back(
        version in 0..3_u8, rest in proptest::collection::vec(any::<u8>(), 7..18),
    ) {
        let bytes = [&[version][..], &rest].concat();
        let mut encoded = Vec::new();
        if let Ok(began) = entry::parse_name(&bytes) {
            entry::put_name(&mut encoded, &began);
            prop_assert_eq!(&encoded, &bytes);
        }
        encoded.clear();
        if let Ok(request) = entry::parse_request(&bytes) {
            entry::put_request(&mut encoded, request);
            prop_assert_eq!(&encoded, &bytes);
        }
        if let Ok(indexed) = entry::parse_indexed(Some(&bytes)) {
            prop_assert_eq!(&entry::position(indexed)[..], &bytes);
        }
    }

    #[test]
    fn small_entries_come_back(first in 1..=u64::MAX, micros in any::<u64>(), events in 1..=u32::MAX) {
        let began = NewStream { first_position: Position(first), created_at: Timestamp::from_micros(micros) };
        let mut value = Vec::new();
        entry::put_name(&mut value, &began);
        prop_assert_eq!(entry::parse_name(&value).unwrap(), began);
        value.clear();
        let request = Request { first: Position(first), events };
        entry::put_request(&mut value, request);
        prop_assert_eq!(entry::parse_request(&value).unwrap(), request);
        let indexed = entry::indexed(Position(first));
        prop_assert_eq!(entry::parse_indexed(indexed.as_deref()).unwrap(), Position(first));
    }
}

#[test]
fn the_longest_list_fits_a_value() {
    let positions: Vec<Position> = (1..=POSITIONS_MAX as u64).map(|n| Position(n << 50)).collect();
    assert!(postings::encode(&positions).len() <= annals_engine::limits::VALUE_BYTES_MAX);
}
