//! Runs the benchmark's loads against the echo server.

use std::{sync::Arc, time::Duration};

use prost::Message;

use super::*;
use crate::load::{Measured, Subject, Supply, calls, live, pipeline, read};

async fn started() -> [String; 1] {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener));
    [endpoint]
}

fn subject<'a>(endpoints: &'a [String], supply: &'a Arc<Supply>) -> Subject<'a> {
    Subject {
        endpoints,
        pids: &[],
        supply,
        warm_up: Duration::from_millis(20),
        measured: Duration::from_millis(200),
        clients_per_connection: 2,
    }
}

/// Repeats a load until a run counts `enough`: on a busy machine a window may pass without any reply.
async fn counted<F: Future<Output = crate::Result<Measured>>>(
    run: impl Fn() -> F,
    enough: impl Fn(&Measured) -> bool,
) -> Measured {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let measured = run().await.unwrap();
        if enough(&measured) || std::time::Instant::now() > deadline {
            return measured;
        }
    }
}

#[test]
fn a_batch_is_the_encoding_of_as_many_events_of_one_size() {
    let reads = Reads::new();
    let decoded = pb::ReadAllResponse::decode(reads.batch.clone()).unwrap();
    assert_eq!(decoded.events.len() as u64, reads.batch_events);
    assert_eq!(reads.batch.len(), reads.batch_events as usize * reads.event_bytes);
    assert!(decoded.events.iter().all(|event| event.data.len() == 256));
    assert!(decoded.events.iter().all(|event| event.r#type.len() == 12));
}

#[tokio::test]
async fn calls_to_several_servers_are_counted_for_each() {
    let endpoints = [started().await, started().await, started().await].concat();
    let supply = Arc::default();
    let subject = subject(&endpoints, &supply);
    let all_answered = |measured: &Measured| measured.events_by_server.iter().all(|&events| events > 0);
    let measured = counted(|| calls::run(&subject, 6, 1), all_answered).await;
    assert_eq!(measured.events_by_server.len(), 3);
    assert!(all_answered(&measured), "{measured:?}");
    assert_eq!(measured.events_by_server.iter().sum::<u64>(), measured.events);
    assert!(
        measured
            .least_share()
            .is_some_and(|share| share > 0.0 && share <= 1.0)
    );
}

#[tokio::test]
async fn calls_are_answered_with_the_revisions_they_expect() {
    let (endpoints, supply) = (started().await, Arc::default());
    let subject = subject(&endpoints, &supply);
    let measured = counted(|| calls::run(&subject, 3, 2), |measured| measured.events > 0).await;
    assert!(
        measured.events > 0 && measured.events.is_multiple_of(2),
        "{measured:?}"
    );
    assert!(measured.latency.unwrap().max_ms > 0.0, "{measured:?}");
}

#[tokio::test]
async fn a_session_is_answered_to_its_end() {
    let (endpoints, supply) = (started().await, Arc::default());
    let subject = subject(&endpoints, &supply);
    let measured = counted(|| pipeline::run(&subject, 16), |measured| measured.events > 0).await;
    assert!(measured.events > 0, "{measured:?}");
}

#[tokio::test]
async fn a_read_gets_exactly_what_it_asks_for() {
    let (endpoints, supply) = (started().await, Arc::default());
    let events = 3 * Reads::new().batch_events + 5;
    let measured = read::run(&subject(&endpoints, &supply), events).await.unwrap();
    assert_eq!(measured.events, events);
}

#[tokio::test]
async fn a_subscriber_gets_each_event_once() {
    let (endpoints, supply) = (started().await, Arc::default());
    let subject = subject(&endpoints, &supply);
    let measured = counted(|| live::run(&subject, 500), |measured| measured.events > 0).await;
    assert!(measured.events > 0 && measured.events <= 110, "{measured:?}");
    assert!(measured.late_ms_max.is_some());
}
