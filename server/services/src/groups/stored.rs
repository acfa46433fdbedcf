//! What groups keep in the store, and under which names.
//!
//! | where | what |
//! |---|---|
//! | stream `$groups` | an event for each change of a definition, for those who want to know what was changed |
//! | scope `$groups` | the definitions, by name |
//! | scope `$deleted-groups` | ids of deleted groups whose scope is not yet empty |
//! | scope `$servers` | servers that lead groups, by their sessions' ids |
//! | scope `$group/ID` | of one group: its `leader`; its `progress`; `parked/POSITION`; `replay/POSITION`: parked events that are to be delivered again; `order/KEY/POSITION`: parked events by what they are ordered by, if later ones are to be parked too |
//!
//! Positions in keys have 16 hexadecimal digits, so that keys are in the order of positions. Values are protobuf
//! messages, so that a later version can add fields.

use std::time::Duration;

use annals_store::{EntryName, Query, QueryItem, ScopeName, StateKey, Timestamp};
use prost::Message;
use uuid::Uuid;

use super::{
    error::{Error, Result},
    settings::{GroupSettings, Mode},
};

/// A query in the form in which it is stored.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredQueryItem {
    #[prost(string, repeated, tag = "1")]
    pub types: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub type_prefixes: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub streams: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub stream_prefixes: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    pub tags: Vec<String>,
}

/// The definition of a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredGroup {
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub version: u64,
    #[prost(uint64, tag = "3")]
    pub created_at: u64,
    #[prost(message, repeated, tag = "4")]
    pub query: Vec<StoredQueryItem>,
    /// 1: ordered, 2: unordered, 3: exclusive.
    #[prost(uint32, tag = "5")]
    pub mode: u32,
    #[prost(string, tag = "6")]
    pub order_by_tag_prefix: String,
    #[prost(uint64, tag = "7")]
    pub ack_timeout: u64,
    #[prost(uint32, tag = "8")]
    pub attempts_max: u32,
    #[prost(uint64, tag = "9")]
    pub retry_delay: u64,
    #[prost(uint64, tag = "10")]
    pub retry_delay_max: u64,
    #[prost(bool, tag = "11")]
    pub park_following: bool,
}

/// The server that leads a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredLeader {
    /// Its session.
    #[prost(bytes = "vec", tag = "1")]
    pub session: Vec<u8>,
    /// The address at which other servers reach it.
    #[prost(string, tag = "2")]
    pub address: String,
}

/// A server that leads groups. Its entry is written again and again, so that its version shows that it is alive.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredServer {
    /// The address at which other servers reach it.
    #[prost(string, tag = "1")]
    pub address: String,
}

/// How far a group has come.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredProgress {
    /// The log is read up to this position.
    #[prost(uint64, tag = "1")]
    pub read_to: u64,
    /// Events up to there that are not done: the first position, then the distance from each to the next.
    #[prost(uint64, repeated, tag = "2")]
    pub pending: Vec<u64>,
    /// How often each of them was delivered.
    #[prost(uint32, repeated, tag = "3")]
    pub attempts: Vec<u32>,
    /// Number of parked events.
    #[prost(uint64, tag = "4")]
    pub parked: u64,
}

/// A parked event.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredParked {
    #[prost(string, tag = "1")]
    pub stream: String,
    #[prost(uint64, tag = "2")]
    pub revision: u64,
    #[prost(string, tag = "3")]
    pub reason: String,
    #[prost(string, tag = "4")]
    pub consumer: String,
    #[prost(uint32, tag = "5")]
    pub attempts: u32,
    #[prost(uint64, tag = "6")]
    pub parked_at: u64,
    /// 0: it was not delivered.
    #[prost(uint64, tag = "7")]
    pub first_delivered_at: u64,
    /// What it is ordered by, if there is an entry for that.
    #[prost(bytes = "vec", tag = "8")]
    pub order: Vec<u8>,
}

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: GroupSettings,
    /// Number of its settings.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Identity of the group: another one of the same name has another id.
    pub(crate) id: Uuid,
}

impl Group {
    pub(crate) fn to_stored(&self) -> StoredGroup {
        let settings = &self.settings;
        let (mode, prefix) = match &settings.mode {
            Mode::OrderedByStream => (1, String::new()),
            Mode::OrderedByTag(prefix) => (1, prefix.clone()),
            Mode::Unordered => (2, String::new()),
            Mode::Exclusive => (3, String::new()),
        };
        let item = |item: &QueryItem| StoredQueryItem {
            types: item.types.clone(),
            type_prefixes: item.type_prefixes.clone(),
            streams: item.streams.clone(),
            stream_prefixes: item.stream_prefixes.clone(),
            tags: item.tags.clone(),
        };
        StoredGroup {
            id: self.id.as_bytes().to_vec(),
            version: self.version,
            created_at: self.created_at.micros,
            query: settings.query.items.iter().map(item).collect(),
            mode,
            order_by_tag_prefix: prefix,
            ack_timeout: micros(settings.ack_timeout),
            attempts_max: settings.attempts_max,
            retry_delay: micros(settings.retry_delay),
            retry_delay_max: micros(settings.retry_delay_max),
            park_following: settings.park_following,
        }
    }

    pub(crate) fn parse(name: &str, value: &[u8]) -> Result<Self> {
        let stored: StoredGroup = parse(value)?;
        let item = |item: StoredQueryItem| QueryItem {
            types: item.types,
            type_prefixes: item.type_prefixes,
            streams: item.streams,
            stream_prefixes: item.stream_prefixes,
            tags: item.tags,
        };
        let mode = match (stored.mode, stored.order_by_tag_prefix) {
            (1, prefix) if prefix.is_empty() => Mode::OrderedByStream,
            (1, prefix) => Mode::OrderedByTag(prefix),
            (2, _) => Mode::Unordered,
            (3, _) => Mode::Exclusive,
            (mode, _) => return Err(corrupt(&format!("mode {mode} of group {name:?}"))),
        };
        Ok(Self {
            name: name.to_owned(),
            version: stored.version,
            created_at: Timestamp::from_micros(stored.created_at),
            id: Uuid::from_slice(&stored.id).map_err(|_| corrupt(&format!("the id of group {name:?}")))?,
            settings: GroupSettings {
                query: Query {
                    items: stored.query.into_iter().map(item).collect(),
                },
                mode,
                ack_timeout: Duration::from_micros(stored.ack_timeout),
                attempts_max: stored.attempts_max,
                retry_delay: Duration::from_micros(stored.retry_delay),
                retry_delay_max: Duration::from_micros(stored.retry_delay_max),
                park_following: stored.park_following,
            },
        })
    }

    /// Returns the name of an entry of the group's scope.
    pub(crate) fn entry(&self, key: &str) -> EntryName {
        scoped(&self.scope(), key)
    }

    pub(crate) fn scope(&self) -> ScopeName {
        scope_of(self.id)
    }
}

/// Returns the scope of the group with this id.
pub(crate) fn scope_of(id: Uuid) -> ScopeName {
    system_scope(&format!("group/{}", id.simple()))
}

pub(crate) const LEADER: &str = "leader";
pub(crate) const PROGRESS: &str = "progress";
pub(crate) const PARKED: &str = "parked/";
pub(crate) const REPLAY: &str = "replay/";

pub(crate) fn parked_key(position: u64) -> String {
    format!("{PARKED}{position:016x}")
}

pub(crate) fn replay_key(position: u64) -> String {
    format!("{REPLAY}{position:016x}")
}

/// Returns the id of what events are ordered by: names are longer than keys.
pub(crate) fn order_id(order_key: &str) -> Uuid {
    Uuid::new_v5(&Uuid::nil(), order_key.as_bytes())
}

pub(crate) fn order_prefix(order: Uuid) -> String {
    format!("order/{}/", order.simple())
}

pub(crate) fn order_key_of(order: Uuid, position: u64) -> String {
    format!("{}{position:016x}", order_prefix(order))
}

/// Parses the position at the end of a key.
pub(crate) fn position_of(key: &StateKey) -> Result<u64> {
    let digits = key.as_str().rsplit('/').next().unwrap_or_default();
    u64::from_str_radix(digits, 16).map_err(|_| corrupt(&format!("the key {key:?} of a group")))
}

pub(crate) fn scoped(scope: &ScopeName, key: &str) -> EntryName {
    EntryName {
        scope: scope.clone(),
        key: StateKey::new(key).expect("keys of groups are short and without control characters"),
    }
}

pub(crate) fn system_scope(name: &str) -> ScopeName {
    ScopeName::system(name).expect("names of scopes of groups are valid")
}

/// Parses a stored message.
pub(crate) fn parse<M: Message + Default>(value: &[u8]) -> Result<M> {
    M::decode(value).map_err(|error| corrupt(&format!("an entry of a group: {error}")))
}

fn corrupt(what: &str) -> Error {
    Error::Store(annals_store::Error::Corrupt(format!("can't read {what}")))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl StoredProgress {
    /// Encodes events that are not done, with their attempts. They are in order.
    pub(crate) fn new(read_to: u64, pending: &[(u64, u32)], parked: u64) -> Self {
        let mut before = 0;
        let distance = |(position, _): &(u64, u32)| {
            let distance = position - before;
            before = *position;
            distance
        };
        Self {
            read_to,
            pending: pending.iter().map(distance).collect(),
            attempts: pending.iter().map(|(_, attempts)| *attempts).collect(),
            parked,
        }
    }

    /// Returns the events that are not done, in order, with their attempts.
    pub(crate) fn pending(&self) -> Vec<(u64, u32)> {
        let mut position = 0_u64;
        let attempts = self.attempts.iter().copied().chain(std::iter::repeat(0));
        let place = |(distance, attempts): (&u64, u32)| {
            position = position.saturating_add(*distance);
            (position, attempts)
        };
        self.pending.iter().zip(attempts).map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(mode: Mode) -> Group {
        Group {
            name: "g".into(),
            settings: GroupSettings {
                mode,
                query: Query {
                    items: vec![QueryItem {
                        types: vec!["T".into()],
                        tags: vec!["a".into()],
                        ..QueryItem::default()
                    }],
                },
                ..GroupSettings::default()
            },
            version: 3,
            created_at: Timestamp::from_micros(5),
            id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn a_definition_is_read_as_it_was_written() {
        for mode in [
            Mode::OrderedByStream,
            Mode::OrderedByTag("customer:".into()),
            Mode::Unordered,
            Mode::Exclusive,
        ] {
            let group = group(mode);
            let value = group.to_stored().encode_to_vec();
            assert_eq!(Group::parse("g", &value).unwrap(), group);
        }
    }

    #[test]
    fn progress_with_the_most_events_fits_into_an_entry() {
        let far = u64::MAX / 5_000;
        let pending: Vec<_> = (1..=super::super::work::EVENTS_MAX as u64)
            .map(|n| (n * far, u32::from(u16::MAX)))
            .collect();
        let stored = StoredProgress::new(u64::MAX, &pending, u64::MAX);
        assert!(stored.encoded_len() <= annals_store::limits::STATE_VALUE_BYTES_MAX);
        assert_eq!(stored.pending(), pending);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Group::parse("g", &bytes);
            let _ = parse::<StoredLeader>(&bytes);
            let _ = parse::<StoredServer>(&bytes);
            let _ = parse::<StoredParked>(&bytes);
            if let Ok(progress) = parse::<StoredProgress>(&bytes) {
                progress.pending();
            }
            let text = String::from_utf8_lossy(&bytes).replace(char::is_control, "x");
            if let Ok(key) = StateKey::new(&text) {
                let _ = position_of(&key);
            }
        }
    }
}
