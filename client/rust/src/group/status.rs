//! The progress of groups.

use std::time::Duration;

use annals_proto::v1 as pb;
use jiff::Timestamp;

use super::Group;
use crate::error::{Error, Result};
use crate::event;
use crate::position::Position;

/// A group with its progress and its consumers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStatus {
    /// The group.
    pub group: Group,
    /// All events of the group up to this position are acked, skipped or parked.
    pub done_position: Position,
    /// The log is read up to this position. Events up to here are done, in flight or waiting.
    pub read_position: Position,
    /// The last position of the log.
    pub head: Position,
    /// Number of positions of the log after `done_position`.
    pub lag_events: u64,
    /// Age of the first event after `done_position`, by the server's clock. Zero if there is none.
    pub lag: Duration,
    /// Number of events that consumers hold.
    pub in_flight: u64,
    /// Number of events that have failed and wait for their next attempt.
    pub retrying: u64,
    /// Number of parked events.
    pub parked: u64,
    /// The connected consumers, in the order in which they connected.
    pub consumers: Vec<ConsumerStatus>,
    /// Address of the server that leads the group. Empty if no consumer is connected.
    pub leader: String,
}

/// A connected consumer of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// The most deliveries that it holds at a time.
    pub permits: u32,
    /// How many it holds.
    pub in_flight: u32,
    /// False if it stands by in an exclusive group.
    pub active: bool,
    /// When it connected, by the server's clock.
    pub connected_at: Timestamp,
}

impl TryFrom<pb::DescribeGroupResponse> for GroupStatus {
    type Error = Error;

    fn try_from(status: pb::DescribeGroupResponse) -> Result<Self> {
        let consumer = |consumer: pb::ConsumerStatus| {
            Ok(ConsumerStatus {
                connected_at: event::parse_time(consumer.connected_at.as_ref(), "connected_at")?,
                name: consumer.name,
                permits: consumer.permits,
                in_flight: consumer.in_flight,
                active: consumer.active,
            })
        };
        Ok(GroupStatus {
            group: Group::of(status.group)?,
            done_position: status.done_position.into(),
            read_position: status.read_position.into(),
            head: status.head.into(),
            lag_events: status.lag_events,
            lag: event::parse_duration(status.lag, "lag")?,
            in_flight: status.in_flight,
            retrying: status.retrying,
            parked: status.parked,
            consumers: status
                .consumers
                .into_iter()
                .map(consumer)
                .collect::<Result<_>>()?,
            leader: status.leader,
        })
    }
}
