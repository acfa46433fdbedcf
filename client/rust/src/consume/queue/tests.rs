use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::event::RecordedEvent;

fn queued(id: u64, stream: &str, tags: &[&str]) -> Queued {
    let event = RecordedEvent {
        id: Uuid::nil(),
        stream: stream.to_owned(),
        revision: id.into(),
        position: id.into(),
        event_type: "E".to_owned(),
        data: "{}".into(),
        metadata: "".into(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        content_type: "application/json".to_owned(),
        recorded_at: Timestamp::UNIX_EPOCH,
    };
    Queued {
        id,
        delivery: Delivery::new(event, 1),
        since: Instant::now(),
    }
}

fn queue(mode: GroupMode, tag_prefix: &str, deliveries: &[(u64, &str, &[&str])]) -> Queue {
    let mut queue = Queue::default();
    queue.set_order(Order {
        mode,
        tag_prefix: tag_prefix.to_owned(),
    });
    for (id, stream, tags) in deliveries {
        queue.push(queued(*id, stream, tags));
    }
    queue
}

fn started(queue: &mut Queue) -> Vec<u64> {
    std::iter::from_fn(|| queue.start())
        .map(|queued| queued.id)
        .collect()
}

const THREE: [(u64, &str, &[&str]); 3] = [
    (1, "a", &["of:x"]),
    (2, "a", &["of:y"]),
    (3, "b", &["to:y", "of:x"]),
];

#[test]
fn deliveries_of_one_key_are_started_one_after_the_other() {
    let cases: [(GroupMode, &str, &[u64]); 4] = [
        (GroupMode::Ordered, "", &[1, 3]),
        (GroupMode::Ordered, "of:", &[1, 2]),
        (GroupMode::Unordered, "", &[1, 2, 3]),
        (GroupMode::Exclusive, "", &[1]),
    ];
    for (mode, prefix, first) in cases {
        let mut queue = queue(mode, prefix, &THREE);
        assert_eq!(started(&mut queue), first, "{mode:?} {prefix:?}");
        let mut seen = first.to_vec();
        while let Some(id) = seen.iter().copied().find(|id| queue.keys.contains_key(id)) {
            queue.ended(id, false);
            seen.extend(started(&mut queue));
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3], "{mode:?} {prefix:?}");
        assert!(queue.lanes.is_empty() && queue.keys.is_empty(), "nothing is kept");
    }
}

#[test]
fn a_nacked_delivery_holds_back_its_key_until_the_server_has_answered() {
    let mut queue = queue(GroupMode::Ordered, "", &THREE);
    assert_eq!(started(&mut queue), [1, 3]);
    queue.ended(1, true);
    // It was sent before the server knew of the nack.
    queue.push(queued(4, "a", &[]));
    assert!(started(&mut queue).is_empty());
    for id in [1, 2, 4] {
        assert_eq!(queue.withdraw(id), Withdrawn::Other);
    }
    queue.push(queued(5, "a", &[]));
    assert_eq!(started(&mut queue), [5]);
}

#[test]
fn a_withdrawn_delivery_that_runs_holds_back_its_key_until_it_has_ended() {
    let mut queue = queue(GroupMode::Ordered, "", &THREE);
    assert_eq!(started(&mut queue), [1, 3]);
    assert_eq!(queue.withdraw(1), Withdrawn::Running);
    assert_eq!(queue.withdraw(2), Withdrawn::Other);
    queue.push(queued(4, "a", &[]));
    assert!(started(&mut queue).is_empty());
    queue.ended(1, false);
    assert_eq!(started(&mut queue), [4]);
    assert_eq!(queue.withdraw(77), Withdrawn::Other, "of what is not known");
}

#[test]
fn what_waits_is_extended_and_what_runs_is_not() {
    let mut queue = queue(GroupMode::Ordered, "", &THREE);
    assert_eq!(started(&mut queue), [1, 3]);
    assert_eq!(queue.extend(Instant::now()), [2]);
}
