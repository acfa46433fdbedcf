//! Invalid appends, in calls and in pipelines.

use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Refusal, Server},
    on_every_engine,
};
use tonic::Code;

use super::standing::{Standing, append, new_event};

on_every_engine!(
    appends_that_are_wrong_are_told_by_field,
    what_is_too_large_is_told_to_be,
    pipelines_answer_what_is_wrong_in_its_place,
);

async fn appends_that_are_wrong_are_told_by_field(server: Server) {
    let mut standing = Standing::new(server).await;
    let with = |change: fn(&mut pb::NewEvent)| {
        let mut wrong = new_event();
        change(&mut wrong);
        append("order-1", vec![new_event(), wrong])
    };
    let twice = new_event();
    let expected_nothing = pb::AppendToStreamRequest {
        expected: Some(pb::ExpectedRevision { expected: None }),
        ..append("order-1", vec![new_event()])
    };
    let cases = [
        (append("", vec![new_event()]), "stream"),
        (append(&"s".repeat(513), vec![new_event()]), "stream"),
        (append(&"s".repeat(500_000), vec![new_event()]), "stream"),
        (append("$all", vec![new_event()]), "stream"),
        (append("a\nb", vec![new_event()]), "stream"),
        (append("a\0", vec![new_event()]), "stream"),
        (append("order-1", vec![]), "events"),
        (expected_nothing, "expected"),
        (append("order-1", vec![twice.clone(), twice]), "events[1].id"),
        (with(|event| event.id = "7".to_owned()), "events[1].id"),
        (
            with(|event| event.id = "{0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c}".to_owned()),
            "events[1].id",
        ),
        (with(|event| event.id = "z".repeat(36)), "events[1].id"),
        (with(|event| event.r#type = String::new()), "events[1].type"),
        (with(|event| event.r#type = "t".repeat(257)), "events[1].type"),
        (with(|event| event.r#type = "$T".to_owned()), "events[1].type"),
        (with(|event| event.r#type = "\u{7f}".to_owned()), "events[1].type"),
        (
            with(|event| event.tags = vec!["a".to_owned(), String::new()]),
            "events[1].tags[1]",
        ),
        (
            with(|event| event.tags = vec!["g".repeat(257)]),
            "events[1].tags[0]",
        ),
        (
            with(|event| event.tags = vec!["a".to_owned(), "a".to_owned()]),
            "events[1].tags",
        ),
        (
            with(|event| event.tags = (0..33).map(|n| n.to_string()).collect()),
            "events[1].tags",
        ),
    ];
    for (request, field) in cases {
        let shown: String = format!("{request:?}").chars().take(200).collect();
        let refusal = Refusal::of(standing.stub.append_to_stream(request).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field, "{shown}");
        assert!(
            refusal.message.len() < 2_000,
            "a refused value is not repeated in full"
        );
    }
    standing.assert_unchanged().await;
}

async fn what_is_too_large_is_told_to_be(server: Server) {
    let mut standing = Standing::new(server).await;
    let limits = standing.server.client().server_info().await.unwrap().limits;
    let data = |bytes: u32| pb::NewEvent {
        data: vec![1; bytes as usize].into(),
        ..new_event()
    };
    let metadata = pb::NewEvent {
        metadata: vec![1; limits.max_metadata_bytes as usize + 1].into(),
        ..new_event()
    };
    let many = (0..=limits.max_append_events).map(|_| pb::NewEvent {
        r#type: "T".to_owned(),
        ..Default::default()
    });
    let cases = [
        (
            vec![new_event(), data(limits.max_event_bytes + 1)],
            "events[1].data",
        ),
        (vec![metadata], "events[0].metadata"),
        (
            vec![data(limits.max_event_bytes); 4]
                .into_iter()
                .map(fresh)
                .collect(),
            "events",
        ),
        (many.collect(), "events"),
        // Messages that are refused before they are decoded.
        (vec![data(limits.max_append_bytes * 2)], ""),
        (vec![data(30 << 20)], ""),
    ];
    for (events, field) in cases {
        let refusal = Refusal::of(standing.stub.append_to_stream(append("order-1", events)).await);
        let refusal = refusal.expect(Code::InvalidArgument, "TOO_LARGE");
        assert_eq!(refusal.field(), field, "{}", refusal.message);
    }
    standing.assert_unchanged().await;
}

fn fresh(mut event: pb::NewEvent) -> pb::NewEvent {
    event.id = String::new();
    event
}

async fn pipelines_answer_what_is_wrong_in_its_place(server: Server) {
    use pb::pipelined_append::Append;
    let mut standing = Standing::new(server).await;
    let pipeline = |request| pb::PipelinedAppend {
        append: Some(Append::AppendToStream(request)),
    };
    let appends = vec![
        pipeline(append("", vec![new_event()])),
        pb::PipelinedAppend::default(),
        pipeline(append("order-1", vec![])),
        pipeline(append(
            "order-1",
            vec![pb::NewEvent {
                data: vec![0; 2 << 20].into(),
                ..new_event()
            }],
        )),
    ];
    let requests = tokio_stream::once(pb::AppendPipelineRequest { appends });
    let mut answers = standing
        .stub
        .append_pipeline(requests)
        .await
        .unwrap()
        .into_inner();
    let mut told = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        for result in message.results {
            let Some(pb::pipelined_result::Result::Error(status)) = result.result else {
                panic!("{result:?}")
            };
            let refusal = Refusal::of_rpc(status);
            told.push((refusal.code, refusal.reason.clone(), refusal.field()));
        }
    }
    let invalid = |reason: &str, field: &str| (Code::InvalidArgument, reason.to_owned(), field.to_owned());
    let expected = [
        invalid("INVALID_FIELD", "stream"),
        invalid("INVALID_FIELD", "append"),
        invalid("INVALID_FIELD", "events"),
        invalid("TOO_LARGE", "events[0].data"),
    ];
    assert_eq!(told, expected);
    for appends in [vec![], vec![pipeline(append("order-1", vec![])); 1_001]] {
        let requests = tokio_stream::once(pb::AppendPipelineRequest { appends });
        let mut answers = standing
            .stub
            .append_pipeline(requests)
            .await
            .unwrap()
            .into_inner();
        let refusal = Refusal::of(answers.message().await).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), "appends");
    }
    standing.assert_unchanged().await;
}
