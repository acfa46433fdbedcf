//! The indexes on disk: projections of the log, complete up to the position `indexed`. What lies behind it is indexed by
//! the tail.

mod entries;
mod entry;
mod indexer;
pub(crate) mod postings;
#[cfg(test)]
mod tests;

pub(crate) use entry::{
    last_minute, minutes, names, parse_indexed, parse_name, parse_request, put_name, put_request,
};
pub(crate) use indexer::{run, write};
pub(crate) use postings::{Postings, decode};
