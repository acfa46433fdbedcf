//! Appends over gRPC: where they are stored, what they keep, and how they are refused.

use annals_client::{Client, Event, ExpectedRevision as Expected, Position, Revision, Uuid};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Refusal, Server, sample::event},
    on_every_engine,
};
use tonic::Code;

on_every_engine!(
    an_append_stands_where_its_answer_says,
    conflicts_have_their_code_reason_and_typed_detail,
    an_event_keeps_everything_it_was_given,
    ids_are_made_for_events_that_have_none,
    appends_at_the_limits_are_taken,
    recorded_times_never_go_backwards,
);

async fn an_append_stands_where_its_answer_says(server: Server) {
    let client = server.client();
    let _ = client.append("other", Expected::Any, [event("A")]).await.unwrap();
    let first = client
        .append("order-1", Expected::NoStream, [event("A"), event("B")])
        .await
        .unwrap();
    assert_eq!(
        (first.first_revision, first.last_revision),
        (Revision(0), Revision(1))
    );
    assert_eq!(
        (first.first_position, first.last_position),
        (Position(2), Position(3))
    );
    assert!(!first.already_appended);
    let second = client
        .append("order-1", Expected::Exactly(Revision(1)), [event("C")])
        .await
        .unwrap();
    assert_eq!(
        (second.first_revision, second.last_position),
        (Revision(2), Position(4))
    );
    let kinds: Vec<String> = read(&client, "order-1")
        .await
        .into_iter()
        .map(|event| event.event_type)
        .collect();
    assert_eq!(kinds, ["A", "B", "C"]);
}

async fn read(client: &Client, stream: &str) -> Vec<annals_client::RecordedEvent> {
    client.read_stream(stream).await.unwrap().collect().await.unwrap()
}

async fn conflicts_have_their_code_reason_and_typed_detail(server: Server) {
    let (client, mut stub) = (server.client(), server.stub());
    let first = event("T");
    client
        .append("order-1", Expected::Any, [first.clone()])
        .await
        .unwrap();
    let request = |stream: &str, expected, event: &Event| pb::AppendToStreamRequest {
        stream: stream.to_owned(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(expected),
        }),
        events: vec![event.clone().into()],
        recorded_at: None,
    };
    use pb::expected_revision::Expected as Wire;
    let cases = [
        ("order-1", Wire::Revision(7), Some(0)),
        ("order-1", Wire::NoStream(()), Some(0)),
        ("order-2", Wire::StreamExists(()), None),
    ];
    for (stream, expected, actual) in cases {
        let refusal = Refusal::of(
            stub.append_to_stream(request(stream, expected, &event("T")))
                .await,
        )
        .expect(Code::Aborted, "REVISION_CONFLICT");
        let detail: pb::RevisionConflict = refusal.detail("annals.v1.RevisionConflict");
        assert_eq!(
            detail,
            pb::RevisionConflict {
                stream: stream.to_owned(),
                expected: Some(pb::ExpectedRevision {
                    expected: Some(expected),
                }),
                actual_revision: actual,
            }
        );
        assert!(refusal.message.contains(stream), "{}", refusal.message);
    }
    let refusal = Refusal::of(
        stub.append_to_stream(request("order-2", Wire::Any(()), &first))
            .await,
    )
    .expect(Code::Aborted, "EVENT_ID_CONFLICT");
    let detail: pb::EventIdConflict = refusal.detail("annals.v1.EventIdConflict");
    let standing = pb::EventIdConflict {
        id: first.id.to_string(),
        stream: "order-1".to_owned(),
        revision: Some(0),
        position: 1,
    };
    assert_eq!(detail, standing);
}

async fn an_event_keeps_everything_it_was_given(server: Server) {
    let client = server.client();
    let mut sent = Event::new("Größe \u{1f4e6}", vec![0, 1, 254, 255]).with_metadata(vec![255, 0]);
    // The order of tags is kept as well.
    sent.tags = vec!["z:1".to_owned(), "a b".to_owned(), "é".to_owned()];
    let bare = Event::new("T", Vec::new()).with_id(Uuid::nil());
    let stream = "a stream/with:anything \u{fe0f}";
    let appended = client
        .append(stream, Expected::Any, [sent.clone(), bare.clone()])
        .await
        .unwrap();
    let events = read(&client, stream).await;
    assert_eq!(events.len(), 2);
    for (n, (event, sent)) in events.iter().zip([&sent, &bare]).enumerate() {
        assert_eq!(
            (event.id, &event.event_type, &event.data),
            (sent.id, &sent.event_type, &sent.data)
        );
        assert_eq!((&event.metadata, &event.tags), (&sent.metadata, &sent.tags));
        assert_eq!(
            (event.stream.as_str(), event.revision),
            (stream, Revision(n as u64))
        );
        assert_eq!(
            (event.position, event.recorded_at),
            (Position(n as u64 + 1), appended.recorded_at)
        );
    }
}

async fn ids_are_made_for_events_that_have_none(server: Server) {
    let mut stub = server.stub();
    let new = |id: &str| pb::NewEvent {
        id: id.to_owned(),
        r#type: "T".to_owned(),
        ..Default::default()
    };
    let given = "0190A3C2-7D5E-7B3A-9C1F-2E4D6F8A0B1C";
    for _ in 0..2 {
        let request = pb::AppendToStreamRequest {
            stream: "order-1".to_owned(),
            expected: None,
            events: vec![new(""), new("")],
            recorded_at: None,
        };
        stub.append_to_stream(request).await.unwrap();
    }
    let request = pb::AppendToStreamRequest {
        stream: "order-1".to_owned(),
        expected: None,
        events: vec![new(given)],
        recorded_at: None,
    };
    stub.append_to_stream(request).await.unwrap();
    let events = read(&server.client(), "order-1").await;
    let ids: std::collections::HashSet<Uuid> = events.iter().map(|event| event.id).collect();
    assert_eq!((events.len(), ids.len()), (5, 5));
    assert!(events[..4].iter().all(|event| event.id.get_version_num() == 7));
    assert_eq!(events[4].id.to_string(), given.to_lowercase());
}

async fn appends_at_the_limits_are_taken(server: Server) {
    let client = server.client();
    let limits = client.server_info().await.unwrap().limits;
    let largest = Event::new("T", vec![7; limits.max_event_bytes as usize]).with_metadata(vec![
        8;
        limits.max_metadata_bytes
            as usize
    ]);
    let mut named = Event::new("t".repeat(limits.max_event_type_bytes as usize), "x");
    for n in 0..limits.max_tags as usize {
        named
            .tags
            .push(format!("{n:03}{}", "g".repeat(limits.max_tag_bytes as usize - 3)));
    }
    let stream = "s".repeat(limits.max_stream_name_bytes as usize);
    let events = vec![
        largest.clone(),
        named.clone(),
        largest.clone().with_id(Uuid::now_v7()),
    ];
    client.append(&stream, Expected::NoStream, events).await.unwrap();
    let many: Vec<Event> = (0..limits.max_append_events)
        .map(|_| Event::new("T", "{}"))
        .collect();
    let appended = client
        .append("many", Expected::NoStream, many.clone())
        .await
        .unwrap();
    assert_eq!(appended.last_revision, u64::from(limits.max_append_events) - 1);

    let events = read(&client, &stream).await;
    assert_eq!(
        (&events[0].data, &events[0].metadata),
        (&largest.data, &largest.metadata)
    );
    assert_eq!(
        (&events[1].event_type, &events[1].tags),
        (&named.event_type, &named.tags)
    );
    let ids: Vec<Uuid> = read(&client, "many").await.iter().map(|event| event.id).collect();
    assert!(ids.iter().eq(many.iter().map(|event| &event.id)));
    // A repeated append is compared in full.
    let again = client.append("many", Expected::NoStream, many).await.unwrap();
    assert!(again.already_appended);
}

async fn recorded_times_never_go_backwards(server: Server) {
    let client = server.client();
    let streams = (0..8).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                client
                    .append(format!("s-{n}"), Expected::Any, [event("T"), event("T")])
                    .await
                    .unwrap();
            }
        })
    });
    for appending in streams.collect::<Vec<_>>() {
        appending.await.unwrap();
    }
    let events = client.read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(events.len(), 8 * 20 * 2);
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
    assert!(events.iter().map(|event| event.position).eq(1..=320));
}
