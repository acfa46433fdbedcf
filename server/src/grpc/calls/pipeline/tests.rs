use std::sync::Arc;

use annals_engine::memory::MemoryEngine;
use annals_proto::v1::{self as pb, pipelined_result::Result as OneOf};
use annals_store::{Environment, Settings, Store};
use futures::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::{AppendPipelineRequest, IN_FLIGHT_MAX, Pipeline, PipelineResponse};
use crate::grpc::wire::codec::Encode;

async fn store() -> Store {
    let engine = Arc::new(MemoryEngine::new());
    Store::open(engine, Settings::default(), Environment::system("test"))
        .await
        .unwrap()
}

fn append(stream: &str, events: usize) -> pb::PipelinedAppend {
    let event = pb::NewEvent {
        r#type: "Placed".into(),
        ..pb::NewEvent::default()
    };
    let request = pb::AppendToStreamRequest {
        stream: stream.into(),
        expected: None,
        events: vec![event; events],
        recorded_at: None,
    };
    pb::PipelinedAppend {
        append: Some(pb::pipelined_append::Append::AppendToStream(request)),
    }
}

fn request(appends: Vec<pb::PipelinedAppend>) -> Result<AppendPipelineRequest, Status> {
    Ok(pb::AppendPipelineRequest { appends }.into())
}

fn decoded(answer: &PipelineResponse) -> pb::AppendPipelineResponse {
    let mut bytes = Vec::new();
    answer.encode(&mut bytes);
    let decoded: pb::AppendPipelineResponse = prost::Message::decode(&bytes[..]).unwrap();
    assert_eq!(decoded.results.len(), answer.results());
    assert_eq!(bytes.len(), answer.encoded_len());
    decoded
}

type Requests = Vec<Result<AppendPipelineRequest, Status>>;

/// Returns all results of a pipeline and its final status.
async fn answers(
    store: &Store,
    requests: impl Stream<Item = Result<AppendPipelineRequest, Status>> + Unpin,
    drain: CancellationToken,
) -> (Vec<OneOf>, Option<Status>) {
    let mut pipeline = Pipeline::new(store.clone(), requests, false, drain);
    let mut results = Vec::new();
    while let Some(answer) = pipeline.next().await {
        match answer {
            Ok(answer) => {
                let answer = decoded(&answer);
                assert!(!answer.results.is_empty(), "a response has at least one result");
                results.extend(answer.results.into_iter().map(|result| result.result.unwrap()));
            }
            Err(status) => {
                assert!(pipeline.next().await.is_none(), "nothing follows an error");
                return (results, Some(status));
            }
        }
    }
    (results, None)
}

async fn answers_to(requests: Requests) -> (Vec<OneOf>, Option<Status>) {
    answers(&store().await, stream::iter(requests), CancellationToken::new()).await
}

fn first_position(result: &OneOf) -> u64 {
    match result {
        OneOf::AppendedToStream(appended) => appended.first_position,
        OneOf::AppendedToMany(appended) => appended.first_position,
        OneOf::Error(error) => panic!("not appended: {}", error.message),
    }
}

#[tokio::test]
async fn appends_are_answered_in_order_one_result_for_each() {
    let messages = (0..40)
        .map(|n| request((0..n % 7 + 1).map(|_| append("s", 1)).collect()))
        .collect::<Requests>();
    let appends: usize = messages
        .iter()
        .map(|message| message.as_ref().unwrap().decode().unwrap().appends.len())
        .sum();
    let (results, end) = answers_to(messages).await;
    assert!(end.is_none());
    let positions: Vec<_> = results.iter().map(first_position).collect();
    assert_eq!(positions, (1..=appends as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn more_appends_than_may_be_in_flight_are_all_answered() {
    let messages = (0..2 * IN_FLIGHT_MAX / 1_000 + 2)
        .map(|_| request((0..1_000).map(|_| append("s", 1)).collect()))
        .collect::<Requests>();
    let appends = messages.len() * 1_000;
    let (results, end) = answers_to(messages).await;
    assert!(end.is_none());
    assert_eq!(results.len(), appends);
    assert!(results.iter().map(first_position).eq(1..=appends as u64));
}

#[tokio::test]
async fn an_append_that_is_refused_is_answered_in_its_place_and_stops_nothing() {
    let (results, end) = answers_to(vec![
        request(vec![append("s", 1), append("", 1), append("s", 1)]),
        request(vec![append("s", 0)]),
        request(vec![pb::PipelinedAppend::default(), append("s", 2)]),
    ])
    .await;
    assert!(end.is_none());
    let shown: Vec<_> = results
        .iter()
        .map(|result| match result {
            OneOf::AppendedToStream(appended) => format!("{}", appended.first_position),
            OneOf::AppendedToMany(appended) => format!("many {}", appended.first_position),
            OneOf::Error(error) => {
                assert_eq!(error.code, i32::from(Code::InvalidArgument));
                error.message.split(':').next().unwrap().to_owned()
            }
        })
        .collect();
    assert_eq!(shown, ["1", "stream", "2", "events", "append", "3"]);
}

#[tokio::test]
async fn a_message_without_appends_or_with_too_many_ends_the_call_once_the_rest_is_answered() {
    for wrong in [0, 1_001] {
        let (results, end) = answers_to(vec![
            request(vec![append("s", 1)]),
            request(vec![append("s", 1); wrong]),
            request(vec![append("s", 1)]),
        ])
        .await;
        assert_eq!(results.iter().map(first_position).collect::<Vec<_>>(), [1]);
        let end = end.unwrap();
        assert_eq!(end.code(), Code::InvalidArgument);
        assert!(end.message().starts_with("appends"), "{}", end.message());
    }
}

#[tokio::test]
async fn a_broken_call_is_answered_as_far_as_it_was_received() {
    let (results, end) = answers_to(vec![
        request(vec![append("s", 1), append("s", 1)]),
        Err(Status::cancelled("disconnected")),
    ])
    .await;
    assert_eq!(results.len(), 2);
    assert_eq!(end.unwrap().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_drain_ends_a_pipeline_that_waits_for_its_client_after_what_was_received_is_answered() {
    let (store, drain) = (store().await, CancellationToken::new());
    let requests = stream::iter(vec![request(vec![append("s", 1)])]).chain(stream::pending());
    let mut pipeline = Pipeline::new(store, requests, false, drain.clone());
    let answer = pipeline.next().await.unwrap().unwrap();
    assert_eq!(decoded(&answer).results.len(), 1);
    drain.cancel();
    let end = pipeline.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert!(pipeline.next().await.is_none());
}

#[tokio::test]
async fn a_closed_store_refuses_each_append_in_its_place() {
    let store = store().await;
    store.close().await;
    let requests = stream::iter(vec![request(vec![append("s", 1), append("s", 1)])]);
    let (results, end) = answers(&store, requests, CancellationToken::new()).await;
    assert!(end.is_none());
    for result in results {
        assert!(matches!(result, OneOf::Error(error) if error.code == i32::from(Code::Unavailable)));
    }
}

fn many(streams: &[&str], checks: Vec<pb::Check>) -> pb::PipelinedAppend {
    let event = pb::NewEvent {
        r#type: "Placed".into(),
        ..pb::NewEvent::default()
    };
    let write = |stream: &&str| pb::Write {
        stream: (*stream).into(),
        events: vec![event.clone()],
        expected: None,
    };
    let request = pb::AppendToManyRequest {
        writes: streams.iter().map(write).collect(),
        checks,
        ..pb::AppendToManyRequest::default()
    };
    pb::PipelinedAppend {
        append: Some(pb::pipelined_append::Append::AppendToMany(request)),
    }
}

#[tokio::test]
async fn appends_to_one_and_to_many_streams_are_each_answered_in_their_own_form() {
    let nothing_behind = |after| pb::Check {
        check: Some(pb::check::Check::NoMatch(pb::NoMatchCheck { query: None, after })),
    };
    let (results, end) = answers_to(vec![request(vec![
        append("a", 2),
        many(&["b", "a", "b"], vec![nothing_behind(2)]),
        many(&["c"], vec![nothing_behind(2)]),
        append("c", 1),
        many(&["c"], vec![nothing_behind(7)]),
    ])])
    .await;
    assert!(end.is_none());
    let shown: Vec<_> = results
        .iter()
        .map(|result| match result {
            OneOf::AppendedToStream(appended) => {
                format!("{} {}", appended.first_position, appended.first_revision)
            }
            OneOf::AppendedToMany(appended) => {
                let streams = appended.streams.iter();
                let streams = streams
                    .map(|written| {
                        format!(
                            "{}@{}-{}",
                            written.stream, written.first_revision, written.last_revision
                        )
                    })
                    .collect::<Vec<_>>();
                format!(
                    "{}-{} {}",
                    appended.first_position,
                    appended.last_position,
                    streams.join(" ")
                )
            }
            OneOf::Error(error) => format!("{:?}", Code::from(error.code)),
        })
        .collect();
    assert_eq!(shown, ["1 0", "3-5 b@0-1 a@2-2", "Aborted", "6 0", "OutOfRange"]);
}

/// Refusals contain names too: 16 failed checks of streams with long names take more than 8 KiB.
#[tokio::test]
async fn refusals_with_many_long_names_are_told_in_several_messages() {
    let names: Vec<String> = (0..16).map(|n| format!("{n:0>510}")).collect();
    let check = |name: &String| pb::Check {
        check: Some(pb::check::Check::Stream(pb::StreamCheck {
            stream: name.clone(),
            expected: Some(pb::ExpectedRevision {
                expected: Some(pb::expected_revision::Expected::StreamExists(())),
            }),
        })),
    };
    let refused = |_| many(&["s"], names.iter().map(check).collect());
    let requests = [request((0..1_000).map(refused).collect())];
    let mut pipeline = Pipeline::new(
        store().await,
        stream::iter(requests),
        false,
        CancellationToken::new(),
    );
    let (mut results, mut messages) = (0, 0);
    while let Some(answer) = pipeline.next().await {
        let answer = decoded(&answer.unwrap());
        assert!(prost::Message::encoded_len(&answer) < 1_500_000);
        results += answer.results.len();
        messages += 1;
    }
    assert_eq!(results, 1_000);
    assert!(messages > 5, "{messages}");
}

#[tokio::test]
async fn results_with_many_long_names_are_told_in_several_messages() {
    let names: Vec<String> = (0..1_000).map(|n| format!("{n:0>500}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let requests = (0..8)
        .map(|_| request(vec![many(&names, vec![])]))
        .collect::<Vec<_>>();
    let mut pipeline = Pipeline::new(
        store().await,
        stream::iter(requests),
        false,
        CancellationToken::new(),
    );
    let mut results = 0;
    while let Some(answer) = pipeline.next().await {
        let answer = decoded(&answer.unwrap());
        assert!(prost::Message::encoded_len(&answer) < 2_500_000);
        results += answer.results.len();
    }
    assert_eq!(results, 8);
}
