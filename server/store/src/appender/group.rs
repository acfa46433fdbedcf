//! A group of appends judged together: each against the log as it is known, plus what those before it in the group add.
//!
//! 1. Appends are judged in the order in which they came.
//! 2. Recorded times never go backwards along the log, within a group as between groups.
//! 3. A judgement holds only if the head is still `head` when the group commits, or when it is looked at again; the
//!    appender sees to that.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    append::{Append, Appended},
    check::{Check, Evidence, FailedCheck},
    decide::{self, Question, Standing, Verdict},
    error::Result,
    frame::Frame,
    head::Head,
    name::StreamName,
    position::{Position, Revision, Timestamp},
    read::standing,
    rejection::Rejection,
    shared::Shared,
};

use super::{builder::Builder, condition::Added, facts::Fact};

/// What is known before a group is judged, and what it is judged into.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    now: Timestamp,
    /// The position and the recorded time of the log's last event, with what the group adds.
    next: Position,
    last_recorded_at: Timestamp,
    builder: Builder,
    accepted: Vec<Accepted<'a>>,
    streams: HashMap<&'a StreamName, Overlay>,
    requests: HashMap<Uuid, usize>,
    /// Kept only if an append of the group has checks.
    added: Option<Added>,
}

/// An append that the group writes.
#[derive(Debug)]
struct Accepted<'a> {
    append: &'a Append,
    first_revision: Revision,
    first_position: Position,
    recorded_at: Timestamp,
}

/// What the group adds to a stream.
#[derive(Debug)]
struct Overlay {
    first: Revision,
    last: Revision,
    accepted: Vec<usize>,
}

/// A group that was judged.
#[derive(Debug)]
pub(crate) struct Judged {
    /// One for each append, in order; fewer than there were if the rest must wait for this group to be written.
    pub verdicts: Vec<std::result::Result<Appended, Rejection>>,
    /// What is to be written.
    pub frames: Vec<Frame>,
    /// The head once it is written.
    pub head: Head,
}

impl<'a> Group<'a> {
    /// `checked`: whether an append of the group has checks.
    pub(crate) fn new(head: &Head, now: Timestamp, batch: u64, checked: bool) -> Self {
        Self {
            now,
            next: head.position.next(),
            last_recorded_at: head.recorded_at,
            builder: Builder::new(head.position, batch),
            accepted: Vec::new(),
            streams: HashMap::new(),
            requests: HashMap::new(),
            added: checked.then(|| Added::new(head.position)),
        }
    }

    /// Judges appends, each with what is known of it.
    pub(crate) async fn judge(
        mut self,
        shared: &Shared,
        appends: impl Iterator<Item = (&'a Append, Fact)>,
        batch: u64,
    ) -> Result<Judged> {
        let mut verdicts = Vec::new();
        for (append, fact) in appends {
            let Some(verdict) = self.judge_one(shared, append, &fact).await? else {
                break;
            };
            let verdict = self.judge_checks(append, &fact, verdict);
            verdicts.push(match verdict {
                Verdict::Write => match self.time_of(append, shared.settings.accept_recorded_times) {
                    Ok(recorded_at) => Ok(self.accept(append, &fact, recorded_at)?),
                    Err(rejection) => Err(rejection),
                },
                Verdict::Already(appended) => Ok(appended),
                Verdict::Reject(rejection) => Err(rejection),
            });
        }
        let head = Head {
            position: Position(self.next.0 - 1),
            batch,
            recorded_at: self.last_recorded_at,
            writer: shared.environment.writer.clone(),
        };
        Ok(Judged {
            verdicts,
            frames: self.builder.finish(),
            head,
        })
    }

    /// `None`: it depends on events of this group in a way that is easier to judge once they are written.
    async fn judge_one(&self, shared: &Shared, append: &'a Append, fact: &Fact) -> Result<Option<Verdict>> {
        let overlay = self.streams.get(&append.stream);
        let last = overlay.map_or(fact.last, |overlay| Some(overlay.last));
        let pending = append
            .is_keyed()
            .then(|| self.requests.get(&append.events[0].id))
            .flatten();
        if let Some(index) = pending {
            let standing = self.standing_of(&self.accepted[*index]);
            return Ok(Some(decide::compare(append, last, &standing)));
        }
        let standing = match decide::ask(append, last, fact.request) {
            Question::Decided(verdict) => return Ok(Some(verdict)),
            Question::Request(request) => standing::of_request(shared, request).await?,
            Question::Revisions(from) => match overlay {
                Some(overlay) if from >= overlay.first => self.standing_from(overlay, from, append.len()),
                Some(overlay) if from.0 + append.len() as u64 > overlay.first.0 => return Ok(None),
                _ => standing::of_revisions(shared, &append.stream, from, append.len()).await?,
            },
        };
        Ok(Some(decide::compare(append, last, &standing)))
    }

    /// Judges an append's checks, once it is known what else is to be said of it: a retry of what was written is not
    /// refused because of what it wrote itself.
    fn judge_checks(&self, append: &Append, fact: &Fact, verdict: Verdict) -> Verdict {
        if append.checks.is_empty() {
            return verdict;
        }
        let mut failed = match verdict {
            Verdict::Write => Vec::new(),
            Verdict::Reject(Rejection::RevisionConflict {
                stream,
                expected,
                actual,
            }) => vec![FailedCheck::Stream {
                index: None,
                stream,
                expected,
                actual,
            }],
            Verdict::Already(_) | Verdict::Reject(_) => return verdict,
        };
        let head = Position(self.next.0 - 1);
        let after = append.known_to();
        if after > head {
            return Verdict::Reject(Rejection::CheckBeyondHead { after, head });
        }
        for (index, (check, evidence)) in append.checks.iter().zip(&fact.evidence).enumerate() {
            failed.extend(check.failed(index, self.with_added(check, *evidence)));
        }
        if failed.is_empty() {
            Verdict::Write
        } else {
            Verdict::Reject(Rejection::ChecksFailed { failed })
        }
    }

    /// What was found in the log for a check, with what the group adds.
    fn with_added(&self, check: &Check, evidence: Evidence) -> Evidence {
        match (check, evidence) {
            (Check::Stream { stream, .. }, Evidence::Last(last)) => Evidence::Last(
                self.streams
                    .get(stream)
                    .map_or(last, |overlay| Some(overlay.last)),
            ),
            (Check::NoMatch { query, .. }, Evidence::First(None)) => {
                Evidence::First(self.added.as_ref().and_then(|added| added.first_match(query)))
            }
            _ => evidence,
        }
    }

    /// When an append's events are recorded.
    fn time_of(&self, append: &Append, accepted: bool) -> std::result::Result<Timestamp, Rejection> {
        let Some(recorded_at) = append.recorded_at else {
            return Ok(self.now.max(self.last_recorded_at));
        };
        if !accepted {
            return Err(Rejection::RecordedTimeNotAccepted);
        }
        if recorded_at < self.last_recorded_at || recorded_at > self.now {
            let is_first = self.next == Position::START.next();
            return Err(Rejection::RecordedTimeOutOfRange {
                recorded_at,
                earliest: (!is_first).then_some(self.last_recorded_at),
                latest: self.now,
            });
        }
        Ok(recorded_at)
    }

    fn accept(&mut self, append: &'a Append, fact: &Fact, recorded_at: Timestamp) -> Result<Appended> {
        let index = self.accepted.len();
        let last = self
            .streams
            .get(&append.stream)
            .map_or(fact.last, |overlay| Some(overlay.last));
        let first_revision = Revision::after(last);
        let first_position = self.next;
        let events = append.len() as u64;
        let last_revision = Revision(first_revision.0 + events - 1);
        self.next = Position(self.next.0 + events);
        self.last_recorded_at = recorded_at;
        self.builder.add(append, first_revision, recorded_at);
        if let Some(added) = &mut self.added {
            added.add(append, first_revision, recorded_at)?;
        }
        if append.is_keyed() {
            self.requests.insert(append.events[0].id, index);
        }
        let overlay = self.streams.entry(&append.stream).or_insert_with(|| Overlay {
            first: first_revision,
            last: last_revision,
            accepted: Vec::new(),
        });
        overlay.last = last_revision;
        overlay.accepted.push(index);
        self.accepted.push(Accepted {
            append,
            first_revision,
            first_position,
            recorded_at,
        });
        Ok(Appended {
            first_revision,
            last_revision,
            first_position,
            last_position: Position(self.next.0 - 1),
            recorded_at,
            already_appended: false,
        })
    }

    /// The events of an append of this group.
    fn standing_of(&self, accepted: &Accepted<'_>) -> Vec<Standing> {
        accepted
            .append
            .ids()
            .enumerate()
            .map(|(n, id)| Standing {
                id,
                stream: accepted.append.stream.clone(),
                revision: Revision(accepted.first_revision.0 + n as u64),
                position: Position(accepted.first_position.0 + n as u64),
                recorded_at: accepted.recorded_at,
            })
            .collect()
    }

    /// Up to `count` events that the group adds to a stream, from a revision on.
    fn standing_from(&self, overlay: &Overlay, from: Revision, count: usize) -> Vec<Standing> {
        let accepted = overlay.accepted.iter().map(|index| &self.accepted[*index]);
        accepted
            .flat_map(|accepted| self.standing_of(accepted))
            .filter(|event| event.revision >= from)
            .take(count)
            .collect()
    }
}
