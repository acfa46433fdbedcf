//! A server that is killed (SIGKILL) repeatedly while it scavenges, and while streams are written, truncated,
//! deleted, tombstoned, read and subscribed to.
//!
//! Each stream has one writer, which knows at every moment which events must be there (acknowledged and not removed),
//! and which must not (reported as removed before a read began). Events contain their own location, so that a
//! misplaced one is noticed.
//!
//! `ANNALS_CRASH_ROUNDS` sets the number of kills (10 if unset).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_client::{
    Client, Error, Event, ExpectedRevision as Expected, RecordedEvent, Retention, Revision, ScavengeState,
    SubscriptionItem,
};
use annals_tests::harness::{Engine, Server, is_long, number, seed, within_patience};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::alone;

/// Streams that are full from the beginning, so that there is something to scavenge: more than a window of the index.
const FULL: u64 = 70;
const FULL_EVENTS: u64 = 1_000;
const WRITERS: u64 = 8;
const STREAMS_PER_WRITER: u64 = 6;
/// More than an append has, so that no part of an append is removed before its response.
const MAX_COUNT_MIN: u64 = 30;

/// The known state of a stream. The outcome of a request without a response is unknown.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Revisions before `floor` are removed for certain, and those before `floor_asked` possibly.
    floor: u64,
    floor_asked: u64,
    /// Number of events that were appended for certain, and at most.
    next: u64,
    next_asked: u64,
    max_count: Option<u64>,
    tombstoned: bool,
    tombstone_asked: bool,
}

impl Known {
    fn by_count(&self, next: u64) -> u64 {
        self.max_count.map_or(0, |count| next.saturating_sub(count))
    }

    /// Records that the requested change was applied.
    fn answered(&mut self) {
        self.next = self.next_asked;
        self.floor = self.floor_asked.max(self.by_count(self.next));
        self.floor_asked = self.floor;
        self.tombstoned = self.tombstone_asked;
    }
}

#[derive(Default)]
struct World {
    streams: Mutex<BTreeMap<String, Known>>,
    stop: AtomicBool,
    /// Set when nothing is written any more.
    settled: AtomicBool,
    operations: AtomicU64,
    reads: AtomicU64,
}

impl World {
    fn known(&self, stream: &str) -> Known {
        self.streams.lock().get(stream).copied().unwrap_or_default()
    }

    fn change(&self, stream: &str, change: impl FnOnce(&mut Known)) -> Known {
        let mut streams = self.streams.lock();
        let known = streams.entry(stream.to_owned()).or_default();
        change(known);
        *known
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn data(stream: &str, revision: u64) -> String {
    format!(
        r#"{{"stream":"{stream}","revision":{revision},"fill":"{}"}}"#,
        "x".repeat(revision as usize % 300)
    )
}

fn events(stream: &str, from: u64, count: u64) -> Vec<Event> {
    (from..from + count)
        .map(|revision| Event::new("Told", data(stream, revision)))
        .collect()
}

fn check_event(event: &RecordedEvent) {
    if !event.stream.starts_with("$$") {
        assert_eq!(
            event.data,
            data(&event.stream, event.revision.0),
            "position {}",
            event.position
        );
    }
}

/// Performs one operation on a stream, and waits for its response however often the server is killed meanwhile.
async fn act(world: &World, client: &Client, stream: &str, random: &mut StdRng) {
    let known = world.known(stream);
    let last = known.next.checked_sub(1);
    match random.random_range(0..100) {
        80..87 if known.next > known.floor => {
            let before = random.random_range(known.floor..=known.next);
            world.change(stream, |known| known.floor_asked = known.floor_asked.max(before));
            let retention = Retention {
                max_count: known.max_count,
                ..Retention::new().truncate_before(before)
            };
            client.set_retention(stream, retention).await.unwrap();
        }
        87..92 => {
            let count = random.random_range(MAX_COUNT_MIN..200);
            world.change(stream, |known| {
                let folded = known.floor_asked.max(known.by_count(known.next));
                known.max_count = Some(count);
                known.floor_asked = folded.max(known.by_count(known.next));
            });
            client
                .set_retention(stream, Retention::new().max_count(count))
                .await
                .unwrap();
        }
        92..98 if last.is_some() => {
            world.change(stream, |known| known.floor_asked = known.next);
            match client.delete_stream(stream, Expected::Any).await {
                // It was deleted, and no event followed.
                Ok(_) | Err(Error::StreamNotFound { .. }) => {}
                Err(error) => panic!("deleting {stream}: {error:?}"),
            }
        }
        98 => {
            world.change(stream, |known| {
                known.tombstone_asked = true;
                known.floor_asked = known.next;
            });
            client.tombstone_stream(stream, Expected::Any).await.unwrap();
        }
        _ => {
            let count = random.random_range(1..=20);
            let known = world.change(stream, |known| known.next_asked = known.next + count);
            let expected = match last {
                Some(last) if known.floor < known.next => Expected::Exactly(Revision(last)),
                _ => Expected::Any,
            };
            let appended = client
                .append(stream, expected, events(stream, known.next, count))
                .await;
            let appended = appended.unwrap_or_else(|error| panic!("appending to {stream}: {error:?}"));
            assert_eq!(appended.first_revision, known.next, "{stream}");
        }
    }
    world.change(stream, Known::answered);
    world.operations.fetch_add(1, Ordering::Relaxed);
}

async fn write(world: Arc<World>, client: Client, number: u64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut names: Vec<String> = (0..STREAMS_PER_WRITER)
        .map(|n| format!("own-{number}-{n}"))
        .collect();
    let mut born = STREAMS_PER_WRITER;
    // And some of the full streams: they are removed bit by bit.
    let full = (0..FULL).filter(|n| n % WRITERS == number);
    names.extend(full.map(|n| format!("full-{n}")));
    while !world.stopped() {
        let index = random.random_range(0..names.len());
        act(&world, &client, &names[index].clone(), &mut random).await;
        if world.known(&names[index]).tombstoned {
            names[index] = format!("own-{number}-{born}");
            born += 1;
        }
    }
}

/// The events of a stream, by a read; none if it does not exist.
async fn read(client: &Client, stream: &str) -> Vec<RecordedEvent> {
    let events = match client.read_stream(stream).await {
        Ok(events) => events.collect().await,
        Err(error) => Err(error),
    };
    match events {
        Ok(events) => events,
        Err(Error::StreamNotFound { .. } | Error::StreamTombstoned { .. }) => Vec::new(),
        Err(error) => panic!("reading {stream}: {error:?}"),
    }
}

fn check_stream(stream: &str, seen: &[RecordedEvent], before: Known, after: Known) {
    let mut last = None;
    for event in seen {
        check_event(event);
        assert_eq!(event.stream, stream);
        assert!(
            last.is_none_or(|last| last < event.position),
            "{stream} is not in order"
        );
        last = Some(event.position);
    }
    let revisions: BTreeSet<u64> = seen.iter().map(|event| event.revision.0).collect();
    let context = || {
        format!(
            "{stream}: {before:?}, then {after:?}; seen {:?}",
            (revisions.first(), revisions.last())
        )
    };
    assert!(
        !before.tombstoned || seen.is_empty(),
        "seen beyond its tombstone: {}",
        context()
    );
    assert!(
        revisions.iter().all(|r| *r >= before.floor),
        "seen although removed: {}",
        context()
    );
    assert!(
        revisions.iter().all(|r| *r < after.next_asked.max(after.next)),
        "never written: {}",
        context()
    );
    // With a maximum count, an append without a response may remove more.
    let floor = after
        .floor_asked
        .max(after.by_count(after.next_asked.max(after.next)));
    if !after.tombstone_asked {
        assert!(
            (floor..before.next).all(|r| revisions.contains(&r)),
            "lost: {}",
            context()
        );
    }
}

async fn look(world: Arc<World>, client: Client, number: u64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ (number + 100).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    while !world.stopped() {
        if random.random_bool(0.8) {
            let names: Vec<String> = world.streams.lock().keys().cloned().collect();
            let Some(stream) = names.choose(&mut random) else {
                continue;
            };
            let before = world.known(stream);
            let seen = read(&client, stream).await;
            check_stream(stream, &seen, before, world.known(stream));
        } else {
            let before = world.streams.lock().clone();
            let from = random.random_range(1..70_000);
            let seen = client
                .read_all()
                .from_position(from)
                .limit(4_000)
                .await
                .unwrap()
                .collect()
                .await
                .unwrap();
            assert!(seen.is_sorted_by(|a, b| a.position < b.position));
            for event in &seen {
                check_event(event);
                if let Some(known) = before.get(&event.stream) {
                    assert!(
                        !known.tombstoned && event.revision >= known.floor,
                        "seen although removed: {event:?}, {known:?}"
                    );
                }
            }
        }
        world.reads.fetch_add(1, Ordering::Relaxed);
    }
}

/// Follows the log from the beginning; returns the positions of the events delivered until it caught up with
/// everything.
async fn follow(world: Arc<World>, client: Client) -> BTreeSet<u64> {
    let mut subscription = client.subscribe_all().await.unwrap();
    let mut seen = BTreeSet::new();
    let mut reached = 0;
    loop {
        let item = tokio::time::timeout(Duration::from_millis(300), subscription.next()).await;
        match item {
            Ok(item) => match item.unwrap().unwrap() {
                SubscriptionItem::Event(event) => {
                    assert!(
                        event.position > reached,
                        "{} came again after {reached}",
                        event.position
                    );
                    reached = event.position.0;
                    check_event(&event);
                    seen.insert(event.position.0);
                }
                SubscriptionItem::CaughtUp { position, .. }
                | SubscriptionItem::Checkpoint { position, .. } => {
                    reached = reached.max(position.0);
                }
                _ => {}
            },
            // An append that was in transit when the others were stopped may still be written.
            Err(_)
                if world.settled.load(Ordering::Relaxed)
                    && reached >= client.server_info().await.unwrap().head.0 =>
            {
                return seen;
            }
            Err(_) => {}
        }
    }
}

/// Runs scavenges, one after the other.
async fn scavenge(world: Arc<World>, client: Client) -> u64 {
    let mut finished = 0;
    while !world.stopped() {
        let scavenge = client.start_scavenge().await.unwrap();
        let started = scavenge.started_at;
        loop {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = client.scavenge_status().await.unwrap().unwrap();
            assert_eq!(now.problem, "");
            if now.state == ScavengeState::Finished && now.started_at >= started {
                finished += u64::from(now.events_removed > 0);
                break;
            }
            if world.stopped() {
                break;
            }
        }
    }
    finished
}

/// Checks everything when there are no more writes.
async fn check_all(world: &World, client: &Client) -> Vec<RecordedEvent> {
    let all = client.read_all().await.unwrap().collect().await.unwrap();
    let mut by_stream: BTreeMap<&str, Vec<RecordedEvent>> = BTreeMap::new();
    for event in &all {
        by_stream.entry(&event.stream).or_default().push(event.clone());
    }
    let streams = world.streams.lock().clone();
    for (stream, known) in &streams {
        let in_log = by_stream.remove(stream.as_str()).unwrap_or_default();
        assert_eq!(read(client, stream).await, in_log, "{stream}: {known:?}");
        let wanted: Vec<u64> = if known.tombstoned {
            Vec::new()
        } else {
            (known.floor..known.next).collect()
        };
        let found: Vec<u64> = in_log.iter().map(|event| event.revision.0).collect();
        assert_eq!(found, wanted, "{stream}: {known:?}");
    }
    assert!(
        by_stream.keys().all(|stream| stream.starts_with("$$")),
        "{:?}",
        by_stream.keys()
    );
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_back_however_often_the_server_is_killed() {
    let _alone = alone().await;
    let rounds = match number("ANNALS_CRASH_ROUNDS") {
        Some(rounds) => rounds,
        None if is_long() => 60,
        None => 10,
    };
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start(Engine::Embedded);
    let client = server.client();
    let world = Arc::new(World::default());
    for n in 0..FULL {
        let stream = format!("full-{n}");
        client
            .append(&stream, Expected::NoStream, events(&stream, 0, FULL_EVENTS))
            .await
            .unwrap();
        world.change(&stream, |known| {
            known.next_asked = FULL_EVENTS;
            known.answered();
        });
    }
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        tasks.spawn(write(Arc::clone(&world), server.client(), number, seed));
    }
    for number in 0..3 {
        tasks.spawn(look(Arc::clone(&world), server.client(), number, seed));
    }
    let follower = tokio::spawn(follow(Arc::clone(&world), server.client()));
    let scavenger = tokio::spawn(scavenge(Arc::clone(&world), server.client()));
    let mut killed_while_it_ran = 0;
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_micros(random.random_range(200_000..1_500_000))).await;
        let now = client.scavenge_status().await.unwrap();
        let runs = now
            .as_ref()
            .is_some_and(|now| now.state == ScavengeState::Running);
        killed_while_it_ran += u32::from(runs);
        server.kill();
        server.start_again();
        let operations = world.operations.load(Ordering::Relaxed);
        println!("round {round}: killed, a scavenge ran: {runs}; {operations} operations so far");
        assert!(tasks.try_join_next().is_none(), "a task has ended");
    }
    world.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = within_patience("the tasks to end", tasks.join_next()).await {
        ended.unwrap();
    }
    let finished = within_patience("the scavenger to end", scavenger).await.unwrap();
    within_patience("the last scavenge to end", async {
        while client.scavenge_status().await.unwrap().unwrap().state == ScavengeState::Running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    world.settled.store(true, Ordering::Relaxed);
    let all = check_all(&world, &client).await;
    let followed = within_patience("the subscriber to catch up", follower)
        .await
        .unwrap();
    let missed: Vec<u64> = all
        .iter()
        .map(|e| e.position.0)
        .filter(|position| !followed.contains(position))
        .collect();
    assert!(missed.is_empty(), "the subscriber missed {missed:?}");
    server.restart();
    assert_eq!(check_all(&world, &server.client()).await, all);
    println!(
        "{rounds} kills, {killed_while_it_ran} while a scavenge ran, {finished} scavenges finished; \
         {} operations, {} reads; {} events are left",
        world.operations.load(Ordering::Relaxed),
        world.reads.load(Ordering::Relaxed),
        all.len()
    );
    assert!(finished > 0 && killed_while_it_ran > 0);
}
