//! Looks up the facts that are needed to evaluate each append: in the tail, and for everything that is not there, in
//! one round trip to the engine.

use annals_engine::{BoxFuture, Read};
use futures::{StreamExt, stream};

use super::fact::{Fact, Prefetched};
use crate::{
    format::keys,
    index::parse_request,
    model::{
        append::Append,
        check::{Check, Evidence},
        error::Result,
    },
    read::{first_match, gone, last_in, read_end},
    shared::Shared,
    tail::Look,
    values::position::Position,
};

/// An append, with the data that was read for it before it entered the group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub append: &'a Append,
    pub prefetched: Option<&'a Prefetched>,
}

impl<'a> Candidate<'a> {
    /// Returns the position up to which the log was searched for matches of its checks without finding one.
    fn searched_to(self, shared: &Shared) -> Position {
        let searched = self.append.searched;
        let searched = self
            .prefetched
            .map_or(searched, |prefetched| searched.max(prefetched.searched));
        searched.holds_to(shared.tail.lifecycles().prefix_changes())
    }

    /// Returns the prefetched data if all later events of the log are in memory.
    fn known(self, look: &Look<'_>) -> Option<&'a Prefetched> {
        self.prefetched
            .filter(|prefetched| look.is_recent(prefetched.head))
    }
}

/// The fact that a read is for.
enum Wanted {
    /// Last revision for an append and one of its streams.
    Last(usize, usize),
    Request(usize),
    /// Last revision for an append and one of its checks.
    Check(usize, usize),
}

/// Maximum number of conditions that are looked up concurrently.
const CONDITIONS_MAX: usize = 64;

/// Looks up the facts of appends, in their order. They are valid as of `head`, which is the tail's head.
pub(crate) async fn gather(
    shared: &Shared,
    head: Position,
    candidates: &[Candidate<'_>],
) -> Result<Vec<Fact>> {
    let mut facts = known(shared, head, candidates).await?;
    if candidates
        .iter()
        .any(|candidate| !candidate.append.checks.is_empty())
    {
        conditions(shared, head, candidates, &mut facts).await?;
    }
    Ok(facts)
}

/// Looks up everything except matches of checks: in the tail, in the prefetched data and, for what is in neither, in
/// one round trip to the engine.
pub(super) async fn known(
    shared: &Shared,
    head: Position,
    candidates: &[Candidate<'_>],
) -> Result<Vec<Fact>> {
    let (mut facts, wanted, reads) = in_memory(&shared.tail.look(), candidates);
    if reads.is_empty() {
        return Ok(facts);
    }
    let pages = shared.engine.snapshot().await?.read(reads).await?;
    let mut found = Vec::new();
    for (wanted, page) in wanted.into_iter().zip(pages) {
        match wanted {
            Wanted::Last(index, n) => {
                let last = last_in(&page)?;
                facts[index].last[n] = last;
                found.push((candidates[index].append.targets[n].stream.clone(), last));
            }
            Wanted::Request(index) => {
                let known_to = candidates[index].append.known_to();
                let request = page.into_value().map(|value| parse_request(&value)).transpose()?;
                facts[index].request = request.filter(|request| request.first > known_to);
            }
            Wanted::Check(index, n) => {
                let last = last_in(&page)?;
                facts[index].evidence[n] = Evidence::Last(last);
                let stream = candidates[index].append.checks[n].stream();
                found.extend(stream.map(|stream| (stream.clone(), last)));
            }
        }
    }
    shared.tail.remember(head, found);
    Ok(facts)
}

/// Looks up facts in the tail and in the prefetched data. For each missing fact, returns which one it is, and its
/// read.
fn in_memory(look: &Look<'_>, candidates: &[Candidate<'_>]) -> (Vec<Fact>, Vec<Wanted>, Vec<Read>) {
    let mut facts = Vec::with_capacity(candidates.len());
    let mut wanted = Vec::new();
    let mut reads = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let append = candidate.append;
        let prefetched = candidate.known(look).map(|prefetched| &prefetched.fact);
        let mut fact = Fact {
            compared: prefetched.and_then(|fact| fact.compared.clone()),
            ..Fact::default()
        };
        for (n, stream) in append.streams().enumerate() {
            let known = look
                .last_revision(stream)
                .or_else(|| prefetched.map(|fact| fact.last[n]));
            if known.is_none() {
                wanted.push(Wanted::Last(index, n));
                reads.push(read_end(stream));
            }
            fact.last.push(known.flatten());
        }
        for (n, check) in append.checks.iter().enumerate() {
            let Some(stream) = check.stream() else {
                fact.evidence.push(Evidence::Missing);
                continue;
            };
            let known = look.last_revision(stream).map(Evidence::Last);
            let known = known
                .or_else(|| prefetched.map(|fact| fact.evidence[n]))
                // Nothing exists that the tail does not know.
                .or_else(|| look.is_all().then_some(Evidence::Last(None)));
            fact.evidence.push(known.unwrap_or_else(|| {
                wanted.push(Wanted::Check(index, n));
                reads.push(read_end(stream));
                Evidence::Missing
            }));
        }
        if append.is_keyed() {
            let first_id = append.events[0].id;
            let known_to = append.known_to();
            fact.request = look.request_after(known_to, first_id);
            if fact.request.is_none() && !look.is_recent(known_to) {
                match prefetched {
                    Some(prefetched) => fact.request = prefetched.request,
                    None => {
                        wanted.push(Wanted::Request(index));
                        reads.push(Read::Get(keys::request(first_id)));
                    }
                }
            }
        }
        facts.push(fact);
    }
    if look.is_all() {
        // Nothing exists that the tail does not know.
        return (facts, Vec::new(), Vec::new());
    }
    (facts, wanted, reads)
}

/// Looks up the matches of all checks that forbid matches, among the events that were not searched beforehand.
async fn conditions(
    shared: &Shared,
    head: Position,
    candidates: &[Candidate<'_>],
    facts: &mut [Fact],
) -> Result<()> {
    let mut looked_up: Vec<BoxFuture<'_, Result<Evidence>>> = Vec::new();
    let mut places = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        for (n, check) in candidate.append.checks.iter().enumerate() {
            let Check::NoMatch { query, after } = check else {
                continue;
            };
            // A match that was found remains valid, whether or not the tail covers the later events.
            let prefetched = candidate.prefetched;
            let found = prefetched.and_then(|prefetched| prefetched.matches[n].as_ref());
            if let Some(found) = found
                && !gone::is_gone(shared, found).await?
            {
                facts[index].evidence[n] = Evidence::First(Some(found.position));
                continue;
            }
            // In rare cases the match that was found has been removed by now. The search then continues after it.
            let found_at = found.map(|found| found.position);
            facts[index].evidence[n] = Evidence::First(None);
            if prefetched.is_some() && shared.environment.sabotage.skips_since_search() {
                continue;
            }
            let after = found_at.unwrap_or_else(|| candidate.searched_to(shared).max(*after));
            // Most conditions are about the last few events, and hold.
            if !shared.tail.look().may_match(query, after) {
                continue;
            }
            places.push((index, n));
            looked_up.push(Box::pin(async move {
                let first = first_match(shared, query, after, head).await?;
                Ok(Evidence::First(first.map(|found| found.position)))
            }));
        }
    }
    let mut evidence = stream::iter(looked_up).buffered(CONDITIONS_MAX);
    for (index, n) in places {
        if let Some(found) = evidence.next().await {
            facts[index].evidence[n] = found?;
        }
    }
    Ok(())
}
