//! Scavenging.

mod rewrite;

pub(crate) use rewrite::{Rewritten, rewrite};
