//! Draws the requests of a client of a race: on so few entries and streams that clients often meet, with checks most of
//! which are right.

use std::collections::HashMap;

use annals_client::Event;
use annals_proto::v1 as pb;
use annals_tests::checker::{
    Check, Expected,
    state::{FailedStateCheck, StateAnswer, StateChange, StateCheck, StateEntry},
};
use rand::{Rng, rngs::StdRng};
use uuid::Uuid;

/// Names of all scopes.
pub const SCOPES: [&str; 3] = ["orders", "rooms", "totals"];
const KEYS: usize = 8;
const STREAMS: u64 = 6;

/// A write of state, or an append with changes and checks of state. Retries are the same.
#[derive(Clone, Debug)]
pub struct Request {
    /// The write's id; that of an append is not used.
    pub id: Uuid,
    pub append: Option<Append>,
    pub changes: Vec<StateChange>,
    pub checks: Vec<StateCheck>,
}

/// The part of an append that concerns the log.
#[derive(Clone, Debug)]
pub struct Append {
    pub events: Vec<(String, pb::NewEvent)>,
    pub checks: Vec<Check>,
}

/// What the clients of a race know together, from responses.
#[derive(Debug, Default)]
pub struct Known {
    versions: HashMap<(String, String), Option<u64>>,
    revisions: HashMap<String, u64>,
}

impl Known {
    fn version(&self, scope: &str, key: &str) -> Option<u64> {
        let name = (scope.to_owned(), key.to_owned());
        self.versions.get(&name).copied().flatten()
    }

    fn set(&mut self, scope: &str, key: &str, version: Option<u64>) {
        self.versions.insert((scope.to_owned(), key.to_owned()), version);
    }

    /// Learns from the response to a write.
    pub fn learn(&mut self, request: &Request, answer: &StateAnswer) {
        match answer {
            StateAnswer::Written { versions, .. } => {
                for (change, version) in request.changes.iter().zip(versions) {
                    let version = change.value.is_some().then_some(*version);
                    self.set(&change.scope, &change.key, version);
                }
            }
            StateAnswer::Failed(failed) => {
                for FailedStateCheck { index, actual } in failed {
                    let check = &request.checks[*index];
                    self.set(&check.scope, &check.key, *actual);
                }
            }
            StateAnswer::IdConflict | StateAnswer::Refused | StateAnswer::Unknown => {}
        }
    }

    /// Learns the last revision of a stream.
    pub fn learn_revision(&mut self, stream: &str, last: u64) {
        let known = self.revisions.entry(stream.to_owned()).or_default();
        *known = last.max(*known);
    }

    /// Learns an entry that was read.
    pub fn learn_entry(&mut self, scope: &str, entry: &StateEntry) {
        self.set(scope, &entry.key, Some(entry.version));
    }
}

pub fn scope(random: &mut StdRng) -> String {
    SCOPES[random.random_range(0..SCOPES.len())].to_owned()
}

/// Half of the keys begin with `a`.
pub fn key(random: &mut StdRng) -> String {
    let number = random.random_range(0..KEYS);
    format!("{}{number}", ["a", "b"][number % 2])
}

/// A new write of state, or a new append.
pub fn request(random: &mut StdRng, known: &Known) -> Request {
    let mut changes: Vec<StateChange> = Vec::new();
    for _ in 0..[1, 1, 2, 4][random.random_range(0..4)] {
        let (scope, key) = (scope(random), key(random));
        let is_same = |change: &StateChange| change.scope == scope && change.key == key;
        if !changes.iter().any(is_same) {
            let value = random
                .random_bool(0.75)
                .then(|| format!("{:016x}", random.random::<u64>()));
            changes.push(StateChange { scope, key, value });
        }
    }
    let mut checks: Vec<StateCheck> = Vec::new();
    for n in 0..[0, 1, 1, 2][random.random_range(0..4)] {
        // The first is of an entry that is changed, as that of a program that read it before.
        let (scope, key) = match n {
            0 => (changes[0].scope.clone(), changes[0].key.clone()),
            _ => (scope(random), key(random)),
        };
        if !checks
            .iter()
            .any(|check| check.scope == scope && check.key == key)
        {
            let known = known.version(&scope, &key);
            let expected = match random.random_range(0..12) {
                0 => None,
                1 => Some(known.unwrap_or(0) + 1),
                _ => known,
            };
            checks.push(StateCheck { scope, key, expected });
        }
    }
    let append = random.random_bool(0.6).then(|| append(random, known));
    if append.is_some() && !checks.is_empty() && random.random_bool(0.1) {
        // An append may have checks of state alone.
        changes.clear();
    }
    Request {
        id: Uuid::from_u128(random.random()),
        append,
        changes,
        checks,
    }
}

fn append(random: &mut StdRng, known: &Known) -> Append {
    let events: Vec<(String, pb::NewEvent)> = (0..random.random_range(1..4))
        .map(|_| {
            let stream = format!("stream-{}", random.random_range(0..STREAMS));
            let data = random.random::<u64>().to_be_bytes();
            (stream, Event::new("Written", data.to_vec()).into())
        })
        .collect();
    let mut checks = Vec::new();
    if random.random_bool(0.2) {
        let stream = events[0].0.clone();
        let expected = match known.revisions.get(&stream) {
            Some(last) => Expected::Exactly(*last),
            None => Expected::NoStream,
        };
        checks.push(Check::Stream { stream, expected });
    }
    Append { events, checks }
}
