//! Many parked events, and many groups: memory does not grow with the one, and the other costs next to nothing.
//!
//! `ANNALS_PARKED_EVENTS` sets the number of parked events, `ANNALS_IDLE_GROUPS` that of groups.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use annals_client::{Event, ExpectedRevision};
use annals_proto::v1::{self as pb, consume_response::Content, nack::Action};
use annals_tests::harness::{Engine, Server, is_long, number, within_patience};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::scene::groups;
use crate::alone;

/// Memory that the server may need beyond what it has when all events are parked: for pages and caches.
const GROWTH_MAX: u64 = 64 << 20;

fn selection(selection: pb::parked_selection::Selection) -> Option<pb::ParkedSelection> {
    Some(pb::ParkedSelection {
        selection: Some(selection),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parked_events_are_listed_replayed_and_discarded_in_bounded_memory() {
    let _alone = alone().await;
    let events: u64 = number("ANNALS_PARKED_EVENTS").unwrap_or(if is_long() { 1_000_000 } else { 10_000 });
    let server = Server::start(Engine::Embedded);
    let client = server.client();
    for _ in 0..events / 1_000 {
        let batch: Vec<_> = (0..1_000).map(|_| Event::new("Happened", "{}")).collect();
        client
            .append("failing", ExpectedRevision::Any, batch)
            .await
            .unwrap();
    }
    create(&server, "parking").await;
    let began = Instant::now();
    park(&server, "parking", events).await;
    let memory = || server.resident_bytes().unwrap_or_default();
    let (took, parked) = (began.elapsed(), memory());

    let began = Instant::now();
    let mut seen = BTreeSet::new();
    for page in 0..5 {
        let list = pb::ListParkedRequest {
            group: "parking".into(),
            after_position: seen.last().copied().unwrap_or_default(),
            page_size: Some(1_000),
            include_events: true,
            ..Default::default()
        };
        let listed = groups(&server).list_parked(list).await.unwrap().into_inner();
        assert!(listed.has_more, "page {page}");
        assert!(
            listed
                .events
                .iter()
                .all(|event| event.reason == "cannot" && event.event.is_some())
        );
        seen.extend(listed.events.iter().map(|event| event.position));
    }
    assert_eq!(seen.len(), 5_000);
    let listed = (began.elapsed(), memory());

    let began = Instant::now();
    let one = seen.first().copied().unwrap();
    let replay = pb::ReplayParkedRequest {
        group: "parking".into(),
        selection: selection(pb::parked_selection::Selection::Positions(pb::ParkedPositions {
            positions: vec![one],
        })),
        to_group: String::new(),
    };
    assert_eq!(
        groups(&server)
            .replay_parked(replay)
            .await
            .unwrap()
            .into_inner()
            .count,
        1
    );
    let replayed = (began.elapsed(), memory());

    let began = Instant::now();
    let discard = pb::DiscardParkedRequest {
        group: "parking".into(),
        selection: selection(pb::parked_selection::Selection::All(())),
    };
    let discarded = groups(&server)
        .discard_parked(discard)
        .await
        .unwrap()
        .into_inner()
        .count;
    assert_eq!(discarded, events - 1);
    let end = (began.elapsed(), memory());
    println!(
        "{events} parked in {took:?}, {} MiB; five pages {:?}, {} MiB; one replayed {:?}, {} MiB; all discarded {:?}, \
         {} MiB",
        parked >> 20,
        listed.0,
        listed.1 >> 20,
        replayed.0,
        replayed.1 >> 20,
        end.0,
        end.1 >> 20
    );
    for (_, memory) in [listed, replayed, end] {
        assert!(
            memory < parked + GROWTH_MAX,
            "the server needs {memory} bytes after {parked}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_groups_cost_next_to_nothing() {
    let _alone = alone().await;
    let count: u64 = number("ANNALS_IDLE_GROUPS").unwrap_or(200);
    let server = Server::start(Engine::Embedded);
    let before = server.resident_bytes().unwrap_or_default();
    let mut calls = Vec::new();
    for nth in 0..count {
        let name = format!("group-{nth}");
        create(&server, &name).await;
        let (requests, sent) = mpsc::channel(4);
        requests.send(open(&name, 10)).await.unwrap();
        let responses = groups(&server).consume(ReceiverStream::new(sent)).await.unwrap();
        calls.push((requests, responses.into_inner()));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (ticks, memory) = (
        processor_ticks(server.pid()),
        server.resident_bytes().unwrap_or_default(),
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let used = processor_ticks(server.pid()) - ticks;
    println!(
        "{count} groups with a consumer each: {used} ticks of 10 ms in 5 s, {} KiB for each",
        memory.saturating_sub(before) / 1_024 / count
    );
    // All of them still work.
    server
        .client()
        .append("s", ExpectedRevision::Any, [Event::new("Happened", "{}")])
        .await
        .unwrap();
    for (_, responses) in &mut calls {
        let delivered = async {
            loop {
                let response = responses.message().await.unwrap().expect("the call continues");
                if let Some(Content::Deliveries(batch)) = response.content {
                    return batch.deliveries.len();
                }
            }
        };
        assert_eq!(within_patience("a delivery", delivered).await, 1);
    }
}

async fn create(server: &Server, name: &str) {
    let settings = pb::GroupSettings {
        query: Some(pb::Query {
            items: vec![pb::QueryItem {
                types: vec!["Happened".to_owned()],
                ..Default::default()
            }],
        }),
        ..Default::default()
    };
    let create = pb::CreateGroupRequest {
        name: name.to_owned(),
        settings: Some(settings),
        start: None,
    };
    groups(server).create_group(create).await.unwrap();
}

fn open(group: &str, permits: u64) -> pb::ConsumeRequest {
    pb::ConsumeRequest {
        open: Some(pb::OpenConsumer {
            group: group.to_owned(),
            consumer: "consumer".to_owned(),
            permits,
        }),
        ..Default::default()
    }
}

/// Parks every event, and returns when that is stored.
async fn park(server: &Server, group: &str, events: u64) {
    let (requests, sent) = mpsc::channel(16);
    requests.send(open(group, 1_000)).await.unwrap();
    let mut client = groups(server);
    let mut responses = client
        .consume(ReceiverStream::new(sent))
        .await
        .unwrap()
        .into_inner();
    let mut parked = 0;
    while parked < events {
        let Some(Content::Deliveries(batch)) = responses.message().await.unwrap().unwrap().content else {
            continue;
        };
        let deliveries: Vec<_> = batch.deliveries.iter().map(|delivery| delivery.id).collect();
        parked += deliveries.len() as u64;
        let request = pb::ConsumeRequest {
            nacks: vec![pb::Nack {
                deliveries,
                reason: "cannot".to_owned(),
                action: Some(Action::Park(())),
            }],
            ..Default::default()
        };
        requests.send(request).await.unwrap();
    }
    drop(requests);
    while responses.message().await.unwrap().is_some() {}
}

/// The time that a process has used, in clock ticks.
fn processor_ticks(pid: u32) -> u64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0;
    };
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}
