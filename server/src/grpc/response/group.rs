//! Converts consumer groups to messages of the protocol.

use std::time::Duration;

use annals_proto::v1 as pb;
use annals_services::groups::{ConsumerInfo, Group, Mode, Parked, Status};
use annals_store::{Position, Query};
use prost::Message;

use super::{duration, timestamp};

/// Returns a mode and the prefix of the tags that it orders by.
pub(crate) fn mode(mode: &Mode) -> (pb::GroupMode, String) {
    match mode {
        Mode::OrderedByStream => (pb::GroupMode::Ordered, String::new()),
        Mode::OrderedByTag(prefix) => (pb::GroupMode::Ordered, prefix.clone()),
        Mode::Unordered => (pb::GroupMode::Unordered, String::new()),
        Mode::Exclusive => (pb::GroupMode::Exclusive, String::new()),
    }
}

pub(crate) fn group(group: &Group) -> pb::Group {
    let settings = &group.settings;
    let (mode, order_by_tag_prefix) = mode(&settings.mode);
    pb::Group {
        name: group.name.clone(),
        settings: Some(pb::GroupSettings {
            query: Some(query(&settings.query)),
            mode: mode.into(),
            order_by_tag_prefix,
            ack_timeout: Some(duration(settings.ack_timeout)),
            max_attempts: Some(settings.attempts_max),
            retry_delay: Some(duration(settings.retry_delay)),
            max_retry_delay: Some(duration(settings.retry_delay_max)),
            park_following: settings.park_following,
        }),
        version: group.version,
        created_at: Some(timestamp(group.created_at)),
    }
}

fn query(query: &Query) -> pb::Query {
    let items = query.items.iter().map(|item| pb::QueryItem {
        types: item.types.clone(),
        type_prefixes: item.type_prefixes.clone(),
        streams: item.streams.clone(),
        stream_prefixes: item.stream_prefixes.clone(),
        tags: item.tags.clone(),
    });
    pb::Query {
        items: items.collect(),
    }
}

pub(crate) fn group_status(
    status: &Status,
    head: Position,
    lag: Duration,
    leader: &str,
) -> pb::DescribeGroupResponse {
    let leader = if status.consumers.is_empty() { "" } else { leader };
    pb::DescribeGroupResponse {
        group: Some(group(&status.group)),
        done_position: status.done_to,
        read_position: status.read_to,
        head: head.0,
        lag_events: head.0.saturating_sub(status.done_to),
        lag: Some(duration(lag)),
        in_flight: status.counts.in_flight as u64,
        retrying: status.counts.retrying as u64,
        parked: status.parked,
        consumers: status.consumers.iter().map(consumer).collect(),
        leader: leader.to_owned(),
    }
}

fn consumer(consumer: &ConsumerInfo) -> pb::ConsumerStatus {
    pb::ConsumerStatus {
        name: consumer.name.clone(),
        permits: consumer.permits,
        in_flight: u32::try_from(consumer.in_flight).unwrap_or(u32::MAX),
        active: consumer.is_active,
        connected_at: Some(timestamp(consumer.connected_at)),
    }
}

pub(crate) fn parked_event(parked: Parked) -> Result<pb::ParkedEvent, annals_store::Error> {
    let event = parked
        .event
        .map(|event| pb::RecordedEvent::decode(event.bytes().clone()));
    let event = event
        .transpose()
        .map_err(|error| annals_store::Error::Corrupt(format!("can't read an event: {error}")))?;
    Ok(pb::ParkedEvent {
        position: parked.position,
        stream: parked.stream,
        revision: parked.revision,
        reason: parked.reason,
        consumer: parked.consumer,
        attempts: parked.attempts,
        parked_at: Some(timestamp(parked.parked_at)),
        first_delivered_at: parked.first_delivered_at.map(timestamp),
        event,
    })
}
