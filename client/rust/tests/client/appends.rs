//! Unary appends: which failures are retried, and for how long.

use std::time::Duration;

use annals_client::{
    Append, Client, Error, Event, ExpectedRevision, Position, QueryItem, RetryPolicy, Revision,
    Unavailability,
};
use annals_proto::v1::check::Check;
use tonic::Code;

use crate::fake::{Fake, refusal};
use crate::wire::Wire;

fn event() -> Event {
    Event::json("Placed", &1).unwrap()
}

#[tokio::test]
async fn an_append_says_where_its_events_stand() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    client
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap();
    let appended = client
        .append("b", ExpectedRevision::Any, [event(), event()])
        .await
        .unwrap();
    let stands = (
        appended.first_revision,
        appended.last_revision,
        appended.first_position,
        appended.last_position,
    );
    assert_eq!(stands, (Revision(0), Revision(1), Position(2), Position(3)));
    assert_eq!(appended.recorded_at.to_string(), "2023-11-14T22:13:20.123456Z");
}

#[tokio::test]
async fn every_try_sends_the_same_ids() {
    let fake = Fake::start().await;
    for reason in ["ENGINE_UNAVAILABLE", "SHUTTING_DOWN", "STORAGE_FAILED"] {
        fake.refuse_next(refusal(Code::Unavailable, reason));
    }
    fake.refuse_next(refusal(Code::ResourceExhausted, "OVERLOADED"));
    let client = Client::new(fake.endpoint()).unwrap();
    let events = [event(), event()];
    let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
    client.append("a", ExpectedRevision::Any, events).await.unwrap();
    assert_eq!(fake.state.lock().unwrap().tries, vec![ids; 5]);
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_written_once() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let fake = Fake::start().await;
    let wire = Wire::brittle(fake.address, seed, 20, 400).await;
    let client = Client::new(wire.endpoint()).unwrap();
    for nth in 0..40 {
        let event = event();
        let appended = client.append("a", ExpectedRevision::Any, [event]).await.unwrap();
        assert_eq!(appended.first_revision, nth);
    }
    assert_eq!(fake.log().len(), 40);
    assert!(
        wire.opened() > 3,
        "the wire broke too rarely: {} connections",
        wire.opened()
    );
    assert!(
        fake.state.lock().unwrap().tries.len() > 40,
        "no response was ever lost"
    );
}

#[tokio::test]
async fn a_refusal_that_is_not_passing_is_not_tried_again() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    for status in [
        refusal(Code::Aborted, "REVISION_CONFLICT"),
        refusal(Code::Internal, "INTERNAL"),
    ] {
        fake.refuse_next(status);
        client
            .append("a", ExpectedRevision::Any, [event()])
            .await
            .unwrap_err();
    }
    assert_eq!(fake.state.lock().unwrap().tries.len(), 2);
}

#[tokio::test]
async fn the_deadline_bounds_a_call_that_is_not_answered() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().silent = true;
    let client = Client::new(fake.endpoint())
        .unwrap()
        .with_timeout(Duration::from_millis(100));
    let failed = client
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap_err();
    let Error::DeadlineExceeded { after, .. } = failed else {
        panic!("{failed:?}")
    };
    assert_eq!(after, Duration::from_millis(100));
}

#[tokio::test]
async fn the_deadline_bounds_all_tries_together() {
    let fake = Fake::start().await;
    for _ in 0..10_000 {
        fake.refuse_next(refusal(Code::Unavailable, "ENGINE_UNAVAILABLE"));
    }
    let client = Client::new(fake.endpoint())
        .unwrap()
        .with_timeout(Duration::from_millis(300));
    let failed = client
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap_err();
    // The last error if no further attempt fits; the deadline, with the last error, if it interrupts an attempt.
    let last = match failed {
        Error::DeadlineExceeded { last: Some(last), .. } => *last,
        failed => failed,
    };
    assert!(
        matches!(
            last,
            Error::Unavailable {
                reason: Unavailability::Engine,
                ..
            }
        ),
        "{last:?}"
    );
    let tries = fake.state.lock().unwrap().tries.len();
    assert!(tries <= 20, "{tries} attempts in 300 ms with pauses from 50 ms");
}

#[tokio::test]
async fn the_policy_bounds_the_tries() {
    let fake = Fake::start().await;
    for _ in 0..10 {
        fake.refuse_next(refusal(Code::Unavailable, "ENGINE_UNAVAILABLE"));
    }
    let client = Client::builder()
        .endpoint(fake.endpoint())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    client
        .append("a", ExpectedRevision::Any, [event()])
        .await
        .unwrap_err();
    assert_eq!(fake.state.lock().unwrap().tries.len(), 1);
}

fn all() -> Append {
    Append::new()
        .write("a", [event(), event()])
        .write("b", [event()])
        .expect_stream("c", ExpectedRevision::Exactly(Revision(7)))
        .expect_no_match(QueryItem::new().of_type("Placed").tagged("x"), 17)
}

#[tokio::test]
async fn an_append_to_many_streams_says_what_each_got() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    client
        .append("b", ExpectedRevision::Any, [event()])
        .await
        .unwrap();
    let appended = client.append_to_many(all()).await.unwrap();
    assert_eq!(
        (appended.first_position, appended.last_position),
        (Position(2), Position(4))
    );
    let streams: Vec<_> = appended
        .streams
        .iter()
        .map(|written| {
            (
                written.stream.as_str(),
                written.first_revision.0,
                written.last_revision.0,
            )
        })
        .collect();
    assert_eq!(streams, [("a", 0, 1), ("b", 1, 1)]);
    assert_eq!(appended.stream("b").unwrap().last_revision, 1);
    assert_eq!(appended.stream("c"), None);
    let checks = &fake.state.lock().unwrap().checks[0];
    let Some(Check::Stream(stream)) = &checks[0].check else {
        panic!("{checks:?}")
    };
    assert_eq!(
        (stream.stream.as_str(), stream.expected),
        ("c", Some(ExpectedRevision::Exactly(Revision(7)).into()))
    );
    let Some(Check::NoMatch(no_match)) = &checks[1].check else {
        panic!("{checks:?}")
    };
    let item = &no_match.query.as_ref().unwrap().items[0];
    assert_eq!(
        (no_match.after, item.types.as_slice(), item.tags.as_slice()),
        (17, ["Placed".to_owned()].as_slice(), ["x".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn an_append_to_many_streams_is_sent_again_with_the_same_ids_unless_it_was_refused() {
    let fake = Fake::start().await;
    fake.refuse_next(refusal(Code::Unavailable, "ENGINE_UNAVAILABLE"));
    fake.refuse_next(refusal(Code::Unavailable, "SHUTTING_DOWN"));
    let client = Client::new(fake.endpoint()).unwrap();
    client.append_to_many(all()).await.unwrap();
    {
        let tries = &fake.state.lock().unwrap().tries;
        assert_eq!((tries.len(), tries[0].len()), (3, 3));
        assert!(tries.iter().all(|ids| *ids == tries[0]));
    }
    fake.refuse_next(refusal(Code::Aborted, "CHECKS_FAILED"));
    client.append_to_many(all()).await.unwrap_err();
    assert_eq!(fake.state.lock().unwrap().tries.len(), 4);
}
