//! A change of a stream `S` that waits in the appender's queue.
//!
//! A change is an append of the new state to `$$S`. The new state was derived from the stream as its caller saw it:
//! its last revision, its state and its version. By the time the append is evaluated, other clients may have appended
//! to `S`, or changed it; a stream that is appended to without a pause would never be as the caller saw it. So before
//! each attempt to commit, the appender derives the change again at the head at which it evaluates the group. Nothing
//! can get in between: an earlier append of the same group is written first (`appender/overlay.rs`), and the commit
//! checks the head.
//!
//! 1. A change that no longer applies (the stream is not as expected, is already deleted, has a tombstone) is left as
//!    it was last derived. It depends on a state that is no longer current and is refused for that reason, and its
//!    caller starts again.
//! 2. A change that may have been written, because the outcome of a commit was unknown, is not derived again: it is
//!    recognised by its id.
//! 3. Deriving a change again alters its expectations and its data, but neither its streams nor the number of its
//!    checks.

use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    lifecycle::{
        KIND_DELETED, KIND_PREFIX_RETENTION, KIND_RETENTION, KIND_TOMBSTONED, Lifecycle, MarkedStream,
        Retention, Rule,
    },
    model::{
        append::Append,
        check::Check,
        error::{Error, Result},
        query::{Query, QueryItem},
    },
    read::{last_revision, stored_events},
    shared::Shared,
    values::{
        content_type::ContentType,
        event::NewEvent,
        expected::Expected,
        limits::Limits,
        name::{EventType, StreamName},
        position::{Position, Revision},
    },
};
use bytes::Bytes;

/// The requested change of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Retention {
        wanted: Retention,
        expected_version: Option<u64>,
        /// The version when the caller read the stream. Events removed by age until a later version are unknown.
        version: u64,
        /// The first revision that was kept when the caller read the stream: events removed by age before it stay
        /// removed.
        floor: Revision,
    },
    Deletion(Expected),
    Tombstone(Expected),
}

/// The current state of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub last: Option<Revision>,
    pub lifecycle: Lifecycle,
    /// Retention of the stream's prefix.
    pub rule: Option<Rule>,
    pub version: u64,
    /// Position of the event that set the state.
    pub position: Position,
}

/// A waiting change, as a part of its append.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) stream: StreamName,
    pub(crate) wish: Wish,
    pub(crate) as_of: AsOf,
    pub(crate) id: Uuid,
    /// The change as it was last derived.
    pub(crate) made: Arc<Mutex<Made>>,
}

/// The point at which the caller read the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsOf {
    /// Position of the log at that point or later.
    pub head: Position,
    /// Number of prefix changes at that point.
    pub prefix_changes: u64,
}

/// A change, as derived from a state of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub from: Now,
    pub lifecycle: Lifecycle,
    /// Position up to which no prefix was changed since the caller read the stream. Later positions are covered by a
    /// check of the append.
    pub prefixes_to: Position,
}

impl Now {
    pub(crate) fn of(last: Option<Revision>, known: MarkedStream) -> Self {
        let MarkedStream { marked, rule, .. } = known;
        Self {
            last,
            rule,
            lifecycle: marked.map(|marked| marked.lifecycle).unwrap_or_default(),
            version: marked.map_or(0, |marked| marked.version),
            position: marked.map_or(Position::START, |marked| marked.position),
        }
    }

    /// Returns the state that applies to the stream, by its own settings or those of its prefix.
    pub(crate) fn holds(&self) -> Lifecycle {
        Rule::holds_for(self.rule.as_ref(), &self.lifecycle)
    }

    pub(crate) fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }

    /// Returns the expectation that the stream has not changed.
    fn as_it_is(&self) -> Expected {
        self.present().map_or(Expected::NoStream, Expected::Exactly)
    }
}

impl Wish {
    /// Returns the state after the change; `None` if it does not apply to the current stream, or changes nothing.
    pub(crate) fn fulfilled(&self, now: &Now) -> Option<Lifecycle> {
        if now.lifecycle.tombstoned {
            return None;
        }
        let present = now.present();
        match *self {
            Self::Retention {
                wanted,
                expected_version,
                version,
                floor,
            } => {
                let is_expected = expected_version.is_none_or(|expected| expected == now.version);
                if !is_expected
                    || version != now.version
                    || wanted.truncate_before > Revision::after(now.last)
                {
                    return None;
                }
                let needs_floor = now.lifecycle.needs_floor(&wanted, now.rule.as_ref());
                let floor = if needs_floor {
                    floor.max(now.holds().floor(now.last))
                } else {
                    Revision::FIRST
                };
                let lifecycle = now.lifecycle.with_retention(wanted, floor);
                (lifecycle != now.lifecycle).then_some(lifecycle)
            }
            Self::Deletion(expected) => {
                let last = present.filter(|_| expected.holds(present))?;
                Some(now.lifecycle.after_deletion(last))
            }
            Self::Tombstone(expected) => expected.holds(present).then(|| now.lifecycle.after_tombstone()),
        }
    }
}

impl Change {
    /// The stream to change.
    pub(crate) const fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Makes its append for the given derivation.
    pub(crate) fn append(&self, made: Made) -> Result<Append> {
        let Made {
            from: now, lifecycle, ..
        } = made;
        let (kind, expected_of_stream) = match self.wish {
            // The events that are removed by count depend on the last revision.
            Wish::Retention { wanted, .. }
                if now.holds().retention.max_count.is_some()
                    && now.lifecycle.needs_floor(&wanted, now.rule.as_ref()) =>
            {
                (KIND_RETENTION, now.as_it_is())
            }
            Wish::Retention { .. } => (KIND_RETENTION, Expected::Any),
            Wish::Deletion(_) => (KIND_DELETED, now.as_it_is()),
            Wish::Tombstone(expected) => (KIND_TOMBSTONED, expected),
        };
        let mut checks = vec![Check::Stream {
            stream: self.stream.clone(),
            expected: expected_of_stream,
        }];
        if matches!(self.wish, Wish::Retention { .. }) {
            // The events that are removed now also depend on the retentions of prefixes.
            checks.push(unchanged_since(made.prefixes_to));
        }
        let event = (self.id, kind);
        let append = setting(self.stream.own(), now.version, event, lifecycle, checks)?;
        *self.made.lock() = made;
        Ok(append)
    }
}

/// Makes the append of a waiting change again, for the stream at the tail's head.
pub(crate) async fn make_again(shared: &Shared, change: &Change, append: &mut Append) -> Result<()> {
    let last = last_revision(shared, &change.stream).await?;
    let known = shared.tail.lifecycles().get_with_rule(change.stream.as_str());
    let now = Now::of(last, known);
    let made = *change.made.lock();
    // Changes are counted, not searched for: a search would take so long that another writer is always first.
    let prefixes_to = if known.prefix_changes == change.as_of.prefix_changes {
        shared.tail.head_position()
    } else {
        change.as_of.head
    };
    if now == made.from && prefixes_to == made.prefixes_to
        || now.version != made.from.version && change.is_written(shared, made.from).await?
    {
        return Ok(());
    }
    if let Some(lifecycle) = change.wish.fulfilled(&now) {
        *append = change.append(Made {
            from: now,
            lifecycle,
            prefixes_to,
        })?;
    }
    Ok(())
}

impl Change {
    /// Whether it was written as it was last derived.
    async fn is_written(&self, shared: &Shared, made_from: Now) -> Result<bool> {
        let at = Revision(made_from.version);
        let standing = stored_events::of_revisions(shared, &self.stream.own(), at, 1).await?;
        Ok(standing.first().is_some_and(|event| event.id == self.id))
    }
}

/// Makes the append to an internal stream that sets a state, as the change after `version`.
pub(crate) fn setting(
    stream: StreamName,
    version: u64,
    (id, kind): (Uuid, &'static str),
    lifecycle: Lifecycle,
    checks: Vec<Check>,
) -> Result<Append> {
    let event = NewEvent {
        id,
        kind: EventType::trusted(kind),
        data: lifecycle.to_json(),
        metadata: Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    };
    let expected = match version.checked_sub(1) {
        None => Expected::NoStream,
        Some(last) => Expected::Exactly(Revision(last)),
    };
    Append::new(stream, expected, vec![event], &Limits::default())
        .and_then(|append| append.with_checks(checks))
        .map_err(|error| Error::Internal(error.to_string()))
}

/// Returns the check that no prefix was changed after a position.
pub(crate) fn unchanged_since(head: Position) -> Check {
    let item = QueryItem {
        types: vec![KIND_PREFIX_RETENTION.to_owned()],
        ..QueryItem::default()
    };
    Check::NoMatch {
        query: Query { items: vec![item] },
        after: head,
    }
}
