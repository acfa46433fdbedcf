//! Client for Annals, an event store: appends that are never written twice, reads, and subscriptions that survive broken
//! connections.
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
//! // Nothing is connected yet: that happens at the first call, and again whenever a connection broke.
//! let client = Client::new("http://127.0.0.1:2113")?;
//!
//! // Append, if the stream is as the decision assumed.
//! let placed = Event::json("OrderPlaced", &OrderPlaced { customer: 7, total: 42 })?.with_tag("customer:7");
//! match client.append("order-1", ExpectedRevision::NoStream, [placed]).await {
//!     Ok(appended) => println!("at revision {}", appended.last_revision),
//!     // Somebody was faster: read again, decide again.
//!     Err(Error::RevisionConflict { actual, .. }) => println!("the stream is at {actual:?}"),
//!     Err(error) => return Err(error),
//! }
//!
//! // Read a stream.
//! let mut events = client.read_stream("order-1").await?;
//! while let Some(event) = events.next().await {
//!     let event = event?;
//!     println!("{} {} {:?}", event.revision, event.kind, event.data);
//! }
//!
//! // Follow the log after the last position that was handled: what there is, then what comes.
//! let mut subscription = client.subscribe_all().after(0).query(QueryItem::new().in_stream_prefix("order-")).await?;
//! while let Some(item) = subscription.next().await {
//!     match item? {
//!         SubscriptionItem::Event(event) => println!("{} {}", event.position, event.kind),
//!         SubscriptionItem::CaughtUp { position } => println!("caught up at {position}"),
//!         // Store the position with what the projection wrote: resuming after it is safe.
//!         SubscriptionItem::Checkpoint { position } => println!("nothing that matches up to {position}"),
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
//! | append what a decision led to that rests on one stream | [`Client::append`] |
//! | append to several streams, or what rests on several or on a query | [`Client::append_all`] |
//! | append much, in order, with many appends in flight | [`Client::append_session`] |
//! | load an aggregate | [`Client::read_stream`] |
//! | look at the log once | [`Client::read_all`] |
//! | see how it was | [`Read::until_time`], [`Read::until_revision`], [`Client::position_at`] |
//! | load a long stream sooner | [`Client::load_snapshot`], [`Client::save_snapshot`] |
//! | keep a projection up to date, react | [`Client::subscribe_all`], [`Client::subscribe_stream`] |
//! | say how much of a stream is kept | [`Client::set_retention`], [`Client::retention`] |
//! | the same for all streams of a prefix | [`Client::set_prefix_retention`], [`Client::prefix_retentions`] |
//! | delete a stream, or delete it for ever | [`Client::delete_stream`], [`Client::tombstone_stream`] |
//! | reclaim the space of what is gone | [`Client::start_scavenge`], [`Client::scavenge`] |
//! | move a log to another store | [`Client::export`], [`Client::import`] |
//! | see what there is | [`Client::list_streams`], [`Client::stream_info`], [`Client::server_info`] |
//!
//! # What it does about failures
//!
//! - A call that failed for a passing reason (no connection, a server that stops or is overloaded) is tried again on the
//!   next endpoint, then after growing pauses, until its deadline: 10 s unless [`ClientBuilder::timeout`] or
//!   [`Client::with_timeout`] says otherwise. [`RetryPolicy`] bounds it further.
//! - Appends are tried again as well: an [`Event`] has its id from the moment it is made, and the store writes an id once.
//! - A refusal because of what is in the store ([`Error::RevisionConflict`],
//!   [`Error::ChecksFailed`]) is never tried again: decide anew.
//! - Subscriptions resume after the last event or checkpoint they received, without gap or duplicate, for as long as it
//!   takes (or [`Subscribe::give_up_after`]).
//! - Reads resume behind the last event that came, and end where they would have ended.
//! - A value that JSON can't hold ([`Error::InvalidValue`]) is refused before anything is sent; see [`json`].
//!
//! Dropping a future or a stream cancels its call.
//!
//! # Several servers
//!
//! Give the [builder](ClientBuilder::endpoints) all servers of a store. A client stays with one of them, drawn at random
//! so that clients spread, and goes on with the next when that one can't be reached, says that it stops or can't serve, or
//! says nothing at all for [5 s](ClientBuilder::dead_after); and back to the first when that
//! [answers again](ClientBuilder::return_after). Every kind of call goes on there: unary calls and sessions
//! are sent again with the same event ids, reads and subscriptions begin behind the last event that came. When all have
//! failed, it pauses before it goes round again: 50 ms, then twice as long each time up to 2 s, less a random part.
//! A refusal that every server would give (a conflict, a bad field) is an error at once.

mod append;
mod append_all;
mod builder;
mod client;
mod connection;
mod endpoint;
mod error;
mod event;
mod home;
pub mod json;
mod prefix_retention;
mod query;
mod read;
mod retention;
mod retry;
mod scavenge;
mod server;
mod session;
mod snapshot;
mod status;
mod stream;
mod subscription;
mod transfer;

pub use append::{Appended, ExpectedRevision};
pub use append_all::{Append, AppendedAll, WrittenStream};
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{Error, FailedCheck, FieldViolation, Found, Result, Unavailability};
pub use event::{Event, RecordedEvent};
pub use jiff::Timestamp;
pub use prefix_retention::PrefixRetention;
pub use query::{Direction, Query, QueryItem};
pub use read::{Events, Read};
pub use retention::{Deleted, Retention, RetentionInfo, Tombstoned};
pub use retry::RetryPolicy;
pub use scavenge::{Scavenge, ScavengeState};
pub use server::{Limits, ServerInfo};
pub use session::{AppendSession, PendingAppend, SessionLimits};
pub use snapshot::{LoadSnapshot, SaveSnapshot, Snapshot};
pub use stream::{StreamInfo, Streams};
pub use subscription::{Subscribe, Subscription, SubscriptionItem};
pub use transfer::{Export, TransferAppend, TransferGap, TransferPart, TransferStream};
pub use uuid::{Error as UuidError, Uuid};
