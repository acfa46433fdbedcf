//! The origin of a moved log.
//!
//! ```text
//! o -> version 1 byte, 2 | source 16 bytes, the identity of the store | position 8 bytes | finished 1 byte, 0 or 1
//!      | sum 8 bytes, of the last versions of all scopes of state when the move was finished; not in version 1
//! ```
//!
//! Every commit of an import moves `position` together with the head. If the two differ, other events were appended,
//! and the log is no longer a prefix of the source's log. If the sum differs, other state was written.

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

const VERSION: u8 = 2;
/// The version without state, which was not moved then.
const WITHOUT_STATE: u8 = 1;

/// Source of a moved log, and how far it was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Identity of the source store.
    pub source: Uuid,
    /// Position up to which the log was moved.
    pub position: Position,
    /// Whether everything that belongs to the log up to that position has arrived.
    pub finished: bool,
    /// Sum of the last versions of all scopes of state when everything had arrived.
    pub state_sum: u64,
}

impl Origin {
    pub(super) fn to_value(self) -> Bytes {
        let mut value = BytesMut::with_capacity(34);
        value.put_u8(VERSION);
        value.put_slice(self.source.as_bytes());
        value.put_u64(self.position.0);
        value.put_u8(u8::from(self.finished));
        value.put_u64(self.state_sum);
        value.freeze()
    }

    fn parse(value: &[u8]) -> Parsed<Self> {
        let malformed = Malformed("origin: malformed");
        let (version, fields) = value.split_first().ok_or(malformed)?;
        let (source, rest) = fields.split_first_chunk::<16>().ok_or(malformed)?;
        let (position, rest) = rest.split_first_chunk::<8>().ok_or(malformed)?;
        let (finished, rest) = rest.split_first().ok_or(malformed)?;
        let state_sum = match (*version, rest) {
            (VERSION, sum) => u64::from_be_bytes(sum.try_into().map_err(|_| malformed)?),
            (WITHOUT_STATE, []) => 0,
            _ => return Err(malformed),
        };
        let finished = match finished {
            0 => false,
            1 => true,
            _ => return Err(malformed),
        };
        Ok(Self {
            source: Uuid::from_bytes(*source),
            position: Position(u64::from_be_bytes(*position)),
            finished,
            state_sum,
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
/// already. `state_sum`: the sum of the last versions of all scopes of state.
pub(super) fn check(
    origin: Option<Origin>,
    head: Position,
    state_sum: u64,
    source: Uuid,
) -> Result<Option<Origin>> {
    let refused = |reason: String| Err(Error::MoveRefused(reason));
    match origin {
        None if head > Position::START => refused(format!(
            "this store has events up to position {head}; a log can only be moved to an empty store"
        )),
        None if state_sum > 0 => {
            refused("this store has state; a log can only be moved to an empty store".to_owned())
        }
        Some(origin) if origin.source != source => refused(format!(
            "this store holds the log of store {}, but the export is of store {source}; move it to an empty store",
            origin.source
        )),
        Some(origin) if origin.position != head => refused(format!(
            "other events were appended here after position {}, where the moved log ended; move it to an empty store",
            origin.position
        )),
        Some(origin) if origin.finished && origin.state_sum != state_sum => refused(
            "other state was written here after the log was moved; move it to an empty store".to_owned(),
        ),
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
                state_sum: 5,
            };
            let value = origin.to_value();
            assert_eq!(Origin::parse(&value), Ok(origin));
            for cut in 0..value.len() {
                assert!(Origin::parse(&value[..cut]).is_err());
            }
            let mut older = value[..26].to_vec();
            older[0] = WITHOUT_STATE;
            let without = Origin {
                state_sum: 0,
                ..origin
            };
            assert_eq!(
                Origin::parse(&older),
                Ok(without),
                "a store of an earlier version"
            );
        }
    }
}
