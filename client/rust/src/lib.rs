//! Client for Annals, an event store: idempotent appends, reads, and subscriptions that survive broken connections.
//!
//! # A tour
//!
//! ```no_run
//! use annals_client::{Client, Error, Event, ExpectedRevision, QueryItem, SubscriptionItem};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct OrderPlaced { customer: u32, total: u32 }
//!
//! # async fn tour() -> Result<(), Error> {
//! // No connection is opened yet: the first call connects, and calls reconnect after a broken connection.
//! let client = Client::new("http://127.0.0.1:2113")?;
//!
//! // Append if the stream is in the state that the decision assumed.
//! let placed = Event::json("OrderPlaced", &OrderPlaced { customer: 7, total: 42 })?.with_tag("customer:7");
//! match client.append("order-1", ExpectedRevision::NoStream, [placed]).await {
//!     Ok(appended) => println!("at revision {}", appended.last_revision),
//!     // Another client appended first: read again, decide again.
//!     Err(Error::RevisionConflict { actual, .. }) => println!("the stream is at {actual:?}"),
//!     Err(error) => return Err(error),
//! }
//!
//! // Read a stream.
//! let mut events = client.read_stream("order-1").await?;
//! while let Some(event) = events.next().await {
//!     let event = event?;
//!     println!("{} {} {:?}", event.revision, event.event_type, event.data);
//! }
//!
//! // Follow the log after the last position that was handled: first stored events, then new ones.
//! let mut subscription = client.subscribe_all().after(0).query(QueryItem::new().in_stream_prefix("order-")).await?;
//! while let Some(item) = subscription.next().await {
//!     match item? {
//!         SubscriptionItem::Event(event) => println!("{} {}", event.position, event.event_type),
//!         SubscriptionItem::CaughtUp { position, .. } => println!("caught up at {position}"),
//!         // Store the position with what the projection wrote: resuming after it is safe.
//!         SubscriptionItem::Checkpoint { position, .. } => println!("nothing that matches up to {position}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # What to use
//!
//! | to | use |
//! |---|---|
//! | append events of a decision that depends on one stream | [`Client::append`] |
//! | append to several streams, or on conditions over several streams or a query | [`Client::append_to_many`] |
//! | append many events in order, with many appends in flight | [`Client::append_pipeline`] |
//! | load an aggregate | [`Client::read_stream`] |
//! | read the log once | [`Client::read_all`] |
//! | read a past state | [`Read::until_time`], [`Read::until_revision`], [`Read::until_position`], [`Client::position_at_time`] |
//! | load a long stream faster | [`Client::load_snapshot`], [`Client::save_snapshot`] |
//! | keep a projection up to date, react to events | [`Client::subscribe_all`], [`Client::subscribe_stream`] |
//! | limit how much of a stream is kept | [`Client::set_retention`], [`Client::retention`] |
//! | limit how much is kept per stream prefix | [`Client::set_prefix_retention`], [`Client::prefix_retentions`] |
//! | delete a stream, or delete it permanently | [`Client::delete_stream`], [`Client::tombstone_stream`] |
//! | reclaim the space of removed events | [`Client::start_scavenge`], [`Client::scavenge`] |
//! | keep documents beside the log | [`Client::get_state`], [`Client::list_state`], [`Client::write_state`], [`Client::update_state`], [`Client::subscribe_state`] |
//! | report how far a consumer has come, or see how far each has | [`Client::set_checkpoint`], [`Client::list_checkpoints`] |
//! | share the work of processing events between consumers | [`Client::create_group`], [`Client::consume`] |
//! | watch and repair a consumer group | [`Client::describe_group`], [`Client::list_parked`], [`Client::replay_parked`], [`Client::reset_group`] |
//! | move a log to another store | [`Client::export`], [`Client::import`] |
//! | inspect streams and the server | [`Client::list_streams`], [`Client::stream_info`], [`Client::server_info`] |
//!
//! # Failure handling
//!
//! - A call that failed for a transient reason (no connection, a server that is shutting down or overloaded) is
//!   retried on the next endpoint, then with growing pauses, until its deadline: 10 s unless
//!   [`ClientBuilder::timeout`] or [`Client::with_timeout`] sets another. [`RetryPolicy`] bounds it further.
//! - Appends are retried as well: an [`Event`] gets its id when it is created, so a retry writes nothing twice.
//! - An append rejected because of the state of the store ([`Error::RevisionConflict`], [`Error::ChecksFailed`]) is
//!   never retried: read again and make a new decision.
//! - Subscriptions resume after the last event or checkpoint they received, without gap or duplicate, for as long as
//!   it takes (or [`Subscribe::reconnect_timeout`]).
//! - Reads resume after the last event received, and end where they would have ended.
//! - A value that JSON can't represent ([`Error::InvalidValue`]) is rejected before anything is sent; see [`json`].
//!
//! Dropping a future or a stream cancels its call.
//!
//! # Several servers
//!
//! Give the [builder](ClientBuilder::endpoints) all servers of a store. A client uses one of them, chosen at random
//! to spread the load. It fails over to the next when that one can't be reached, reports that it is shutting down or
//! can't serve, or sends nothing at all for [5 s](ClientBuilder::keepalive_timeout). It fails back to its first
//! endpoint when that [answers again](ClientBuilder::return_after). Every kind of call continues on the new endpoint:
//! unary calls and pipelines are resent with the same event ids, reads and subscriptions resume after the last event
//! received. When all endpoints have failed, the client pauses before it tries them again: 50 ms, then twice as long
//! each time up to 2 s, less a random part. An error that every server would return (a conflict, an invalid field) is
//! returned at once.

mod append;
mod append_to_many;
mod builder;
mod checkpoint;
mod client;
mod connection;
mod consume;
mod endpoint;
mod error;
mod event;
mod group;
mod home;
pub mod json;
mod pipeline;
mod position;
mod prefix_retention;
mod query;
mod read;
mod retention;
mod retry;
mod scavenge;
mod server;
mod snapshot;
mod state;
mod status;
mod stream;
mod subscription;
mod target;
mod transfer;

pub use append::{Appended, ExpectedRevision};
pub use append_to_many::{Append, AppendedToMany, WrittenStream};
pub use builder::ClientBuilder;
pub use checkpoint::{CheckpointPage, CheckpointStatus, ListCheckpoints, NamedCheckpoint, SetCheckpoint};
pub use client::Client;
pub use consume::{Consume, Delivery, Settlement};
pub use error::{Error, FailedCheck, FieldViolation, Found, Result, Unavailability};
pub use event::{Event, RecordedEvent};
pub use group::{
    ConsumerStatus, Group, GroupMode, GroupSettings, GroupStart, GroupStatus, Groups, ParkedEvent,
    ParkedEvents, ParkedSelection,
};
pub use jiff::Timestamp;
pub use pipeline::{AppendPipeline, PendingAppend, PipelineLimits};
pub use position::{Position, Revision};
pub use prefix_retention::PrefixRetention;
pub use query::{Direction, Query, QueryItem};
pub use read::{Events, Read};
pub use retention::{Deleted, Retention, RetentionInfo, Tombstoned};
pub use retry::RetryPolicy;
pub use scavenge::{Scavenge, ScavengeState};
pub use server::{Limits, ServerInfo};
pub use snapshot::{LoadSnapshot, SaveSnapshot, Snapshot};
pub use state::{
    ListState, StateEntry, StateItem, StatePage, StateSubscription, StateWrite, StateWritten, SubscribeState,
};
pub use stream::{StreamInfo, Streams};
pub use subscription::{Subscribe, Subscription, SubscriptionItem};
pub use target::{OneStream, WholeLog};
pub use transfer::{Export, TransferAppend, TransferGap, TransferPart, TransferState, TransferStream};
pub use uuid::{Error as UuidError, Uuid};
