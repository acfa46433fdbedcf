//! How much of streams is kept, and their end: retention, deletion, tombstones, over gRPC and on the command line.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

mod command_line;
mod deletion;
mod moving;
mod prefixes;
mod races;
mod reading;
mod retention;
mod retries;

use annals_client::{Client, ExpectedRevision as Expected, Read, RecordedEvent};
use annals_tests::harness::sample::event;

/// Appends events of these types, one append.
async fn append(client: &Client, stream: &str, kinds: &[&str]) {
    let events = kinds.iter().map(|kind| event(kind));
    client.append(stream, Expected::Any, events).await.unwrap();
}

/// A stream's events that are kept.
async fn read(client: &Client, stream: &str) -> Vec<RecordedEvent> {
    client.read_stream(stream).await.unwrap().collect().await.unwrap()
}

/// The revisions of those.
async fn revisions(client: &Client, stream: &str) -> Vec<u64> {
    revisions_of(client.read_stream(stream)).await
}

/// The revisions of what is read.
async fn revisions_of(read: Read) -> Vec<u64> {
    let events = read.await.unwrap().collect().await.unwrap();
    events.iter().map(|event| event.revision).collect()
}

/// Types of the log's events that are kept.
async fn log(client: &Client) -> Vec<String> {
    let events = client.read_all().await.unwrap().collect().await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

async fn listed(client: &Client, prefix: &str) -> Vec<String> {
    let mut streams = client.list_streams(prefix);
    let mut names = Vec::new();
    while let Some(stream) = streams.next().await {
        names.push(stream.unwrap().name);
    }
    names
}
