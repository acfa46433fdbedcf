//! All consumers of a group, and the end.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use annals_client::{Event, ExpectedRevision};
use annals_proto::v1::{self as pb, group_service_client::GroupServiceClient};
use annals_tests::{
    checker::groups::{GroupEnd, GroupEvent, Happened, judge},
    harness::{Server, is_long, number},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use super::consumer::{Shared, consume};

/// How long the group may take to finish once nothing fails any more.
const END_PATIENCE: Duration = Duration::from_secs(180);
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
const CONSUMERS: u64 = 8;

pub(super) struct Scene {
    shared: Arc<Shared>,
    consumers: Vec<JoinHandle<()>>,
    events: Vec<GroupEvent>,
    pub random: StdRng,
}

/// The number of events of a scene.
pub(super) fn events_of_scene() -> u64 {
    number("ANNALS_GROUP_EVENTS").unwrap_or(if is_long() { 200_000 } else { 8_000 })
}

impl Scene {
    /// Appends events to streams, and starts consumers that connect to any of the servers.
    pub(super) async fn start(servers: &[Server], streams: u64, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let events = append(&servers[0], streams, events_of_scene(), &mut random).await;
        let duration = |millis: i32| prost_types::Duration {
            seconds: i64::from(millis / 1_000),
            nanos: millis % 1_000 * 1_000_000,
        };
        let settings = pb::GroupSettings {
            query: Some(pb::Query {
                items: vec![pb::QueryItem {
                    types: vec!["Happened".to_owned()],
                    ..Default::default()
                }],
            }),
            ack_timeout: Some(duration(i32::try_from(ACK_TIMEOUT.as_millis()).unwrap())),
            max_attempts: Some(20),
            retry_delay: Some(duration(5)),
            max_retry_delay: Some(duration(200)),
            ..Default::default()
        };
        let create = pb::CreateGroupRequest {
            name: "workers".to_owned(),
            settings: Some(settings),
            start: None,
        };
        groups(&servers[0]).create_group(create).await.unwrap();
        let shared = Arc::new(Shared {
            group: "workers".to_owned(),
            endpoints: servers.iter().map(Server::endpoint).collect(),
            ack_timeout: ACK_TIMEOUT,
            // About ten times, however many events there are: a stream waits meanwhile.
            hangs_one_in: u32::try_from(events_of_scene() / 10).unwrap().max(10),
            history: parking_lot::Mutex::default(),
            began: Instant::now(),
            settled: 0.into(),
            is_calm: false.into(),
            is_over: false.into(),
            next_session: 1.into(),
        });
        let consumers = (0..CONSUMERS).map(|n| {
            let name = format!("consumer-{n}");
            tokio::spawn(consume(Arc::clone(&shared), name, random.random()))
        });
        Self {
            consumers: consumers.collect(),
            shared,
            events,
            random,
        }
    }

    /// Notes that a server is about to have a fault, or has had one.
    pub(super) fn fault(&self) {
        self.shared.note(Happened::Fault);
    }

    /// The number of deliveries that were settled.
    pub(super) fn settled(&self) -> u64 {
        self.shared.settled.load(Ordering::Relaxed)
    }

    /// Returns when another `count` deliveries are settled, or there are no more.
    pub(super) async fn goes_on(&self, count: u64, patience: Duration) {
        let enough = (self.settled() + count).min(self.events.len() as u64);
        let waiting = async {
            while self.settled() < enough {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let went_on = tokio::time::timeout(patience, waiting).await;
        assert!(went_on.is_ok(), "no consumer gets events any more");
    }

    /// Returns when most events were settled once.
    pub(super) async fn almost_done(&self) {
        self.goes_on(self.events.len() as u64 * 9 / 10, END_PATIENCE)
            .await;
    }

    /// Nothing fails any more; the group finishes, and what happened is judged.
    pub(super) async fn end(self, server: &Server, what: &str) {
        self.shared.is_calm.store(true, Ordering::Relaxed);
        let mut groups = groups(server);
        let describe = || pb::DescribeGroupRequest {
            name: "workers".to_owned(),
        };
        let deadline = Instant::now() + END_PATIENCE;
        let described = loop {
            let described = groups.describe_group(describe()).await;
            if let Ok(described) = described {
                let described = described.into_inner();
                if described.done_position == described.head {
                    break described;
                }
                assert!(
                    Instant::now() < deadline,
                    "{what}: the group does not finish: {described:?}"
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        self.shared.is_over.store(true, Ordering::Relaxed);
        for consumer in self.consumers {
            consumer.await.unwrap();
        }
        let parked = parked(server).await;
        assert_eq!(
            described.parked,
            parked.len() as u64,
            "{what}: the number of parked events"
        );
        let history = self.shared.history.lock().clone();
        let end = GroupEnd {
            events: self.events,
            parked,
            ack_timeout: ACK_TIMEOUT,
            is_ordered: true,
        };
        let violations = judge(&history, &end);
        let count = |is: fn(&Happened) -> bool| {
            history
                .happened
                .iter()
                .filter(|(_, happened)| is(happened))
                .count()
        };
        println!(
            "{what}: {} events, {} deliveries, {} parked, {} connections, {} faults, {:?}",
            end.events.len(),
            count(|happened| matches!(happened, Happened::Delivered { .. })),
            end.parked.len(),
            count(|happened| matches!(happened, Happened::Ended { .. })),
            count(|happened| matches!(happened, Happened::Fault)),
            self.shared.began.elapsed(),
        );
        let Some(first) = violations.first() else {
            return;
        };
        let story = history.of(first, &end).into_iter();
        let story: String = story.map(|happened| format!("{happened:?}\n")).collect();
        panic!(
            "{what}: {} violations, the first {first:?} of\n{story}",
            violations.len()
        );
    }
}

pub(super) fn groups(server: &Server) -> GroupServiceClient<Channel> {
    GroupServiceClient::new(server.channel()).max_decoding_message_size(64 << 20)
}

async fn append(server: &Server, streams: u64, events: u64, random: &mut StdRng) -> Vec<GroupEvent> {
    let client = server.client();
    let mut next = vec![0; usize::try_from(streams).unwrap()];
    let mut appended = Vec::new();
    while (appended.len() as u64) < events {
        let stream = random.random_range(0..next.len());
        let name = format!("stream-{stream}");
        let count = random.random_range(1..200).min(1 + 2 * events / streams);
        let batch: Vec<_> = (0..count).map(|_| Event::new("Happened", "{}")).collect();
        let written = client.append(&name, ExpectedRevision::Any, batch).await.unwrap();
        for n in 0..count {
            appended.push(GroupEvent {
                position: written.first_position.0 + n,
                stream: name.clone(),
                revision: next[stream],
            });
            next[stream] += 1;
        }
    }
    appended
}

async fn parked(server: &Server) -> BTreeSet<u64> {
    let mut positions = BTreeSet::new();
    loop {
        let list = pb::ListParkedRequest {
            group: "workers".to_owned(),
            after_position: positions.last().copied().unwrap_or_default(),
            page_size: Some(1_000),
            ..Default::default()
        };
        let page = groups(server).list_parked(list).await.unwrap().into_inner();
        positions.extend(page.events.iter().map(|event| event.position));
        if !page.has_more {
            return positions;
        }
    }
}
