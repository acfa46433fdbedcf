//! The indexes on disk: projections of the log, complete up to the position `indexed`. Events after `indexed` are
//! indexed in memory by the tail.

pub(crate) mod entries;
pub(crate) mod entry;
pub(crate) mod postings;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use entry::{
    last_minute, minutes, names, parse_indexed, parse_name, parse_request, put_name, put_request,
};
pub(crate) use postings::{Postings, decode};
pub(crate) use window::{NewStream, Request, StreamRun, Window};
