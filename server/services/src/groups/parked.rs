//! Lists parked events.

use annals_store::{EncodedEvent, ListState, StateKey, Timestamp};
use foldhash::HashMap;

use super::{
    directory,
    error::Result,
    shared::Shared,
    stored::{PARKED, StoredParked, parked_key, parse, position_of},
};

/// The most bytes of events in a page, beyond one event.
const EVENT_BYTES: usize = 2 << 20;
/// The most entries that are examined for a page of one stream's events.
const EXAMINED_MAX: usize = 100_000;
/// The most entries that are read at a time.
const READ: usize = 500;

/// Request to list parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListParked {
    /// Name of the group.
    pub group: String,
    /// Only events of this stream; empty: of all.
    pub stream: String,
    /// Only events after this position.
    pub after: u64,
    /// The most events, at least 1.
    pub limit: usize,
    /// Whether to return the events themselves.
    pub with_events: bool,
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Position of the event.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its revision in the stream.
    pub revision: u64,
    /// Why it is parked.
    pub reason: String,
    /// The consumer that had it last; empty if none had it.
    pub consumer: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// When it was first delivered, if it was.
    pub first_delivered_at: Option<Timestamp>,
    /// The event, if it was asked for and still exists.
    pub event: Option<EncodedEvent>,
}

/// A page of parked events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedPage {
    /// The events, in the order of their positions.
    pub events: Vec<Parked>,
    /// Whether more follow.
    pub has_more: bool,
    /// The position up to which was looked, if it has no events although more may follow.
    pub examined_to: Option<u64>,
}

pub(super) async fn list(shared: &Shared, list: &ListParked) -> Result<ParkedPage> {
    let group = directory::find(shared, &list.group).await?.group;
    let mut read = ListState {
        scope: group.scope(),
        prefix: PARKED.to_owned(),
        after: (list.after > 0).then(|| StateKey::new(&parked_key(list.after)).expect("a short key")),
        limit: READ.min(list.limit + 1),
    };
    let mut page = ParkedPage::default();
    let mut examined = 0;
    'pages: loop {
        let found = shared.store.list_state(&read).await?;
        for entry in &found.entries {
            let position = position_of(&entry.key)?;
            let stored: StoredParked = parse(&entry.value)?;
            if !list.stream.is_empty() && stored.stream != list.stream {
                continue;
            }
            if page.events.len() == list.limit {
                page.has_more = true;
                break 'pages;
            }
            page.events.push(parked(position, stored));
        }
        examined += found.entries.len();
        read.after = found.entries.last().map(|entry| entry.key.clone()).or(read.after);
        read.limit = READ;
        if !found.has_more {
            break;
        }
        if examined >= EXAMINED_MAX && !page.events.is_empty() {
            page.has_more = true;
            break;
        }
    }
    if list.with_events {
        add_events(shared, &mut page).await?;
    }
    Ok(page)
}

fn parked(position: u64, stored: StoredParked) -> Parked {
    let time = Timestamp::from_micros;
    Parked {
        position,
        stream: stored.stream,
        revision: stored.revision,
        reason: stored.reason,
        consumer: stored.consumer,
        attempts: stored.attempts,
        parked_at: time(stored.parked_at),
        first_delivered_at: (stored.first_delivered_at > 0).then(|| time(stored.first_delivered_at)),
        event: None,
    }
}

/// Adds the events themselves, and shortens the page if they are large.
async fn add_events(shared: &Shared, page: &mut ParkedPage) -> Result<()> {
    let mut bytes = 0;
    let mut from = 0;
    while from < page.events.len() && bytes < EVENT_BYTES {
        let to = page.events.len().min(from + 16);
        let positions: Vec<_> = page.events[from..to]
            .iter()
            .map(|parked| parked.position)
            .collect();
        let found: HashMap<_, _> = directory::events_at(shared, &positions)
            .await?
            .into_iter()
            .collect();
        for parked in &mut page.events[from..to] {
            if bytes >= EVENT_BYTES {
                break;
            }
            parked.event = found.get(&parked.position).cloned();
            bytes += parked.event.as_ref().map_or(0, |event| event.bytes().len());
            from += 1;
        }
    }
    if from < page.events.len() {
        page.events.truncate(from);
        page.has_more = true;
    }
    Ok(())
}
