//! Append pipelines: many appends in flight on one call, evaluated and answered in order.

use std::collections::VecDeque;

use annals_client::{Error, Event, ExpectedRevision as Expected, PipelineLimits, Position, Revision};
use annals_proto::v1::{self as pb, pipelined_append::Append, pipelined_result::Result as Outcome};
use annals_tests::{
    harness::{Recorder, Refusal, Server, assert_sound, sample::event, within_patience},
    on_every_engine,
};
use tonic::Code;

on_every_engine!(
    appends_are_judged_in_order_and_answered_in_order,
    an_append_that_fails_stops_neither_the_pipeline_nor_those_behind_it,
    each_append_of_a_message_is_judged_by_itself,
    a_pipeline_is_answered_while_it_is_open,
    what_was_sent_before_the_client_closed_its_side_is_answered,
    pipelines_beside_each_other_keep_their_own_order,
    a_pipeline_that_is_dropped_leaves_what_it_wrote,
    large_appends_pass_one_after_the_other,
);

fn append(stream: &str, expected: pb::expected_revision::Expected, event: Event) -> pb::PipelinedAppend {
    let append = pb::AppendToStreamRequest {
        stream: stream.to_owned(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(expected),
        }),
        events: vec![event.into()],
        recorded_at: None,
    };
    pb::PipelinedAppend {
        append: Some(Append::AppendToStream(append)),
    }
}

async fn appends_are_judged_in_order_and_answered_in_order(server: Server) {
    let client = server.client();
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for n in 0..500_u64 {
        // Each expects the result of the previous one, which is still in flight.
        let expected = n
            .checked_sub(1)
            .map_or(Expected::NoStream, |last| Expected::Exactly(Revision(last)));
        pending.push(pipeline.append("order-1", expected, [event("T")]).await.unwrap());
    }
    for (n, appended) in (0..).zip(pending) {
        let appended = appended.await.unwrap();
        assert_eq!(
            (appended.first_revision, appended.first_position),
            (Revision(n), Position(n + 1))
        );
    }
}

async fn an_append_that_fails_stops_neither_the_pipeline_nor_those_behind_it(server: Server) {
    let client = server.client();
    let pipeline = client.append_pipeline();
    let taken = event("T");
    client
        .append("other", Expected::Any, [taken.clone()])
        .await
        .unwrap();
    let appends = [
        (Expected::NoStream, vec![event("A")]),
        (Expected::NoStream, vec![event("B")]),
        (Expected::Exactly(Revision(7)), vec![event("C")]),
        (Expected::Any, vec![taken.clone()]),
        (Expected::Any, vec![]),
        (Expected::Any, vec![Event::new("", "")]),
        (Expected::Any, vec![Event::new("D", vec![0; (1 << 20) + 1])]),
        (Expected::Exactly(Revision(0)), vec![event("E")]),
    ];
    let mut pending = Vec::new();
    for (expected, events) in appends {
        pending.push(pipeline.append("order-1", expected, events).await.unwrap());
    }
    let mut results = Vec::new();
    for appended in pending {
        results.push(appended.await);
    }
    let revision = |n: usize| results[n].as_ref().map(|appended| appended.first_revision);
    assert_eq!(
        (revision(0).unwrap(), revision(7).unwrap()),
        (Revision(0), Revision(1))
    );
    assert!(
        matches!(
            &results[1],
            Err(Error::RevisionConflict {
                actual: Some(Revision(0)),
                ..
            })
        ),
        "{:?}",
        results[1]
    );
    assert!(
        matches!(
            &results[2],
            Err(Error::RevisionConflict {
                actual: Some(Revision(0)),
                ..
            })
        ),
        "{:?}",
        results[2]
    );
    assert!(
        matches!(
            &results[3],
            Err(Error::EventIdConflict {
                position: Position(1),
                ..
            })
        ),
        "{:?}",
        results[3]
    );
    assert!(
        matches!(&results[4], Err(Error::InvalidField(_))),
        "{:?}",
        results[4]
    );
    assert!(
        matches!(&results[5], Err(Error::InvalidField(_))),
        "{:?}",
        results[5]
    );
    assert!(matches!(&results[6], Err(Error::TooLarge(_))), "{:?}", results[6]);
}

async fn each_append_of_a_message_is_judged_by_itself(server: Server) {
    use pb::expected_revision::Expected as Wire;
    let again = event("Again");
    let appends = vec![
        append("a", Wire::NoStream(()), event("T")),
        append("a", Wire::NoStream(()), event("T")),
        append("b", Wire::Any(()), again.clone()),
        append("b", Wire::Any(()), again.clone()),
        append("a", Wire::Revision(0), event("T")),
        append("c", Wire::StreamExists(()), event("T")),
    ];
    let requests = tokio_stream::once(pb::AppendPipelineRequest { appends });
    let mut answers = server
        .stub()
        .append_pipeline(requests)
        .await
        .unwrap()
        .into_inner();
    let mut told = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        assert!(!message.results.is_empty(), "a message has at least one result");
        told.extend(
            message
                .results
                .into_iter()
                .map(|result| match result.result.unwrap() {
                    Outcome::AppendedToStream(appended) => {
                        format!(
                            "{} {} {}",
                            appended.first_revision, appended.first_position, appended.already_appended
                        )
                    }
                    Outcome::AppendedToMany(appended) => panic!("of no append that was sent: {appended:?}"),
                    Outcome::Error(status) => {
                        let refusal = Refusal::of_rpc(status).expect(Code::Aborted, "REVISION_CONFLICT");
                        let conflict: pb::RevisionConflict = refusal.detail("annals.v1.RevisionConflict");
                        format!("{} {:?}", conflict.stream, conflict.actual_revision)
                    }
                }),
        );
    }
    assert_eq!(
        told,
        [
            "0 1 false",
            "a Some(0)",
            "0 2 false",
            "0 2 true",
            "1 3 false",
            "c None"
        ]
    );
}

async fn a_pipeline_is_answered_while_it_is_open(server: Server) {
    use pb::expected_revision::Expected as Wire;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers = server
        .stub()
        .append_pipeline(requests)
        .await
        .unwrap()
        .into_inner();
    for n in 0..20 {
        let appends = vec![append("a", Wire::Any(()), event("T"))];
        sender.send(pb::AppendPipelineRequest { appends }).await.unwrap();
        // The next one is only sent when this one is answered.
        let message = within_patience("an answer", answers.message())
            .await
            .unwrap()
            .unwrap();
        let [
            pb::PipelinedResult {
                result: Some(Outcome::AppendedToStream(appended)),
            },
        ] = &message.results[..]
        else {
            panic!("{message:?}");
        };
        assert_eq!(appended.first_revision, n);
    }
    drop(sender);
    assert!(
        within_patience("the end", answers.message())
            .await
            .unwrap()
            .is_none()
    );
}

async fn what_was_sent_before_the_client_closed_its_side_is_answered(server: Server) {
    use pb::expected_revision::Expected as Wire;
    let messages: Vec<_> = (0..50)
        .map(|n| {
            let appends = (0..20).map(|m| append(&format!("s-{}", (n + m) % 7), Wire::Any(()), event("T")));
            pb::AppendPipelineRequest {
                appends: appends.collect(),
            }
        })
        .collect();
    let mut answers = server
        .stub()
        .append_pipeline(tokio_stream::iter(messages))
        .await
        .unwrap()
        .into_inner();
    let mut positions = Vec::new();
    while let Some(message) = within_patience("an answer", answers.message()).await.unwrap() {
        for result in message.results {
            let Some(Outcome::AppendedToStream(appended)) = result.result else {
                panic!("{result:?}")
            };
            positions.push(appended.first_position);
        }
    }
    assert!(
        positions.iter().copied().eq(1..=1_000),
        "all of it, in the order in which it was sent"
    );
}

async fn pipelines_beside_each_other_keep_their_own_order(server: Server) {
    let recorder = Recorder::default();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (client, recorder) = (server.client(), recorder.clone());
            tokio::spawn(async move {
                let pipeline = client.append_pipeline_with(PipelineLimits {
                    appends_max: 32,
                    bytes_max: 1 << 20,
                });
                let own = format!("own-{n}");
                let (mut waiting, mut positions) = (VecDeque::new(), Vec::new());
                for m in 0..120 {
                    let stream = if m % 3 == 0 { "shared" } else { &own };
                    waiting.push_back(
                        recorder
                            .submit(&pipeline, stream, Expected::Any, vec![event("T")])
                            .await,
                    );
                    if waiting.len() > 20 {
                        let oldest = waiting.pop_front().unwrap();
                        positions.push(recorder.settle(oldest).await.unwrap().first_position);
                    }
                }
                for submitted in waiting {
                    positions.push(recorder.settle(submitted).await.unwrap().first_position);
                }
                assert!(
                    positions.is_sorted(),
                    "in the order in which they were sent: {positions:?}"
                );
            })
        })
        .collect();
    for task in tasks {
        within_patience("a pipeline", task).await.unwrap();
    }
    let log = server.client().read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(log.len(), 8 * 120);
    assert_sound(&recorder.history(), &log);
}

async fn a_pipeline_that_is_dropped_leaves_what_it_wrote(server: Server) {
    let (client, recorder) = (server.client(), Recorder::default());
    for n in 0..5_u64 {
        let pipeline = client.append_pipeline();
        let mut submitted = Vec::new();
        for _ in 0..40 {
            let events = vec![event("T")];
            submitted.push(
                recorder
                    .submit(&pipeline, &format!("s-{n}"), Expected::Any, events)
                    .await,
            );
        }
        // One response is awaited; the others are never seen, and those appends may be stored or not.
        recorder.settle(submitted.remove(0)).await.unwrap();
        drop((pipeline, submitted));
    }
    recorder
        .append(&client, "last", Expected::NoStream, vec![event("T")])
        .await
        .unwrap();
    // Appends in transit are settled once a later append on the same connection is, and again after a while.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let history = recorder.history();
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_sound(&history, &log);
}

async fn large_appends_pass_one_after_the_other(server: Server) {
    let client = server.client();
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for n in 0..12_u8 {
        let events = [(); 3].map(|()| Event::new("T", vec![n; 1 << 20]));
        pending.push(pipeline.append("large", Expected::Any, events).await.unwrap());
    }
    for (n, appended) in (0..).zip(pending) {
        assert_eq!(appended.await.unwrap().first_revision, n * 3);
    }
    let mut events = client.read_stream("large").await.unwrap();
    let mut revision = 0;
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        assert_eq!(
            (event.revision.0, event.data.len(), u64::from(event.data[77])),
            (revision, 1 << 20, revision / 3)
        );
        revision += 1;
    }
    assert_eq!(revision, 36);
}
