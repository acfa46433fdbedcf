use bytes::{BufMut, Bytes, BytesMut};

use super::*;

/// Encodes a head as `annals_store` does (`head.rs`).
fn head(position: u64) -> Bytes {
    let mut value = BytesMut::new();
    value.put_u8(1);
    value.put_u64(position);
    value.put_u64(7);
    value.put_u64(1_700_000_000_000_000);
    value.put_slice(b"127.0.0.1:2113");
    value.freeze()
}

fn loss(left: Option<u64>, durable: Option<u64>) -> Loss {
    Loss {
        found: "the log ends".to_owned(),
        last_left: 12,
        last_durable: Some(20),
        head_left: left.map(head),
        head_durable: durable.map(head),
        can_be_accepted: true,
    }
}

#[test]
fn the_range_that_is_missing_is_named() {
    let unknown = Loss {
        last_durable: None,
        ..loss(Some(23), Some(23))
    };
    let cases = [
        (loss(Some(23), Some(40)), "events 24 to 40 are missing"),
        (loss(Some(39), Some(40)), "event 40 is missing"),
        (loss(None, Some(40)), "events 1 to 40 are missing"),
        (loss(Some(40), Some(40)), "no event is missing"),
        (loss(Some(23), None), "events after 23 may be missing"),
        (unknown, "events after 23 may be missing"),
    ];
    for (loss, expected) in cases {
        let told = explain(Path::new("/data"), &loss, None);
        assert!(told.contains(expected), "{told}");
        assert!(
            told.contains("Restore a backup") && told.contains("/data"),
            "{told}"
        );
        let left = left(&loss).unwrap().0;
        assert!(
            told.contains(&format!("--accept-lost-events-after {left}.")),
            "{told}"
        );
    }
}

#[test]
fn a_loss_is_accepted_only_by_the_event_after_which_it_begins() {
    let lost = loss(Some(23), Some(40));
    for (after, accepted) in [
        (None, false),
        (Some(23), true),
        (Some(22), false),
        (Some(40), false),
    ] {
        assert_eq!(is_accepted(&lost, after), accepted, "{after:?}");
    }
    assert!(is_accepted(&loss(None, Some(40)), Some(0)));
    let told = explain(Path::new("/data"), &lost, Some(22));
    assert!(told.contains("is 22, but the last event left is 23"), "{told}");
}

#[test]
fn a_loss_that_cannot_be_accepted_leaves_the_backup() {
    let lost = Loss {
        can_be_accepted: false,
        ..loss(Some(23), Some(40))
    };
    assert!(!is_accepted(&lost, Some(23)));
    let told = explain(Path::new("/data"), &lost, None);
    assert!(!told.contains("--accept-lost-events-after"), "{told}");
    assert!(told.contains("events 24 to 40 are missing"), "{told}");
}
