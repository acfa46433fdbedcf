//! The operators' view: metrics with the right values, and health over HTTP and gRPC. (`log_lines.rs` covers log
//! lines.)

use std::time::Duration;

use annals_client::{Event, ExpectedRevision as Expected, StateWrite, SubscriptionItem};
use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Metrics, PATIENCE, Server, http, sample::event, within_patience},
    on_every_engine,
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

on_every_engine!(
    metrics_count_what_was_done,
    metrics_count_what_was_done_with_state,
    metrics_show_how_far_subscribers_are_behind,
    health_is_told_over_http_and_grpc,
    a_server_that_drains_says_that_it_is_not_ready,
);

async fn metrics_count_what_was_done(server: Server) {
    let client = server.client();
    let before = Metrics::of(&server);
    for name in [
        "appends",
        "events",
        "event_bytes",
        "rejected_appends",
        "repeated_appends",
        "read_events",
    ] {
        assert_eq!(before.value(&format!("annals_{name}_total")) as u64, 0, "{name}");
    }
    for n in 0..10 {
        let events = [(); 3].map(|()| Event::new("T", vec![7; 1_000]));
        client
            .append(format!("s-{n}"), Expected::NoStream, events)
            .await
            .unwrap();
    }
    let again = event("T");
    for _ in 0..3 {
        client
            .append("again", Expected::Any, [again.clone()])
            .await
            .unwrap();
    }
    for _ in 0..4 {
        client
            .append("s-0", Expected::NoStream, [event("T")])
            .await
            .unwrap_err();
    }
    client.append("", Expected::Any, [event("T")]).await.unwrap_err();
    let read = client
        .read_all()
        .limit(20)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(read.len(), 20);

    let metrics = Metrics::of(&server);
    let count = |name: &str| metrics.value(name) as u64;
    assert_eq!(count("annals_appends_total"), 11);
    assert_eq!(count("annals_events_total"), 31);
    assert_eq!(count("annals_repeated_appends_total"), 2);
    assert_eq!(count("annals_rejected_appends_total"), 4);
    assert_eq!(count("annals_read_events_total"), 20);
    let bytes = count("annals_event_bytes_total");
    assert!(
        (30_000..36_000).contains(&bytes),
        "30 events of 1,000 bytes and a small one: {bytes}"
    );
    assert_eq!(
        (count("annals_head_position"), count("annals_indexed_position")),
        (31, 0)
    );
    // One after the other, so that each of the 11 was its own group, with its own sync.
    assert_eq!(
        (
            count("annals_group_appends_count"),
            count("annals_group_appends_sum")
        ),
        (11, 11)
    );
    assert_eq!(count("annals_commit_seconds_count"), 11);
    assert!(metrics.value("annals_commit_seconds_sum") > 0.0);
    match server.engine() {
        // FoundationDB syncs on its own machines.
        annals_tests::harness::Engine::Memory | annals_tests::harness::Engine::FoundationDb => {
            assert_eq!(count("annals_fsync_seconds_count"), 0);
        }
        annals_tests::harness::Engine::Embedded => {
            assert!(count("annals_fsync_seconds_count") >= 11, "{}", metrics.text());
            assert!(metrics.value("annals_fsync_seconds_sum") > 0.0);
        }
    }
    assert_eq!(count("annals_waiting_appends"), 0);
    let calls = |method: &str, code: &str| {
        let labels = [format!("method=\"{method}\""), format!("code=\"{code}\"")];
        metrics
            .get("annals_grpc_calls_total", &[&labels[0], &labels[1]])
            .unwrap_or(0.0) as u64
    };
    assert_eq!(calls("AppendToStream", "OK"), 13);
    assert_eq!(calls("AppendToStream", "ABORTED"), 4);
    assert_eq!(calls("AppendToStream", "INVALID_ARGUMENT"), 1);
    assert_eq!(calls("ReadAll", "OK"), 1);
    assert_eq!(
        (count("annals_grpc_calls_open"), count("annals_grpc_connections")),
        (0, 1)
    );
    let engine = format!("engine=\"{}\"", server.engine().name());
    assert_eq!(metrics.get("annals_server_info", &[&engine]), Some(1.0));
    assert!(metrics.text().ends_with("# EOF\n"), "OpenMetrics has an end");
}

async fn metrics_count_what_was_done_with_state(server: Server) {
    let client = server.client();
    client.append("s", Expected::Any, [event("T")]).await.unwrap();
    let put = |n: u32| StateWrite::new().put("s", format!("k{n}"), "1");
    for n in 0..5 {
        client.write_state(put(n)).await.unwrap();
    }
    let once = put(9);
    for _ in 0..3 {
        client.write_state(once.clone()).await.unwrap();
    }
    for _ in 0..4 {
        client
            .write_state(put(1).expect_absent("s", "k1"))
            .await
            .unwrap_err();
    }
    assert!(client.get_state("s", "k1").await.unwrap().is_some());
    assert!(client.get_state("s", "none").await.unwrap().is_none());
    assert_eq!(
        client.list_state("s").page_size(3).await.unwrap().entries.len(),
        3
    );
    let metrics = Metrics::of(&server);
    let count = |name: &str| metrics.value(name) as u64;
    assert_eq!(count("annals_state_writes_total"), 6);
    assert_eq!(count("annals_repeated_state_writes_total"), 2);
    assert_eq!(count("annals_rejected_state_writes_total"), 4);
    assert_eq!(count("annals_read_state_entries_total"), 4);
    assert_eq!(count("annals_waiting_state_writes"), 0);
    assert_eq!(count("annals_state_conflicts_total"), 0);
    let mut subscription = client.subscribe_state("s").await.unwrap();
    for _ in 0..6 {
        within_patience("an entry", subscription.next()).await.unwrap();
    }
    let metrics = until(&server, "a subscription to state", |metrics| {
        metrics.get("annals_subscriptions", &["kind=\"state\""]) == Some(1.0)
    });
    assert_eq!(metrics.value("annals_read_state_entries_total") as u64, 10);
    assert_eq!(
        metrics.value("annals_subscription_behind_events_max") as u64,
        0,
        "it is not a subscription to the log"
    );
}

/// Reads the metrics until a condition holds.
#[track_caller]
fn until(server: &Server, what: &str, right: impl Fn(&Metrics) -> bool) -> Metrics {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let metrics = Metrics::of(server);
        if right(&metrics) {
            return metrics;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "{what} never happened:\n{}",
            metrics.text()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn metrics_show_how_far_subscribers_are_behind(server: Server) {
    let client = server.client();
    let mut reads = client.subscribe_all().await.unwrap();
    let mut stub = server.stub();
    let lagging = stub
        .subscribe_all(pb::SubscribeAllRequest::default())
        .await
        .unwrap()
        .into_inner();
    let request = pb::SubscribeStreamRequest {
        stream: "none".to_owned(),
        ..Default::default()
    };
    let stream = stub.subscribe_stream(request).await.unwrap();
    let open = |metrics: &Metrics, kind: &str| {
        metrics
            .get("annals_subscriptions", &[&format!("kind=\"{kind}\"")])
            .map(|open| open as u64)
    };
    until(&server, "three subscriptions", |metrics| {
        (open(metrics, "all"), open(metrics, "stream")) == (Some(2), Some(1))
    });
    for _ in 0..40 {
        client
            .append("large", Expected::Any, [Event::new("T", vec![0; 400_000])])
            .await
            .unwrap();
    }
    let mut last = 0;
    while last < 40 {
        if let SubscriptionItem::Event(event) =
            within_patience("events", reads.next()).await.unwrap().unwrap()
        {
            last = event.position.0;
        }
    }
    let metrics = until(&server, "the one that reads at the head", |metrics| {
        let text = metrics.text();
        text.lines()
            .any(|line| line.starts_with("annals_subscription_behind_events{") && line.ends_with(" 0"))
    });
    let behind = metrics.value("annals_subscription_behind_events_max") as u64;
    assert!(
        (1..=40).contains(&behind),
        "the one that does not read is behind: {behind}"
    );
    drop((lagging, stream, stub));
    until(&server, "the end of two subscriptions", |metrics| {
        (open(metrics, "all"), open(metrics, "stream")) == (Some(1), Some(0))
    });
}

async fn health_is_told_over_http_and_grpc(server: Server) {
    until(&server, "readiness", |_| {
        http::get(server.http_address(), "/health/ready").0 == 200
    });
    assert_eq!(http::get(server.http_address(), "/health/live").0, 200);
    let mut health = HealthClient::new(server.channel());
    for service in ["", "annals.v1.EventStoreService"] {
        let status = health
            .check(HealthCheckRequest {
                service: service.to_owned(),
            })
            .await
            .unwrap();
        assert_eq!(status.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = health
        .check(HealthCheckRequest {
            service: "annals.v9".to_owned(),
        })
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

async fn a_server_that_drains_says_that_it_is_not_ready(mut server: Server) {
    let mut health = HealthClient::new(server.channel());
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let mut watched = health.watch(request).await.unwrap().into_inner();
    let next = watched.message().await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::Serving);
    // An append pipeline that stays open holds up the drain until it is notified.
    server.ask_to_stop();
    let next = within_patience("the change of health", watched.message())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    assert_eq!(
        server.wait_for_its_end().code(),
        Some(0),
        "a watcher does not hold it up"
    );
}
