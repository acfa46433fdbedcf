//! Retention, deletion and tombstones of streams, over gRPC and on the command line, and scavenging.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod command_line;
mod deletion;
mod moving;
mod prefixes;
mod races;
mod reading;
mod retention;
mod retries;
mod scavenge;
mod scavenge_space;

use annals_client::{Client, ExpectedRevision as Expected, OneStream, Read, RecordedEvent};
use annals_tests::harness::sample::event;

/// Appends events of these types, one append.
async fn append(client: &Client, stream: &str, kinds: &[&str]) {
    let events = kinds.iter().map(|kind| event(kind));
    client.append(stream, Expected::Any, events).await.unwrap();
}

/// The events of a stream that are retained.
async fn read(client: &Client, stream: &str) -> Vec<RecordedEvent> {
    client.read_stream(stream).await.unwrap().collect().await.unwrap()
}

/// The revisions of these events.
async fn revisions(client: &Client, stream: &str) -> Vec<u64> {
    revisions_of(client.read_stream(stream)).await
}

/// The revisions of the events that a read returns.
async fn revisions_of(read: Read<OneStream>) -> Vec<u64> {
    let events = read.await.unwrap().collect().await.unwrap();
    events.iter().map(|event| event.revision.0).collect()
}

/// The types of the log's events that are retained.
async fn log(client: &Client) -> Vec<String> {
    let events = client.read_all().await.unwrap().collect().await.unwrap();
    events.into_iter().map(|event| event.event_type).collect()
}

async fn listed(client: &Client, prefix: &str) -> Vec<String> {
    let mut streams = client.list_streams(prefix);
    let mut names = Vec::new();
    while let Some(stream) = streams.next().await {
        names.push(stream.unwrap().name);
    }
    names
}
