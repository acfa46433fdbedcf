//! A server that is asked to stop (SIGTERM) finishes calls in flight, ends calls that would not end on their own, and
//! exits with 0; clients continue when it is back.

use annals_client::{ExpectedRevision as Expected, SubscriptionItem};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{
        Followed, PATIENCE, Recorder, Refusal, Server, assert_sound, http, sample::event, within_patience,
    },
    on_every_engine, on_every_engine_that_persists,
};
use tokio_stream::StreamExt;
use tonic::Code;

on_every_engine!(
    appends_in_flight_are_answered_before_the_server_ends,
    subscriptions_end_with_shutting_down,
    pipelines_are_answered_and_then_told_that_the_server_stops,
    a_client_that_does_not_read_holds_nothing_up_for_ever,
    an_idle_server_stops,
);
on_every_engine_that_persists!(
    a_client_resumes_its_subscription_after_the_restart,
    appends_go_on_through_a_restart,
);

async fn appends_in_flight_are_answered_before_the_server_ends(mut server: Server) {
    let recorder = Recorder::default();
    let writers: Vec<_> = (0..32)
        .map(|n| {
            let (client, recorder) = (server.client_without_retries(), recorder.clone());
            tokio::spawn(async move {
                let mut written = 0_u64;
                loop {
                    let result = recorder
                        .append(&client, &format!("s-{n}"), Expected::Any, vec![event("T")])
                        .await;
                    match result {
                        Ok(_) => written += 1,
                        Err(error) if error.is_retryable() => return written,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let status = server.terminate();
    assert_eq!(status.code(), Some(0));
    let mut total = 0;
    for writer in writers {
        total += within_patience("the end of a writer", writer).await.unwrap();
    }
    assert!(total > 0);
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert!(said.contains("stopping: finishing calls in flight"), "{said}");
    // Exactly as many as were acknowledged: no append was written whose writer was cut off before its response.
    assert!(
        said.contains(&format!("stopped head={total}")),
        "{total} were acknowledged: {said}"
    );
    if server.engine().persists() {
        server.start_again();
        let log = server.client().read_all().await.unwrap().collect().await.unwrap();
        assert_eq!(log.len() as u64, total);
        assert_sound(&recorder.history(), &log);
    }
}

async fn subscriptions_end_with_shutting_down(mut server: Server) {
    let mut stub = server.stub();
    let mut all = stub
        .subscribe_all(pb::SubscribeAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    let request = pb::SubscribeStreamRequest {
        stream: "order-1".to_owned(),
        ..Default::default()
    };
    let mut one = stub.subscribe_stream(request).await.unwrap().into_inner();
    assert!(
        all.message().await.unwrap().is_some() && one.message().await.unwrap().is_some(),
        "both caught up"
    );
    server.ask_to_stop();
    for end in [all.message().await.map(drop), one.message().await.map(drop)] {
        let refusal = Refusal::of(end).expect(Code::Unavailable, "SHUTTING_DOWN");
        assert!(!refusal.message.is_empty());
    }
    assert_eq!(server.wait_for_its_end().code(), Some(0));
}

async fn pipelines_are_answered_and_then_told_that_the_server_stops(mut server: Server) {
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let append = |n: u64| pb::AppendPipelineRequest {
        appends: vec![pb::PipelinedAppend {
            append: Some(pb::pipelined_append::Append::AppendToStream(
                pb::AppendToStreamRequest {
                    stream: format!("s-{n}"),
                    expected: None,
                    events: vec![event("T").into()],
                    recorded_at: None,
                },
            )),
        }],
    };
    for n in 0..10 {
        sender.send(append(n)).await.unwrap();
    }
    let mut answers = server
        .stub()
        .append_pipeline(requests)
        .await
        .unwrap()
        .into_inner();
    let mut answered = 0;
    while answered < 10 {
        let message = within_patience("an answer", answers.message())
            .await
            .unwrap()
            .unwrap();
        for result in message.results {
            assert!(
                matches!(
                    result.result,
                    Some(pb::pipelined_result::Result::AppendedToStream(_))
                ),
                "{result:?}"
            );
            answered += 1;
        }
    }
    server.ask_to_stop();
    // The client has not closed its side; the call ends nevertheless.
    let end = within_patience("the end of the pipeline", answers.next())
        .await
        .unwrap();
    let _ = Refusal::of(end.map(drop)).expect(Code::Unavailable, "SHUTTING_DOWN");
    drop(sender);
    assert_eq!(server.wait_for_its_end().code(), Some(0));
}

async fn a_client_that_does_not_read_holds_nothing_up_for_ever(server: Server) {
    // The drain time is a second, so that its end is seen.
    let mut server = annals_tests::harness::Options::new(server.engine())
        .set("--drain-seconds", "1")
        .start();
    let client = server.client();
    for _ in 0..16 {
        client
            .append(
                "order-1",
                Expected::Any,
                [annals_client::Event::new("T", vec![0; 1 << 20])],
            )
            .await
            .unwrap();
    }
    let mut stub = server.stub();
    let unread = stub.read_all(pb::ReadAllRequest::default()).await.unwrap();
    assert_eq!(server.terminate().code(), Some(0));
    let said = server.logs().since(server.started_at_line()).join("\n");
    assert!(said.contains("cutting their connections"), "{said}");
    drop(unread);
}

async fn an_idle_server_stops(mut server: Server) {
    // It reports that it listens a moment before it is ready.
    let deadline = std::time::Instant::now() + PATIENCE;
    while http::get(server.http_address(), "/health/ready") != (200, "ready\n".to_owned()) {
        assert!(
            std::time::Instant::now() < deadline,
            "the server never became ready"
        );
    }
    assert_eq!(server.terminate().code(), Some(0));
}

async fn a_client_resumes_its_subscription_after_the_restart(mut server: Server) {
    let client = server.client();
    let recorder = Recorder::default();
    let mut followed = recorder
        .subscribe(Followed::whole_log(), client.subscribe_all())
        .await
        .unwrap();
    let mut stream = client.subscribe_stream("order-1").await.unwrap();
    for round in 1..=3_u64 {
        for _ in 0..10 {
            recorder
                .append(&client, "order-1", Expected::Any, vec![event("T")])
                .await
                .unwrap();
        }
        within_patience("events of this round", followed.until(round * 10)).await;
        let mut seen = (round - 1) * 10;
        while seen < round * 10 {
            match within_patience("events of the stream", stream.next())
                .await
                .unwrap()
                .unwrap()
            {
                SubscriptionItem::Event(event) => {
                    assert_eq!(event.revision, seen, "once, in order, without a gap");
                    seen += 1;
                }
                _ => continue,
            }
        }
        if round == 2 {
            server.kill();
            server.start_again();
        } else {
            server.restart();
        }
    }
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_sound(&recorder.history(), &log);
}

async fn appends_go_on_through_a_restart(mut server: Server) {
    let client = server.client();
    let recorder = Recorder::default();
    let pipeline = client.append_pipeline();
    let writing = {
        let (client, recorder) = (client.clone(), recorder.clone());
        tokio::spawn(async move {
            for n in 0..150 {
                let submitted = recorder
                    .submit(&pipeline, "pipeline", Expected::Any, vec![event("T")])
                    .await;
                recorder
                    .append(&client, "alone", Expected::Any, vec![event("T")])
                    .await
                    .unwrap();
                recorder.settle(submitted).await.unwrap();
                if n % 10 == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        })
    };
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        server.restart();
    }
    tokio::time::timeout(PATIENCE, writing).await.unwrap().unwrap();
    let log = client.read_all().await.unwrap().collect().await.unwrap();
    assert_eq!(log.len(), 300, "the client's retries wrote nothing twice");
    assert_sound(&recorder.history(), &log);
}
