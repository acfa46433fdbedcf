//! Changes the settings of the streams whose names begin with a prefix: an ordinary append to the prefix's own
//! stream. It expects the version that the new state was derived from, and that no other prefix was changed since,
//! because the retention that applies to a prefix depends on the shorter prefixes that it begins with.
//!
//! Setting a retention that is already set writes nothing, so each call can be retried.

use super::{
    Store,
    retention::{self, BUSY, TRIES_MAX, is_version},
};
use crate::{
    lifecycle::{KIND_PREFIX_RETENTION, Lifecycle, Marked, MarkedPrefix, Retention, Rule},
    model::error::{Error, Result},
    read::{clock, follow::fresh_head},
    shared::Shared,
    tasks::appender::stream_change::{setting, unchanged_since},
    values::{
        limits::{PREFIXES_KNOWN_MAX, PREFIXES_MAX},
        name::{self, StreamPrefix},
        position::{Revision, Timestamp},
    },
};

/// How much is kept of streams whose names begin with a prefix, as of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRetention {
    /// Prefix of stream names.
    pub prefix: StreamPrefix,
    /// The count and the age that are kept. If it has neither, nothing is set.
    pub retention: Retention,
    /// Number of changes so far. 0: never changed.
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

/// Returns how much is kept of streams whose names begin with a prefix.
pub(crate) async fn get(shared: &Shared, prefix: &StreamPrefix) -> Result<PrefixRetention> {
    fresh_head(shared).await?;
    let known = shared.tail.lifecycles().prefix(prefix.as_str());
    Ok(PrefixRetention::of(prefix, known.marked))
}

/// Lists the prefixes that have a retention, in order: the first `limit` after `after`.
pub(crate) async fn list(
    shared: &Shared,
    after: Option<&StreamPrefix>,
    limit: usize,
) -> Result<Vec<PrefixRetention>> {
    fresh_head(shared).await?;
    let after = after.map(StreamPrefix::as_str);
    let prefixes = shared.tail.lifecycles().prefixes(after, limit).into_iter();
    Ok(prefixes
        .map(|(prefix, marked)| PrefixRetention::of(&StreamPrefix::trusted(&prefix), Some(marked)))
        .collect())
}

/// Sets how much is kept of streams whose names begin with a prefix. Without a count and an age, nothing is set any
/// more.
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
        let head = fresh_head(shared).await?;
        let known = shared.tail.lifecycles().prefix(prefix.as_str());
        let now = PrefixRetention::of(prefix, known.marked);
        let is_set = now.retention == wanted;
        if let Some(expected) = expected_version
            && !is_version(expected, now.version, is_set)
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
        let event = (shared.change_ids.next(), KIND_PREFIX_RETENTION);
        let stream = name::filed_prefix(prefix.as_str()).own();
        let checks = vec![unchanged_since(head)];
        let append = setting(stream, now.version, event, lifecycle, checks)?;
        if retention::set(store, append).await?.is_some() {
            return Ok(PrefixRetention {
                retention: wanted,
                version: now.version + 1,
                ..now
            });
        }
    }
    Err(BUSY)
}

/// Returns an error if another prefix would exceed the limits.
fn check_room(known: &MarkedPrefix, now: &PrefixRetention) -> Result<()> {
    let adds = !now.retention.is_limited();
    if adds && known.set >= PREFIXES_MAX || known.marked.is_none() && known.known >= PREFIXES_KNOWN_MAX {
        return Err(Error::TooManyPrefixes);
    }
    Ok(())
}

/// Returns a time: events recorded before it are removed once `wanted` is set. They include events that are removed
/// by age now, if later ones are to be kept longer, and events that were removed earlier.
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
