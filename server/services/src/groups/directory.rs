//! The definitions of groups. A change is one append: the event that states what was changed, and the definition in
//! state. A check of the definition's version makes changes of two servers one after the other.

use annals_store::{
    Append, ContentType, Direction, EntryName, Error as StoreError, EventType, Expected, ListState, NewEvent,
    Position, ReadAll, Rejection, StateChange, StateCheck, StateEntry, StateKey, StreamName, Timestamp,
};
use bytes::Bytes;
use prost::Message;
use serde_json::json;

use super::{
    error::{Error, Result},
    settings::{GroupSettings, Mode},
    shared::Shared,
    stored::{Group, LEADER, PROGRESS, StoredProgress, scoped, system_scope},
};

/// How often a change is repeated that another change was faster than.
const TRIES_MAX: usize = 16;

/// Where a group begins or continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Before the first event.
    Beginning,
    /// After the last event.
    End,
    /// After this position.
    After(Position),
    /// Before the first event that was recorded at this time or later.
    Time(Timestamp),
}

/// A page of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPage {
    /// The groups, in the order of their names.
    pub groups: Vec<Group>,
    /// Whether more follow.
    pub has_more: bool,
}

/// A definition with the version of its entry.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub group: Group,
    pub version: u64,
}

fn entry(name: &str) -> EntryName {
    scoped(&system_scope("groups"), name)
}

/// Returns a definition.
pub(super) async fn find(shared: &Shared, name: &str) -> Result<Found> {
    let found = shared.store.state(&entry(name)).await?.0;
    let StateEntry { value, version, .. } = found.ok_or_else(|| Error::NotFound(name.to_owned()))?;
    let group = Group::parse(name, &value)?;
    Ok(Found { group, version })
}

/// Lists groups whose names begin with a prefix, in the order of their names.
pub(super) async fn list(
    shared: &Shared,
    prefix: &str,
    after: Option<StateKey>,
    limit: usize,
) -> Result<GroupPage> {
    let list = ListState {
        scope: system_scope("groups"),
        prefix: prefix.to_owned(),
        after,
        limit,
    };
    let page = shared.store.list_state(&list).await?;
    let groups = page
        .entries
        .iter()
        .map(|entry| Group::parse(entry.key.as_str(), &entry.value));
    Ok(GroupPage {
        groups: groups.collect::<Result<_>>()?,
        has_more: page.has_more,
    })
}

/// Creates a group, or returns the one that exists with the same settings.
pub(super) async fn create(
    shared: &Shared,
    name: &str,
    settings: GroupSettings,
    start: Start,
) -> Result<Group> {
    settings.check()?;
    let read_to = position(shared, start).await?;
    let group = Group {
        name: name.to_owned(),
        settings,
        version: 1,
        created_at: shared.clock.now(),
        id: shared.ids.next(),
    };
    let progress = StoredProgress::new(read_to.0, &[], 0);
    let changes = vec![
        put(entry(name), group.to_stored().encode_to_vec()),
        put(group.entry(PROGRESS), progress.encode_to_vec()),
    ];
    let absent = StateCheck {
        entry: entry(name),
        expected: None,
    };
    let data = json!({ "name": name, "settings": stated(&group.settings), "start": read_to.0 });
    match change(shared, "group-created", &data, changes, vec![absent]).await {
        Ok(()) => Ok(group),
        Err(Error::Store(StoreError::Rejected(Rejection::ChecksFailed { .. }))) => {
            let found = find(shared, name).await?.group;
            if found.settings == group.settings {
                return Ok(found);
            }
            Err(Error::Exists(name.to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Replaces the settings of a group. Settings that it has already change nothing.
pub(super) async fn update(
    shared: &Shared,
    name: &str,
    settings: GroupSettings,
    expected: Option<u64>,
) -> Result<Group> {
    settings.check()?;
    for _ in 0..TRIES_MAX {
        let Found { group, version } = find(shared, name).await?;
        if let Some(expected) = expected.filter(|expected| *expected != group.version) {
            let is_repeated = expected + 1 == group.version && group.settings == settings;
            if !is_repeated {
                return Err(Error::VersionConflict {
                    name: name.to_owned(),
                    expected,
                    actual: group.version,
                });
            }
        }
        if group.settings == settings {
            return Ok(group);
        }
        let changed = Group {
            settings: settings.clone(),
            version: group.version + 1,
            ..group
        };
        let data = json!({ "name": name, "settings": stated(&settings), "version": changed.version });
        let changes = vec![put(entry(name), changed.to_stored().encode_to_vec())];
        let checks = vec![StateCheck {
            entry: entry(name),
            expected: Some(version),
        }];
        match change(shared, "group-updated", &data, changes, checks).await {
            Ok(()) => return Ok(changed),
            Err(Error::Store(StoreError::Rejected(_))) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Overloaded("changes of one group at a time"))
}

/// Deletes a group. What is in its scope is removed later. Returns whether there was one.
pub(super) async fn delete(shared: &Shared, name: &str) -> Result<bool> {
    for _ in 0..TRIES_MAX {
        let Found { group, version } = match find(shared, name).await {
            Err(Error::NotFound(_)) => return Ok(false),
            found => found?,
        };
        let data = json!({ "name": name });
        let changes = vec![
            StateChange {
                entry: entry(name),
                value: None,
            },
            // The server that leads it can't write any more.
            StateChange {
                entry: group.entry(LEADER),
                value: None,
            },
            put(
                scoped(&system_scope("deleted-groups"), &group.id.simple().to_string()),
                Vec::new(),
            ),
        ];
        let checks = vec![StateCheck {
            entry: entry(name),
            expected: Some(version),
        }];
        match change(shared, "group-deleted", &data, changes, checks).await {
            Ok(()) => return Ok(true),
            Err(Error::Store(StoreError::Rejected(_))) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Overloaded("changes of one group at a time"))
}

/// Returns the position after which a group begins.
pub(super) async fn position(shared: &Shared, start: Start) -> Result<Position> {
    let head = shared.head().await?;
    match start {
        Start::Beginning => Ok(Position(0)),
        Start::End => Ok(head),
        Start::After(position) if position > head => Err(Error::PositionBeyondHead { position, head }),
        Start::After(position) => Ok(position),
        Start::Time(time) => {
            // The last position before that time.
            let before = Timestamp::from_micros(time.micros.saturating_sub(1));
            Ok(shared.store.position_at(before).await?)
        }
    }
}

async fn change(
    shared: &Shared,
    kind: &str,
    data: &serde_json::Value,
    changes: Vec<StateChange>,
    checks: Vec<StateCheck>,
) -> Result<()> {
    let limits = shared.store.limits();
    let event = NewEvent {
        id: shared.ids.next(),
        kind: EventType::system(kind).expect("the types of groups' events are valid"),
        data: Bytes::from(data.to_string()),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    };
    let stream = StreamName::system("groups").expect("the name of groups' stream is valid");
    let append = Append::new(stream, Expected::Any, vec![event], limits)
        .map(|append| append.with_state(changes, checks, limits));
    let append = append
        .map_err(|error| annals_store::Error::Corrupt(error.to_string()))?
        .map_err(|error| annals_store::Error::Corrupt(error.to_string()))?;
    shared.store.append(append).await?;
    Ok(())
}

pub(super) fn put(entry: EntryName, value: Vec<u8>) -> StateChange {
    StateChange {
        entry,
        value: Some(Bytes::from(value)),
    }
}

/// Returns the settings as an event states them: with the names of the protocol.
fn stated(settings: &GroupSettings) -> serde_json::Value {
    let (mode, prefix) = match &settings.mode {
        Mode::OrderedByStream => ("ordered", None),
        Mode::OrderedByTag(prefix) => ("ordered", Some(prefix)),
        Mode::Unordered => ("unordered", None),
        Mode::Exclusive => ("exclusive", None),
    };
    let items = settings.query.items.iter().map(|item| {
        json!({
            "types": item.types,
            "typePrefixes": item.type_prefixes,
            "streams": item.streams,
            "streamPrefixes": item.stream_prefixes,
            "tags": item.tags,
        })
    });
    json!({
        "query": items.collect::<Vec<_>>(),
        "mode": mode,
        "orderByTagPrefix": prefix,
        "ackTimeoutSeconds": settings.ack_timeout.as_secs_f64(),
        "maxAttempts": settings.attempts_max,
        "retryDelaySeconds": settings.retry_delay.as_secs_f64(),
        "maxRetryDelaySeconds": settings.retry_delay_max.as_secs_f64(),
        "parkFollowing": settings.park_following,
    })
}

/// Reads the events at some positions, in order. Those that were removed are left out.
pub(super) async fn events_at(
    shared: &Shared,
    positions: &[u64],
) -> Result<Vec<(u64, annals_store::EncodedEvent)>> {
    /// Events are read a page at a time; positions that are farther apart begin another read.
    const PAGE: u64 = 256;
    let mut found = Vec::with_capacity(positions.len());
    let mut rest = positions;
    while let Some(first) = rest.first() {
        let end = rest.partition_point(|position| *position < first.saturating_add(PAGE));
        let (wanted, later) = rest.split_at(end);
        let last = wanted.last().copied().unwrap_or(*first);
        let mut reader = shared
            .store
            .read_all(ReadAll {
                direction: Direction::Forwards,
                from: Some(Position(*first)),
                limit: Some(last - first + 1),
                query: annals_store::Query::default(),
                until: Some(annals_store::Until::Position(Position(last))),
            })
            .await?;
        while let Some(batch) = reader.next().await? {
            for event in batch.encoded()? {
                let position = event.view()?.position.0;
                if wanted.binary_search(&position).is_ok() {
                    found.push((position, event));
                }
            }
        }
        rest = later;
    }
    Ok(found)
}
