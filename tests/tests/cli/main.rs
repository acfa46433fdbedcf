//! The command line: its commands, and logs that are exported, imported and moved to another store.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod commands;
mod export;
mod groups;
mod import;
mod moving;
