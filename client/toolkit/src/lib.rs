//! Event sourcing and CQRS with Annals: what applications are made of, on top of [`annals_client`].
//!
//! | to | use |
//! |---|---|
//! | give events types, versions, and readers of old forms | [`DomainEvent`] |
//! | decide on one entity by its own events | [`Aggregate`], [`Repository`] |
//! | decide on whatever events matter | [`DecisionModel`], [`Decisions`] |
//! | keep a read model up to date | [`Projection`], [`Projections`], [`store`] |
//! | react to events with commands | [`ProcessManager`] |
//! | let correlation, causation, user and trace flow | [`metadata`] |
//! | test rules without a server, and all of it with one | `testing` |
//!
//! Cargo features: `sqlite` and `postgres` for read models in these databases (by sqlx 0.9), `testing` for
//! `[dev-dependencies]`. None is on by default. It is a crate of its own, so that who only appends and subscribes compiles none
//! of this.
//!
//! Event types, metadata keys, command tags and ids are the same in the toolkits of all languages, so that programs in
//! several of them work on the same streams.

pub mod aggregate;
mod command;
pub mod decision;
mod error;
pub mod metadata;
pub mod projection;
pub mod repository;
pub mod schema;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use aggregate::{Aggregate, Executed, Loaded};
pub use annals_client as client;
pub use command::ConflictPolicy;
pub use decision::{Decided, DecisionModel, Decisions, To};
pub use error::{CommandError, ReadError};
pub use projection::{ProcessManager, Projection, Projections, RunningProjections};
pub use repository::{Repository, Snapshots};
pub use schema::{DomainEvent, Schema, SchemaError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sqlx;
