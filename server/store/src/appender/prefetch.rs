//! What judging an append needs from storage, read before the append enters a group.
//!
//! 1. The caller's own task reads it, side by side with those of other callers, and never while a group is judged. So an
//!    expensive condition delays its own caller only.
//! 2. It holds as of a head. What came to the log after that head is in memory, and is looked up there when the group is
//!    judged. If the tail no longer covers that part (it restarted, or many windows were written meanwhile), the few things
//!    that are missing are read again in the group.
//! 3. Searches for matches take turns, page by page, in the order in which they ask: at most
//!    [`Settings::condition_pages_max`](crate::Settings::condition_pages_max) pages are read at a time. So they leave the
//!    processor to other work, and a short search waits for one page of each other caller. While others append, a search also
//!    rests ([`Settings::condition_rest`](crate::Settings::condition_rest)).
//! 4. A search that took long is continued to the head of that moment, so that what is left for the group is short.
//! 5. An append for which memory has all is not delayed at all; most appends are of that kind.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    BACKOFF_FIRST, BACKOFF_MAX, PATIENCE, earlier,
    facts::{self, Candidate, Fact},
};
use crate::{
    append::{Append, Expected, Searched},
    check::{Check, Evidence},
    error::{Error, Result},
    position::Position,
    read::{Match, Search},
    shared::Shared,
};

/// After so much work a search rests, if it does: timers are not finer.
const REST_MIN: Duration = Duration::from_millis(1);
/// A search is continued so often at the most. Each time takes a small part of the time before.
const CONTINUED_MAX: usize = 8;

/// What was read for an append.
#[derive(Debug)]
pub(crate) struct Prefetched {
    /// The head as of which `fact` holds.
    pub head: Position,
    pub fact: Fact,
    /// How far the log was searched for matches of its checks.
    pub searched: Searched,
    /// The first match of each check, in their order.
    pub matches: Vec<Option<Match>>,
}

impl Prefetched {
    /// Whether a check found a match.
    pub(crate) fn has_match(&self) -> bool {
        self.matches.iter().any(Option::is_some)
    }
}

/// Whether storage must be read to judge an append, or much of the log searched.
pub(crate) fn is_needed(shared: &Shared, append: &Append) -> bool {
    let tail = &shared.tail;
    // Asked for in turn, and only where it matters: a session submits hundreds of thousands of appends a second, one after
    // the other, and most of them need the first answer only.
    let last = tail.last_revision(append.stream());
    let on_disk = || tail.indexed() != Position::START;
    let may_compare = match append.expected {
        Expected::Exactly(revision) => last.flatten().is_some_and(|last| revision < last),
        Expected::NoStream => last.flatten().is_some(),
        Expected::Any | Expected::StreamExists => {
            let is_known = tail.request(append.events[0].id).is_some();
            is_known || (!tail.is_recent(append.known_to()) && on_disk())
        }
    };
    let is_far = |after: Position| {
        let searched_to = after.max(append.searched.holds_to(tail.lifecycles()));
        let near = shared.settings.condition_positions_max;
        tail.head_position().0.saturating_sub(searched_to.0) > near
    };
    let mut others = append
        .streams()
        .skip(1)
        .chain(append.checks.iter().filter_map(Check::stream));
    let mut is_unknown = || last.is_none() || others.any(|stream| tail.last_revision(stream).is_none());
    may_compare
        || append
            .checks
            .iter()
            .filter_map(Check::after)
            .min()
            .is_some_and(is_far)
        || (is_unknown() && on_disk())
}

/// Reads what is needed. While the engine does not answer it tries again, as long as a group is tried again.
pub(crate) async fn prefetch(shared: &Shared, append: &Append) -> Result<Prefetched> {
    let started = Instant::now();
    let mut backoff: Duration = BACKOFF_FIRST;
    let read = loop {
        match read(shared, append).await {
            Err(Error::Unavailable(_)) if started.elapsed() < PATIENCE => {
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
            Err(error) if error.is_fatal() => {
                tracing::error!(%error, "what an append needs cannot be read");
                shared.fail(error.clone());
                break Err(error);
            }
            read => break read,
        }
    };
    shared
        .metrics
        .prefetch_seconds
        .observe(started.elapsed().as_secs_f64());
    read
}

async fn read(shared: &Shared, append: &Append) -> Result<Prefetched> {
    let (searched, found) = search(shared, append).await?;
    let head = shared.tail.head_position();
    let candidate = Candidate {
        append,
        prefetched: None,
    };
    let mut fact = facts::known(shared, head, &[candidate])
        .await?
        .pop()
        .unwrap_or_default();
    for (n, found) in found.iter().enumerate() {
        if append.checks[n].after().is_some() {
            fact.evidence[n] = Evidence::First(found.as_ref().map(|found| found.position));
        }
    }
    let known = earlier::known(shared, append, *fact.last.first(), fact.request);
    fact.compared = earlier::look(shared, append, &known).await?;
    Ok(Prefetched {
        head,
        fact,
        searched,
        matches: found,
    })
}

/// Searches for the first match of each check that allows none, up to near the log's head, and returns how far.
async fn search(shared: &Shared, append: &Append) -> Result<(Searched, Vec<Option<Match>>)> {
    let mut found = vec![None; append.checks.len()];
    let lifecycles = shared.tail.lifecycles();
    let mut reached = append.searched.holds_to(lifecycles);
    let prefix_changes = Some(lifecycles.prefix_changes());
    for continued in 0..=CONTINUED_MAX {
        let head = shared.tail.head_position();
        if continued > 0 && head.0.saturating_sub(reached.0) <= shared.settings.condition_positions_max {
            break;
        }
        for (check, found) in append.checks.iter().zip(&mut found) {
            let (Check::NoMatch { query, after }, None) = (check, &found) else {
                continue;
            };
            if shared.closing.get() {
                return Err(Error::Closed);
            }
            let after = reached.max(*after);
            if after < head {
                *found = search_in_turns(shared, Search::new(query, after, head)?).await?;
            }
        }
        reached = reached.max(head);
    }
    let searched = Searched {
        to: reached,
        prefix_changes,
    };
    Ok((searched, found))
}

/// Searches each page when it is its turn, and returns the first match.
async fn search_in_turns(shared: &Shared, mut search: Search) -> Result<Option<Match>> {
    let (mut worked, mut head) = (Duration::ZERO, shared.tail.head_position());
    loop {
        let turn = shared
            .condition_turns
            .acquire()
            .await
            .map_err(|_| Error::Closed)?;
        let started = Instant::now();
        let found = search.page(shared).await?;
        if found.is_some() || search.is_done() {
            return Ok(found);
        }
        worked += started.elapsed();
        if worked >= REST_MIN {
            let head_now = shared.tail.head_position();
            if head_now > head {
                // In its turn, so that others do not search meanwhile.
                tokio::time::sleep(worked * shared.settings.condition_rest).await;
            }
            (worked, head) = (Duration::ZERO, head_now);
        }
        drop(turn);
        tokio::task::yield_now().await;
    }
}
