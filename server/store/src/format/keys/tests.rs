use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NAME: &str = "[^\\x00-\\x1f\\x7f-\\x9f$][^\\x00-\\x1f\\x7f-\\x9f]{0,20}";

proptest! {
    #[test]
    fn numbers_sort_as_keys_do(a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(a.cmp(&b), frame(Position(a), 0).cmp(&frame(Position(b), 0)));
        prop_assert_eq!(a.cmp(&b), stream("s", Revision(a)).cmp(&stream("s", Revision(b))));
        prop_assert_eq!(a.cmp(&b), minute(a).cmp(&minute(b)));
        prop_assert_eq!(parse_number(&stream("s", Revision(a))), Some(a));
    }

    #[test]
    fn names_sort_as_their_bytes_do(a in NAME, b in NAME) {
        prop_assert_eq!(a.as_bytes().cmp(b.as_bytes()), name(&a).cmp(&name(&b)));
    }

    #[test]
    fn entries_of_a_stream_are_its_own(a in NAME, b in NAME, revision in any::<u64>()) {
        let range = stream_entries(&a);
        let inside = |key: Bytes| range.start <= key && key < range.end;
        prop_assert!(inside(stream(&a, Revision(revision))));
        prop_assert_eq!(inside(stream(&b, Revision(revision))), a == b);
    }

    #[test]
    fn snapshots_of_a_stream_are_its_own_and_sort_by_revision_and_form(
        a in NAME, b in NAME, revisions in any::<(u64, u64)>(), forms in any::<(u32, u32)>(), chunk in any::<u16>(),
    ) {
        let (one, other) = ((Revision(revisions.0), forms.0), (Revision(revisions.1), forms.1));
        let key = snapshot(&a, one.0, one.1);
        prop_assert_eq!(one.cmp(&other), key.cmp(&snapshot(&a, other.0, other.1)));
        prop_assert_eq!(parse_snapshot(&key), Some(one));
        let range = snapshots(&a);
        let inside = |key: &Bytes| range.start <= *key && *key < range.end;
        prop_assert!(inside(&key) && !inside(&snapshots_changed(&a)));
        prop_assert_eq!(inside(&snapshot(&b, one.0, one.1)), a == b);
        let range = snapshot_chunks(&a, one.0, one.1);
        let chunk = snapshot_data(&b, other.0, other.1, chunk);
        prop_assert_eq!(range.start <= chunk && chunk < range.end, a == b && one == other);
    }

    #[test]
    fn a_listing_holds_the_names_with_the_prefix_behind_the_last_one(
        prefix in "[a-c]{0,2}", after in "[a-c]{1,4}", n in "[a-c]{1,4}",
    ) {
        let all = names(&prefix, None);
        prop_assert_eq!(all.start <= name(&n) && name(&n) < all.end, n.starts_with(&prefix));
        let rest = names(&prefix, Some(&after));
        prop_assert_eq!(rest.start <= name(&n) && name(&n) < rest.end, n.starts_with(&prefix) && n > after);
    }

    #[test]
    fn a_frame_key_comes_apart(position in any::<u64>(), chunk in any::<u16>()) {
        prop_assert_eq!(parse_frame(&frame(Position(position), chunk)), Some((Position(position), chunk)));
    }

    #[test]
    fn a_key_of_any_bytes_is_refused_or_encodes_back(
        space in proptest::sample::select(b"fnrlp\0".to_vec()), rest in proptest::collection::vec(any::<u8>(), 6..20),
    ) {
        let key = Bytes::from([&[space][..], &rest].concat());
        if let Some((last, chunk)) = parse_frame(&key) {
            prop_assert_eq!(frame(last, chunk), &key);
        }
        if let Some(stream) = parse_name(&key) {
            prop_assert_eq!(name(stream), &key);
        }
        if let Some(id) = parse_request(&key) {
            prop_assert_eq!(request(id), &key);
        }
        if let Some(stream) = parse_lifecycle(&key) {
            let mut encoded = BytesMut::new();
            put_lifecycle(&mut encoded, stream);
            prop_assert_eq!(encoded, &key);
        }
        // These parse only the end of a key, whose beginning is known where they are used.
        if let Some(number) = parse_number(&key) {
            prop_assert!(key.ends_with(&number.to_be_bytes()));
        }
        if let Some((revision, version)) = parse_snapshot(&key) {
            prop_assert!(key.ends_with(&[&revision.0.to_be_bytes()[..], &version.to_be_bytes()].concat()));
        }
    }
}

#[test]
fn no_two_kinds_of_key_share_a_space() {
    let position = Position(1);
    let keys = [
        meta(),
        head(),
        indexed(),
        frame(position, 0),
        name("x"),
        stream("x", Revision(0)),
        list_entry(&ListName::Type("x".to_owned()), 1),
        list_entry(&ListName::Tag("x".to_owned()), 1),
        request(Uuid::nil()),
        snapshot("x", Revision(0), 0),
        snapshot_data("x", Revision(0), 0, 0),
        minute(1),
    ];
    let spaces: std::collections::HashSet<u8> = keys.iter().map(|key| key[0]).collect();
    assert_eq!(spaces.len(), keys.len());
}
