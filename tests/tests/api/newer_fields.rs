//! Fields of events: those that this version of the server does not know are stored and returned, whatever the call;
//! those that only the store assigns are refused. The content type is stored and checked.

use annals_client::{Event, ExpectedRevision as Expected, QueryItem};
use annals_proto::v1::{self as pb, pipelined_append};
use annals_tests::{
    harness::{Engine, Refusal, Server, raw, sample::event},
    on_every_engine,
};
use bytes::Bytes;
use prost::Message;
use tonic::Code;

on_every_engine!(
    fields_of_a_newer_client_are_stored_and_returned,
    fields_that_the_store_assigns_are_refused,
    a_content_type_is_stored_and_checked,
);

/// Field 7 (reserved) with the text "v2", and field 20 with the number 300.
const UNKNOWN: &[u8] = &[0x3A, 2, b'v', b'2', 0xA0, 0x01, 0xAC, 0x02];

/// A response of a read, with its events in their encoding.
#[derive(Clone, PartialEq, Message)]
struct Events {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    events: Vec<Bytes>,
}

/// The encoding of a message in which the first event of type `Newer` has these additional fields.
fn with_fields(message: &impl Message, fields: &[u8]) -> Bytes {
    // A tag of the same length holds the place of the fields: its key and its length take two bytes.
    let bytes = message.encode_to_vec();
    let holder = placeholder(fields);
    let mut encoded = vec![0x2A, holder.len() as u8];
    encoded.extend(holder.as_bytes());
    let at = bytes
        .windows(encoded.len())
        .position(|window| window == encoded)
        .expect("the event has the placeholder");
    [&bytes[..at], fields, &bytes[at + encoded.len()..]]
        .concat()
        .into()
}

fn placeholder(fields: &[u8]) -> String {
    "#".repeat(fields.len() - 2)
}

fn newer(fields: &[u8]) -> pb::NewEvent {
    Event::new("Newer", "{}").with_tag(placeholder(fields)).into()
}

/// Requests with one event that has these additional fields, by method.
fn requests(fields: &[u8]) -> [(&'static str, Bytes); 3] {
    let to_stream = || pb::AppendToStreamRequest {
        stream: "newer".to_owned(),
        events: vec![event("Known").into(), newer(fields), event("Known").into()],
        ..Default::default()
    };
    let to_many = pb::AppendToManyRequest {
        writes: vec![pb::Write {
            stream: "newer".to_owned(),
            events: vec![newer(fields)],
            expected: None,
        }],
        ..Default::default()
    };
    let pipelined = pb::AppendPipelineRequest {
        appends: vec![pb::PipelinedAppend {
            append: Some(pipelined_append::Append::AppendToStream(to_stream())),
        }],
    };
    [
        ("AppendToStream", with_fields(&to_stream(), fields)),
        ("AppendToMany", with_fields(&to_many, fields)),
        ("AppendPipeline", with_fields(&pipelined, fields)),
    ]
}

/// Returns the encoded events of type `Newer`.
async fn read(server: &Server) -> Vec<Bytes> {
    let request = pb::ReadAllRequest {
        query: Some(pb::Query {
            items: vec![pb::QueryItem {
                types: vec!["Newer".to_owned()],
                ..Default::default()
            }],
        }),
        ..Default::default()
    };
    let mut answers = raw::call(&server.channel(), "ReadAll", request.encode_to_vec().into())
        .await
        .unwrap();
    let mut events = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        events.extend(Events::decode(answer).unwrap().events);
    }
    events
}

async fn fields_of_a_newer_client_are_stored_and_returned(mut server: Server) {
    for (method, request) in requests(UNKNOWN) {
        let mut answers = raw::call(&server.channel(), method, request).await.unwrap();
        let answer = answers.message().await.unwrap();
        assert!(answer.is_some_and(|answer| !answer.is_empty()), "{method}");
    }
    if server.engine() != Engine::Memory {
        server.kill();
        server.start_again();
    }
    let events = read(&server).await;
    assert_eq!(events.len(), 3);
    for event in &events {
        let kept = event.windows(UNKNOWN.len()).any(|window| window == UNKNOWN);
        assert!(kept, "{event:?}");
        // The fields that are known are where they belong.
        let known = pb::RecordedEvent::decode(event.clone()).unwrap();
        assert_eq!(
            (known.stream.as_str(), known.data.as_ref()),
            ("newer", &b"{}"[..])
        );
    }
    // Their neighbours are removed, which writes the frame again.
    let client = server.client();
    let keeping = annals_client::Retention {
        max_count: Some(1),
        ..Default::default()
    };
    client.set_retention("newer", keeping).await.unwrap();
    client
        .append("newer", Expected::Any, [event("Known")])
        .await
        .unwrap();
    let head = client.read_all().query(QueryItem::new().of_type("Newer")).await;
    assert_eq!(head.unwrap().next().await.map(|_| ()), None, "they are removed");
}

async fn fields_that_the_store_assigns_are_refused(server: Server) {
    // Field 9 (stream) with a text, 13 (reserved for the author) with a text, and 70 with the number 1.
    let assigned: [&[u8]; 3] = [&[0x4A, 1, b's'], &[0x6A, 1, b'a'], &[0xB0, 0x04, 0x01]];
    for fields in assigned {
        for (method, request) in requests(fields).into_iter().take(2) {
            let refused = match raw::call(&server.channel(), method, request).await {
                Err(status) => Err(status),
                Ok(mut answers) => answers.message().await.map(drop),
            };
            let refusal = Refusal::of(refused).expect(Code::InvalidArgument, "INVALID_FIELD");
            assert!(
                refusal.message.contains("only the store assigns"),
                "{}",
                refusal.message
            );
        }
    }
    assert_eq!(read(&server).await.len(), 0);
}

async fn a_content_type_is_stored_and_checked(server: Server) {
    let client = server.client();
    let photo = Event::new("PhotoTaken", vec![0xFF, 0xD8]).with_content_type("image/jpeg");
    let json = Event::json("Placed", &serde_json::json!({"total": 42})).unwrap();
    client
        .append("s", Expected::NoStream, [photo.clone(), json])
        .await
        .unwrap();
    let mut events = client.read_stream("s").await.unwrap();
    let taken = events.next().await.unwrap().unwrap();
    assert_eq!(
        (taken.content_type.as_str(), &taken.data),
        ("image/jpeg", &photo.data)
    );
    let unreadable = taken.json::<serde_json::Value>().unwrap_err().to_string();
    assert!(unreadable.contains("image/jpeg"), "{unreadable}");
    let placed = events.next().await.unwrap().unwrap();
    assert_eq!(placed.content_type, "application/json");
    assert_eq!(placed.json::<serde_json::Value>().unwrap()["total"], 42);
    for wrong in ["json", "text/plain\n", &format!("text/{}", "x".repeat(200))] {
        let wrong = photo.clone().with_content_type(wrong);
        let refused = client.append("s", Expected::Any, [event("T"), wrong]).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("events[1].content_type"), "{refused}");
    }
}
