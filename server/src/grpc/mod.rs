//! gRPC: converts requests to the store's types, and its results to messages.
//!
//! The folders, lowest first; each uses those before it, which a test of the tree checks:
//!
//! - `response`: converts the store's results to messages of the protocol.
//! - `status`: the reasons why a call fails, and the status of each; no other module maps errors.
//! - `wire`: messages in their encoding: the codec, appends as they arrive, responses as bytes.
//! - `generated`: the service traits.
//! - `request`: checks every field once, and parses it into the store's types.
//! - `calls`: the calls of every service.
//! - `transport`: serves the calls on connections: their limits, routing and health.

mod calls;
mod generated;
mod request;
mod response;
mod status;
mod transport;
mod wire;

pub(crate) use calls::EventStore;
pub(crate) use generated::internal;
pub(crate) use request::MESSAGE_APPENDS_MAX;
pub(crate) use response::{expected, state_change, state_check, timestamp};
pub(crate) use transport::{Connections, Health, ServedGroups, refuse, serve};
#[cfg(test)]
pub(crate) use {
    request::forwarded_append,
    status::{Refusal, to_rpc},
};
