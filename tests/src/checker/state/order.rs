//! Looks for one order of all writes. What is known about it is a graph: of two writes of a scope, of two appends, and
//! of two writes that were not concurrent, one is first; and a write that checks a version is after the change with
//! this version, and before the next change of the entry. If it has a cycle, there is no such order.

use super::sequence::{Sequences, Write};
use crate::checker::{Moment, Rule, Violation, timeline::Timeline, violation::Findings};

pub(super) fn check(sequences: &Sequences<'_>, timeline: &Timeline<'_>, violations: &mut Vec<Violation>) {
    let order = Order::new(sequences, timeline);
    if let Some(cycle) = order.cycle() {
        let writes: Vec<String> = cycle
            .into_iter()
            .filter_map(|write| sequences.writes.get(write))
            .map(|write| format!("{:?} with the versions {:?}", write.call, write.versions))
            .collect();
        violations.add(
            Rule::OneOrder,
            format!(
                "each of these must be before the next one, and the last one before the first: {writes:#?}"
            ),
        );
    }
}

/// For each write, those that must be after it. After the writes come the times at which writes had responses, each of
/// which is before the next one: so there is not an edge for every two writes that were not concurrent.
struct Order(Vec<Vec<usize>>);

impl Order {
    fn new(sequences: &Sequences<'_>, timeline: &Timeline<'_>) -> Self {
        let mut order = Self(vec![Vec::new(); sequences.writes.len()]);
        for scope in sequences.scopes.values() {
            let writes = (1..=scope.last()).filter_map(|version| scope.at(version)?.write);
            order.add_all(writes.collect());
        }
        let mut appends: Vec<(u64, usize)> = Vec::new();
        for (index, write) in sequences.writes.iter().enumerate() {
            if write.call.is_append {
                let position = timeline.positions(write.call.id).first();
                appends.extend(position.map(|position| (*position, index)));
            }
            if write.is_made() {
                order.add_checks(index, write, sequences);
            }
        }
        appends.sort_unstable();
        order.add_all(appends.into_iter().map(|(_, write)| write).collect());
        order.add_times(&sequences.writes);
        order
    }

    fn add(&mut self, before: usize, after: usize) {
        if before != after {
            self.0[before].push(after);
        }
    }

    fn add_all(&mut self, ordered: Vec<usize>) {
        for pair in ordered.windows(2) {
            self.add(pair[0], pair[1]);
        }
    }

    fn add_times(&mut self, writes: &[Write<'_>]) {
        let ended = |(index, write): (usize, &Write<'_>)| Some((write.ended?, index));
        let mut ended: Vec<(Moment, usize)> = writes.iter().enumerate().filter_map(ended).collect();
        ended.sort_unstable();
        let first = self.0.len();
        self.0.resize(first + ended.len(), Vec::new());
        self.add_all((first..self.0.len()).collect());
        for (time, (_, write)) in (first..).zip(&ended) {
            self.add(*write, time);
        }
        for (index, write) in writes.iter().enumerate().filter(|(_, write)| write.is_made()) {
            let before = ended.partition_point(|(ended, _)| *ended < write.call.invoked);
            if let Some(last) = before.checked_sub(1) {
                self.add(first + last, index);
            }
        }
    }

    fn add_checks(&mut self, index: usize, write: &Write<'_>, sequences: &Sequences<'_>) {
        for check in &write.call.checks {
            let scope = sequences.of(&check.scope);
            if !scope.is_known_to(scope.last()) {
                continue;
            }
            let began = match check.expected {
                Some(version) => version,
                // The entry may be absent several times; only if it is once, the time is known.
                None => {
                    let holds = |place: &u64| scope.entry(&check.key, *place).is_none();
                    let places = write.places(&check.scope, sequences).into_iter().filter(holds);
                    let mut began: Vec<u64> = places
                        .map(|place| scope.last_change(&check.key, place).unwrap_or(0))
                        .collect();
                    began.dedup();
                    let [began] = began[..] else { continue };
                    began
                }
            };
            if let Some(before) = scope.at(began).and_then(|change| change.write) {
                self.add(before, index);
            }
            let next = scope.next_change(&check.key, began);
            if let Some(after) = next.and_then(|version| scope.at(version)?.write) {
                self.add(index, after);
            }
        }
    }

    /// Writes and times each of which must be before the next, and the last before the first.
    fn cycle(&self) -> Option<Vec<usize>> {
        let mut is_done = vec![false; self.0.len()];
        for start in 0..self.0.len() {
            // The path from `start`, each with the number of its successors that were visited.
            let mut path = vec![(start, 0)];
            let mut is_on_path = vec![false; self.0.len()];
            is_on_path[start] = true;
            while let Some((write, visited)) = path.last_mut() {
                let next = self.0[*write].get(*visited).copied();
                *visited += 1;
                match next {
                    None => {
                        is_done[*write] = true;
                        is_on_path[*write] = false;
                        path.pop();
                    }
                    Some(next) if is_on_path[next] => {
                        let cycle = path.iter().map(|(write, _)| *write);
                        return Some(cycle.skip_while(|write| *write != next).collect());
                    }
                    Some(next) if is_done[next] => {}
                    Some(next) => {
                        is_on_path[next] = true;
                        path.push((next, 0));
                    }
                }
            }
        }
        None
    }
}
