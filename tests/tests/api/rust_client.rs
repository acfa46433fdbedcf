//! Resource use of the Rust client at the server: no call stays open without a waiting caller, and no append fails
//! because of another caller's.

use annals_client::{Append, Client, Error, Event, ExpectedRevision};
use annals_tests::{
    harness::{Metrics, Server, within_patience},
    on_every_engine,
};

on_every_engine!(
    reads_that_are_abandoned_end_at_the_server,
    subscriptions_that_are_abandoned_end_at_the_server,
    pipelines_that_are_abandoned_end_at_the_server,
    an_oversized_append_fails_only_its_own_caller,
    the_largest_append_is_taken_by_a_pipeline,
);

/// How many of each are abandoned: more than a server would have room for by accident.
const ABANDONED: usize = 20;

/// A log of about 20 MB: much more than is in transit to a client that does not read.
async fn fill(client: &Client) {
    let pipeline = client.append_pipeline();
    let mut pending = Vec::new();
    for _ in 0..200 {
        let event = Event::new("Large", vec![b'x'; 100_000]);
        pending.push(
            pipeline
                .append("a", ExpectedRevision::Any, [event])
                .await
                .unwrap(),
        );
    }
    for appended in pending {
        appended.await.unwrap();
    }
}

/// Waits until the server has no open call and no subscription.
async fn until_nothing_is_open(server: &Server) {
    let ended = async {
        loop {
            let metrics = Metrics::of(server);
            let open = ["annals_grpc_calls_open", "annals_subscriptions"].map(|name| metrics.value(name));
            if open == [0.0, 0.0] {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within_patience("the end of every call", ended).await;
}

/// A task that ends in the middle of a loop, like one whose handler failed.
async fn panic_in(task: impl Future<Output = ()> + Send + 'static) {
    let ended = tokio::spawn(async move {
        task.await;
        panic!("on purpose: what is abandoned by a panic is dropped");
    });
    assert!(ended.await.unwrap_err().is_panic());
}

async fn reads_that_are_abandoned_end_at_the_server(server: Server) {
    let client = server.client();
    fill(&client).await;
    for nth in 0..ABANDONED {
        let (all, stream) = (client.read_all(), client.read_stream("a"));
        match nth % 3 {
            // In the middle.
            0 => drop(all.await.unwrap().next().await.unwrap().unwrap()),
            // Before the first event.
            1 => drop(stream.await.unwrap()),
            _ => panic_in(async move { drop(stream.await.unwrap().next().await.unwrap().unwrap()) }).await,
        }
        let mut streams = client.list_streams("");
        drop(streams.next().await.unwrap().unwrap());
    }
    until_nothing_is_open(&server).await;
}

async fn subscriptions_that_are_abandoned_end_at_the_server(server: Server) {
    let client = server.client();
    fill(&client).await;
    for nth in 0..ABANDONED {
        let (all, stream) = (client.subscribe_all(), client.subscribe_stream("a"));
        match nth % 3 {
            0 => drop(all.await.unwrap().next().await.unwrap().unwrap()),
            // A subscription that waits for future events.
            1 => {
                let mut subscription = stream.from_end().await.unwrap();
                while let Ok(item) =
                    tokio::time::timeout(std::time::Duration::from_millis(20), subscription.next()).await
                {
                    item.unwrap().unwrap();
                }
            }
            _ => panic_in(async move { drop(stream.await.unwrap().next().await.unwrap().unwrap()) }).await,
        }
    }
    until_nothing_is_open(&server).await;
}

async fn pipelines_that_are_abandoned_end_at_the_server(server: Server) {
    let client = server.client();
    for _ in 0..ABANDONED {
        let pipeline = client.append_pipeline();
        for nth in 0..10 {
            let event = Event::json("Counted", &nth).unwrap();
            // The result is abandoned as well; the append is written nevertheless.
            drop(
                pipeline
                    .append("a", ExpectedRevision::Any, [event])
                    .await
                    .unwrap(),
            );
        }
        let clone = pipeline.clone();
        panic_in(async move { drop(clone) }).await;
    }
    until_nothing_is_open(&server).await;
    let last = client.stream_info("a").await.unwrap().last_revision;
    assert_eq!(last, 10 * ABANDONED as u64 - 1);
}

async fn an_oversized_append_fails_only_its_own_caller(server: Server) {
    let pipeline = server.client().append_pipeline();
    let large = || [Event::new("Large", vec![b'x'; 7_000_000])];
    let small = |nth: usize| {
        let pipeline = pipeline.clone();
        async move {
            let event = Event::json("Small", &nth).unwrap();
            pipeline.append("a", ExpectedRevision::Any, [event]).await?.await
        }
    };
    let oversized = async {
        let (one, many) = (
            pipeline.append("b", ExpectedRevision::Any, large()).await,
            pipeline.append_to_many(Append::new().write("b", large())).await,
        );
        (one.map(drop), many.map(drop))
    };
    let (smalls, (one, many)) = tokio::join!(futures::future::join_all((0..300).map(small)), oversized);
    for appended in smalls {
        appended.unwrap();
    }
    for (refused, field) in [(one, "events"), (many, "writes")] {
        let Err(Error::TooLarge(violations)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(violations[0].field, field);
        let said = &violations[0].description;
        assert!(
            said.contains("the append has 7000"),
            "its own size is named: {said}"
        );
    }
    small(300).await.expect("the pipeline continues");
}

async fn the_largest_append_is_taken_by_a_pipeline(server: Server) {
    let client = server.client();
    let limits = client.server_info().await.unwrap().limits;
    let bytes = (limits.max_event_bytes.min(limits.max_append_bytes / 4) - 1_000) as usize;
    let events = || (0..4).map(|_| Event::new("Large", vec![b'x'; bytes]));
    let pipeline = client.append_pipeline();
    let one = pipeline
        .append("a", ExpectedRevision::Any, events())
        .await
        .unwrap();
    let many = pipeline
        .append_to_many(Append::new().write("b", events()))
        .await
        .unwrap();
    assert_eq!(one.await.unwrap().last_position, 4);
    assert_eq!(many.await.unwrap().last_position, 8);
    // Slightly larger than accepted: refused by the server, which names the field that is too large.
    let event = Event::new("Large", vec![b'x'; limits.max_event_bytes as usize + 1]);
    let refused = pipeline
        .append("a", ExpectedRevision::Any, [event])
        .await
        .unwrap()
        .await;
    assert!(
        matches!(&refused, Err(Error::TooLarge(violations)) if violations[0].field == "events[0].data"),
        "{refused:?}"
    );
}
