//! The judge finds each kind of violation, and nothing else.

use super::*;

fn event(position: u64, stream: &str, revision: u64) -> GroupEvent {
    GroupEvent {
        position,
        stream: stream.to_owned(),
        revision,
    }
}

fn delivered(session: Session, event: GroupEvent) -> Happened {
    Happened::Delivered {
        session,
        event,
        attempt: 1,
    }
}

fn settled(session: Session, position: u64, how: Settled) -> Happened {
    Happened::Settled {
        session,
        position,
        how,
    }
}

fn judged(happened: Vec<Happened>) -> Vec<GroupViolation> {
    let times = (0..).map(|n| Duration::from_millis(n * 10));
    let history = GroupHistory {
        happened: times.zip(happened).collect(),
    };
    let end = GroupEnd {
        events: vec![event(1, "a", 0), event(2, "a", 1), event(3, "b", 0)],
        parked: BTreeSet::from([3]),
        ack_timeout: Duration::from_secs(2),
        is_ordered: true,
    };
    judge(&history, &end)
}

/// Both events of stream a are delivered to a consumer and acked.
fn good() -> Vec<Happened> {
    vec![
        delivered(1, event(1, "a", 0)),
        delivered(1, event(2, "a", 1)),
        settled(1, 1, Settled::Acked),
        settled(1, 2, Settled::Acked),
    ]
}

#[test]
fn a_good_history_is_accepted() {
    assert_eq!(judged(good()), []);
    let with_retry = vec![
        delivered(1, event(1, "a", 0)),
        delivered(1, event(2, "a", 1)),
        settled(1, 1, Settled::Returned),
        Happened::Withdrawn {
            session: 1,
            position: 2,
        },
        delivered(2, event(1, "a", 0)),
        settled(2, 1, Settled::Acked),
        delivered(1, event(2, "a", 1)),
        settled(1, 2, Settled::Skipped),
    ];
    assert_eq!(judged(with_retry), []);
}

#[test]
fn an_event_that_nobody_settled_is_lost() {
    let happened = good()[..3].to_vec();
    assert_eq!(judged(happened), [GroupViolation::Lost(event(2, "a", 1))]);
}

#[test]
fn an_event_before_an_earlier_one_is_out_of_order() {
    let mut happened = vec![
        delivered(1, event(2, "a", 1)),
        Happened::Ended {
            session: 1,
            stored: false,
        },
    ];
    happened.extend(good().into_iter().map(|happened| match happened {
        Happened::Delivered { event, attempt, .. } => Happened::Delivered {
            session: 2,
            event,
            attempt,
        },
        Happened::Settled { position, how, .. } => settled(2, position, how),
        other => other,
    }));
    assert_eq!(
        judged(happened),
        [GroupViolation::OutOfOrder(event(2, "a", 1), 0)]
    );
    let after_retry = vec![
        delivered(1, event(1, "a", 0)),
        settled(1, 1, Settled::Returned),
        // Sent before the server knew; but it must not be processed.
        delivered(1, event(2, "a", 1)),
        settled(1, 2, Settled::Acked),
        delivered(1, event(1, "a", 0)),
        settled(1, 1, Settled::Acked),
    ];
    assert_eq!(
        judged(after_retry),
        [GroupViolation::OutOfOrder(event(2, "a", 1), 0)]
    );
}

#[test]
fn two_consumers_with_events_of_one_stream_are_found() {
    let happened = vec![
        delivered(1, event(1, "a", 0)),
        delivered(2, event(2, "a", 1)),
        settled(1, 1, Settled::Acked),
        settled(2, 2, Settled::Acked),
    ];
    let found = [
        GroupViolation::HeldByTwo(event(2, "a", 1), 1, 2),
        GroupViolation::OutOfOrder(event(2, "a", 1), 0),
    ];
    assert_eq!(judged(happened), found);
}

#[test]
fn a_repetition_needs_a_reason() {
    let again = || delivered(2, event(1, "a", 0));
    let ack = || settled(2, 1, Settled::Acked);
    let mut happened = good();
    happened.extend([again(), ack()]);
    assert_eq!(judged(happened), [GroupViolation::Repeated(event(1, "a", 0))]);
    let mut happened = good();
    happened.extend([Happened::Fault, again(), ack()]);
    assert_eq!(judged(happened), []);
    let mut happened = good();
    happened.extend([
        Happened::Ended {
            session: 1,
            stored: true,
        },
        again(),
        ack(),
    ]);
    assert_eq!(judged(happened), [GroupViolation::Repeated(event(1, "a", 0))]);
    let mut happened = good();
    happened.extend([
        Happened::Ended {
            session: 1,
            stored: false,
        },
        again(),
        ack(),
    ]);
    assert_eq!(judged(happened), []);
}
