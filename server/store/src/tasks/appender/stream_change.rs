//! A change of a stream `S` that waits in the appender's queue.
//!
//! A change is an append to `$$S` of the state after it, which was made from the stream as its caller saw it: its last
//! revision, its state and its version. By the time that the append is judged, others may have appended to `S`, or changed
//! it; a stream that is appended to without a pause would never be as the caller saw it. So the appender makes a change
//! again for the head that it is about to judge against, before each try to commit. Nothing can come between then: an
//! append of the same group that goes first is written first (`appender/overlay.rs`), and the commit checks the head.
//!
//! 1. A change that no longer applies (the stream is not as expected, is deleted already, has a tombstone) is left as it was
//!    made last. It rests on something that is no longer so, is refused for that, and its caller looks again.
//! 2. A change that may have been written, because the result of a commit was unknown, is not made again: its id tells.
//! 3. Making it again changes what it expects and its data, and neither its streams nor the number of its checks.

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
        event::NewEvent,
        expected::Expected,
        limits::Limits,
        name::{EventType, StreamName},
        position::{Position, Revision},
    },
};
use bytes::Bytes;

/// What is wanted of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Retention {
        wanted: Retention,
        expected_version: Option<u64>,
        /// The version when the caller looked. What was removed by age until a later one is not known.
        version: u64,
        /// The first revision that was kept when the caller looked: what was removed by age before stays removed.
        floor: Revision,
    },
    Deletion(Expected),
    Tombstone(Expected),
}

/// A stream as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub last: Option<Revision>,
    pub lifecycle: Lifecycle,
    /// What is set for the streams of its prefix.
    pub rule: Option<Rule>,
    pub version: u64,
    /// Where the log says so.
    pub position: Position,
}

/// A change that waits, as a part of its append.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) stream: StreamName,
    pub(crate) wish: Wish,
    pub(crate) as_of: AsOf,
    pub(crate) id: Uuid,
    /// How it was made last.
    pub(crate) made: Arc<Mutex<Made>>,
}

/// As of when the caller saw the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsOf {
    /// A position of the log: then or later.
    pub head: Position,
    /// The number of changes of prefixes.
    pub prefix_changes: u64,
}

/// A change, made from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub from: Now,
    pub lifecycle: Lifecycle,
    /// Up to where it is known that no prefix was changed since the caller looked. What comes after that is still to be
    /// checked.
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

    /// What is kept of the stream, by what is set for it or for its prefix.
    pub(crate) fn holds(&self) -> Lifecycle {
        Rule::holds_for(self.rule.as_ref(), &self.lifecycle)
    }

    pub(crate) fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }

    /// That the stream is still as it is.
    fn as_it_is(&self) -> Expected {
        self.present().map_or(Expected::NoStream, Expected::Exactly)
    }
}

impl Wish {
    /// The state after the change; `None`: it does not apply to the stream as it is, or changes nothing.
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
    /// The stream that is changed.
    pub(crate) const fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Its append, as it is made now.
    pub(crate) fn append(&self, made: Made) -> Result<Append> {
        let Made {
            from: now, lifecycle, ..
        } = made;
        let (kind, expected_of_stream) = match self.wish {
            // What is removed by count rests on the last revision.
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
            // What is removed now rests on what is set for prefixes, too.
            checks.push(unchanged_since(made.prefixes_to));
        }
        let event = (self.id, kind);
        let append = setting(self.stream.own(), now.version, event, lifecycle, checks)?;
        *self.made.lock() = made;
        Ok(append)
    }
}

/// Makes the append of a change that waits again, for the stream as it is at the tail's head.
pub(crate) async fn make_again(shared: &Shared, change: &Change, append: &mut Append) -> Result<()> {
    let last = last_revision(shared, &change.stream).await?;
    let known = shared.tail.lifecycles().get_with_rule(change.stream.as_str());
    let now = Now::of(last, known);
    let made = *change.made.lock();
    // Counted, not searched for: a search would take so long that another writer is always first.
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
    /// Whether it was written as it was made last.
    async fn is_written(&self, shared: &Shared, made_from: Now) -> Result<bool> {
        let at = Revision(made_from.version);
        let standing = stored_events::of_revisions(shared, &self.stream.own(), at, 1).await?;
        Ok(standing.first().is_some_and(|event| event.id == self.id))
    }
}

/// The append to a stream of the store's own by which a state is set, as the change after `version`.
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
    };
    let expected = match version.checked_sub(1) {
        None => Expected::NoStream,
        Some(last) => Expected::Exactly(Revision(last)),
    };
    Append::new(stream, expected, vec![event], &Limits::default())
        .and_then(|append| append.with_checks(checks))
        .map_err(|error| Error::Internal(error.to_string()))
}

/// That no prefix was changed after a position.
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
