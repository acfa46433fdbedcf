//! A store that is served at one address and then at another: what clients of both see when its server is killed at
//! the first and starts at the second.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use annals_client::{AppendPipeline, Client, Error, Event, ExpectedRevision, Subscription, SubscriptionItem};
use annals_tests::{
    harness::{Cli, ClusterStore, Engine, Metrics, Options, PATIENCE, Server, within_patience},
    on_every_engine_that_persists, tests_that_need,
};

on_every_engine_that_persists!(
    a_pipeline_and_subscriptions_go_on_at_the_other_address,
    a_drained_server_is_left_without_a_failed_call,
);
tests_that_need!(foundationdb: what_is_open_follows_its_client_to_the_server_that_has_recovered);

/// An address without a listener.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn client(addresses: [SocketAddr; 2]) -> Client {
    Client::builder()
        .endpoints(addresses.map(|address| format!("http://{address}")))
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

fn event(nth: u64) -> Event {
    Event::json("Counted", &nth).unwrap()
}

/// The positions and ids of the next `count` events.
async fn take(subscription: &mut Subscription, count: usize) -> Vec<(u64, String)> {
    let mut events = Vec::new();
    while events.len() < count {
        let item = within_patience("a subscription's next item", subscription.next()).await;
        if let SubscriptionItem::Event(event) = item.unwrap().unwrap() {
            events.push((event.position.0, event.id.to_string()));
        }
    }
    events
}

async fn a_pipeline_and_subscriptions_go_on_at_the_other_address(mut server: Server) {
    let addresses = [server.grpc_address(), free_address()];
    let client = client(addresses);
    let mut all = client.subscribe_all().await.unwrap();
    let mut one = client.subscribe_stream("count").await.unwrap();
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for round in 0..4_u64 {
        for nth in 0..50 {
            let event = event(50 * round + nth);
            let id = event.id.to_string();
            let taken = pipeline
                .append("count", ExpectedRevision::Any, [event])
                .await
                .unwrap();
            pending.push((id, taken));
        }
        server.kill();
        server.start_again_at(addresses[(round as usize + 1) % 2]);
    }
    let mut appended = Vec::new();
    for (id, taken) in pending {
        let answer = within_patience("an append's answer", taken).await.unwrap();
        appended.push((answer.first_position.0, id));
    }
    let positions: Vec<_> = appended.iter().map(|(position, _)| *position).collect();
    assert_eq!(
        positions,
        (1..=200).collect::<Vec<_>>(),
        "in order, once, nothing between"
    );
    assert_eq!(take(&mut all, 200).await, appended);
    assert_eq!(take(&mut one, 200).await, appended);
}

async fn a_drained_server_is_left_without_a_failed_call(mut server: Server) {
    let addresses = [server.grpc_address(), free_address()];
    let client = client(addresses);
    let done = Arc::new(AtomicBool::new(false));
    let appending = tokio::spawn({
        let (client, done) = (client.clone(), done.clone());
        async move {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                let appended = client
                    .append("count", ExpectedRevision::Any, [event(count)])
                    .await
                    .unwrap();
                count += 1;
                assert_eq!(appended.first_position, count);
            }
            count
        }
    });
    for round in 1..=3 {
        let before = client.server_info().await.unwrap().head;
        let status = server.terminate();
        assert!(status.success(), "{status}");
        server.start_again_at(addresses[round % 2]);
        let more = async {
            while client.server_info().await.unwrap().head == before {
                tokio::task::yield_now().await;
            }
        };
        within_patience("appends after the restart", more).await;
    }
    done.store(true, Ordering::Relaxed);
    let count = within_patience("the last append", appending).await.unwrap();
    assert_eq!(client.server_info().await.unwrap().head, count);
}

/// A client that starts with the first of two servers, and returns to it soon.
fn returning(first: &Server, second: &Server) -> Client {
    Client::builder()
        .endpoints([first.endpoint(), second.endpoint()])
        .shuffle_endpoints(false)
        .return_after(Duration::from_millis(50))
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_returns_to_a_server_that_has_recovered() {
    // Of two stores, so that a response identifies the server.
    let [mut first, second] = [(); 2].map(|()| Server::start(Engine::Memory));
    let append = |server: &Server, stream: &'static str| {
        let client = server.client();
        async move {
            client
                .append(stream, ExpectedRevision::Any, [event(1)])
                .await
                .unwrap()
        }
    };
    append(&second, "second").await;
    let client = returning(&first, &second);
    for _ in 0..3 {
        let elsewhere = client.stream_info("second").await;
        assert!(
            matches!(elsewhere, Err(Error::StreamNotFound { .. })),
            "{elsewhere:?}"
        );
        first.kill();
        for _ in 0..20 {
            client.stream_info("second").await.expect("the second serves");
        }
        first.start_again();
        let back = async { while client.stream_info("second").await.is_ok() {} };
        within_patience("the return", back).await;
    }
}

/// Appends a numbered event, and waits until the subscription delivers it.
async fn step(pipeline: &AppendPipeline, subscription: &mut Subscription, nth: u64) {
    let appended = pipeline
        .append("count", ExpectedRevision::Any, [event(nth)])
        .await
        .unwrap();
    let position = within_patience("an append", appended)
        .await
        .unwrap()
        .first_position;
    let seen = take(subscription, 1).await;
    assert_eq!(seen[0].0, position.0, "each event once, in order");
}

async fn what_is_open_follows_its_client_to_the_server_that_has_recovered() {
    let store = ClusterStore::fresh();
    let mut first = Options::on(&store).start();
    let second = Options::on(&store).start();
    let client = returning(&first, &second);
    let (mut subscription, pipeline) = (client.subscribe_all().await.unwrap(), client.append_pipeline());
    let mut nth = 0;
    for _ in 0..3 {
        first.kill();
        for _ in 0..20 {
            step(&pipeline, &mut subscription, nth).await;
            nth += 1;
        }
        first.start_again();
        let returned = async {
            while Metrics::of(&second).value("annals_grpc_calls_open") > 0.0 {
                step(&pipeline, &mut subscription, nth).await;
                nth += 1;
            }
        };
        within_patience("the return", returned).await;
    }
}

#[test]
fn the_command_line_uses_whichever_of_its_endpoints_answers() {
    let server = Server::start(Engine::Memory);
    let cli = Cli::of(&server);
    let dead = free_address();
    for endpoints in [
        format!("http://{dead},{}", server.endpoint()),
        format!("{},http://{dead}", server.endpoint()),
    ] {
        let event = [
            "append",
            "a",
            "--type",
            "Made",
            "--data",
            "1",
            "--endpoint",
            &endpoints,
        ];
        let _ = cli.run(event).expect_code(0);
    }
    let read = ["read", "a", "--format", "ndjson"];
    assert_eq!(cli.run(read).expect_code(0).json_lines().len(), 2);
}
