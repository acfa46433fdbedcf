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
    fn damaged_entries_are_refused_or_read_but_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = postings::decode(&bytes);
        let _ = entry::parse_name(&bytes);
        let _ = entry::parse_request(&bytes);
        let _ = entry::parse_indexed(Some(&bytes));
        let value = bytes.clone().into();
        let _ = Postings::parse_stream(&Entry { key: bytes.into(), value });
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
