use proptest::prelude::*;

use super::*;
use crate::{Limits, Position, testing::write};

/// Returns the stored events of an append whose streams begin at these revisions.
fn standing(append: &Append, firsts: &[u64]) -> Vec<StoredEvent> {
    let revisions: Vec<_> = firsts.iter().copied().map(Revision).collect();
    append
        .placed(&revisions)
        .zip(100..)
        .map(|(event, position)| StoredEvent {
            id: event.id,
            stream: event.stream.clone(),
            revision: event.revision,
            position: Position(position),
            recorded_at: Timestamp::from_micros(7),
        })
        .collect()
}

fn to_many(parts: &[(&str, &[u128])]) -> Append {
    let writes = parts.iter().map(|(name, ids)| write(name, ids));
    Append::to_many(writes.collect(), Vec::new(), &Limits::default()).unwrap()
}

#[test]
fn it_says_what_the_append_was_told() {
    let append = to_many(&[("a", &[1, 2]), ("b", &[3]), ("a", &[4]), ("c", &[5])]);
    let receipt = Receipt::of(&standing(&append, &[10, 0, 7])).unwrap();
    let appended = receipt.appended(&append).unwrap();
    let revisions: Vec<_> = appended.revisions().map(|r| (r.first.0, r.last.0)).collect();
    assert_eq!(revisions, [(10, 12), (0, 0), (7, 7)]);
    assert_eq!((appended.first_position.0, appended.last_position.0), (100, 104));
    assert_eq!(appended.recorded_at, Timestamp::from_micros(7));
    assert!(appended.already_appended);
}

#[test]
fn it_is_of_one_append_only() {
    let written = to_many(&[("a", &[1, 2]), ("b", &[3])]);
    let receipt = Receipt::of(&standing(&written, &[0, 0])).unwrap();
    assert!(receipt.appended(&written).is_some());
    for (name, other) in [
        ("other ids", to_many(&[("a", &[1, 4]), ("b", &[3])])),
        ("another order", to_many(&[("a", &[2, 1]), ("b", &[3])])),
        ("fewer", to_many(&[("a", &[1, 2])])),
        ("more", to_many(&[("a", &[1, 2]), ("b", &[3, 4])])),
        ("another stream", to_many(&[("a", &[1, 2]), ("c", &[3])])),
        ("all in one stream", to_many(&[("a", &[1, 2, 3])])),
    ] {
        assert_eq!(receipt.appended(&other), None, "{name}");
    }
}

proptest! {
    #[test]
    fn it_comes_back(
        first in 1..u64::MAX,
        events in 1..10_000_u32,
        details in proptest::option::of((any::<u64>(), any::<u128>(), proptest::collection::vec(any::<u64>(), 1..5))),
    ) {
        let details = details.map(|(micros, digest, revisions)| {
            let firsts = revisions.into_iter().map(Revision).collect();
            Details { recorded_at: Timestamp::from_micros(micros), digest: Uuid::from_u128(digest), firsts }
        });
        let receipt = Receipt { request: Request { first: Position(first), events }, details };
        prop_assert_eq!(Receipt::parse(&receipt.to_value()), Ok(receipt));
    }

    #[test]
    fn one_of_any_bytes_is_refused_or_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(receipt) = Receipt::parse(&bytes) {
            prop_assert_eq!(Receipt::parse(&receipt.to_value()), Ok(receipt));
        }
    }
}
