//! Checks the log on its own.

use std::collections::HashMap;

use super::{Observed, Rule, Violation, violation::Findings};

/// Positions and revisions are dense, and recorded times do not decrease.
pub(super) fn check(log: &[Observed]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut revisions: HashMap<&str, u64> = HashMap::new();
    let mut recorded_at = 0;
    for (expected, event) in (1..).zip(log) {
        violations.require(event.position == expected, Rule::DensePositions, || {
            format!("position {} is stored where {expected} belongs", event.position)
        });
        let revision = revisions.entry(&event.stream).or_default();
        violations.require(event.revision == *revision, Rule::DenseRevisions, || {
            format!(
                "{} has revision {} where {revision} belongs",
                event.place(),
                event.revision
            )
        });
        *revision = event.revision + 1;
        violations.require(event.recorded_at >= recorded_at, Rule::RecordedTimes, || {
            format!(
                "{} was recorded at {}, after an event of {recorded_at}",
                event.place(),
                event.recorded_at
            )
        });
        recorded_at = event.recorded_at;
    }
    violations
}
