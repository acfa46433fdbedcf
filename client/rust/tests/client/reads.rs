//! Reads and listings.

use std::time::Duration;

use annals_client::{Client, Error, Position, Revision};
use tonic::Code;

use crate::fake::{Fake, refusal};

#[tokio::test]
async fn a_read_yields_all_events_over_all_messages_and_tells_the_head() {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 10);
    fake.fill("b", "Placed", 10);
    let client = Client::new(fake.endpoint()).unwrap();
    let mut events = client.read_all().await.unwrap();
    assert_eq!((events.head(), events.last_revision()), (Position(20), None));
    let mut positions = Vec::new();
    while let Some(event) = events.next().await {
        positions.push(event.unwrap().position);
    }
    assert_eq!(positions, (1..=20).collect::<Vec<_>>());
    let events = client.read_stream("b").from_revision(2).limit(5).await.unwrap();
    assert_eq!(events.last_revision(), Some(Revision(9)));
    let revisions: Vec<_> = events
        .collect()
        .await
        .unwrap()
        .into_iter()
        .map(|event| (event.stream, event.revision.0))
        .collect();
    assert_eq!(
        revisions,
        (2..7)
            .map(|revision| ("b".to_owned(), revision))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_read_of_nothing_still_tells_the_head() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    let mut events = client.read_all().await.unwrap();
    assert_eq!(events.head(), 0);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_read_is_tried_again_until_its_first_answer() {
    let fake = Fake::start().await;
    fake.fill("a", "Placed", 5);
    fake.refuse_next(refusal(Code::Unavailable, "SHUTTING_DOWN"));
    fake.refuse_next(refusal(Code::ResourceExhausted, "OVERLOADED"));
    let client = Client::new(fake.endpoint()).unwrap();
    assert_eq!(client.read_all().await.unwrap().collect().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_read_that_is_not_answered_ends_at_its_deadline() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().silent = true;
    let client = Client::new(fake.endpoint())
        .unwrap()
        .with_timeout(Duration::from_millis(50));
    let failed = client.read_all().await.unwrap_err();
    assert!(matches!(failed, Error::DeadlineExceeded { .. }), "{failed:?}");
}

#[tokio::test]
async fn streams_are_listed_over_all_pages() {
    let fake = Fake::start().await;
    for name in ["order-1", "order-2", "order-3", "order-4", "order-5", "user-1"] {
        fake.fill(name, "Made", 1);
    }
    let client = Client::new(fake.endpoint()).unwrap();
    let mut streams = client.list_streams("order-");
    let mut names = Vec::new();
    while let Some(stream) = streams.next().await {
        names.push(stream.unwrap().name);
    }
    assert_eq!(names, ["order-1", "order-2", "order-3", "order-4", "order-5"]);
}

#[tokio::test]
async fn a_stream_without_events_is_not_found() {
    let fake = Fake::start().await;
    fake.fill("a", "Made", 3);
    let client = Client::new(fake.endpoint()).unwrap();
    assert_eq!(client.stream_info("a").await.unwrap().last_revision, 2);
    let failed = client.stream_info("b").await.unwrap_err();
    assert!(
        matches!(&failed, Error::StreamNotFound { stream } if stream == "b"),
        "{failed:?}"
    );
}
