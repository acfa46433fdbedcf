//! The origin of a moved log.
//!
//! ```text
//! o -> version 1 byte, 1 | source 16 bytes, the identity of the store | position 8 bytes | finished 1 byte, 0 or 1
//! ```
//!
//! Every commit of an import moves `position` together with the head. If the two differ, other events were appended,
//! and the log is no longer a prefix of the source's log.

use annals_engine::{Engine, Page, Read};
use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::{
    format::{
        keys,
        wire::{Malformed, Parsed},
    },
    model::{
        error::{Error, Result},
        head::Head,
    },
    values::position::Position,
};

const VERSION: u8 = 1;

/// Source of a moved log, and how far it was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Identity of the source store.
    pub source: Uuid,
    /// Position up to which the log was moved.
    pub position: Position,
    /// Whether everything that belongs to the log up to that position has arrived.
    pub finished: bool,
}

impl Origin {
    pub(super) fn to_value(self) -> Bytes {
        let mut value = BytesMut::with_capacity(26);
        value.put_u8(VERSION);
        value.put_slice(self.source.as_bytes());
        value.put_u64(self.position.0);
        value.put_u8(u8::from(self.finished));
        value.freeze()
    }

    fn parse(value: &[u8]) -> Parsed<Self> {
        let malformed = Malformed("origin: malformed");
        let fields = value.strip_prefix(&[VERSION]).ok_or(malformed)?;
        let (source, rest) = fields.split_first_chunk::<16>().ok_or(malformed)?;
        let (position, rest) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        let finished = match rest {
            [0] => false,
            [1] => true,
            _ => return Err(malformed),
        };
        Ok(Self {
            source: Uuid::from_bytes(*source),
            position: Position(u64::from_be_bytes(*position)),
            finished,
        })
    }
}

/// Reads the origin as it is stored, and the head at the same moment.
pub(super) async fn read(engine: &dyn Engine) -> Result<(Option<Origin>, Head)> {
    let reads = vec![Read::Get(keys::origin()), Read::Get(keys::head())];
    let mut pages = engine.snapshot().await?.read(reads).await?.into_iter();
    let mut value = || pages.next().and_then(Page::into_value);
    let origin = value().map(|value| Origin::parse(&value)).transpose()?;
    let head = Head::from_value(value().as_deref())?;
    Ok((origin, head))
}

/// Whether a log is being moved to this store and has not completely arrived.
pub(crate) async fn is_unfinished(engine: &dyn Engine) -> Result<bool> {
    let (origin, _) = read(engine).await?;
    Ok(origin.is_some_and(|origin| !origin.finished))
}

/// Checks that a log of the store `source` can be moved here. Returns the origin if a part of the log is here
/// already.
pub(super) fn check(origin: Option<Origin>, head: Position, source: Uuid) -> Result<Option<Origin>> {
    let refused = |reason: String| Err(Error::MoveRefused(reason));
    match origin {
        None if head > Position::START => refused(format!(
            "this store has events up to position {head}; a log can only be moved to an empty store"
        )),
        Some(origin) if origin.source != source => refused(format!(
            "this store holds the log of store {}, but the export is of store {source}; move it to an empty store",
            origin.source
        )),
        Some(origin) if origin.position != head => refused(format!(
            "other events were appended here after position {}, where the moved log ended; move it to an empty store",
            origin.position
        )),
        origin => Ok(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_comes_back_and_a_damaged_one_is_refused() {
        for finished in [false, true] {
            let origin = Origin {
                source: Uuid::from_u128(7),
                position: Position(9),
                finished,
            };
            let value = origin.to_value();
            assert_eq!(Origin::parse(&value), Ok(origin));
            for cut in 0..value.len() {
                assert!(Origin::parse(&value[..cut]).is_err());
            }
        }
    }
}
