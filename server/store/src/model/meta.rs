//! Metadata of the store: its format and its identity.
//!
//! ```text
//! m -> format 1 byte, 1 | id 16 bytes
//! ```

use annals_engine::{Commit, Engine, Error as EngineError};
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{
    format::keys,
    model::error::{Error, Result},
};

/// The format that this version reads and writes.
const FORMAT: u8 = 1;

/// Returns the store's identity. The first server that opens the store creates it.
pub(crate) async fn open(engine: &dyn Engine, new_id: Uuid) -> Result<Uuid> {
    loop {
        let stored = engine.snapshot().await?.get(keys::meta()).await?;
        if let Some(value) = stored {
            return parse(&value);
        }
        let commit = Commit::durable()
            .check(keys::meta(), None)
            .set(keys::meta(), value(new_id));
        match engine.commit(commit).await {
            // Read it again: the first server decides.
            Ok(()) | Err(EngineError::Conflict | EngineError::MaybeCommitted(_) | EngineError::TooOld) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Replaces the store's identity.
pub(crate) async fn renew(engine: &dyn Engine, new_id: Uuid) -> Result<Uuid> {
    loop {
        let stored = engine.snapshot().await?.get(keys::meta()).await?;
        let known = stored.as_deref().map(parse).transpose()?;
        if known == Some(new_id) {
            return Ok(new_id);
        }
        let commit = Commit::durable()
            .check(keys::meta(), stored)
            .set(keys::meta(), value(new_id));
        match engine.commit(commit).await {
            // Read it again: it may have been written.
            Ok(()) | Err(EngineError::Conflict | EngineError::MaybeCommitted(_) | EngineError::TooOld) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn value(id: Uuid) -> Bytes {
    let mut value = BytesMut::with_capacity(17);
    value.put_u8(FORMAT);
    value.put_slice(id.as_bytes());
    value.freeze()
}

fn parse(value: &[u8]) -> Result<Uuid> {
    match value.split_first() {
        Some((&FORMAT, id)) => {
            Uuid::from_slice(id).map_err(|_| Error::Corrupt("the store's identity is malformed".to_owned()))
        }
        Some((format, _)) => Err(Error::Corrupt(format!(
            "the store has format {format}, and this version reads format {FORMAT}; use the version that wrote it"
        ))),
        None => Err(Error::Corrupt("the store's identity is empty".to_owned())),
    }
}
