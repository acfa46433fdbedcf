//! Clients in several languages against one server: the cases of `interop/cases`, one order that goes from language to
//! language, and programs in languages without a client. `scripts/clients` runs them with every client.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod cases;
mod orders;
mod stubs;
