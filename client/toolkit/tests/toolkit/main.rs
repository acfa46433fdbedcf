//! The toolkit against real servers: aggregates, decisions, projections and process managers.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

mod checkpoints;
mod deciders;
mod decisions;
mod domain;
mod places;
mod postgres;
mod processes;
mod projections;
mod readme;
mod repositories;
mod state;
