mod busy;
mod changes;
mod model;
mod prefixes;
mod retries;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Lifecycle, Lifecycles, Marked, Retention, entry};
use crate::{
    testing::stream,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

fn keeping(max_count: Option<u64>, max_age_seconds: Option<u64>, truncate_before: u64) -> Retention {
    Retention {
        max_count,
        max_age_seconds,
        truncate_before: Revision(truncate_before),
    }
}

fn set(retention: Retention) -> Lifecycle {
    Lifecycle {
        retention,
        ..Lifecycle::default()
    }
}

#[test]
fn the_first_revision_that_is_kept_follows_from_the_last_one() {
    let tombstoned = set(keeping(None, None, 0)).after_tombstone();
    let table = [
        ("nothing set, no events", Lifecycle::default(), None, 0),
        ("nothing set", Lifecycle::default(), Some(9), 0),
        ("truncated", set(keeping(None, None, 4)), Some(9), 4),
        ("the last three", set(keeping(Some(3), None, 0)), Some(9), 7),
        (
            "the last three of two",
            set(keeping(Some(3), None, 0)),
            Some(1),
            0,
        ),
        ("the last three of none", set(keeping(Some(3), None, 0)), None, 0),
        (
            "count beyond truncation",
            set(keeping(Some(3), None, 4)),
            Some(9),
            7,
        ),
        (
            "truncation beyond count",
            set(keeping(Some(3), None, 9)),
            Some(9),
            9,
        ),
        ("all truncated", set(keeping(None, None, 10)), Some(9), 10),
        (
            "deleted",
            Lifecycle::default().after_deletion(Revision(9)),
            Some(9),
            10,
        ),
        (
            "begun again",
            Lifecycle::default().after_deletion(Revision(9)),
            Some(12),
            10,
        ),
        ("tombstoned", tombstoned, Some(9), 10),
        ("tombstoned without events", tombstoned, None, 0),
        ("the store's own", Lifecycle::keeping_last(), Some(9), 9),
    ];
    for (name, lifecycle, last, floor) in table {
        assert_eq!(lifecycle.floor(last.map(Revision)), Revision(floor), "{name}");
    }
}

#[test]
fn a_stream_is_present_from_the_first_event_after_its_deletion_and_never_with_a_tombstone() {
    let deleted = Lifecycle::default().after_deletion(Revision(4));
    let table = [
        ("nothing set", Lifecycle::default(), Some(0), Some(0)),
        ("no events", Lifecycle::default(), None, None),
        (
            "truncated to nothing",
            set(keeping(None, None, 5)),
            Some(4),
            Some(4),
        ),
        ("deleted", deleted, Some(4), None),
        ("begun again", deleted, Some(5), Some(5)),
        (
            "tombstoned",
            Lifecycle::default().after_tombstone(),
            Some(5),
            None,
        ),
    ];
    for (name, lifecycle, last, present) in table {
        assert_eq!(
            lifecycle.present(last.map(Revision)),
            present.map(Revision),
            "{name}"
        );
    }
}

#[test]
fn an_age_reaches_back_from_now_and_not_beyond_1970() {
    let minute = set(keeping(None, Some(60), 0));
    let since = |lifecycle: Lifecycle, micros| lifecycle.since(Timestamp::from_micros(micros)).micros;
    assert_eq!(since(minute, 100_000_000), 40_000_000);
    assert_eq!(since(minute, 5), 0);
    assert_eq!(since(Lifecycle::default(), 100_000_000), 0);
    assert_eq!(since(set(keeping(None, Some(u64::MAX), 0)), u64::MAX), 0);
}

#[test]
fn what_is_gone_stays_gone_when_more_is_kept() {
    let before = set(keeping(Some(3), Some(60), 2));
    let floor = Revision(7);
    let table = [
        ("the same", keeping(Some(3), Some(60), 0), 2),
        ("fewer", keeping(Some(1), Some(60), 0), 2),
        ("shorter", keeping(Some(3), Some(5), 0), 2),
        ("more", keeping(Some(4), Some(60), 0), 7),
        ("longer", keeping(Some(3), Some(61), 0), 7),
        ("any number", keeping(None, Some(60), 0), 7),
        ("no age limit", keeping(Some(3), None, 0), 7),
        ("everything, and truncated further", keeping(None, None, 8), 8),
        ("less than truncated", keeping(Some(3), Some(60), 1), 2),
        ("truncated", keeping(Some(3), Some(60), 5), 5),
    ];
    for (name, wanted, truncate_before) in table {
        let needed = before.needs_floor(&wanted, None);
        let after = before.with_retention(wanted, if needed { floor } else { Revision::FIRST });
        assert_eq!(
            after.retention.truncate_before,
            Revision(truncate_before),
            "{name}"
        );
        assert_eq!(after.retention.max_count, wanted.max_count, "{name}");
        assert_eq!(after.retention.max_age_seconds, wanted.max_age_seconds, "{name}");
        assert_eq!(needed, after.retention.truncate_before >= floor, "{name}");
    }
}

#[test]
fn deletion_keeps_what_is_set_for_the_events_to_come() {
    let before = set(keeping(Some(3), Some(60), 2));
    let after = before.after_deletion(Revision(9));
    assert_eq!(after.retention, keeping(Some(3), Some(60), 10));
    assert_eq!(after.deleted_before, Revision(10));
}

#[test]
fn what_says_nothing_is_not_written() {
    let all = Lifecycle {
        retention: keeping(Some(10), Some(60), 5),
        removed_before: Timestamp::default(),
        deleted_before: Revision(5),
        tombstoned: true,
    };
    let of_prefix = Lifecycle {
        removed_before: Timestamp::from_micros(9),
        ..set(keeping(None, Some(60), 0))
    };
    let table = [
        (Lifecycle::default(), "{}"),
        (set(keeping(None, None, 7)), r#"{"truncate_before":7}"#),
        (of_prefix, r#"{"max_age_seconds":60,"removed_before_micros":9}"#),
        (
            all,
            r#"{"max_count":10,"max_age_seconds":60,"truncate_before":5,"deleted_before":5,"tombstoned":true}"#,
        ),
    ];
    for (lifecycle, json) in table {
        assert_eq!(lifecycle.to_json(), Bytes::from_static(json.as_bytes()));
        assert_eq!(Lifecycle::from_json(json.as_bytes()), Ok(lifecycle));
    }
}

#[test]
fn a_field_of_an_earlier_version_is_read_and_no_longer_written() {
    let read = Lifecycle::from_json(br#"{"truncate_before":7,"deleted_from":2}"#);
    assert_eq!(read, Ok(set(keeping(None, None, 7))));
}

#[test]
fn what_is_not_understood_is_refused() {
    for json in [
        "",
        "{",
        r#"{"max_count":0}"#,
        r#"{"max_age_seconds":0}"#,
        r#"{"max_count":-1}"#,
        r#"{"kept_until":5}"#,
    ] {
        assert!(Lifecycle::from_json(json.as_bytes()).is_err(), "{json}");
    }
}

fn marked(version: u64, last: Option<u64>) -> Marked {
    Marked {
        lifecycle: Lifecycle::default(),
        version,
        position: Position(version),
        last: last.map(Revision),
    }
}

#[test]
fn names_come_in_order_and_page_by_page() {
    let lifecycles = Lifecycles::default();
    assert!(lifecycles.is_empty());
    let names = ["b", "a", "c"].map(|name| (stream(name), marked(1, None)));
    lifecycles.restart(names.into());
    let page = |after, count| -> Vec<String> {
        let names = lifecycles.names(after, count);
        names.iter().map(StreamName::to_string).collect()
    };
    assert!(!lifecycles.is_empty());
    assert_eq!(page(None, 2), ["a", "b"]);
    assert_eq!(page(Some("b"), 2), ["c"]);
    assert_eq!(page(Some("bb"), 2), ["c"]);
    assert_eq!(page(Some("c"), 2), Vec::<String>::new());
}

#[test]
fn of_the_stores_own_streams_the_last_event_is_kept() {
    let lifecycles = Lifecycles::default();
    lifecycles.restart(vec![(stream("a"), marked(4, None))]);
    let own = lifecycles.get("$$a").unwrap();
    assert_eq!(own.lifecycle.floor(own.last), Revision(3));
    assert_eq!(lifecycles.get("$$b"), None);
}

#[test]
fn a_last_revision_that_was_learned_does_not_go_back() {
    let lifecycles = Lifecycles::default();
    lifecycles.restart(vec![(stream("a"), marked(1, Some(5)))]);
    let since = lifecycles.beginning();
    lifecycles.learn(since, "a", Some(Revision(3)));
    lifecycles.learn(since, "b", Some(Revision(3)));
    assert_eq!(lifecycles.get("a").unwrap().last, Some(Revision(5)));
    assert_eq!(lifecycles.get("b"), None);
}

#[test]
fn a_last_revision_that_was_looked_up_before_events_were_passed_over_is_not_believed() {
    let lifecycles = Lifecycles::default();
    let since = lifecycles.beginning();
    lifecycles.restart(vec![(stream("a"), marked(1, None))]);
    lifecycles.learn(since, "a", Some(Revision(3)));
    assert_eq!(lifecycles.get("a").unwrap().last, None);
    lifecycles.learn(lifecycles.beginning(), "a", Some(Revision(7)));
    assert_eq!(lifecycles.get("a").unwrap().last, Some(Revision(7)));
}

proptest! {
    #[test]
    fn an_entry_of_the_index_comes_back(
        version in any::<u64>(),
        position in any::<u64>(),
        count in proptest::option::of(1..=u64::MAX),
        age in proptest::option::of(1..=u64::MAX),
        truncate_before in any::<u64>(),
        removed_before in any::<u64>(),
        deleted_before in any::<u64>(),
        tombstoned in any::<bool>(),
    ) {
        let lifecycle = Lifecycle {
            retention: keeping(count, age, truncate_before),
            removed_before: Timestamp::from_micros(removed_before),
            deleted_before: Revision(deleted_before),
            tombstoned,
        };
        let marked = Marked { lifecycle, version, position: Position(position), last: None };
        prop_assert_eq!(entry::parse(&entry::value(&marked)).unwrap(), marked);
    }

    #[test]
    fn an_entry_with_a_changed_byte_is_refused_or_comes_back(
        count in proptest::option::of(1..=u64::MAX), deleted_before in any::<u64>(), tombstoned in any::<bool>(),
        at in any::<proptest::sample::Index>(), byte in proptest::sample::select(b"019:,\"{}eu-. \0\xFF".to_vec()),
    ) {
        let lifecycle = Lifecycle {
            retention: keeping(count, None, 0),
            deleted_before: Revision(deleted_before),
            tombstoned,
            ..Lifecycle::default()
        };
        let marked = Marked { lifecycle, version: 1, position: Position(1), last: None };
        let mut bytes = entry::value(&marked).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = entry::parse(&bytes) {
            prop_assert_eq!(entry::parse(&entry::value(&read)).unwrap(), read);
        }
    }
}
