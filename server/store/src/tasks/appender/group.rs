//! A group of appends that are evaluated together: each against the log as it is known, plus the events that earlier
//! appends of the group add.
//!
//! 1. Appends are evaluated in the order of their arrival.
//! 2. Recorded times never decrease along the log, neither within a group nor between groups.
//! 3. A decision is valid only if the head is still `head` when the group commits, or when it is read again; the
//!    appender ensures that.

use smallvec::SmallVec;

use crate::{
    format::frame::Frame,
    lifecycle::Lifecycles,
    model::{
        append::{Append, Appended},
        check::{Check, Evidence},
        error::Result,
        head::Head,
        rejection::{FailedCheck, Rejection},
    },
    shared::Shared,
    state::evaluation::Evaluation,
    tasks::appender::{
        decide::{self, Place, Verdict},
        stream_change::Change,
    },
    values::position::{Position, Revision, Timestamp},
};

use super::{builder::Builder, changes::Changes, condition::Added, earlier, fact::Fact, overlay::Overlay};

/// The facts before a group, and the results of evaluating it.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    now: Timestamp,
    /// The position after the log's last event, including events that the group adds; and the time when that event
    /// was recorded.
    next: Position,
    last_recorded_at: Timestamp,
    builder: Builder,
    overlay: Overlay<'a>,
    /// Kept only if an append of the group has checks.
    added: Option<Added>,
    changes: Changes<'a>,
}

/// An evaluated group.
#[derive(Debug)]
pub(crate) struct Judged {
    /// One result for each append, in order; fewer if the remaining appends must wait until this group is written.
    pub verdicts: Vec<std::result::Result<Appended, Rejection>>,
    /// The frames to write.
    pub frames: Vec<Frame>,
    /// The head after the write.
    pub head: Head,
}

impl Judged {
    /// Returns the appends that it writes, with their positions.
    pub(crate) fn written<'a>(
        &'a self,
        appends: impl Iterator<Item = &'a Append>,
    ) -> impl Iterator<Item = (&'a Append, &'a Appended)> {
        appends.zip(&self.verdicts).filter_map(|(append, verdict)| {
            let appended = verdict.as_ref().ok()?;
            (!appended.already_appended).then_some((append, appended))
        })
    }
}

impl<'a> Group<'a> {
    /// Creates an empty group. `appends`: the number of appends; `checked`: whether one of them has checks.
    pub(crate) fn new(head: &Head, now: Timestamp, batch: u64, appends: usize, checked: bool) -> Self {
        Self {
            now,
            next: head.position.next(),
            last_recorded_at: head.recorded_at,
            builder: Builder::new(head.position, batch),
            overlay: Overlay::new(head.position, appends),
            added: checked.then(|| Added::new(head.position)),
            changes: Changes::default(),
        }
    }

    /// Evaluates appends, each with its facts.
    pub(crate) async fn judge(
        mut self,
        shared: &Shared,
        appends: impl Iterator<Item = ((&'a Append, Option<&Change>), Fact)>,
        batch: u64,
        state: &mut Evaluation,
    ) -> Result<Judged> {
        let mut verdicts = Vec::with_capacity(appends.size_hint().0);
        for ((append, change), fact) in appends {
            let is_outdated = change.is_some_and(|change| self.overlay.outdates(append, change));
            if is_outdated || self.changes.concern(append) {
                break;
            }
            let Some(verdict) = self.judge_one(shared, append, &fact).await? else {
                break;
            };
            let verdict = self.judge_checks(shared, append, (&fact, state), verdict)?;
            verdicts.push(match verdict {
                Verdict::Write => match self.time_of(append, shared.settings.accept_recorded_times) {
                    Ok(recorded_at) => {
                        self.changes.add(append, shared.tail.lifecycles());
                        let mut appended = self.accept(append, &fact, recorded_at)?;
                        if let Some(write) = &append.state {
                            appended.state_versions = state.apply(write).versions.into();
                        }
                        Ok(appended)
                    }
                    Err(rejection) => Err(rejection),
                },
                Verdict::Already(mut appended) => {
                    let earlier = append.state.as_ref().and_then(|write| state.earlier(write));
                    if let Some(written) = earlier {
                        appended.state_versions = written.versions.into();
                    }
                    Ok(appended)
                }
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

    /// Returns `None` if the decision depends on events of this group in a way that is easier to evaluate after they
    /// are written.
    async fn judge_one(&self, shared: &Shared, append: &'a Append, fact: &Fact) -> Result<Option<Verdict>> {
        let overlay = &self.overlay;
        let last = overlay.last_of(append.stream(), fact.last[0]);
        let known = earlier::known(shared, append, last, fact.request);
        if let Some((request, standing)) = overlay.of_request(append)
            && let Some(verdict) = decide::compare(append, &known, Place::Request(request), &standing)
        {
            return Ok(Some(verdict));
        }
        earlier::judge(shared, overlay, append, &known, fact.compared.as_ref()).await
    }

    /// Evaluates an append's checks, after everything else was decided: a retry of a written append must not be
    /// refused because of the events that it wrote itself.
    fn judge_checks(
        &self,
        shared: &Shared,
        append: &Append,
        (fact, state): (&Fact, &Evaluation),
        verdict: Verdict,
    ) -> Result<Verdict> {
        if append.checks.is_empty() && append.state.is_none() {
            return Ok(verdict);
        }
        let mut failed = match verdict {
            Verdict::Write => Vec::new(),
            // The append's own expectation about its stream is listed first. Without one, a check reports the
            // conflict.
            Verdict::Reject(Rejection::RevisionConflict {
                ref stream,
                expected,
                actual,
            }) => Vec::from_iter(append.expects.then(|| FailedCheck::Stream {
                index: None,
                stream: stream.clone(),
                expected,
                actual,
            })),
            Verdict::Already(_) | Verdict::Reject(_) => return Ok(verdict),
        };
        let head = Position(self.next.0 - 1);
        let after = append.known_to();
        if after > head {
            return Ok(Verdict::Reject(Rejection::CheckBeyondHead { after, head }));
        }
        for (index, check) in append.checks.iter().enumerate() {
            let evidence = fact.evidence.get(index).copied().unwrap_or(Evidence::Missing);
            failed.extend(check.failed(index, self.with_added(shared.tail.lifecycles(), check, evidence))?);
        }
        if let Some(write) = &append.state
            && !shared.environment.sabotage.skips_state_checks()
        {
            failed.extend(state.failed_checks(write));
        }
        Ok(if failed.is_empty() {
            verdict
        } else {
            Verdict::Reject(Rejection::ChecksFailed { failed, unlisted: 0 })
        })
    }

    /// Combines the findings for a check in the log with the events that the group adds.
    fn with_added(&self, lifecycles: &Lifecycles, check: &Check, evidence: Evidence) -> Evidence {
        match (check, evidence) {
            (Check::Stream { stream, .. }, Evidence::Last(last)) => {
                let last = self.overlay.last_of(stream, last);
                Evidence::Last(lifecycles.of(stream.as_str()).present(last))
            }
            (Check::NoMatch { query, after }, Evidence::First(None)) => Evidence::First(
                self.added
                    .as_ref()
                    .and_then(|added| added.first_match(query, *after)),
            ),
            _ => evidence,
        }
    }

    /// Returns the time at which an append's events are recorded.
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
        let lasts = append.streams().zip(&fact.last);
        let firsts: SmallVec<[_; 1]> = lasts
            .map(|(stream, last)| Revision::after(self.overlay.last_of(stream, *last)))
            .collect();
        let first_position = self.next;
        let appended = append.appended(&firsts, first_position, recorded_at, false);
        self.next = appended.last_position.next();
        self.last_recorded_at = recorded_at;
        self.builder.add(append, &firsts, recorded_at);
        if let Some(added) = &mut self.added {
            added.add(append, &firsts)?;
        }
        self.overlay.add(append, firsts, &appended);
        Ok(appended)
    }
}
