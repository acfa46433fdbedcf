//! Reads from storage what is needed to evaluate an append, before the append enters a group.
//!
//! 1. The caller's own task reads it, concurrently with those of other callers, and never while a group is evaluated.
//!    So an expensive condition delays its own caller only.
//! 2. The data is valid as of a head. Later events of the log are in memory, and are looked up there when the group
//!    is evaluated. If the tail no longer covers them (it restarted, or many windows were written meanwhile), the few
//!    missing keys are read again in the group.
//! 3. Searches for matches take turns, page by page, in the order of their requests: at most
//!    [`Settings::condition_pages_max`](crate::Settings::condition_pages_max) pages are read at a time. So they leave
//!    the processor to other work, and a short search waits for one page of each other caller. While other clients
//!    append, a search also pauses ([`Settings::condition_rest`](crate::Settings::condition_rest)).
//!    Searches that have taken long take turns among themselves, one page at a time, so that many of them are no more
//!    work than one.
//! 4. A search that took long is continued up to the current head, so that the rest that is left for the group is
//!    short.
//! 5. An append whose data is all in memory is not delayed at all; most appends are of that kind.
//! 6. The data of many appends of a pipeline is read in one round trip, because they are submitted one after the other
//!    ([`Store::look_up`](crate::Store::look_up)).

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

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

/// Time that a search works at least before it pauses, if it does: timers are not finer.
const REST_MIN: Duration = Duration::from_millis(1);
/// After this much work a search is long.
const LONG_MIN: Duration = Duration::from_millis(20);
/// Maximum number of times that a search is continued. Each time takes a small part of the time before.
const CONTINUED_MAX: usize = 8;

/// Whether storage must be read to evaluate an append, or much of the log searched.
pub(crate) fn is_needed(shared: &Shared, append: &Append) -> bool {
    needs_keys(&shared.tail.look(), append) || needs_search(shared, append)
}

/// Whether a few keys of storage must be read to evaluate an append.
fn needs_keys(look: &Look<'_>, append: &Append) -> bool {
    // Looked up one after the other, and only where needed: a pipeline submits hundreds of thousands of appends a
    // second, one after the other, and most of them need only the first look-up.
    let last = look.last_revision(append.stream());
    let may_compare = match append.expected {
        Expected::Exactly(revision) => last.flatten().is_some_and(|last| revision < last),
        Expected::NoStream => last.flatten().is_some(),
        Expected::Any | Expected::StreamExists => {
            let known_to = append.known_to();
            let must_read = !look.is_recent(known_to) && !look.is_all();
            must_read || look.request_after(known_to, append.events[0].id).is_some()
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

/// Reads the data that an append needs. While the engine does not respond it retries, as long as a group is retried.
pub(crate) async fn prefetch(shared: &Shared, append: &Append) -> Result<Prefetched> {
    let mut tries = Tries::begin(shared);
    loop {
        match read(shared, append).await {
            Err(error) => tries.wait(error).await?,
            read => return read,
        }
    }
}

/// Reads the keys that appends need, in one round trip to the engine. Returns the data, each with the number of the
/// append that needs it. Appends that need a long search are left out. Retries like [`prefetch`].
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

/// Returns the appends for which keys must be read, with their numbers.
fn needing_keys<'a>(look: &Look<'_>, appends: &[&'a Append]) -> Vec<(usize, &'a Append)> {
    let numbered = appends.iter().copied().enumerate();
    numbered.filter(|(_, append)| needs_keys(look, append)).collect()
}

/// A read that is retried while the engine does not respond.
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

    /// Waits until the next attempt, or returns the error if there is none.
    async fn wait(&mut self, error: Error) -> Result<()> {
        if matches!(error, Error::Unavailable(_)) && self.started.elapsed() < PATIENCE {
            tokio::time::sleep(self.backoff).await;
            self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
            return Ok(());
        }
        if error.is_fatal() {
            tracing::error!(%error, "cannot read the data of an append");
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
        .ok_or_else(|| Error::Internal("an append has no facts".to_owned()))?;
    Ok(prefetched.with_matches(append, searched, matches))
}

/// Reads everything except the matches of checks.
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
        let known = earlier::known(shared, append, fact.last[0], fact.request);
        fact.compared = earlier::look(shared, append, &known).await?;
        read.push(Prefetched::new(append, head, fact));
    }
    Ok(read)
}

/// Searches for the first match of each check that forbids matches, up to near the log's head, and returns how far.
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
    let mut total = Duration::ZERO;
    loop {
        let long_turn = if total >= LONG_MIN {
            Some(in_turn(&shared.long_condition_turns).await?)
        } else {
            None
        };
        let turn = in_turn(&shared.condition_turns).await?;
        let started = Instant::now();
        let found = search.page(shared).await?;
        if found.is_some() || search.is_done() {
            return Ok(found);
        }
        worked += started.elapsed();
        if worked >= REST_MIN {
            let head_now = shared.tail.head_position();
            if head_now > head {
                // Keeps its turn, so that no other search runs meanwhile.
                tokio::time::sleep(worked * shared.settings.condition_rest).await;
            }
            (total, worked, head) = (total + worked, Duration::ZERO, head_now);
        }
        drop((turn, long_turn));
        tokio::task::yield_now().await;
    }
}

async fn in_turn(turns: &Semaphore) -> Result<SemaphorePermit<'_>> {
    turns.acquire().await.map_err(|_| Error::Closed)
}
