//! Groups on the memory engine, through their public interface.

mod changes;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annals_engine::memory::MemoryEngine;
use annals_store::{
    Append, ContentType, Environment, EventType, Expected, NewEvent, Settings, Store, StreamName,
};
use bytes::Bytes;
use uuid::Uuid;

use super::*;

struct Fixture {
    store: Store,
    groups: Groups,
    engine: Arc<MemoryEngine>,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(Arc::new(MemoryEngine::new()), 1, false).await
    }

    async fn on(engine: Arc<MemoryEngine>, seed: u64, is_shared: bool) -> Self {
        let mut environment = Environment::system(format!("server-{seed}"));
        environment.seed = seed;
        let settings = Settings {
            shared_engine: is_shared,
            ..Settings::default()
        };
        let clock = Arc::clone(&environment.clock);
        let store = Store::open(engine.clone(), settings, environment).await.unwrap();
        let setup = Setup {
            address: format!("server-{seed}"),
            is_shared,
            clock,
            seed: seed + 1_000,
        };
        let groups = Groups::open(store.clone(), setup);
        Self {
            store,
            groups,
            engine,
        }
    }

    async fn append(&self, stream: &str, events: usize) {
        let event = |_| NewEvent {
            id: Uuid::now_v7(),
            kind: EventType::new("T").unwrap(),
            data: Bytes::from_static(b"{}"),
            metadata: Bytes::new(),
            tags: Vec::new(),
            content_type: ContentType::default(),
            unknown: Bytes::new(),
        };
        let events = (0..events).map(event).collect();
        let stream = StreamName::new(stream).unwrap();
        let append = Append::new(stream, Expected::Any, events, self.store.limits()).unwrap();
        self.store.append(append).await.unwrap();
    }

    async fn create(&self, name: &str, settings: GroupSettings) -> LocalGroup {
        // The group's own definition is an event of the log, too.
        let settings = GroupSettings {
            query: annals_store::Query {
                items: vec![annals_store::QueryItem {
                    types: vec!["T".to_owned()],
                    ..Default::default()
                }],
            },
            ..settings
        };
        self.groups
            .create(name, settings, Start::Beginning)
            .await
            .unwrap();
        self.here(name).await
    }

    async fn here(&self, name: &str) -> LocalGroup {
        match self.groups.leader(name).await.unwrap() {
            Leader::Here(group) => group,
            Leader::Elsewhere(address) => panic!("led by {address}"),
        }
    }
}

fn quick() -> GroupSettings {
    GroupSettings {
        retry_delay: Duration::from_millis(10),
        retry_delay_max: Duration::from_millis(20),
        attempts_max: 3,
        ..GroupSettings::default()
    }
}

/// Returns the next deliveries of a consumer as (id, attempt, stream, revision).
async fn deliveries(consumer: &mut Consumer) -> Vec<(u64, u32, String, u64)> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(100), consumer.next());
        if let ConsumerMessage::Deliveries(deliveries) = message.await.expect("no delivery").unwrap() {
            return deliveries
                .iter()
                .map(|delivery| {
                    let event = delivery.event.view().unwrap();
                    (
                        delivery.id,
                        delivery.attempt,
                        event.stream.to_owned(),
                        event.revision.0,
                    )
                })
                .collect();
        }
    }
}

fn acks(ids: impl IntoIterator<Item = u64>) -> Settle {
    Settle {
        acks: ids.into_iter().collect(),
        ..Settle::default()
    }
}

fn nack(id: u64, action: NackAction) -> Settle {
    Settle {
        nacks: vec![Nack {
            deliveries: vec![id],
            reason: "because".to_owned(),
            action,
        }],
        ..Settle::default()
    }
}

#[tokio::test(start_paused = true)]
async fn every_event_is_delivered_once_and_in_the_order_of_its_stream() {
    let fixture = Fixture::new().await;
    let group = fixture.create("g", GroupSettings::default()).await;
    let mut tasks = Vec::new();
    for n in 0..4 {
        let mut consumer = group.join(&format!("c{n}"), 64).await.unwrap();
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Ok(Ok(message)) = tokio::time::timeout(Duration::from_secs(3), consumer.next()).await {
                let ConsumerMessage::Deliveries(given) = message else {
                    continue;
                };
                for delivery in given {
                    let event = delivery.event.view().unwrap();
                    assert_eq!(delivery.attempt, 1);
                    seen.push((event.position.0, event.stream.to_owned(), event.revision.0));
                    consumer.settler().settle(acks([delivery.id])).await.unwrap();
                }
            }
            consumer.leave().await;
            seen
        }));
    }
    for n in 0..200 {
        fixture.append(&format!("s{}", n % 7), 1 + n % 5).await;
    }
    let head = fixture.store.head().await.unwrap().0;
    let mut all = BTreeMap::new();
    for task in tasks {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for (position, stream, revision) in task.await.unwrap() {
            assert!(
                last.insert(stream.clone(), revision)
                    .is_none_or(|before| before < revision)
            );
            assert!(
                all.insert(position, (stream, revision)).is_none(),
                "{position} was delivered twice"
            );
        }
    }
    // The first event is that of the group's definition.
    assert_eq!(all.len() as u64, head - 1);
    let status = group.status().await.unwrap();
    assert_eq!(
        (status.done_to, status.parked, status.counts.pending),
        (head, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_holds_back_its_stream_and_no_other() {
    let fixture = Fixture::new().await;
    fixture.append("a", 3).await;
    fixture.append("b", 2).await;
    let group = fixture.create("g", quick()).await;
    let mut consumer = group.join("c", 10).await.unwrap();
    let first = deliveries(&mut consumer).await;
    let places: Vec<_> = first
        .iter()
        .map(|(_, attempt, stream, revision)| (*attempt, &**stream, *revision))
        .collect();
    assert_eq!(
        places,
        [(1, "a", 0), (1, "a", 1), (1, "a", 2), (1, "b", 0), (1, "b", 1)]
    );
    let settler = consumer.settler();
    settler
        .settle(nack(first[0].0, NackAction::Retry(None)))
        .await
        .unwrap();
    // The later ones of the stream are withdrawn, and settling them has no effect.
    let withdrawn = consumer.next().await.unwrap();
    let expected =
        ConsumerMessage::Withdrawn(WithdrawalReason::Nacked, vec![first[0].0, first[1].0, first[2].0]);
    assert_eq!(withdrawn, expected);
    settler
        .settle(acks([first[1].0, first[3].0, first[4].0]))
        .await
        .unwrap();
    let late = consumer.next().await.unwrap();
    assert_eq!(
        late,
        ConsumerMessage::Withdrawn(WithdrawalReason::TooLate, vec![first[1].0])
    );
    let again = deliveries(&mut consumer).await;
    let places: Vec<_> = again
        .iter()
        .map(|(_, attempt, _, revision)| (*attempt, *revision))
        .collect();
    assert_eq!(places, [(2, 0), (1, 1), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_parked_after_its_last_attempt_and_can_be_replayed() {
    let fixture = Fixture::new().await;
    fixture.append("a", 2).await;
    let group = fixture.create("g", quick()).await;
    let mut consumer = group.join("c", 1).await.unwrap();
    let settler = consumer.settler();
    for attempt in 1..=3 {
        let given = deliveries(&mut consumer).await;
        assert_eq!((given[0].1, given[0].3), (attempt, 0));
        settler
            .settle(nack(given[0].0, NackAction::Retry(None)))
            .await
            .unwrap();
    }
    // The next one of the stream proceeds.
    let given = deliveries(&mut consumer).await;
    assert_eq!((given[0].1, given[0].3), (1, 1));
    settler.settle(acks([given[0].0])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let list = ListParked {
        group: "g".into(),
        stream: String::new(),
        after: 0,
        limit: 10,
        with_events: true,
    };
    let parked = fixture.groups.parked(&list).await.unwrap().events;
    let Parked {
        position,
        reason,
        consumer: who,
        attempts,
        revision,
        ..
    } = &parked[0];
    assert_eq!(
        (reason.as_str(), who.as_str(), *attempts, *revision),
        ("because", "c", 3, 0)
    );
    assert!(parked[0].event.is_some());
    assert_eq!(group.status().await.unwrap().parked, 1);

    assert_eq!(
        group
            .replay(&Selection::Positions(vec![*position]), None)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        group
            .replay(&Selection::Positions(vec![*position]), None)
            .await
            .unwrap(),
        0
    );
    let given = deliveries(&mut consumer).await;
    assert_eq!((given[0].1, given[0].3), (1, 0));
    settler.settle(nack(given[0].0, NackAction::Park)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(group.status().await.unwrap().parked, 1);
    assert_eq!(group.discard(&Selection::All).await.unwrap(), 1);
    assert_eq!(group.discard(&Selection::All).await.unwrap(), 0);
    assert_eq!(group.status().await.unwrap().parked, 0);
    assert!(fixture.groups.parked(&list).await.unwrap().events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_consumer_loses_its_events_and_gets_no_more() {
    let fixture = Fixture::new().await;
    fixture.append("a", 1).await;
    let group = fixture.create("g", quick()).await;
    let mut silent = group.join("silent", 1).await.unwrap();
    let held = deliveries(&mut silent).await;
    let mut other = group.join("other", 1).await.unwrap();
    let given = deliveries(&mut other).await;
    assert_eq!((given[0].1, given[0].3), (2, 0), "after the ack timeout");
    let told = silent.next().await.unwrap();
    assert_eq!(
        told,
        ConsumerMessage::Withdrawn(WithdrawalReason::AckTimeout, vec![held[0].0])
    );
    other.settler().settle(acks([given[0].0])).await.unwrap();
    fixture.append("a", 1).await;
    let given = deliveries(&mut other).await;
    other.settler().settle(acks([given[0].0])).await.unwrap();
    // What it says late has no effect, but shows that it is there again.
    silent.settler().settle(acks([held[0].0])).await.unwrap();
    other.leave().await;
    fixture.append("a", 1).await;
    assert_eq!(deliveries(&mut silent).await[0].3, 2);
}

#[tokio::test(start_paused = true)]
async fn consumers_that_all_were_silent_are_offered_events_again() {
    let fixture = Fixture::new().await;
    fixture.append("a", 3).await;
    for mode in [Mode::OrderedByStream, Mode::Exclusive] {
        let group = fixture
            .create(&format!("{mode:?}"), GroupSettings { mode, ..quick() })
            .await;
        let mut consumer = group.join("c", 3).await.unwrap();
        assert_eq!(deliveries(&mut consumer).await.len(), 3);
        // It says nothing, because it has nothing to say once all is withdrawn.
        let again = deliveries(&mut consumer).await;
        assert_eq!(again.len(), 1, "one at a time");
        consumer.settler().settle(acks([again[0].0])).await.unwrap();
        assert_eq!(deliveries(&mut consumer).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn progress_survives_and_only_what_was_not_stored_is_delivered_again() {
    let engine = Arc::new(MemoryEngine::new());
    let fixture = Fixture::on(engine.clone(), 1, false).await;
    fixture.append("a", 10).await;
    let group = fixture.create("g", GroupSettings::default()).await;
    let mut consumer = group.join("c", 10).await.unwrap();
    let given = deliveries(&mut consumer).await;
    // The third is not done.
    let done = given
        .iter()
        .filter(|delivery| delivery.3 != 2)
        .map(|delivery| delivery.0);
    consumer.settler().settle(acks(done)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The process has ended without a last write; another one opens the store.
    let second = Fixture::on(fixture.engine.clone(), 2, false).await;
    second.append("a", 1).await;
    let group = second.here("g").await;
    let mut consumer = group.join("c", 10).await.unwrap();
    let mut again = deliveries(&mut consumer).await;
    if again.len() == 1 {
        again.extend(deliveries(&mut consumer).await);
    }
    let places: Vec<_> = again
        .iter()
        .map(|(_, attempt, _, revision)| (*attempt, *revision))
        .collect();
    assert_eq!(places, [(2, 2), (1, 10)]);
}

#[tokio::test(start_paused = true)]
async fn another_server_takes_over_and_the_former_leader_has_no_effect() {
    let engine = Arc::new(MemoryEngine::new());
    let first = Fixture::on(engine.clone(), 1, true).await;
    let second = Fixture::on(engine, 2, true).await;
    first.append("a", 3).await;
    let group = first.create("g", GroupSettings::default()).await;
    let mut consumer = group.join("c", 10).await.unwrap();
    let given = deliveries(&mut consumer).await;
    assert_eq!(given.len(), 3);
    let Leader::Elsewhere(address) = second.groups.leader("g").await.unwrap() else {
        panic!("two leaders");
    };
    assert_eq!(address, "server-1");
    first.groups.close().await;
    assert_eq!(consumer.next().await, Err(Error::Closing));
    let group = second.here("g").await;
    let mut other = group.join("c", 10).await.unwrap();
    assert_eq!(deliveries(&mut other).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_exclusive_group_has_one_active_consumer() {
    let fixture = Fixture::new().await;
    fixture.append("a", 2).await;
    fixture.append("b", 2).await;
    let settings = GroupSettings {
        mode: Mode::Exclusive,
        ..GroupSettings::default()
    };
    let group = fixture.create("g", settings).await;
    let mut first = group.join("first", 2).await.unwrap();
    let mut second = group.join("second", 10).await.unwrap();
    assert!(first.is_active() && !second.is_active());
    let given = deliveries(&mut first).await;
    assert_eq!(given.len(), 2);
    first.settler().settle(acks([given[0].0])).await.unwrap();
    assert_eq!(deliveries(&mut first).await[0].2, "b");
    drop(first);
    assert_eq!(second.next().await.unwrap(), ConsumerMessage::Active(true));
    let given = deliveries(&mut second).await;
    let places: Vec<_> = given
        .iter()
        .map(|(_, _, stream, revision)| (&**stream, *revision))
        .collect();
    assert_eq!(places, [("a", 1), ("b", 0), ("b", 1)]);
}

#[tokio::test(start_paused = true)]
async fn later_events_of_a_parked_one_are_parked_if_the_group_says_so() {
    let fixture = Fixture::new().await;
    fixture.append("a", 2).await;
    let settings = GroupSettings {
        park_following: true,
        ..quick()
    };
    let group = fixture.create("g", settings).await;
    let mut consumer = group.join("c", 10).await.unwrap();
    let given = deliveries(&mut consumer).await;
    consumer
        .settler()
        .settle(nack(given[0].0, NackAction::Park))
        .await
        .unwrap();
    fixture.append("b", 1).await;
    fixture.append("a", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(deliveries(&mut consumer).await[0].2, "b");
    assert_eq!(group.status().await.unwrap().parked, 3);
    assert_eq!(
        group.replay(&Selection::Stream("a".into()), None).await.unwrap(),
        3
    );
    let mut revisions = Vec::new();
    while revisions.len() < 3 {
        let given = deliveries(&mut consumer).await;
        consumer
            .settler()
            .settle(acks(given.iter().map(|delivery| delivery.0)))
            .await
            .unwrap();
        revisions.extend(given.iter().map(|delivery| delivery.3));
    }
    assert_eq!(revisions, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_deliveries_of_one_consumer_are_unknown_to_another() {
    let fixture = Fixture::new().await;
    fixture.append("a", 1).await;
    fixture.append("b", 1).await;
    let group = fixture.create("g", GroupSettings::default()).await;
    let mut first = group.join("first", 1).await.unwrap();
    let held = deliveries(&mut first).await;
    let mut second = group.join("second", 1).await.unwrap();
    deliveries(&mut second).await;
    second.settler().settle(acks([held[0].0])).await.unwrap();
    assert_eq!(second.next().await, Err(Error::UnknownDelivery(held[0].0)));
}
