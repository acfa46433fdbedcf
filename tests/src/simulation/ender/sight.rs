//! The visible state of a stream, read in several ways.

use annals_store::{
    Batch, Direction, Error, Notice, Query, QueryItem, ReadAll, ReadStream, Result, Start, Store, StreamName,
    SubscribeStream,
};
use uuid::Uuid;

/// The visible state of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    Ids(Vec<Uuid>),
    NotFound,
    Tombstoned,
}

impl Sight {
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::Ids(ids) => Self::Ids(ids.into_iter().rev().collect()),
            sight => sight,
        }
    }

    pub(super) fn of_read(read: Result<Vec<Uuid>>) -> Result<Self> {
        match read {
            Ok(ids) => Ok(Self::Ids(ids)),
            Err(Error::StreamNotFound(_)) => Ok(Self::NotFound),
            Err(Error::StreamTombstoned(_)) => Ok(Self::Tombstoned),
            Err(error) => Err(error),
        }
    }
}

fn ids(batch: &Batch) -> Result<Vec<Uuid>> {
    Ok(batch.records()?.into_iter().map(|record| record.id).collect())
}

pub(super) async fn read_stream(store: &Store, name: &StreamName, direction: Direction) -> Result<Vec<Uuid>> {
    let read = ReadStream {
        stream: name.clone(),
        direction,
        from: None,
        limit: None,
        query: Query::default(),
        until: None,
    };
    let mut reader = store.read_stream(read).await?;
    let mut found = Vec::new();
    while let Some(batch) = reader.next().await? {
        found.extend(ids(&batch)?);
    }
    Ok(found)
}

/// Reads the stream by a scan of the log, without its index.
pub(super) async fn read_log(store: &Store, name: &StreamName) -> Result<Vec<Uuid>> {
    let item = QueryItem {
        stream_prefixes: vec![name.to_string()],
        ..QueryItem::default()
    };
    let read = ReadAll {
        direction: Direction::Forwards,
        from: None,
        limit: None,
        query: Query { items: vec![item] },
        until: None,
    };
    let mut reader = store.read_all(read).await?;
    let mut found = Vec::new();
    while let Some(batch) = reader.next().await? {
        found.extend(ids(&batch)?);
    }
    Ok(found)
}

pub(super) async fn deliver(store: &Store, name: &StreamName) -> Result<Vec<Uuid>> {
    let subscribe = SubscribeStream {
        stream: name.clone(),
        start: Start::Beginning,
        query: Query::default(),
    };
    let mut subscription = store.subscribe_stream(subscribe).await?;
    let mut found = Vec::new();
    loop {
        match subscription.next().await? {
            Notice::Events(batch) => found.extend(ids(&batch)?),
            Notice::CaughtUp { .. } => return Ok(found),
            Notice::FellBehind { .. } | Notice::Checkpoint { .. } => {}
        }
    }
}
