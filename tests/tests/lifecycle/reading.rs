//! Removed events are visible to no read and no new subscription, and the log's events about them are visible to all.

use std::time::Duration;

use annals_client::{
    Error, ExpectedRevision as Expected, Position, QueryItem, Retention, Revision, SubscriptionItem,
};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Server, next_event, until_caught_up, within_patience},
    on_every_engine,
};

use super::{append, listed, log, read};

on_every_engine!(
    what_is_gone_is_in_no_query_and_no_direction,
    a_subscription_that_begins_later_does_not_see_it,
    a_subscription_that_was_there_sees_what_happens,
    a_subscription_to_a_stream_ends_with_its_tombstone,
    what_was_set_is_read_by_all_and_written_by_nobody,
);

async fn what_is_gone_is_in_no_query_and_no_direction(server: Server) {
    let client = server.client();
    for n in 0..6 {
        append(&client, &format!("order-{}", n % 2), &["Placed", "Paid"]).await;
    }
    client.delete_stream("order-0", Expected::Any).await.unwrap();
    client
        .set_retention("order-1", Retention::new().truncate_before(3))
        .await
        .unwrap();
    // Of order-1, at 3 and 4, 7 and 8, 11 and 12, the last three.
    let queries = [
        (QueryItem::new().of_type("Placed"), vec![11]),
        (QueryItem::new().of_type("Paid"), vec![8, 12]),
        (QueryItem::new().in_stream_prefix("order-"), vec![8, 11, 12]),
        (QueryItem::new().in_stream_prefix("order-0"), vec![]),
    ];
    for (query, mut positions) in queries {
        let found = client
            .read_all()
            .query(query.clone())
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        let found: Vec<u64> = found.iter().map(|event| event.position.0).collect();
        assert_eq!(found, positions, "{query:?}");
        positions.reverse();
        let backwards = client.read_all().backwards().query(query.clone()).await.unwrap();
        let found: Vec<u64> = backwards
            .collect()
            .await
            .unwrap()
            .iter()
            .map(|event| event.position.0)
            .collect();
        assert_eq!(found, positions, "backwards {query:?}");
    }
    assert_eq!(
        log(&client).await,
        ["Paid", "Placed", "Paid", "$stream-deleted", "$retention-set"]
    );
    let newest = client
        .read_all()
        .backwards()
        .limit(4)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let newest: Vec<u64> = newest.iter().map(|event| event.position.0).collect();
    assert_eq!(newest, [14, 13, 12, 11]);
}

async fn a_subscription_that_begins_later_does_not_see_it(server: Server) {
    let client = server.client();
    append(&client, "order-0", &["A", "B", "C"]).await;
    append(&client, "order-1", &["D"]).await;
    client.delete_stream("order-0", Expected::Any).await.unwrap();
    let mut all = client.subscribe_all().await.unwrap();
    assert_eq!(until_caught_up(&mut all).await, (vec![4, 5], 5));
    let mut one = client.subscribe_stream("order-0").await.unwrap();
    assert_eq!(until_caught_up(&mut one).await, (vec![], 5));
    // After the last event that a client saw before it was deleted.
    let mut resumed = client
        .subscribe_stream("order-0")
        .after_revision(2)
        .await
        .unwrap();
    assert_eq!(until_caught_up(&mut resumed).await, (vec![], 5));
    append(&client, "order-0", &["E"]).await;
    for subscription in [&mut all, &mut one, &mut resumed] {
        let event = next_event(subscription).await;
        assert_eq!(
            (event.position, event.revision, event.event_type.as_str()),
            (Position(6), Revision(3), "E")
        );
    }
}

async fn a_subscription_that_was_there_sees_what_happens(server: Server) {
    let client = server.client();
    append(&client, "order-0", &["A"]).await;
    let mut all = client.subscribe_all().await.unwrap();
    until_caught_up(&mut all).await;
    client
        .set_retention("order-0", Retention::new().max_count(1))
        .await
        .unwrap();
    append(&client, "order-0", &["B"]).await;
    client.delete_stream("order-0", Expected::Any).await.unwrap();
    client.tombstone_stream("order-0", Expected::Any).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = next_event(&mut all).await;
        seen.push((event.position.0, event.stream, event.event_type));
    }
    let own = || "$$order-0".to_owned();
    let expected = [
        (2, own(), "$retention-set".to_owned()),
        (3, "order-0".to_owned(), "B".to_owned()),
        (4, own(), "$stream-deleted".to_owned()),
        (5, own(), "$stream-tombstoned".to_owned()),
    ];
    assert_eq!(seen, expected);
}

/// Both a subscription that waits for events and one that starts afterwards.
async fn a_subscription_to_a_stream_ends_with_its_tombstone(server: Server) {
    let client = server.client();
    append(&client, "order-0", &["A"]).await;
    let mut subscription = client.subscribe_stream("order-0").await.unwrap();
    assert_eq!(until_caught_up(&mut subscription).await, (vec![1], 1));
    let rest = tokio::spawn(async move {
        let mut kinds = Vec::new();
        loop {
            match subscription.next().await {
                Some(Ok(SubscriptionItem::Event(event))) => kinds.push(event.event_type),
                Some(Ok(_)) => {}
                Some(Err(error)) => return (kinds, error, subscription.next().await.is_none()),
                None => panic!("it ended without an error"),
            }
        }
    });
    // A deleted stream may be written to again.
    client.delete_stream("order-0", Expected::Any).await.unwrap();
    append(&client, "order-0", &["B"]).await;
    client.tombstone_stream("order-0", Expected::Any).await.unwrap();
    let (kinds, error, ended) = within_patience("the end", rest).await.unwrap();
    assert!(
        matches!(&error, Error::StreamTombstoned { stream } if stream == "order-0"),
        "{error:?}"
    );
    assert_eq!((kinds, ended), (vec!["B".to_owned()], true));
}

async fn what_was_set_is_read_by_all_and_written_by_nobody(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    append(&client, "order-0", &["A", "B"]).await;
    append(&client, "zebra", &["Z"]).await;
    client
        .set_retention(
            "order-0",
            Retention::new().max_count(7).max_age(Duration::from_secs(60)),
        )
        .await
        .unwrap();
    client.delete_stream("order-0", Expected::Any).await.unwrap();
    // The last one contains the whole setting; the one it replaces is removed.
    let told = read(&client, "$$order-0").await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].event_type.as_str(), told[0].revision, told[0].position),
        ("$stream-deleted", Revision(1), Position(5))
    );
    let data = r#"{"max_count":7,"max_age_seconds":60,"truncate_before":2,"deleted_before":2}"#;
    assert_eq!(told[0].data, data);
    let query = QueryItem::new().of_type("$stream-deleted");
    let found = client
        .read_all()
        .query(query)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(found, told);
    assert_eq!(listed(&client, "").await, ["zebra"]);
    assert_eq!(listed(&client, "$").await, ["$$order-0"]);
    assert_eq!(listed(&client, "$$order-").await, ["$$order-0"]);
    let request = pb::AppendToStreamRequest {
        stream: "$$order-0".into(),
        expected: None,
        events: vec![annals_client::Event::new("$retention-set", "{}").into()],
        recorded_at: None,
    };
    assert!(stub.append_to_stream(request).await.is_err());
    // Not even by a client that claims to be another server.
    let request = pb::AppendPipelineRequest {
        appends: vec![pb::PipelinedAppend {
            append: Some(pb::pipelined_append::Append::AppendToStream(
                pb::AppendToStreamRequest {
                    stream: "$$order-0".into(),
                    expected: None,
                    events: vec![annals_client::Event::new("T", "{}").into()],
                    recorded_at: None,
                },
            )),
        }],
    };
    let mut session = tonic::Request::new(tokio_stream::iter([request]));
    session
        .metadata_mut()
        .insert("annals-handed-over", "1".parse().unwrap());
    let mut answers = stub.append_pipeline(session).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let refused = answer.results[0].result.as_ref().unwrap();
    assert!(
        matches!(refused, pb::pipelined_result::Result::Error(_)),
        "{refused:?}"
    );
}
