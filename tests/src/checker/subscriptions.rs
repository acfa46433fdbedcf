//! Checks the deliveries of subscriptions.
//!
//! The check walks over the notices with a cursor: the next event must be the first one after the cursor that was
//! requested. The exact start of a subscription that begins at the end is only known within bounds, until its first
//! event or place.

use super::{
    History, Notice, Observed, Rule, Start, SubscribeAnswer, SubscribeCall, Target, Violation,
    reads::beyond_end, timeline::Timeline, violation::Findings,
};

pub(super) fn check(history: &History, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    for (number, call) in history.subscriptions.iter().enumerate() {
        let mut found = Vec::new();
        check_one(call, timeline, &mut found);
        violations.extend(found.into_iter().map(|violation| Violation {
            what: format!("subscription {number} ({:?}): {}", call.request, violation.what),
            ..violation
        }));
    }
}

fn check_one(call: &SubscribeCall, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    if let (Some((at, SubscribeAnswer::BeyondEnd(end))), Start::After(place)) =
        (&call.answered, call.request.start)
    {
        let bounds = (timeline.floor(call.invoked), timeline.ceiling(*at));
        let right = beyond_end(&call.request.target, Some(place), *end, bounds, timeline);
        violations.require(right, Rule::FreshRead, || {
            format!("was refused because the end is {end:?}")
        });
    }
    let Some(mut walk) = Walk::begin(call, timeline, violations) else {
        return;
    };
    let mut live = false;
    for (at, notice) in &call.notices {
        if let Some(place) = notice.place() {
            violations.require(place <= timeline.ceiling(*at), Rule::RealTime, || {
                format!("{notice:?} covers events that had not been sent yet")
            });
        }
        match notice {
            Notice::Events(events) => {
                if !walk.take(events, violations) {
                    return;
                }
            }
            Notice::Checkpoint(place) => walk.reach(*place, notice, violations),
            Notice::ReachedRevision(revision) => walk.reach_revision(*revision, violations),
            Notice::CaughtUp(place) => {
                walk.reach(*place, notice, violations);
                let known = timeline.floor(call.invoked);
                violations.require(*place >= known, Rule::FreshRead, || {
                    format!("{notice:?}, when the log was known to reach {known}")
                });
                violations.require(!live, Rule::HonestPlaces, || format!("{notice:?} comes twice"));
                live = true;
            }
            Notice::FellBehind(place, head) => {
                walk.reach(*place, notice, violations);
                violations.require(live && head > place, Rule::HonestPlaces, || {
                    format!("{notice:?} comes without having caught up, or without anything to catch up with")
                });
                live = false;
            }
        }
    }
}

struct Walk<'a> {
    call: &'a SubscribeCall,
    timeline: &'a Timeline<'a>,
    /// Every event up to here was delivered.
    place: u64,
    /// Events up to here need not be delivered; equal to `place` from the first notice on.
    optional: u64,
}

impl<'a> Walk<'a> {
    fn begin(
        call: &'a SubscribeCall,
        timeline: &'a Timeline<'a>,
        violations: &mut Vec<Violation>,
    ) -> Option<Self> {
        let (place, optional) = match (&call.request.target, call.request.start) {
            (_, Start::Beginning) => (0, 0),
            (Target::Log, Start::After(position)) => (position, position),
            (Target::Stream(stream), Start::After(revision)) => {
                let position = timeline.position(stream, revision);
                let began = matches!(call.answered, Some((_, SubscribeAnswer::Began)));
                violations.require(position.is_some() || !began, Rule::Durable, || {
                    format!("began after revision {revision}, which is not in the log")
                });
                (position?, position?)
            }
            (_, Start::End) => {
                let began = call.answered.as_ref().map_or(u64::MAX, |(at, _)| *at);
                (timeline.floor(call.invoked), timeline.ceiling(began))
            }
        };
        Some(Self {
            call,
            timeline,
            place,
            optional,
        })
    }

    fn wanted(&self, event: &Observed) -> bool {
        let here = match &self.call.request.target {
            Target::Log => true,
            Target::Stream(stream) => event.stream == *stream,
        };
        here && self.call.request.filter.matches(event)
    }

    /// The first event after a place, up to another place, that must be delivered.
    fn missing(&self, after: u64, to: u64) -> Option<&'a Observed> {
        let log = self.timeline.log;
        let index = |position: u64| log.len().min(usize::try_from(position).unwrap_or(usize::MAX));
        log[index(after)..index(to).max(index(after))]
            .iter()
            .find(|event| self.wanted(event))
    }

    /// Handles delivered events; false if it is unknown what should come next.
    fn take(&mut self, events: &[Observed], violations: &mut Vec<Violation>) -> bool {
        violations.require(!events.is_empty(), Rule::ExactDelivery, || {
            "delivered no events at all".to_owned()
        });
        for event in events {
            let stands = self.timeline.at(event.position) == Some(event);
            let wanted = stands && event.position > self.place && self.wanted(event);
            let skipped = self.missing(self.optional.max(self.place), event.position - 1);
            if !wanted || skipped.is_some() {
                let why = match skipped {
                    Some(skipped) => format!("before {}", skipped.place()),
                    None if !stands => "which is not in the log".to_owned(),
                    None => format!("after everything up to {}", self.place),
                };
                violations.add(Rule::ExactDelivery, format!("delivered {} {why}", event.place()));
                return false;
            }
            self.place = event.position;
            self.optional = event.position;
        }
        true
    }

    /// Handles a reported revision: every event up to it was delivered, and none after it was read.
    fn reach_revision(&self, revision: u64, violations: &mut Vec<Violation>) {
        let Target::Stream(stream) = &self.call.request.target else {
            let what = format!("reported revision {revision} of no stream");
            return violations.add(Rule::HonestPlaces, what);
        };
        let Some(position) = self.timeline.position(stream, revision) else {
            let what = format!("reported revision {revision}, which is not in the log");
            return violations.add(Rule::Durable, what);
        };
        if let Some(missing) = self.missing(self.optional.max(self.place), position) {
            let what = format!(
                "reported revision {revision} before {} was delivered",
                missing.place()
            );
            violations.add(Rule::HonestPlaces, what);
        }
        let next = self.timeline.position(stream, revision + 1);
        violations.require(
            next.is_none_or(|next| next > self.place),
            Rule::HonestPlaces,
            || format!("reported revision {revision}, and read up to {}", self.place),
        );
    }

    /// Handles a reported place.
    fn reach(&mut self, place: u64, notice: &Notice, violations: &mut Vec<Violation>) {
        violations.require(place >= self.place, Rule::HonestPlaces, || {
            format!("{notice:?} goes back to before {}", self.place)
        });
        violations.require(place <= self.timeline.log.len() as u64, Rule::Durable, || {
            format!("{notice:?}, but the log ends at {}", self.timeline.log.len())
        });
        if let Some(missing) = self.missing(self.optional.max(self.place), place) {
            violations.add(
                Rule::HonestPlaces,
                format!("{notice:?} before {} was delivered", missing.place()),
            );
        }
        self.place = self.place.max(place);
        self.optional = self.place;
    }
}
