//! What expires: receipts of writes, and deletions.
//!
//! Each commit notes what it wrote that expires, under its time. So what has expired is the beginning of a range, and
//! nothing else is read to find it.
//!
//! A deletion that is forgotten can't be sent to a subscriber that returns later. Therefore the version up to which
//! deletions were forgotten is stored in the same commit, and a subscriber that continues after an earlier version is
//! refused.

use std::{collections::BTreeMap, time::Duration};

use annals_engine::{
    Commit, Direction, Entry, Error as EngineError, Mutation, Page, PageLimit, Read, Snapshot,
};
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{
    format::{
        keys::state::{self as keys, Expiring},
        wire::{self, Cursor, Malformed, Parsed},
    },
    model::{error::Result, sabotage::Sabotage, state::EntryName},
    shared::Shared,
    state::{entry, receipt::Receipt},
    values::{
        name::{ScopeName, StateKey},
        position::Timestamp,
    },
};

/// Maximum bytes of what is noted under one key.
const CHUNK_BYTES: usize = 60_000;
/// Maximum number of notes that are handled in one commit.
const NOTES_MAX: usize = 4;

/// Returns the mutations that note the ids of writes.
pub(crate) fn note_receipts<'a>(
    time: Timestamp,
    commit: u64,
    ids: impl Iterator<Item = &'a Uuid>,
) -> Vec<Mutation> {
    let notes = ids.map(|id| Bytes::copy_from_slice(id.as_bytes()));
    chunked(Expiring::Receipts, time, commit, notes)
}

/// Returns the mutations that note deletions.
pub(crate) fn note_deletions<'a>(
    time: Timestamp,
    commit: u64,
    deletions: impl Iterator<Item = (&'a EntryName, u64)>,
) -> Vec<Mutation> {
    let notes = deletions.map(|(name, version)| {
        let mut note = BytesMut::with_capacity(name.bytes() + 14);
        for text in [name.scope.as_str(), name.key.as_str()] {
            wire::put_varint(&mut note, text.len() as u64);
            note.put_slice(text.as_bytes());
        }
        wire::put_varint(&mut note, version);
        note.freeze()
    });
    chunked(Expiring::Deletions, time, commit, notes)
}

fn chunked(
    what: Expiring,
    time: Timestamp,
    commit: u64,
    notes: impl Iterator<Item = Bytes>,
) -> Vec<Mutation> {
    let mut chunks: Vec<BytesMut> = Vec::new();
    for note in notes {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + note.len() <= CHUNK_BYTES => chunk.put_slice(&note),
            _ => chunks.push(BytesMut::from(&note[..])),
        }
    }
    let key = |chunk| keys::expiry(what, time, commit, chunk);
    (0..)
        .zip(chunks)
        .map(|(n, chunk)| Mutation::Set(key(n), chunk.freeze()))
        .collect()
}

/// Removes receipts and deletions that have expired: some of them at a time. Returns whether it removed any.
pub(crate) async fn remove_some(shared: &Shared) -> Result<bool> {
    let settings = &shared.settings;
    let receipts = some(shared, Expiring::Receipts, crate::model::state::RECEIPT_KEPT).await?;
    let deletions = some(shared, Expiring::Deletions, settings.state_deletion_age).await?;
    Ok(receipts || deletions)
}

async fn some(shared: &Shared, what: Expiring, kept: Duration) -> Result<bool> {
    let now = shared.environment.clock.now();
    let kept = u64::try_from(kept.as_micros()).unwrap_or(u64::MAX);
    let before = Timestamp::from_micros(now.micros.saturating_sub(kept));
    let snapshot = shared.engine.snapshot().await?;
    let limit = PageLimit::entries(NOTES_MAX);
    let range = keys::expired(what, before);
    let notes = snapshot.range(range, Direction::Forwards, limit).await?.entries;
    if notes.is_empty() {
        return Ok(false);
    }
    let mut commit = match what {
        Expiring::Receipts => receipts(&*snapshot, &notes).await?,
        Expiring::Deletions => deletions(&*snapshot, &notes, shared.environment.sabotage).await?,
    };
    drop(snapshot);
    let notes = notes.into_iter().map(|note| Mutation::Clear(note.key));
    commit.mutations.extend(notes);
    match shared.engine.commit(commit).await {
        // After a conflict, the same notes are handled again.
        Ok(()) | Err(EngineError::Conflict | EngineError::TooOld | EngineError::MaybeCommitted(_)) => {
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

async fn receipts(snapshot: &dyn Snapshot, notes: &[Entry]) -> Result<Commit> {
    let mut ids = Vec::new();
    for note in notes {
        let time = time_of(note)?;
        let (chunks, rest) = note.value.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(Malformed("state: ids of writes").into());
        }
        ids.extend(chunks.iter().map(|id| (Uuid::from_bytes(*id), time)));
    }
    let reads = ids.iter().map(|(id, _)| Read::Get(keys::write(*id))).collect();
    let found = snapshot.read(reads).await?;
    let mut commit = Commit::relaxed();
    for ((id, time), page) in ids.into_iter().zip(found) {
        let receipt = page
            .into_value()
            .map(|value| Receipt::parse(&value))
            .transpose()?;
        // A later append may have begun with the same id.
        if receipt.is_some_and(|receipt| receipt.changed_at == time) {
            commit = commit.clear(keys::write(id));
        }
    }
    Ok(commit)
}

async fn deletions(snapshot: &dyn Snapshot, notes: &[Entry], sabotage: Sabotage) -> Result<Commit> {
    let mut noted = Vec::new();
    for note in notes {
        noted.extend(parse_deletions(&note.value)?);
    }
    let reads = noted
        .iter()
        .map(|(name, _)| Read::Get(keys::deleted(&name.scope, &name.key)));
    let found = snapshot.read(reads.collect()).await?;
    let mut commit = Commit::relaxed();
    let mut forgotten: BTreeMap<ScopeName, u64> = BTreeMap::new();
    for ((name, version), page) in noted.into_iter().zip(found) {
        let stored = page.into_value();
        // The entry may have been put again, and deleted again.
        if stored.is_none() || entry::parse_version(stored.as_ref())? != version {
            continue;
        }
        let key = keys::deleted(&name.scope, &name.key);
        commit = commit.check(key.clone(), stored).clear(key);
        commit = commit.clear(keys::change(&name.scope, version));
        let last = forgotten.entry(name.scope).or_default();
        *last = version.max(*last);
    }
    if sabotage.hides_expiry() {
        return Ok(commit);
    }
    let reads = forgotten
        .keys()
        .map(|scope| Read::Get(keys::forgotten(scope)))
        .collect();
    let before = snapshot.read(reads).await?.into_iter().map(Page::into_value);
    for ((scope, version), before) in forgotten.iter().zip(before) {
        let version = entry::parse_version(before.as_ref())?.max(*version);
        let key = keys::forgotten(scope);
        commit = commit
            .check(key.clone(), before)
            .set(key, entry::version_value(version));
    }
    Ok(commit)
}

fn time_of(note: &Entry) -> Parsed<Timestamp> {
    let micros = note.key.get(2..).and_then(|rest| rest.first_chunk());
    let micros = micros.ok_or(Malformed("state: key of what expires"))?;
    Ok(Timestamp::from_micros(u64::from_be_bytes(*micros)))
}

pub(super) fn parse_deletions(note: &[u8]) -> Parsed<Vec<(EntryName, u64)>> {
    let malformed = Malformed("state: noted deletions");
    let mut rest = note;
    let mut deletions = Vec::new();
    while !rest.is_empty() {
        let mut text = || {
            let mut cursor = Cursor::new(rest);
            let len = usize::try_from(cursor.varint()?).map_err(|_| malformed)?;
            let (text, after) = cursor.rest().split_at_checked(len).ok_or(malformed)?;
            rest = after;
            std::str::from_utf8(text).map_err(|_| malformed)
        };
        let (scope, key) = (text()?, text()?);
        let name = EntryName {
            scope: ScopeName::trusted(scope),
            key: StateKey::trusted(key),
        };
        let mut cursor = Cursor::new(rest);
        let version = cursor.varint()?;
        rest = cursor.rest();
        deletions.push((name, version));
    }
    Ok(deletions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noted_deletions_are_parsed_as_they_were_written() {
        let name = |n: usize| EntryName {
            scope: ScopeName::trusted(&format!("scope-{}", n % 7)),
            key: StateKey::trusted(&"k".repeat(1 + n % 512)),
        };
        let written: Vec<_> = (0..1_000).map(|n| (name(n), n as u64 * 1_000)).collect();
        let notes = written.iter().map(|(name, version)| (name, *version));
        let notes = note_deletions(Timestamp::from_micros(5), 9, notes);
        assert!(notes.len() > 1, "more than one chunk");
        let mut parsed = Vec::new();
        for note in notes {
            let Mutation::Set(key, value) = note else {
                panic!("a note is set")
            };
            assert!(value.len() <= CHUNK_BYTES);
            assert_eq!(
                time_of(&Entry {
                    key,
                    value: value.clone()
                }),
                Ok(Timestamp::from_micros(5))
            );
            parsed.extend(parse_deletions(&value).unwrap());
        }
        assert_eq!(parsed, written);
    }

    #[test]
    fn malformed_notes_are_refused() {
        assert!(parse_deletions(&[5, b'a']).is_err());
        assert!(parse_deletions(&[1, b'a', 1, b'b']).is_err());
        assert!(parse_deletions(&[1, 0xff, 1, b'b', 1]).is_err());
    }
}
