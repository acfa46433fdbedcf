//! One attempt at a commit: one transaction.
//!
//! A commit that checks the value that this engine committed last need not read it. It begins at the version of that
//! commit and declares a read of the key there: if the key changed since, FoundationDB rejects the commit. That saves
//! two of the three round trips to the cluster (a read version, the read) where commits follow each other. After a
//! rejection the next attempt reads.

use std::time::{Duration, Instant};

use annals_engine::{Check, Commit, Error, Mutation};
use bytes::Bytes;
use foundationdb::Transaction;
use foundationdb::options::{ConflictRangeType, TransactionOption};
use futures::future::try_join_all;

use crate::fault::{self, Outcome, Refusal};
use crate::shared::{Known, Shared, conflict_on};

type Result<T> = std::result::Result<T, Refusal>;

/// Tries a commit once. A transient refusal may be followed by another attempt; an unknown outcome is not a refusal.
pub(crate) async fn run(shared: &Shared, commit: &Commit) -> Result<()> {
    let transaction = shared.transaction()?;
    // Checks are read before anything is written, so there are no own writes to see; not looking for them is cheaper.
    transaction
        .set_option(TransactionOption::ReadYourWritesDisable)
        .map_err(|error| fault::of_read("opening a transaction", error))?;
    let keys: Vec<Vec<u8>> = commit
        .checks
        .iter()
        .map(|check| shared.keyspace.key(&check.key))
        .collect();
    let known = shared
        .known
        .lock()
        .take()
        .filter(|known| is_checked(known, commit));
    match &known {
        Some(known) => begin_at(&transaction, &keys, known)?,
        None if checks_hold(shared, &transaction, &keys, commit).await? => {}
        None => return Err(Refusal::lasting(Error::Conflict)),
    }
    if !commit.mutations.iter().any(changes_something) {
        // The reads show the state at one moment after the call. There is nothing to commit.
        return Ok(());
    }
    let fence = match keys.into_iter().next() {
        Some(key) => key,
        None => conflicting_with_itself(shared, &transaction)?,
    };
    apply(shared, &transaction, &commit.mutations);
    match send(shared, transaction, fence).await {
        Ok(version) => {
            if let Some(written) = version.and_then(|version| written(commit, version)) {
                *shared.known.lock() = Some(written);
            }
            Ok(())
        }
        Err(refusal) => {
            *shared.known.lock() = None;
            Err(refusal)
        }
    }
}

/// How long the version of the last commit is used to begin at; FoundationDB rejects versions older than 5 s.
const KNOWN_MAX: Duration = Duration::from_secs(2);

/// True if a commit checks exactly the known key and value.
fn is_checked(known: &Known, commit: &Commit) -> bool {
    let holds = |check: &Check| check.key == known.key && check.expected.as_ref() == Some(&known.value);
    matches!(&commit.checks[..], [check] if holds(check)) && known.since.elapsed() < KNOWN_MAX
}

/// Begins a transaction at the version at which the checked value is known.
fn begin_at(transaction: &Transaction, keys: &[Vec<u8>], known: &Known) -> Result<()> {
    transaction.set_read_version(known.version);
    for key in keys {
        conflict_on(transaction, key, ConflictRangeType::Read)
            .map_err(|error| fault::of_read("preparing a commit", error))?;
    }
    Ok(())
}

/// The value that a commit has set for the key that it checked; `None` if it has not set it.
fn written(commit: &Commit, version: i64) -> Option<Known> {
    let [check] = &commit.checks[..] else { return None };
    let touches = |mutation: &&Mutation| match mutation {
        Mutation::Set(key, _) | Mutation::Clear(key) => *key == check.key,
        Mutation::ClearRange(range) => range.start <= check.key && check.key < range.end,
    };
    match commit.mutations.iter().rev().find(touches)? {
        Mutation::Set(key, value) => Some(Known {
            key: key.clone(),
            value: value.clone(),
            version,
            since: Instant::now(),
        }),
        Mutation::Clear(_) | Mutation::ClearRange(_) => None,
    }
}

/// Whether every check holds. The reads are part of the transaction: if one of these keys changes before the commit,
/// FoundationDB rejects the transaction.
async fn checks_hold(
    shared: &Shared,
    transaction: &Transaction,
    keys: &[Vec<u8>],
    commit: &Commit,
) -> Result<bool> {
    let doing = "reading the keys that a commit checks";
    let reads = async {
        let values = try_join_all(keys.iter().map(|key| transaction.get(key, false))).await;
        Ok(values)
    };
    let values = shared
        .within(doing, reads)
        .await
        .map_err(Refusal::lasting)?
        .map_err(|error| retried(fault::of_read(doing, error)))?;
    let expected = commit.checks.iter().map(|check| check.expected.as_ref());
    Ok(values
        .iter()
        .zip(expected)
        .all(|(found, expected)| found.as_deref() == expected.map(|value: &Bytes| &value[..])))
}

/// A transaction that has become too old for its own reads is retried; it is not the caller's snapshot.
fn retried(refusal: Refusal) -> Refusal {
    match refusal.error {
        Error::TooOld => Refusal {
            error: Error::Unavailable(
                "the transaction of a commit was too old before its checks were read".to_owned(),
            ),
            passing: true,
        },
        _ => refusal,
    }
}

fn changes_something(mutation: &Mutation) -> bool {
    match mutation {
        Mutation::Set(..) | Mutation::Clear(_) => true,
        Mutation::ClearRange(range) => !range.is_empty(),
    }
}

/// Gives a commit without checks a key by which it can be fenced.
fn conflicting_with_itself(shared: &Shared, transaction: &Transaction) -> Result<Vec<u8>> {
    let key = shared.keyspace.unique();
    for kind in [ConflictRangeType::Read, ConflictRangeType::Write] {
        conflict_on(transaction, &key, kind).map_err(|error| fault::of_read("preparing a commit", error))?;
    }
    Ok(key)
}

fn apply(shared: &Shared, transaction: &Transaction, mutations: &[Mutation]) {
    for mutation in mutations {
        match mutation {
            Mutation::Set(key, value) => transaction.set(&shared.keyspace.key(key), value),
            Mutation::Clear(key) => transaction.clear(&shared.keyspace.key(key)),
            // FoundationDB treats a range whose end is before its start as an error.
            Mutation::ClearRange(range) if range.is_empty() => {}
            Mutation::ClearRange(range) => {
                transaction.clear_range(
                    &shared.keyspace.key(&range.start),
                    &shared.keyspace.key(&range.end),
                );
            }
        }
    }
}

/// Commits. Returns the version at which it was committed, if FoundationDB reports one.
async fn send(shared: &Shared, transaction: Transaction, fence: Vec<u8>) -> Result<Option<i64>> {
    let in_flight = shared.fences.in_flight(fence);
    // If there is no response in time, the transaction is dropped here, so that the client does not send it any more.
    let reason = match tokio::time::timeout(shared.timeout(), transaction.commit()).await {
        Ok(Ok(committed)) => {
            in_flight.settled();
            return Ok(committed.committed_version().ok().filter(|version| *version > 0));
        }
        Ok(Err(error)) => match fault::of_commit(*error) {
            Outcome::Refused(refusal) => {
                in_flight.settled();
                return Err(refusal);
            }
            Outcome::Unknown(reason) => reason,
        },
        Err(_) => fault::no_answer("committing", shared.timeout_ms),
    };
    drop(in_flight);
    // If this fails, no read or commit runs before closing has succeeded.
    let _ = shared.fences.close(shared).await;
    Err(Refusal::lasting(Error::MaybeCommitted(reason)))
}
