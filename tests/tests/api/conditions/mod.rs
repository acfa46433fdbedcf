//! Appends to any number of streams, with conditions.

mod appends;
mod command_line;
mod refusals;
mod retries;

use annals_client::{AppendedToMany, Client, Error, FailedCheck, RecordedEvent};

async fn read_all(client: &Client) -> Vec<RecordedEvent> {
    client.read_all().await.unwrap().collect().await.unwrap()
}

fn places(events: &[RecordedEvent]) -> Vec<(&str, u64, u64)> {
    events
        .iter()
        .map(|event| (event.stream.as_str(), event.revision.0, event.position.0))
        .collect()
}

fn revisions(appended: &AppendedToMany) -> Vec<(&str, u64, u64)> {
    let streams = appended.streams.iter();
    streams
        .map(|written| {
            (
                written.stream.as_str(),
                written.first_revision.0,
                written.last_revision.0,
            )
        })
        .collect()
}

fn failed(result: Result<AppendedToMany, Error>) -> Vec<FailedCheck> {
    match result {
        Err(Error::ChecksFailed { failed, count }) => {
            assert_eq!(failed.len(), count as usize);
            failed
        }
        other => panic!("not refused by its checks: {other:?}"),
    }
}
