use annals_proto::v1 as pb;

use super::Cursor;
use crate::error::Error;
use crate::subscription::SubscriptionItem;
use crate::subscription::messages::Message;

fn cursor(after: Option<u64>, by_revision: bool) -> Cursor {
    Cursor {
        after,
        told: 0,
        by_revision,
    }
}

fn events(positions: &[u64]) -> Message {
    let event = |position: &u64| pb::RecordedEvent {
        id: uuid::Uuid::nil().to_string(),
        position: *position,
        revision: position - 1,
        recorded_at: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    Message::Events(positions.iter().map(event).collect())
}

fn checkpoint(position: u64, revision: Option<u64>) -> Message {
    Message::Checkpoint(pb::Checkpoint { position, revision })
}

#[test]
fn events_that_follow_are_taken_and_those_that_do_not_are_a_fault_of_the_server() {
    type Case = (Option<u64>, bool, &'static [u64], bool);
    let table: [Case; 10] = [
        (None, false, &[1, 2, 3], true),
        (Some(0), false, &[1, 2, 3], true),
        (Some(4), false, &[5], true),
        (Some(4), false, &[4], false),
        (Some(4), false, &[6, 9], true),
        (Some(4), false, &[9, 9], false),
        (Some(4), false, &[9, 8], false),
        (None, true, &[1, 2], true),
        (Some(0), true, &[2], true),
        (Some(0), true, &[1], false),
    ];
    for (after, by_revision, positions, good) in table {
        let taken = cursor(after, by_revision).take(events(positions));
        match taken {
            Ok(items) => assert!(good && items.len() == positions.len(), "{after:?} {positions:?}"),
            Err(Error::Protocol { .. }) => assert!(!good, "{after:?} {positions:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_log_resumes_after_checkpoints_and_a_stream_after_their_revisions() {
    let mut log = cursor(Some(3), false);
    log.take(checkpoint(10, None)).unwrap();
    assert_eq!(log.after, Some(10));
    let caught_up = pb::CaughtUp {
        position: 12,
        revision: None,
    };
    log.take(Message::CaughtUp(caught_up)).unwrap();
    assert_eq!(log.after, Some(12));
    let mut stream = cursor(Some(3), true);
    stream.take(checkpoint(10, None)).unwrap();
    assert_eq!(stream.after, Some(3));
    stream.take(checkpoint(11, Some(5))).unwrap();
    assert_eq!(stream.after, Some(5));
    stream.take(checkpoint(12, Some(4))).unwrap();
    assert_eq!(stream.after, Some(5));
}

#[test]
fn checkpoints_only_grow() {
    let mut stream = cursor(None, true);
    let mut told = Vec::new();
    for position in [5, 9, 7, 9, 10] {
        told.extend(stream.take(checkpoint(position, None)).unwrap());
    }
    let expected = [5, 9, 10].map(|position| SubscriptionItem::Checkpoint {
        position: position.into(),
        revision: None,
    });
    assert_eq!(told, expected);
}
