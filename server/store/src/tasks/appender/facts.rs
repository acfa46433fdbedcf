//! What must be known of each append before it is judged: looked up in the tail, and for all that is not there in one
//! trip to the engine.

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

/// An append, with what was read for it before it came into the group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub append: &'a Append,
    pub prefetched: Option<&'a Prefetched>,
}

impl<'a> Candidate<'a> {
    /// Up to where the log was searched for matches of its checks that found none.
    fn searched_to(self, shared: &Shared) -> Position {
        let searched = self.append.searched;
        let searched = self
            .prefetched
            .map_or(searched, |prefetched| searched.max(prefetched.searched));
        searched.holds_to(shared.tail.lifecycles().prefix_changes())
    }

    /// What was read for it, if all that came to the log since is in memory.
    fn known(self, look: &Look<'_>) -> Option<&'a Prefetched> {
        self.prefetched
            .filter(|prefetched| look.is_recent(prefetched.head))
    }
}

/// Which fact a read is for.
enum Wanted {
    /// Of an append, for one of its streams.
    Last(usize, usize),
    Request(usize),
    /// Of an append, for a check.
    Check(usize, usize),
}

/// Conditions that are looked up side by side.
const CONDITIONS_MAX: usize = 64;

/// Looks up the facts of appends, in their order. They hold as of `head`, which is the tail's.
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

/// Looks up all but the matches of checks: in the tail, in what was read beforehand, and, for what is in neither, in one trip
/// to the engine.
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

/// Looks up facts in the tail and in what was read beforehand. For what is in neither: for which fact it is, and the read.
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
        fact.last = append.targets.map(|n, target| {
            let known = look.last_revision(&target.stream);
            known
                .or_else(|| prefetched.map(|fact| fact.last[n]))
                .unwrap_or_else(|| {
                    wanted.push(Wanted::Last(index, n));
                    reads.push(read_end(&target.stream));
                    None
                })
        });
        for (n, check) in append.checks.iter().enumerate() {
            let Some(stream) = check.stream() else {
                fact.evidence.push(Evidence::First(None));
                continue;
            };
            let known = look.last_revision(stream).map(Evidence::Last);
            let known = known.or_else(|| prefetched.map(|fact| fact.evidence[n]));
            fact.evidence.push(known.unwrap_or_else(|| {
                wanted.push(Wanted::Check(index, n));
                reads.push(read_end(stream));
                Evidence::Last(None)
            }));
        }
        if append.is_keyed() {
            let first_id = append.events[0].id;
            let known_to = append.known_to();
            let recent = look.request(first_id);
            fact.request = recent.filter(|request| request.first > known_to);
            if recent.is_none() && !look.is_recent(known_to) {
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
        // What the tail does not know is not there.
        return (facts, Vec::new(), Vec::new());
    }
    (facts, wanted, reads)
}

/// Looks up the matches of all checks that allow none, of what came to the log since they were searched for beforehand.
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
            // What was found is as true as it was, whether the tail covers what came since or not.
            let prefetched = candidate.prefetched;
            let found = prefetched.and_then(|prefetched| prefetched.matches[n].as_ref());
            if let Some(found) = found
                && !gone::is_gone(shared, found).await?
            {
                facts[index].evidence[n] = Evidence::First(Some(found.position));
                continue;
            }
            // An event that was found may be gone by now: rarely, and then the search goes on after it.
            let found_at = found.map(|found| found.position);
            if prefetched.is_some() && shared.environment.sabotage.skips_since_search() {
                continue;
            }
            let after = found_at.unwrap_or_else(|| candidate.searched_to(shared).max(*after));
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
