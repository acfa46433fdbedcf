//! Changing what is set for the streams whose names begin with a prefix: an ordinary append to the prefix's own stream,
//! which expects the version that the new state was made from, and that no other prefix was changed since, because what holds
//! for a prefix rests on those that it begins with.
//!
//! Setting what is set already writes nothing, so that each call can be retried.

use bytes::Bytes;

use super::{
    KIND_PREFIX_RETENTION, Lifecycle, Marked, MarkedPrefix, Retention, Rule,
    change::{BUSY, TRIES_MAX},
    clock,
};
use crate::{
    append::{Append, Expected, NewEvent},
    check::Check,
    error::{Error, Result},
    limits::{Limits, PREFIXES_KNOWN_MAX, PREFIXES_MAX},
    name::{self, EventType, StreamPrefix},
    position::{Position, Revision, Timestamp},
    query::{Query, QueryItem},
    rejection::Rejection,
    shared::Shared,
    store::Store,
};

/// How much is kept of streams whose names begin with a prefix, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRetention {
    /// The prefix.
    pub prefix: StreamPrefix,
    /// The count and the age that are kept; neither: nothing is set.
    pub retention: Retention,
    /// How often it was changed. 0: never.
    pub version: u64,
}

impl PrefixRetention {
    fn of(prefix: &StreamPrefix, marked: Option<Marked>) -> Self {
        Self {
            prefix: prefix.clone(),
            retention: marked
                .map(|marked| marked.lifecycle.retention)
                .unwrap_or_default(),
            version: marked.map_or(0, |marked| marked.version),
        }
    }
}

/// What is kept of streams whose names begin with a prefix.
pub(crate) async fn get(shared: &Shared, prefix: &StreamPrefix) -> Result<PrefixRetention> {
    shared.fresh_head().await?;
    let known = shared.tail.lifecycles().prefix(prefix.as_str());
    Ok(PrefixRetention::of(prefix, known.marked))
}

/// The prefixes for which something is set, in order: the first `limit` behind `after`.
pub(crate) async fn list(
    shared: &Shared,
    after: Option<&StreamPrefix>,
    limit: usize,
) -> Result<Vec<PrefixRetention>> {
    shared.fresh_head().await?;
    let after = after.map(StreamPrefix::as_str);
    let prefixes = shared.tail.lifecycles().prefixes(after, limit).into_iter();
    Ok(prefixes
        .map(|(prefix, marked)| PrefixRetention::of(&StreamPrefix::trusted(&prefix), Some(marked)))
        .collect())
}

/// Sets what is kept of streams whose names begin with a prefix; without a count and an age nothing is set any more.
pub(crate) async fn set(
    store: &Store,
    prefix: &StreamPrefix,
    wanted: Retention,
    expected_version: Option<u64>,
) -> Result<PrefixRetention> {
    let shared = store.shared();
    let wanted = Retention {
        truncate_before: Revision::FIRST,
        ..wanted
    };
    for _ in 0..TRIES_MAX {
        let head = shared.fresh_head().await?;
        let known = shared.tail.lifecycles().prefix(prefix.as_str());
        let now = PrefixRetention::of(prefix, known.marked);
        let is_set = now.retention == wanted;
        if let Some(expected) = expected_version
            && expected != now.version
            // The second time that it is asked for, it is as the first time left it.
            && !(is_set && expected.checked_add(1) == Some(now.version))
        {
            return Err(Error::PrefixVersionConflict {
                prefix: prefix.clone(),
                expected,
                actual: now.version,
            });
        }
        if is_set {
            return Ok(now);
        }
        check_room(&known, &now)?;
        let lifecycle = Lifecycle {
            retention: wanted,
            removed_before: removed_before(&known, &wanted, clock::now(shared).unwrap_or_default()),
            ..Lifecycle::default()
        };
        if write(store, prefix, now.version, lifecycle, head).await? {
            return Ok(PrefixRetention {
                retention: wanted,
                version: now.version + 1,
                ..now
            });
        }
    }
    Err(BUSY)
}

/// Refuses one prefix too many.
fn check_room(known: &MarkedPrefix, now: &PrefixRetention) -> Result<()> {
    let adds = !now.retention.is_limited();
    if adds && known.set >= PREFIXES_MAX || known.marked.is_none() && known.known >= PREFIXES_KNOWN_MAX {
        return Err(Error::TooManyPrefixes);
    }
    Ok(())
}

/// What was recorded before this is gone once `wanted` is set: what is gone by age until now, if events are kept longer from
/// then on, and what was gone before that.
fn removed_before(known: &MarkedPrefix, wanted: &Retention, now: Timestamp) -> Timestamp {
    let Some(rule) = known.rule else {
        return Timestamp::default();
    };
    let then = if wanted.is_limited() {
        *wanted
    } else {
        known.without.map(|rule| rule.retention).unwrap_or_default()
    };
    let holds = Rule::holds_for(Some(&rule), &Lifecycle::default());
    if then.keeps_longer_than(&rule.retention) {
        holds.since(now)
    } else {
        rule.removed_before
    }
}

/// That no prefix was changed after a position.
pub(super) fn unchanged_since(head: Position) -> Check {
    let item = QueryItem {
        types: vec![KIND_PREFIX_RETENTION.to_owned()],
        ..QueryItem::default()
    };
    Check::NoMatch {
        query: Query { items: vec![item] },
        after: head,
    }
}

/// Writes a state; false if something that it rests on has changed.
async fn write(
    store: &Store,
    prefix: &StreamPrefix,
    version: u64,
    lifecycle: Lifecycle,
    head: Position,
) -> Result<bool> {
    let event = NewEvent {
        id: store.shared().change_ids.next(),
        kind: EventType::trusted(KIND_PREFIX_RETENTION),
        data: lifecycle.to_json(),
        metadata: Bytes::new(),
        tags: Vec::new(),
    };
    let expected = match version.checked_sub(1) {
        None => Expected::NoStream,
        Some(last) => Expected::Exactly(Revision(last)),
    };
    let stream = name::filed_prefix(prefix.as_str()).own();
    let append = Append::new(stream, expected, vec![event], &Limits::default())
        .and_then(|append| append.with_checks(vec![unchanged_since(head)]))
        .map_err(|error| Error::Internal(error.to_string()))?;
    match store.append(append).await {
        Ok(_) => Ok(true),
        Err(Error::Rejected(Rejection::RevisionConflict { .. } | Rejection::ChecksFailed { .. })) => {
            tokio::task::yield_now().await;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
