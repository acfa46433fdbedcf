//! Storage format of snapshots.
//!
//! ```text
//! p <stream>                            -> changes 8 bytes: how often the stream's snapshots were changed
//! p <stream> 0 <revision> <form>        -> version 1 byte, 1 | saved at 8 bytes, microseconds | data's bytes 4 bytes
//! d <stream> 0 <revision> <form> <chunk> -> data, in chunks of DATA_CHUNK_BYTES, the last one shorter
//! ```
//!
//! `form` is the schema version. Data is stored separately, so that a stream's snapshots are listed by one small
//! read.

use annals_engine::{
    Commit, Direction, Mutation, PageLimit, Pages, Read, Snapshot as EngineSnapshot, limits,
};
use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    format::{
        keys,
        wire::{Malformed, Parsed},
    },
    model::error::Result,
    values::{
        name::StreamName,
        position::{Revision, Timestamp},
    },
};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 13;

/// Bytes of data in a value.
pub(super) const DATA_CHUNK_BYTES: usize = limits::VALUE_BYTES_MAX - 4_096;
/// Number of snapshots that are listed at a time.
const PAGE_ENTRIES: usize = 200;

/// A snapshot without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub revision: Revision,
    pub schema_version: u32,
    pub saved_at: Timestamp,
    /// Number of bytes of its data.
    pub bytes: u32,
}

impl Header {
    fn to_value(self) -> Bytes {
        let mut value = BytesMut::with_capacity(HEADER_BYTES);
        value.put_u8(VERSION);
        value.put_u64(self.saved_at.micros);
        value.put_u32(self.bytes);
        value.freeze()
    }

    pub(super) fn parse(key: &[u8], value: &[u8]) -> Parsed<Self> {
        let malformed = Malformed("snapshot: malformed");
        let (revision, schema_version) = keys::parse_snapshot(key).ok_or(malformed)?;
        let fields = value.strip_prefix(&[VERSION]).ok_or(malformed)?;
        let (saved_at, bytes) = fields.split_first_chunk().ok_or(malformed)?;
        let bytes = bytes.try_into().map_err(|_| malformed)?;
        Ok(Self {
            revision,
            schema_version,
            saved_at: Timestamp::from_micros(u64::from_be_bytes(*saved_at)),
            bytes: u32::from_be_bytes(bytes),
        })
    }

    /// Writes the snapshot, replacing one with the same revision and schema version.
    pub(super) fn write(self, stream: &StreamName, data: &Bytes, commit: &mut Commit) {
        self.clear(stream, commit);
        let (stream, mutations) = (stream.as_str(), &mut commit.mutations);
        let key = keys::snapshot(stream, self.revision, self.schema_version);
        mutations.push(Mutation::Set(key, self.to_value()));
        for (chunk, start) in (0..).zip((0..data.len()).step_by(DATA_CHUNK_BYTES)) {
            let key = keys::snapshot_data(stream, self.revision, self.schema_version, chunk);
            let end = data.len().min(start + DATA_CHUNK_BYTES);
            mutations.push(Mutation::Set(key, data.slice(start..end)));
        }
    }

    /// Removes the snapshot.
    pub(super) fn clear(self, stream: &StreamName, commit: &mut Commit) {
        let stream = stream.as_str();
        let key = keys::snapshot(stream, self.revision, self.schema_version);
        let data = keys::snapshot_chunks(stream, self.revision, self.schema_version);
        commit.mutations.push(Mutation::Clear(key));
        commit.mutations.push(Mutation::ClearRange(data));
    }

    /// Reads the snapshot's data.
    pub(super) async fn data(self, stream: &StreamName, snapshot: &dyn EngineSnapshot) -> Result<Bytes> {
        let range = keys::snapshot_chunks(stream.as_str(), self.revision, self.schema_version);
        let mut pages = Pages::new(range, Direction::Forwards, PageLimit::NONE);
        let mut data = BytesMut::new();
        while let Some(page) = pages.next(snapshot).await? {
            for entry in page.entries {
                data.put_slice(&entry.value);
            }
        }
        if data.len() == self.bytes as usize {
            Ok(data.freeze())
        } else {
            Err(Malformed("snapshot: data is missing").into())
        }
    }
}

/// A stream's snapshots at one moment, the latest first.
#[derive(Debug)]
pub(super) struct Kept {
    /// Number of changes so far, as it is stored.
    changes: Option<Bytes>,
    pub headers: Vec<Header>,
}

impl Kept {
    /// Reads all snapshots of a stream.
    pub(super) async fn read(stream: &StreamName, snapshot: &dyn EngineSnapshot) -> Result<Self> {
        let mut range = keys::snapshots(stream.as_str());
        let page_of = |range| Read::range(range, Direction::Backwards, PageLimit::entries(PAGE_ENTRIES));
        let changes = Read::Get(keys::snapshots_changed(stream.as_str()));
        let mut pages = snapshot
            .read(vec![changes, page_of(range.clone())])
            .await?
            .into_iter();
        let changes = pages.next().and_then(annals_engine::Page::into_value);
        let mut headers = Vec::new();
        while let Some(page) = pages.next() {
            for entry in &page.entries {
                headers.push(Header::parse(&entry.key, &entry.value)?);
            }
            if let Some(rest) = page.rest_of(range.clone(), Direction::Backwards) {
                range = rest;
                pages = snapshot.read(vec![page_of(range.clone())]).await?.into_iter();
            }
        }
        Ok(Self { changes, headers })
    }

    /// Prepares a commit that changes them: it fails if another client changed them meanwhile.
    pub(super) fn change(&self, stream: &StreamName, commit: Commit) -> Result<Commit> {
        let key = keys::snapshots_changed(stream.as_str());
        let count: u64 = match &self.changes {
            None => 0,
            Some(value) => value[..]
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| Malformed("snapshot: changes"))?,
        };
        let next = Bytes::copy_from_slice(&count.wrapping_add(1).to_be_bytes());
        Ok(commit.check(key.clone(), self.changes.clone()).set(key, next))
    }
}
