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

use super::{Lifecycle, MarkedStream, Retention, Rule};
use crate::{
    append::{Append, Expected},
    error::Result,
    name::StreamName,
    position::{Position, Revision},
    read::{last_revision, standing},
    shared::Shared,
};

/// What is wanted of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
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
pub(super) struct Now {
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
    pub(super) stream: StreamName,
    pub(super) wish: Wish,
    pub(super) as_of: AsOf,
    pub(super) id: Uuid,
    /// How it was made last.
    pub(super) made: Arc<Mutex<Made>>,
}

/// As of when the caller saw the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AsOf {
    /// A position of the log: then or later.
    pub head: Position,
    /// The number of changes of prefixes.
    pub prefix_changes: u64,
}

/// A change, made from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub from: Now,
    pub lifecycle: Lifecycle,
    /// Up to where it is known that no prefix was changed since the caller looked. What comes after that is still to be
    /// checked.
    pub prefixes_to: Position,
}

impl Now {
    pub(super) fn of(last: Option<Revision>, known: MarkedStream) -> Self {
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
    pub(super) fn holds(&self) -> Lifecycle {
        Rule::holds_for(self.rule.as_ref(), &self.lifecycle)
    }

    pub(super) fn present(&self) -> Option<Revision> {
        self.lifecycle.present(self.last)
    }
}

impl Wish {
    /// The state after the change; `None`: it does not apply to the stream as it is, or changes nothing.
    pub(super) fn fulfilled(&self, now: &Now) -> Option<Lifecycle> {
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
}

/// Makes the change that an append waits to bring about again, for the stream as it is at the tail's head.
pub(crate) async fn make_again(shared: &Shared, append: &mut Append) -> Result<()> {
    let Some(change) = append.change.clone() else {
        return Ok(());
    };
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
        let standing = standing::of_revisions(shared, &self.stream.own(), at, 1).await?;
        Ok(standing.first().is_some_and(|event| event.id == self.id))
    }
}
