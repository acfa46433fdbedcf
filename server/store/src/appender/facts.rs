//! What must be known of each append before it is judged: looked up in the tail, and for all that is not there in one
//! trip to the engine.

use annals_engine::{BoxFuture, Direction, Page, PageLimit, Read};
use futures::{StreamExt, stream};

use super::condition::first_match;
use crate::{
    append::Append,
    check::{Check, Evidence},
    error::Result,
    index::{Postings, parse_request},
    keys,
    name::StreamName,
    one_or_more::OneOrMore,
    position::{Position, Revision},
    shared::Shared,
    tail::Request,
};

/// What is known of an append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    /// The last revision of each of its streams.
    pub last: OneOrMore<Option<Revision>>,
    /// The remembered append that began with the same id; only looked up if the append is keyed.
    pub request: Option<Request>,
    /// What was found for its checks, in their order.
    pub evidence: Vec<Evidence>,
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
pub(crate) async fn gather(shared: &Shared, head: Position, appends: &[&Append]) -> Result<Vec<Fact>> {
    let mut facts = vec![Fact::default(); appends.len()];
    if appends.iter().any(|append| !append.checks.is_empty()) {
        conditions(shared, head, appends, &mut facts).await?;
    }
    let mut wanted = Vec::new();
    let mut reads = Vec::new();
    for (index, append) in appends.iter().enumerate() {
        facts[index].last = append.targets.map(|n, target| {
            let known = shared.tail.last_revision(&target.stream);
            if known.is_none() {
                wanted.push(Wanted::Last(index, n));
                reads.push(read_last(&target.stream));
            }
            known.flatten()
        });
        for (n, check) in append.checks.iter().enumerate() {
            let Some(stream) = check.stream() else {
                continue;
            };
            match shared.tail.last_revision(stream) {
                Some(last) => facts[index].evidence[n] = Evidence::Last(last),
                None => {
                    wanted.push(Wanted::Check(index, n));
                    reads.push(read_last(stream));
                }
            }
        }
        if append.is_keyed() {
            let first_id = append.events[0].id;
            let known_to = append.known_to();
            let recent = shared.tail.request(first_id);
            facts[index].request = recent.filter(|request| request.first > known_to);
            if recent.is_none() && !shared.tail.is_recent(known_to) {
                wanted.push(Wanted::Request(index));
                reads.push(Read::Get(keys::request(first_id)));
            }
        }
    }
    if shared.tail.indexed() == Position::START {
        // Nothing is on disk yet, so what the tail does not know is not there.
        return Ok(facts);
    }
    if !reads.is_empty() {
        let pages = shared.engine.snapshot().await?.read(reads).await?;
        let mut found = Vec::new();
        for (wanted, page) in wanted.into_iter().zip(pages) {
            match wanted {
                Wanted::Last(index, n) => {
                    let last = last_revision(page)?;
                    facts[index].last[n] = last;
                    found.push((appends[index].targets[n].stream.clone(), last));
                }
                Wanted::Request(index) => {
                    let known_to = appends[index].known_to();
                    let request = page.into_value().map(|value| parse_request(&value)).transpose()?;
                    facts[index].request = request.filter(|request| request.first > known_to);
                }
                Wanted::Check(index, n) => {
                    let last = last_revision(page)?;
                    facts[index].evidence[n] = Evidence::Last(last);
                    found.extend(
                        appends[index].checks[n]
                            .stream()
                            .map(|stream| (stream.clone(), last)),
                    );
                }
            }
        }
        shared.tail.remember(head, found);
    }
    Ok(facts)
}

/// Looks up the matches of all checks that allow none.
async fn conditions(shared: &Shared, head: Position, appends: &[&Append], facts: &mut [Fact]) -> Result<()> {
    let mut looked_up: Vec<BoxFuture<'_, Result<Evidence>>> = Vec::new();
    for check in appends.iter().flat_map(|append| &append.checks) {
        looked_up.push(match check {
            // Looked up together with those of the appends' own streams.
            Check::Stream { .. } => Box::pin(std::future::ready(Ok(Evidence::Last(None)))),
            Check::NoMatch { query, after } => Box::pin(async move {
                let first = first_match(shared, query, *after, head).await?;
                Ok(Evidence::First(first))
            }),
        });
    }
    let mut evidence = stream::iter(looked_up).buffered(CONDITIONS_MAX);
    for (append, fact) in appends.iter().zip(facts) {
        while fact.evidence.len() < append.checks.len()
            && let Some(found) = evidence.next().await
        {
            fact.evidence.push(found?);
        }
    }
    Ok(())
}

fn read_last(stream: &StreamName) -> Read {
    Read::Range {
        range: keys::stream_entries(stream.as_str()),
        direction: Direction::Backwards,
        limit: PageLimit {
            entries: 1,
            bytes: usize::MAX,
        },
    }
}

fn last_revision(page: Page) -> Result<Option<Revision>> {
    let Some(entry) = page.entries.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Postings::parse_stream(&entry)?.last()))
}
