//! Targets of reads and subscriptions, as types: each has its own options.

/// Marks a [`Read`](crate::Read) of one stream, or a [`Subscribe`](crate::Subscribe) to one. It starts at a revision.
#[derive(Debug, Clone, Copy)]
pub enum OneStream {}

/// Marks a [`Read`](crate::Read) of the log, or a [`Subscribe`](crate::Subscribe) to it. It starts at a position.
#[derive(Debug, Clone, Copy)]
pub enum WholeLog {}
