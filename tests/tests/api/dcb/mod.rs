//! Dynamic consistency boundaries: the specification, rule by rule, and its examples, as programs that decide on the
//! events they read, and append on the condition that these are still current. All on every engine, over the wire.
//!
//! - `specification`: each rule of <https://dcb.events/specification/> as a test.
//! - `courses`, `usernames`, `invoices`, `sign_ups`, `prices`: the examples of <https://dcb.events/examples/>, with
//!   their cases, and each with many clients at once.
//! - `store`: the operations of the store that such a program needs; the others use nothing else.

mod courses;
mod invoices;
mod prices;
mod sign_ups;
mod specification;
mod store;
mod usernames;
