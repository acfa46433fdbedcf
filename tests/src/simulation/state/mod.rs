//! Clients that write, read and follow state, on few scopes and keys, so that they often meet.

mod draw;
mod known;
mod reader;
mod settle;
mod subscriber;
mod writer;

pub(super) use draw::Parts;
pub(super) use known::Known;
pub(super) use settle::{look_at_all, resolve};
pub(super) use writer::failed;

use std::sync::Arc;

use tokio::task::JoinSet;

use super::world::World;

/// Starts the clients that write and read.
pub(super) fn spawn_clients(world: &Arc<World>, clients: &mut JoinSet<()>) {
    for number in 0..world.plan.state.writers {
        clients.spawn(writer::run(Arc::clone(world), number));
    }
    for number in 0..world.plan.state.readers {
        clients.spawn(reader::run(Arc::clone(world), number));
    }
}

/// Starts the clients that subscribe.
pub(super) fn spawn_subscribers(world: &Arc<World>, subscribers: &mut JoinSet<()>) {
    for number in 0..world.plan.state.subscribers {
        subscribers.spawn(subscriber::run(Arc::clone(world), number));
    }
}
