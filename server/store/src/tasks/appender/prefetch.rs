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
//! 6. Of a session, what many appends need is read in one trip, because they are submitted one after the other
//!    ([`Store::look_up`](crate::Store::look_up)).

use std::time::Duration;

use tokio::time::Instant;

use super::{
    BACKOFF_FIRST, BACKOFF_MAX, PATIENCE, earlier,
    fact::Prefetched,
    facts::{self, Candidate},
};
use crate::{
    model::{
        append::{Append, Searched},
        check::Check,
        error::{Error, Result},
    },
    read::{Match, Search},
    shared::Shared,
    tail::Look,
    values::expected::Expected,
};

/// After so much work a search rests, if it does: timers are not finer.
const REST_MIN: Duration = Duration::from_millis(1);
/// A search is continued so often at the most. Each time takes a small part of the time before.
const CONTINUED_MAX: usize = 8;

/// Whether storage must be read to judge an append, or much of the log searched.
pub(crate) fn is_needed(shared: &Shared, append: &Append) -> bool {
    needs_keys(&shared.tail.look(), append) || needs_search(shared, append)
}

/// Whether a few keys of storage must be read to judge an append.
fn needs_keys(look: &Look<'_>, append: &Append) -> bool {
    // Asked for in turn, and only where it matters: a session submits hundreds of thousands of appends a second, one after
    // the other, and most of them need the first answer only.
    let last = look.last_revision(append.stream());
    let may_compare = match append.expected {
        Expected::Exactly(revision) => last.flatten().is_some_and(|last| revision < last),
        Expected::NoStream => last.flatten().is_some(),
        Expected::Any | Expected::StreamExists => {
            let is_known = look.request(append.events[0].id).is_some();
            is_known || (!look.is_recent(append.known_to()) && !look.is_all())
        }
    };
    let mut others = append
        .streams()
        .skip(1)
        .chain(append.checks.iter().filter_map(Check::stream));
    let mut is_unknown = || last.is_none() || others.any(|stream| look.last_revision(stream).is_none());
    may_compare || (is_unknown() && !look.is_all())
}

/// Whether much of the log must be searched for matches of an append's checks.
pub(crate) fn needs_search(shared: &Shared, append: &Append) -> bool {
    let after = append.checks.iter().filter_map(Check::after).min();
    after.is_some_and(|after| {
        let searched_to = after.max(
            append
                .searched
                .holds_to(shared.tail.lifecycles().prefix_changes()),
        );
        let near = shared.settings.condition_positions_max;
        shared.tail.head_position().0.saturating_sub(searched_to.0) > near
    })
}

/// Reads what an append needs. While the engine does not answer it tries again, as long as a group is tried again.
pub(crate) async fn prefetch(shared: &Shared, append: &Append) -> Result<Prefetched> {
    let mut tries = Tries::begin(shared);
    loop {
        match read(shared, append).await {
            Err(error) => tries.wait(error).await?,
            read => return read,
        }
    }
}

/// Reads the keys that appends need, in one trip to the engine, and returns what was read, each with the number of the append
/// that needs it. Appends for which much must be searched are left out. Tries again as [`prefetch`] does.
pub(crate) async fn prefetch_keys(shared: &Shared, appends: &[&Append]) -> Result<Vec<(usize, Prefetched)>> {
    let mut wanted = needing_keys(&shared.tail.look(), appends);
    wanted.retain(|(_, append)| !needs_search(shared, append));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (numbers, appends): (Vec<usize>, Vec<&Append>) = wanted.into_iter().unzip();
    let mut tries = Tries::begin(shared);
    loop {
        match read_keys(shared, &appends).await {
            Err(error) => tries.wait(error).await?,
            read => return Ok(numbers.into_iter().zip(read?).collect()),
        }
    }
}

/// Those for which keys must be read, with their numbers.
fn needing_keys<'a>(look: &Look<'_>, appends: &[&'a Append]) -> Vec<(usize, &'a Append)> {
    let numbered = appends.iter().copied().enumerate();
    numbered.filter(|(_, append)| needs_keys(look, append)).collect()
}

/// A read that is tried again while the engine does not answer.
struct Tries<'a> {
    shared: &'a Shared,
    started: Instant,
    backoff: Duration,
}

impl<'a> Tries<'a> {
    fn begin(shared: &'a Shared) -> Self {
        Self {
            shared,
            started: Instant::now(),
            backoff: BACKOFF_FIRST,
        }
    }

    /// Waits until it is to be tried again, or returns the error if it is not.
    async fn wait(&mut self, error: Error) -> Result<()> {
        if matches!(error, Error::Unavailable(_)) && self.started.elapsed() < PATIENCE {
            tokio::time::sleep(self.backoff).await;
            self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
            return Ok(());
        }
        if error.is_fatal() {
            tracing::error!(%error, "what an append needs cannot be read");
            self.shared.fail(error.clone());
        }
        Err(error)
    }
}

impl Drop for Tries<'_> {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.shared.metrics.prefetch_seconds.observe(seconds);
    }
}

async fn read(shared: &Shared, append: &Append) -> Result<Prefetched> {
    let (searched, matches) = search(shared, append).await?;
    let mut read = read_keys(shared, &[append]).await?;
    let prefetched = read
        .pop()
        .ok_or_else(|| Error::Internal("no facts of an append".to_owned()))?;
    Ok(prefetched.with_matches(append, searched, matches))
}

/// Reads all but the matches of checks.
async fn read_keys(shared: &Shared, appends: &[&Append]) -> Result<Vec<Prefetched>> {
    let head = shared.tail.head_position();
    let candidates: Vec<Candidate<'_>> = appends
        .iter()
        .map(|append| Candidate {
            append,
            prefetched: None,
        })
        .collect();
    let facts = facts::known(shared, head, &candidates).await?;
    let mut read = Vec::with_capacity(appends.len());
    for (append, mut fact) in appends.iter().zip(facts) {
        let known = earlier::known(shared, append, *fact.last.first(), fact.request);
        fact.compared = earlier::look(shared, append, &known).await?;
        read.push(Prefetched::new(append, head, fact));
    }
    Ok(read)
}

/// Searches for the first match of each check that allows none, up to near the log's head, and returns how far.
async fn search(shared: &Shared, append: &Append) -> Result<(Searched, Vec<Option<Match>>)> {
    let mut found = vec![None; append.checks.len()];
    let lifecycles = shared.tail.lifecycles();
    let prefix_changes = lifecycles.prefix_changes();
    let mut reached = append.searched.holds_to(prefix_changes);
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
        prefix_changes: Some(prefix_changes),
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
