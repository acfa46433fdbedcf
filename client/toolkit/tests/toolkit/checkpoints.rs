//! Reports of checkpoints by projections.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use annals_client::{CheckpointStatus, Client, Event, ExpectedRevision, Position};
use annals_toolkit::Projections;
use annals_toolkit::projection::{Definition, ProjectionPolicy};
use annals_toolkit::testing::Server;

use crate::places::{Counts, Memory, NAME, Place, on_every_store};

const PATIENCE: Duration = Duration::from_secs(20);

on_every_store! {
    a_projection_reports_how_far_it_has_come
}

fn counts(change: impl FnOnce(Definition) -> Definition) -> Counts {
    let mut counts = Counts::new();
    counts.definition = change(counts.definition);
    counts
}

async fn fill(client: &Client, count: usize) -> Position {
    let events = (0..count).map(|_| Event::new("A", "{}"));
    let appended = client.append("count-a", ExpectedRevision::Any, events);
    appended.await.unwrap().last_position
}

/// Waits until a checkpoint is at a position.
async fn reported(client: &Client, name: &str, position: Position) -> CheckpointStatus {
    let began = Instant::now();
    loop {
        let found = client.get_checkpoint(name).await.unwrap();
        match found {
            Some(status) if status.checkpoint.position == position => return status,
            found => assert!(began.elapsed() < PATIENCE, "{found:?} is not at {position}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn position(client: &Client, name: &str) -> Option<Position> {
    let found = client.get_checkpoint(name).await.unwrap();
    found.map(|status| status.checkpoint.position)
}

async fn a_projection_reports_how_far_it_has_come<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let filled = fill(&client, 600).await;
    let projections = Projections::new(client.clone()).consumer("shop");
    let projections = place.add(projections, counts(|one| one)).start();
    let status = reported(&client, NAME, filled).await;
    assert_eq!(
        (status.checkpoint.consumer.as_str(), status.lag_events),
        ("shop", 0)
    );
    let process = format!(":{}", std::process::id());
    let instance = status.checkpoint.instance;
    assert!(
        instance.ends_with(&process) && instance.len() > process.len(),
        "{instance}"
    );
    // Events that do not match its query move it, too.
    let other = client.append("other", ExpectedRevision::Any, [Event::new("A", "")]);
    reported(&client, NAME, other.await.unwrap().last_position).await;
    // It reports what it has reached when it stops, even within the second after a report.
    for _ in 0..3 {
        let filled = fill(&client, 1).await;
        projections.wait_for(filled).await.unwrap();
    }
    let filled = fill(&client, 1).await;
    projections.wait_for(filled).await.unwrap();
    projections.stop().await;
    assert_eq!(position(&client, NAME).await, Some(filled));
}

#[tokio::test]
async fn it_reports_at_most_once_a_second() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let place = Memory::open().await;
    let counts = counts(|one| one.checkpoint("shop/counts"));
    let projections = Projections::new(client.clone()).instance("web-1");
    let projections = place.add(projections, counts).start();
    let (began, mut times) = (Instant::now(), BTreeSet::new());
    while began.elapsed() < Duration::from_millis(3_300) {
        projections.wait_for(fill(&client, 1).await).await.unwrap();
        if let Some(found) = client.get_checkpoint("shop/counts").await.unwrap() {
            assert_eq!(found.checkpoint.instance, "web-1");
            times.insert(found.checkpoint.updated_at);
        }
    }
    // The first one is a second after the start, or 0 s if it was reported as absent until then.
    assert!((2..=4).contains(&times.len()), "{times:?}");
    assert_eq!(position(&client, NAME).await, None);
    projections.stop().await;
}

#[tokio::test]
async fn one_that_begins_moves_the_checkpoint_only_forwards() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let place = Memory::open().await;
    let filled = fill(&client, 5).await;
    // Nothing is reported if that is turned off.
    let projections = Projections::new(client.clone()).report_checkpoints(false);
    let projections = place.add(projections, counts(|one| one)).start();
    projections.wait_for(filled).await.unwrap();
    projections.stop().await;
    assert_eq!(position(&client, NAME).await, None);
    // There is nothing to do, but the checkpoint is reported, whatever was reported before.
    for before in [None, Some(2), Some(5)] {
        if let Some(before) = before {
            client.set_checkpoint(NAME, before).await.unwrap();
        }
        let projections = place
            .add(Projections::new(client.clone()), counts(|one| one))
            .start();
        reported(&client, NAME, filled).await;
        projections.stop().await;
    }
    // Another process that runs it is ahead, while this one begins at position 5 and can't handle the next event.
    let poison = client.append("count-a", ExpectedRevision::Any, [Event::new("Poison", "{}")]);
    let ahead = poison.await.unwrap().last_position;
    client.set_checkpoint(NAME, ahead).await.unwrap();
    let slow = ProjectionPolicy {
        pause_first: Duration::from_secs(60),
        pause_max: Duration::from_secs(60),
        ..ProjectionPolicy::default()
    };
    let projections = Projections::new(client.clone()).policy(slow);
    let projections = place.add(projections, counts(|one| one)).start();
    projections.wait_for(filled).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    projections.stop().await;
    assert_eq!(position(&client, NAME).await, Some(ahead));
}

#[tokio::test]
async fn it_runs_although_its_checkpoint_cannot_be_reported() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let place = Memory::open().await;
    let projections = Projections::new(client.clone());
    let projections = place
        .add(projections, counts(|one| one.checkpoint("$reserved")))
        .start();
    for _ in 0..3 {
        projections.wait_for(fill(&client, 2).await).await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let began = Instant::now();
    projections.stop().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(place.counted().await["count-a"], 6);
    assert!(client.list_checkpoints().await.unwrap().statuses.is_empty());
}
