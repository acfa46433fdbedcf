//! Dynamic consistency boundaries: the specification, rule by rule, and its examples, as programs that decide on what they
//! read and append on the condition that it is still so. All on every engine, over the wire.
//!
//! - `specification`: each rule of <https://dcb.events/specification/> as a test.
//! - `courses`, `usernames`, `invoices`, `sign_ups`, `prices`: the examples of <https://dcb.events/examples/>, with their
//!   cases, and each with many clients at once.
//! - `store`: what a program needs of the store for that, which is all that the others use.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should say where")]

mod courses;
mod invoices;
mod prices;
mod sign_ups;
mod specification;
mod store;
mod usernames;
