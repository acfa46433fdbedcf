//! Reads the whole log in one call and decodes every event.

use std::time::Duration;

use annals_proto::v1 as pb;
use pb::event_store_service_client::EventStoreServiceClient;
use tokio::time::Instant;
use tonic::Code;

use super::{CpuTimes, Measured, Subject, calls, connection::connect};
use crate::{Error, Result};

const LOAD: &str = "reading the log";
/// Fewer events are read too quickly for a meaningful figure.
pub(crate) const EVENTS_MIN: u64 = 1_000_000;
/// Larger than any response.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Time for a server to finish background work of earlier appends; applications rarely read a log right after writing
/// it.
const SETTLING: Duration = Duration::from_secs(1);

/// Returns the log's last position; `None` for a server that stores nothing.
pub(crate) async fn head(endpoint: &str) -> Result<Option<u64>> {
    let mut stub = EventStoreServiceClient::new(connect(endpoint).await?);
    match stub.get_server_info(pb::GetServerInfoRequest {}).await {
        Ok(info) => Ok(Some(info.into_inner().head)),
        Err(status) if status.code() == Code::Unimplemented => Ok(None),
        Err(status) => Err(Error::call(LOAD)(status)),
    }
}

/// Appends until the log has [`EVENTS_MIN`] events, then reads it. From a server that stores nothing, `echoed_events`
/// events are requested.
pub(crate) async fn run(subject: &Subject<'_>, echoed_events: u64) -> Result<Measured> {
    let short = Subject {
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(1),
        ..*subject
    };
    let mut head = head(subject.endpoint()).await?;
    while head.is_some_and(|head| head < EVENTS_MIN) {
        calls::run(&short, 16, 100).await?;
        head = self::head(subject.endpoint()).await?;
    }
    tokio::time::sleep(SETTLING).await;
    let channel = connect(subject.endpoint()).await?;
    let mut stub = EventStoreServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let before = CpuTimes::now(subject.pids);
    let start = Instant::now();
    let request = pb::ReadAllRequest {
        limit: Some(head.unwrap_or(echoed_events)),
        ..Default::default()
    };
    let mut answers = stub
        .read_all(request)
        .await
        .map_err(Error::call(LOAD))?
        .into_inner();
    let mut events = 0;
    while let Some(message) = answers.message().await.map_err(Error::call(LOAD))? {
        for event in message.events {
            events += 1;
            // Positions are dense, which costs nothing to check; the echo server sends the same batch repeatedly.
            if head.is_some() && event.position != events {
                let problem = format!("received position {}, expected {events}", event.position);
                return Err(Error::wrong(LOAD, problem));
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let expected = head.unwrap_or(echoed_events);
    if events != expected {
        return Err(Error::wrong(
            LOAD,
            format!("received {events} of {expected} events"),
        ));
    }
    Ok(Measured::new(
        events,
        seconds,
        CpuTimes::now(subject.pids).since(&before),
    ))
}
