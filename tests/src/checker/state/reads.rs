//! Checks the responses to reads of state.

use super::{
    StateCalls, StatePage, StateRead, StateReadCall,
    sequence::{Sequence, Sequences},
};
use crate::checker::{Moment, Rule, Violation, violation::Findings};

pub(super) fn check(calls: &StateCalls, sequences: &Sequences<'_>, violations: &mut Vec<Violation>) {
    for call in &calls.reads {
        if let Some((at, page)) = &call.answered {
            let sequence = sequences.of(call.read.scope());
            check_time(call, (*at, page), sequence, violations);
            if sequence.is_known_to(page.version) {
                check_page(call, page, sequence, violations);
            }
        }
    }
}

fn check_time(
    call: &StateReadCall,
    (at, page): (Moment, &StatePage),
    sequence: &Sequence<'_>,
    violations: &mut Vec<Violation>,
) {
    let (lowest, highest) = (sequence.floor(call.invoked), sequence.ceiling(at));
    violations.require(page.version >= lowest, Rule::FreshRead, || {
        format!("{call:?}, when the scope was known to have reached {lowest}")
    });
    violations.require(page.version <= highest, Rule::RealTime, || {
        format!("{call:?}, when changes after {highest} had not been sent yet")
    });
    violations.require(sequence.is_visible(page.version), Rule::Whole, || {
        format!("{call:?}, in the middle of a write")
    });
}

fn check_page(
    call: &StateReadCall,
    page: &StatePage,
    sequence: &Sequence<'_>,
    violations: &mut Vec<Violation>,
) {
    let found: Vec<(&str, &str, u64)> = page
        .entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.version))
        .collect();
    let is_right = match &call.read {
        StateRead::Get { key, .. } => {
            let mut entries = sequence.entries(page.version, key);
            entries.retain(|(of, _, _)| of == key);
            found == entries
        }
        StateRead::List {
            prefix, after, limit, ..
        } => {
            let mut entries = sequence.entries(page.version, prefix);
            entries.retain(|(key, _, _)| after.as_deref().is_none_or(|after| *key > after));
            // A page may end early, but not without an entry.
            let has_more = entries.len() > found.len();
            let is_page = found.len() <= *limit && (!found.is_empty() || entries.is_empty());
            is_page && entries.starts_with(&found) && page.has_more == has_more
        }
    };
    violations.require(is_right, Rule::ExactRead, || {
        let entries = sequence.entries(page.version, "");
        format!("{call:?}, but the entries at that version are {entries:?}")
    });
}
