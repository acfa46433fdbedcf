//! How much disk space is reclaimed when most of a log is removed and was scavenged.
//!
//! Prints the bytes that the files of the data folder take, before and after. With `ANNALS_LONG=1` there are 320,000
//! events of 256 bytes, otherwise nearly two windows of the index.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use annals_client::{Client, Event, ExpectedRevision as Expected, Retention, ScavengeState};
use annals_tests::harness::{Engine, Options, Server, is_long, seed};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Allocated bytes of the files under a folder.
fn disk_bytes(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).unwrap().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            // The file was deleted meanwhile.
            Err(_) => 0,
        })
        .sum()
}

fn events() -> u64 {
    // Slightly less than a whole window of the index: the events that fill it up are kept.
    if is_long() { 320_000 } else { 130_000 }
}

/// An event with this many incompressible bytes.
fn event(random: &mut StdRng, bytes: usize) -> Event {
    let mut data = vec![0; bytes];
    random.fill(&mut data[..]);
    Event::new("Measured", data)
}

/// Scavenges, and waits until disk space is reclaimed; prints the figures.
async fn scavenge(what: &str, server: &Server, client: &Client) -> (u64, u64) {
    let before = disk_bytes(&server.data());
    let began = Instant::now();
    client.start_scavenge().await.unwrap();
    let scavenge = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let scavenge = client.scavenge_status().await.unwrap().unwrap();
        if scavenge.state == ScavengeState::Finished {
            break scavenge;
        }
    };
    let took = began.elapsed();
    let mut after = disk_bytes(&server.data());
    let deadline = Instant::now() + Duration::from_secs(120);
    while after * 5 > before && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        after = disk_bytes(&server.data());
    }
    println!(
        "{what}: {before} bytes before, {after} after ({:.1} % reclaimed); {} events removed in {took:.1?}, \
         {} bytes of frames",
        100.0 * (before as f64 - after as f64) / before as f64,
        scavenge.events_removed,
        scavenge.bytes_removed
    );
    (before, after)
}

async fn indexed(client: &Client, position: u64) {
    while client.server_info().await.unwrap().indexed < position {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nine of ten events are removed: of streams that were deleted, limited by count, or truncated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_which_nine_tenths_are_gone_gives_back_four_fifths_of_its_space() {
    let mut random = StdRng::seed_from_u64(seed());
    let server = Options::new(Engine::Embedded).start();
    let client = server.client();
    let streams = events().div_ceil(1_000);
    // Streams grow side by side, a hundred events at a time.
    let mut sent = 0;
    while sent < streams * 1_000 {
        let stream = format!("s-{}", sent / 100 % streams);
        client
            .append(stream, Expected::Any, (0..100).map(|_| event(&mut random, 256)))
            .await
            .unwrap();
        sent += 100;
    }
    for number in 0..streams {
        let stream = format!("s-{number}");
        match number % 10 {
            0..4 => drop(client.delete_stream(stream, Expected::Any).await.unwrap()),
            4..7 => drop(
                client
                    .set_retention(stream, Retention::new().max_count(125))
                    .await
                    .unwrap(),
            ),
            7..9 => drop(
                client
                    .set_retention(stream, Retention::new().truncate_before(875))
                    .await
                    .unwrap(),
            ),
            _ => drop(
                client
                    .set_retention(stream, Retention::new().truncate_before(625))
                    .await
                    .unwrap(),
            ),
        }
    }
    // Removed events at the end of the log must be indexed too.
    let head = client.server_info().await.unwrap().head.0;
    let full = head.next_multiple_of(65_536);
    let filler = (head..full)
        .map(|_| Event::new("Filler", "{}"))
        .collect::<Vec<_>>();
    for events in filler.chunks(10_000) {
        client
            .append("filler", Expected::Any, events.to_vec())
            .await
            .unwrap();
    }
    indexed(&client, full).await;
    let (before, after) = scavenge("nine tenths removed", &server, &client).await;
    assert!(after * 5 <= before, "{after} bytes of {before} are still taken");
    let left = client.read_stream("s-9").await.unwrap().collect().await.unwrap();
    assert_eq!(left.len(), 375);
}

/// The worst shape: appends of one event each, of which one in ten is kept, everywhere in the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_events_between_those_that_are_gone_give_back_their_space_too() {
    let mut random = StdRng::seed_from_u64(seed());
    let server = Options::new(Engine::Embedded).start();
    let client = server.client();
    let session = client.append_pipeline();
    // Two of these events do not fit into a frame that appends share. The remains of a removed append, for a day and
    // in fjall's journal, are about 300 bytes: they must be small beside the event.
    let count = 65_536;
    let mut pending = std::collections::VecDeque::new();
    for n in 0..count {
        let stream = if n % 10 == 0 {
            "live".to_owned()
        } else {
            format!("dead-{}", n % 10)
        };
        pending.push_back(
            session
                .append(stream, Expected::Any, [event(&mut random, 5_000)])
                .await
                .unwrap(),
        );
        while pending.len() > 100 {
            pending.pop_front().unwrap().await.unwrap();
        }
    }
    for last in pending {
        last.await.unwrap();
    }
    indexed(&client, count).await;
    for n in 1..10 {
        client
            .tombstone_stream(format!("dead-{n}"), Expected::Any)
            .await
            .unwrap();
    }
    let (before, after) = scavenge("interleaved", &server, &client).await;
    assert!(after * 5 <= before, "{after} bytes of {before} are still taken");
    let left = client.read_stream("live").await.unwrap().collect().await.unwrap();
    assert_eq!(left.len(), 6_554);
}
