//! Event sourcing and CQRS with Annals: building blocks for applications, on top of [`annals_client`].
//!
//! | to | use |
//! |---|---|
//! | define event types with versions and upcasters | [`DomainEvent`] |
//! | decide on one entity by its own events | [`Aggregate`], [`Repository`] |
//! | the same with functions (`decide`, `evolve`, `initial`) | [`Decider`], [`CommandHandler`] |
//! | decide on all events that match a query | [`DecisionModel`], [`Decisions`] |
//! | keep a read model up to date | [`Projection`], [`Projections`], [`store`] |
//! | react to events with commands | [`ProcessManager`] |
//! | propagate correlation, causation, user and trace | [`metadata`] |
//! | test rules without a server, and applications with one | `testing` |
//!
//! Cargo features: `sqlite` and `postgres` for read models in these databases (with sqlx 0.9), `testing` for
//! `[dev-dependencies]`. None is on by default; [`store::state`] and [`store::memory`] need none. The toolkit is a
//! separate crate, so that applications that only append and subscribe need not compile it.
//!
//! Event types, metadata keys, command tags and ids are the same in the toolkits of all languages, so that programs
//! in several languages can share streams.

pub mod aggregate;
mod command;
pub mod decider;
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
pub use decider::{CommandHandler, Decider, Evolved};
pub use decision::{Decided, DecisionModel, Decisions, To};
pub use error::{CommandError, ReadError};
pub use projection::{ProcessManager, Projection, Projections, RunningProjections};
pub use repository::{Repository, Snapshots};
pub use schema::{DomainEvent, Schema, SchemaError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sqlx;
