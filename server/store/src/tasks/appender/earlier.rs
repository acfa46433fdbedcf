//! Finds out whether an append was written before: the places where it may be are searched one after the other, in
//! the group and in the log. Most appends have no such place, because their expectation is current.
//!
//! The log is searched beforehand ([`look`]), so that evaluating a group reads no storage. The findings are used only
//! if they can't have changed since: the places are the same, and all events that can be there were there. Otherwise,
//! which is rare, the group searches again.

use super::overlay::Overlay;
use crate::{
    index::Request,
    model::{append::Append, error::Result, stored_event::StoredEvent},
    read::stored_events,
    shared::Shared,
    tasks::{
        appender::decide::{self, Known, Place, Verdict},
        receipt::{self, Receipt},
    },
    values::position::{Position, Revision},
};

/// Findings from beforehand at the places where an append may have been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    places: [Option<Place>; 3],
    /// Findings at the first of the places.
    found: Vec<Found>,
}

/// Findings at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Events(Vec<StoredEvent>),
    /// A receipt, and the events at the positions in it.
    Receipt(Option<Receipt>, Vec<StoredEvent>),
}

impl Found {
    /// Returns the decision that follows from it.
    fn verdict(&self, append: &Append, known: &Known<'_>, place: Place) -> Option<Verdict> {
        match self {
            Self::Events(standing) => decide::compare(append, known, place, standing),
            Self::Receipt(None, _) => None,
            Self::Receipt(Some(receipt), standing) => decide::compare(append, known, place, standing)
                .or_else(|| decide::compare_receipt(append, known, receipt)),
        }
    }
}

/// Returns the facts about an append. `last` is the last revision of its first stream.
pub(super) fn known<'a>(
    shared: &Shared,
    append: &'a Append,
    last: Option<Revision>,
    request: Option<Request>,
) -> Known<'a> {
    let lifecycles = shared.tail.lifecycles();
    Known {
        last,
        lifecycle: lifecycles.of(append.stream().as_str()),
        request,
        tombstoned: lifecycles.tombstoned(append.streams()),
        receipts: !lifecycles.is_empty(),
    }
}

/// Searches the log for an earlier append with the same ids. `None` if there is no place to search, or if the events
/// there may still change.
pub(super) async fn look(shared: &Shared, append: &Append, known: &Known<'_>) -> Result<Option<Compared>> {
    let places = decide::places(append, known);
    let mut found = Vec::new();
    for place in places.into_iter().flatten() {
        let at = match place {
            Place::Revision(from) => match at_revision(shared, append, from, known.last).await? {
                Some(events) => Found::Events(events),
                None => break,
            },
            Place::Request(request) => Found::Events(stored_events::of_request(shared, request).await?),
            Place::Receipt => by_receipt(shared, append).await?,
        };
        let is_decided = at.verdict(append, known, place).is_some();
        found.push(at);
        if is_decided {
            break;
        }
    }
    Ok((!found.is_empty()).then_some(Compared { places, found }))
}

/// Decides about an append, using the findings from beforehand. `None` if the decision depends on events of its group
/// in a way that is easier to evaluate after they are written.
pub(super) async fn judge(
    shared: &Shared,
    overlay: &Overlay<'_>,
    append: &Append,
    known: &Known<'_>,
    compared: Option<&Compared>,
) -> Result<Option<Verdict>> {
    let places = decide::places(append, known);
    let compared = compared.filter(|compared| compared.places == places);
    for (n, place) in places.into_iter().flatten().enumerate() {
        let verdict = match compared.and_then(|compared| compared.found.get(n)) {
            Some(found) if !began_since(shared, append, found) => found.verdict(append, known, place),
            _ => match place {
                Place::Revision(from) => match overlay.standing_from(shared, append, from).await? {
                    Some(standing) => decide::compare(append, known, place, &standing),
                    None => return Ok(None),
                },
                Place::Request(request) => {
                    let standing = stored_events::of_request(shared, request).await?;
                    decide::compare(append, known, place, &standing)
                }
                Place::Receipt => by_receipt(shared, append).await?.verdict(append, known, place),
            },
        };
        if verdict.is_some() {
            return Ok(verdict);
        }
    }
    Ok(Some(decide::otherwise(append, known)))
}

/// Whether an append has started a stream again since the search for a receipt found none.
fn began_since(shared: &Shared, append: &Append, found: &Found) -> bool {
    let is_none = matches!(found, Found::Receipt(None, _));
    let recent = || shared.tail.began_again(append.stream(), append.events[0].id);
    is_none && recent().is_some()
}

/// Returns the events from a revision on, as many as the append has; `None` if there are not that many yet.
async fn at_revision(
    shared: &Shared,
    append: &Append,
    from: Revision,
    last: Option<Revision>,
) -> Result<Option<Vec<StoredEvent>>> {
    let (stream, count) = (append.stream(), append.len());
    if append.is_to_one() {
        let events = stored_events::of_revisions(shared, stream, from, count).await?;
        // Removed events are missing, and do not come back.
        let has_all = last.is_some_and(|last| last.0 + 1 >= from.0 + count as u64);
        return Ok(has_all.then_some(events));
    }
    let Some(first) = stored_events::position_of(shared, stream, from).await? else {
        return Ok(None);
    };
    let last = Position(first.0 + count as u64 - 1);
    if last > shared.tail.head_position() {
        return Ok(None);
    }
    Ok(Some(stored_events::between(shared, first, last).await?))
}

async fn by_receipt(shared: &Shared, append: &Append) -> Result<Found> {
    let receipt = receipt::find(shared, append.stream(), append.events[0].id).await?;
    let standing = match &receipt {
        Some(receipt) if receipt.details.is_none() => {
            stored_events::of_request(shared, receipt.request).await?
        }
        _ => Vec::new(),
    };
    Ok(Found::Receipt(receipt, standing))
}
