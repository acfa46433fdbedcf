//! Fills a log with events over which a condition is expensive.

use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use prost_types::Duration;

use super::Case;
use crate::{
    Error, Result,
    load::{connect, content, id},
};

const LOAD: &str = "filling a log";
/// Events of one append.
const APPEND_EVENTS: u64 = 500;
/// Number of streams that contain the events.
const STREAMS: u64 = 10;
/// Type of the events that expire.
pub(super) const EXPIRED_TYPE: &str = "SessionSeen";
/// Tags; each event has one of them.
pub(super) const TAGS: [&str; 2] = ["a", "b"];

/// Appends `events` events, and lets them expire if the case requires it.
pub(super) async fn fill(endpoint: &str, case: Case, events: u64) -> Result<()> {
    let mut client = EventStoreServiceClient::new(connect(endpoint).await?);
    if case == Case::Expired {
        for stream in 0..STREAMS {
            let request = pb::SetRetentionRequest {
                stream: stream_name(stream),
                retention: Some(pb::Retention {
                    max_age: Some(Duration { seconds: 1, nanos: 0 }),
                    ..pb::Retention::default()
                }),
                expected_version: None,
            };
            client.set_retention(request).await.map_err(Error::call(LOAD))?;
        }
    }
    for first in (1..=events).step_by(APPEND_EVENTS as usize) {
        let last = events.min(first + APPEND_EVENTS - 1);
        let request = pb::AppendToStreamRequest {
            stream: stream_name(first / APPEND_EVENTS % STREAMS),
            expected: None,
            events: (first..=last).map(|at| event(case, at)).collect(),
            recorded_at: None,
        };
        client
            .append_to_stream(request)
            .await
            .map_err(Error::call(LOAD))?;
    }
    if case == Case::Expired {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    Ok(())
}

fn stream_name(nth: u64) -> String {
    format!("filled-{nth}")
}

fn event(case: Case, at: u64) -> pb::NewEvent {
    let content = content(at);
    let (kind, tags) = match case {
        Case::Expired => (EXPIRED_TYPE, vec![]),
        Case::Alternating => (content.kind, vec![TAGS[(at % 2) as usize].to_owned()]),
    };
    pb::NewEvent {
        id: String::from_utf8_lossy(&id(at)).into_owned(),
        r#type: kind.to_owned(),
        data: bytes::Bytes::from_static(&content.data),
        metadata: bytes::Bytes::new(),
        tags,
        ..Default::default()
    }
}
