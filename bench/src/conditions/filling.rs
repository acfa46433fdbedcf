//! Fills a log with tagged events.

use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use futures::StreamExt;

use crate::{
    Error, Result,
    load::{connect, content, id},
};

const LOAD: &str = "filling a log";
/// Events of one append and of one stream.
const APPEND_EVENTS: u64 = 100;
/// Appends in a message.
const MESSAGE_APPENDS: u64 = 4;
/// Unanswered messages.
const IN_FLIGHT: usize = 16;
/// Number of tags that many events have.
const COMMON_TAGS: u64 = 1_000;
/// Number of tags that few events have.
pub(super) const RARE_TAGS: u64 = 256;
/// Number of events with each rare tag.
pub(super) const RARE_EVENTS: u64 = 10;
/// Type of the events with rare tags.
pub(super) const RARE_TYPE: &str = "RareHappened";

/// Returns the name of a rare tag.
pub(super) fn rare_tag(nth: u64) -> String {
    format!("rare:{nth}")
}

/// Returns the position of the last event with a rare tag in a log of `log_events` events.
pub(super) fn last_rare(log_events: u64, nth: u64) -> u64 {
    position(log_events, nth, RARE_EVENTS - 1)
}

fn position(log_events: u64, tag: u64, nth: u64) -> u64 {
    let span = log_events / RARE_EVENTS;
    1 + nth * span + span / 2 + tag
}

/// Returns the rare tag of the event at a position, if it has one.
fn rare_at(log_events: u64, at: u64) -> Option<u64> {
    let span = log_events / RARE_EVENTS;
    let within = (at - 1) % span;
    let nth = (at - 1) / span;
    within
        .checked_sub(span / 2)
        .filter(|tag| *tag < RARE_TAGS && nth < RARE_EVENTS)
}

/// Appends `log_events` events, in streams of a hundred.
pub(super) async fn fill(endpoint: &str, log_events: u64) -> Result<()> {
    let mut client = EventStoreServiceClient::new(connect(endpoint).await?);
    let step = APPEND_EVENTS * MESSAGE_APPENDS;
    let (sender, receiver) = tokio::sync::mpsc::channel(IN_FLIGHT);
    let sending = async move {
        for first in (1..=log_events).step_by(step as usize) {
            let appends = (first..=log_events.min(first + step - 1))
                .step_by(APPEND_EVENTS as usize)
                .map(|first| append(log_events, first));
            let message = pb::AppendPipelineRequest {
                appends: appends.collect(),
            };
            if sender.send(message).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let receiving = async {
        let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let mut answers = client
            .append_pipeline(messages)
            .await
            .map_err(Error::call(LOAD))?
            .into_inner();
        let mut last = 0;
        while let Some(message) = answers.next().await {
            for result in message.map_err(Error::call(LOAD))?.results {
                last = match result.result {
                    Some(pb::pipelined_result::Result::AppendedToStream(answer)) => answer.last_position,
                    other => {
                        return Err(Error::wrong(
                            LOAD,
                            format!("an append was answered with {other:?}"),
                        ));
                    }
                };
            }
        }
        Ok(last)
    };
    let ((), last) = tokio::try_join!(sending, receiving)?;
    if last == log_events {
        Ok(())
    } else {
        let problem = format!("the log ends at position {last} instead of {log_events}");
        Err(Error::wrong(LOAD, problem))
    }
}

/// Returns the append whose first event gets the position `first`.
fn append(log_events: u64, first: u64) -> pb::PipelinedAppend {
    let last = log_events.min(first + APPEND_EVENTS - 1);
    let append = pb::AppendToStreamRequest {
        stream: format!("stream-{}", first / APPEND_EVENTS),
        expected: Some(pb::ExpectedRevision {
            expected: Some(pb::expected_revision::Expected::NoStream(())),
        }),
        events: (first..=last).map(|at| event(log_events, at)).collect(),
        recorded_at: None,
    };
    pb::PipelinedAppend {
        append: Some(pb::pipelined_append::Append::AppendToStream(append)),
    }
}

fn event(log_events: u64, at: u64) -> pb::NewEvent {
    let content = content(at);
    let (kind, tag) = match rare_at(log_events, at) {
        Some(nth) => (RARE_TYPE, rare_tag(nth)),
        None => (content.kind, format!("common:{}", at % COMMON_TAGS)),
    };
    pb::NewEvent {
        id: String::from_utf8_lossy(&id(at)).into_owned(),
        r#type: kind.to_owned(),
        data: bytes::Bytes::from_static(&content.data),
        metadata: bytes::Bytes::new(),
        tags: vec![tag],
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rare_tag_has_ten_events_and_they_are_where_they_are_said_to_be() {
        for log_events in [10_000, 50_000, 54_321] {
            let mut found = vec![Vec::new(); RARE_TAGS as usize];
            for at in 1..=log_events {
                if let Some(tag) = rare_at(log_events, at) {
                    found[tag as usize].push(at);
                }
            }
            for (tag, positions) in (0..).zip(found) {
                let told: Vec<u64> = (0..RARE_EVENTS)
                    .map(|nth| position(log_events, tag, nth))
                    .collect();
                assert_eq!(positions, told, "{log_events} events, tag {tag}");
                assert_eq!(positions.last(), Some(&last_rare(log_events, tag)));
            }
        }
    }
}
