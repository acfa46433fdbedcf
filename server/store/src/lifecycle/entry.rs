//! Encoding of stream settings in the index.
//!
//! ```text
//! l <stream>  -> layout 1 byte, 1 | version 8 bytes | position 8 bytes, of the event that set it | its data
//! ```

use annals_engine::{Direction, PageLimit, Pages, Snapshot};
use bytes::{BufMut, Bytes, BytesMut};

use super::{Lifecycle, Marked};
use crate::{
    format::{
        keys,
        wire::{Malformed, Parsed},
    },
    model::error::Result,
    values::{name::StreamName, position::Position},
};

const LAYOUT: u8 = 1;

/// Number of entries loaded at a time.
const PAGE_ENTRIES: usize = 10_000;

pub(crate) fn value(marked: &Marked) -> Bytes {
    let data = marked.lifecycle.to_json();
    let mut value = BytesMut::with_capacity(17 + data.len());
    value.put_u8(LAYOUT);
    value.put_u64(marked.version);
    value.put_u64(marked.position.0);
    value.put_slice(&data);
    value.freeze()
}

pub(crate) fn parse(value: &[u8]) -> Parsed<Marked> {
    let short = Malformed("index: settings of a stream");
    let fields = value.strip_prefix(&[LAYOUT]).ok_or(short)?;
    let (version, rest) = fields.split_first_chunk().ok_or(short)?;
    let (position, data) = rest.split_first_chunk().ok_or(short)?;
    Ok(Marked {
        lifecycle: Lifecycle::from_json(data)?,
        version: u64::from_be_bytes(*version),
        position: Position(u64::from_be_bytes(*position)),
        last: None,
    })
}

/// Loads all stored settings.
pub(crate) async fn load(snapshot: &dyn Snapshot) -> Result<Vec<(StreamName, Marked)>> {
    let limit = PageLimit::entries(PAGE_ENTRIES);
    let mut pages = Pages::new(keys::lifecycles(), Direction::Forwards, limit);
    let mut loaded = Vec::new();
    while let Some(page) = pages.next(snapshot).await? {
        for entry in page.entries {
            let name = keys::parse_lifecycle(&entry.key).ok_or(Malformed("index: key of a lifecycle"))?;
            loaded.push((StreamName::trusted(name), parse(&entry.value)?));
        }
    }
    Ok(loaded)
}
