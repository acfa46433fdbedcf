//! One data folder that both versions serve in turn. Each appends, removes and scavenges events of the other, writes
//! snapshots and windows of the index, and is then stopped or killed.

use std::time::Duration;

use annals_client::{Client, ExpectedRevision, ScavengeState};
use annals_tests::harness::{
    Engine, Server,
    Version::{self, Current, Newer},
    within_patience,
};

use super::{
    client::{self, AppendToMany, NewEvent, Write},
    log::Log,
};

annals_tests::tests_that_need!(newer: a_data_folder_is_served_by_both_versions_in_turn);

/// The version of each step, and how many thousand events it appends. The newer server writes the first window of the
/// index (65,536 events), and this one the second; both have events of both.
const STEPS: [(Version, u64); 6] = [
    (Current, 40),
    (Newer, 30),
    (Current, 40),
    (Newer, 5),
    (Current, 20),
    (Newer, 1),
];
const WINDOW: u64 = 65_536;

fn kept(step: usize) -> String {
    format!("kept-{step}")
}

fn removed(step: usize) -> String {
    format!("removed-{step}")
}

/// Appends thousands of events, each thousand in one append to two streams, which take turns.
async fn append(server: &Server, step: usize, first: u64, thousands: u64) {
    let channel = server.channel();
    for thousand in 0..thousands {
        let numbers = (0..10).map(|hundred| first + thousand * 1_000 + hundred * 100);
        let writes = numbers.enumerate().map(|(hundred, first)| Write {
            stream: if hundred % 2 == 0 {
                kept(step)
            } else {
                removed(step)
            },
            events: (first..first + 100).map(NewEvent::numbered).collect(),
        });
        let append = AppendToMany {
            writes: writes.collect(),
        };
        client::append(&channel, "AppendToMany", &append).await.unwrap();
    }
}

/// Deletes the stream and scavenges, which writes the frames again that its events share with others.
async fn scavenge(client: &Client, stream: &str, events: u64) {
    client.delete_stream(stream, ExpectedRevision::Any).await.unwrap();
    client.start_scavenge().await.unwrap();
    let finished = within_patience("the scavenge", async {
        loop {
            let scavenge = client.scavenge_status().await.unwrap().unwrap();
            assert_eq!(scavenge.problem, "");
            if scavenge.state == ScavengeState::Finished {
                return scavenge;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(finished.await.events_removed, events);
}

async fn indexed(client: &Client, windows: u64) {
    within_patience("the index", async {
        while client.server_info().await.unwrap().indexed < windows * WINDOW {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn snapshots(client: &Client, step: usize) {
    if let Some(before) = step.checked_sub(1) {
        let loaded = client.load_snapshot(kept(before)).await.unwrap().unwrap();
        assert_eq!(loaded.data, before.to_string());
    }
    client
        .save_snapshot(kept(step), 0, step.to_string())
        .await
        .unwrap();
}

async fn a_data_folder_is_served_by_both_versions_in_turn() {
    let mut server = Server::start(Engine::Embedded);
    let mut log = Log::default();
    let mut appended = 0;
    for (step, (version, thousands)) in STEPS.into_iter().enumerate() {
        let what = format!("step {step}, {version:?}");
        if let Some(before) = step.checked_sub(1) {
            // Both versions are killed once, in each direction, and stopped once.
            if step <= 2 {
                server.kill();
            } else {
                assert!(server.terminate().success());
            }
            server.start_again_as(version);
            log.check(&server, &kept(before), &format!("{what}, started"))
                .await;
        }
        let client = server.client();
        append(&server, step, appended, thousands).await;
        appended += thousands * 1_000;
        indexed(&client, appended / WINDOW).await;
        if let Some(before) = step.checked_sub(1) {
            log.0.retain(|_, kept| kept.event.stream != removed(before));
            scavenge(&client, &removed(before), STEPS[before].1 * 500).await;
        }
        snapshots(&client, step).await;
        let writers = log.extend(&server).await;
        assert!(writers.len() as u64 >= thousands * 1_000);
        assert!(writers.iter().all(|writer| *writer == version), "{what}");
        let stream = kept(step.saturating_sub(1));
        log.check(&server, &stream, &format!("{what}, scavenged")).await;
    }
    // The newer server knows its field: it returns it where messages are decoded, too.
    let exported = client::export(&server.channel()).await;
    let exported: Vec<_> = exported
        .into_iter()
        .map(|event| (event.position, event.newer))
        .collect();
    let known = log
        .0
        .values()
        .map(|kept| (kept.event.position, kept.event.newer.clone()));
    assert_eq!(exported, known.collect::<Vec<_>>());
    println!("{appended} events appended, {} left", log.0.len());
}
