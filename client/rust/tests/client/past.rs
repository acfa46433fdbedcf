//! Reads of the past, and snapshots.

use annals_client::{Client, Direction, RetryPolicy, Revision, Timestamp};
use tonic::Code;

use crate::fake::{Fake, refusal};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Starts a fake whose log had as many events as seconds had passed since 1970.
async fn filled() -> (Fake, Client) {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 20);
    let retry = RetryPolicy::default();
    let client = Client::builder()
        .endpoint(fake.endpoint())
        .retry(retry)
        .build()
        .unwrap();
    (fake, client)
}

#[tokio::test]
async fn reads_of_the_past_that_break_are_resumed_and_end_where_they_would_have_ended() {
    let (fake, client) = filled().await;
    // Each call ends after one message.
    fake.state.lock().unwrap().read_messages_max = Some(1);
    for direction in [Direction::Forwards, Direction::Backwards] {
        let log = || client.read_all().direction(direction);
        let stream = || client.read_stream("a").direction(direction);
        let reads = [
            (log().until_time(at(10)).into_future(), 1..=10),
            (log().until_position(10).into_future(), 1..=10),
            (stream().until_time(at(10)).into_future(), 1..=10),
            (stream().until_revision(9).into_future(), 1..=10),
            (log().until_time(at(1_000_000)).into_future(), 1..=20),
        ];
        for (read, wanted) in reads {
            let mut events = read.await.unwrap();
            assert_eq!(events.head(), 20, "the head is the current one");
            // None of the reads returns an event that is appended now.
            fake.fill("a", "Placed", 1);
            let mut positions = Vec::new();
            while let Some(event) = events.next().await {
                positions.push(event.unwrap().position);
            }
            fake.forget_last();
            if direction == Direction::Backwards {
                positions.reverse();
            }
            assert_eq!(positions, wanted.collect::<Vec<_>>(), "{direction:?}");
        }
    }
}

#[tokio::test]
async fn times_are_told_as_the_protocol_has_them() {
    let (fake, client) = filled().await;
    assert_eq!(client.position_at_time(at(7)).await.unwrap(), 7);
    fake.refuse_next(refusal(Code::Unavailable, "SHUTTING_DOWN"));
    assert_eq!(client.position_at_time(at(8)).await.unwrap(), 8, "retried");
    let before_1970 = Timestamp::from_microsecond(-1).unwrap();
    assert_eq!(client.position_at_time(before_1970).await.unwrap(), 0);
}

#[tokio::test]
async fn a_snapshot_comes_back_as_it_was_saved_although_the_first_try_failed() {
    let (fake, client) = filled().await;
    fake.refuse_next(refusal(Code::Unavailable, "SHUTTING_DOWN"));
    let state = serde_json::json!({ "total": 42 });
    let save = client.save_snapshot("a", 9, state.to_string());
    save.schema_version(2).keep(1).await.unwrap();
    fake.refuse_next(refusal(Code::Unavailable, "SHUTTING_DOWN"));
    let loaded = client
        .load_snapshot("a")
        .schema_version(2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (loaded.stream.as_str(), loaded.revision, loaded.schema_version),
        ("a", Revision(9), 2)
    );
    assert_eq!(loaded.json::<serde_json::Value>().unwrap(), state);
}
