//! The end of a simulation: after all faults have ended, every store is read in every way, before and after it is
//! reopened.

use std::{sync::Arc, time::Duration};

use annals_store::{Append, ContentType, EventType, Expected, NewEvent, StreamName};
use bytes::Bytes;

use super::{
    convert::append_answer,
    looks, reader, state,
    world::{Running, World},
};
use crate::checker::{Filter, Look, Observed, ReadRequest, Sent, StreamFacts, Target};

/// Time for the indexers to finish, and pause between attempts while waiting.
const REST: Duration = Duration::from_secs(10);
/// Streams in a page of the listing.
const PAGE: usize = 3;

/// The log at the end, or `None` with a failure recorded.
pub(super) async fn run(world: &Arc<World>) -> Option<Vec<Observed>> {
    world.hub.calm();
    while world.hub.has_late_commits() {
        tokio::time::sleep(REST).await;
    }
    for node in 0..world.plan.stores {
        if world.running(node).is_none() {
            world.open(node).await;
        }
        // A store alone on its engine notices a late commit when it next appends.
        mark(world, node).await?;
    }
    state::resolve(world).await?;
    tokio::time::sleep(REST).await;
    state::look_at_all(world).await?;
    let log = look_at_all(world, None).await?;
    world.set_last(log.len() as u64);
    for node in 0..world.plan.stores {
        world.close(node).await;
        world.open(node).await;
    }
    state::look_at_all(world).await?;
    let again = look_at_all(world, Some(&log)).await?;
    (log == again).then_some(log).or_else(|| {
        world.fail("the log differs after the stores were reopened");
        None
    })
}

/// Appends a last event.
async fn mark(world: &World, node: usize) -> Option<()> {
    let running = world.running(node)?;
    let event = NewEvent {
        id: uuid::Builder::from_random_bytes([node as u8 + 1; 16]).into_uuid(),
        kind: EventType::new("Settled").ok()?,
        data: bytes::Bytes::new(),
        metadata: bytes::Bytes::new(),
        tags: Vec::new(),
        content_type: ContentType::default(),
        unknown: Bytes::new(),
    };
    let sent = Sent::from(&event);
    let stream = StreamName::new(&format!("settled-{node}")).ok()?;
    let call = world
        .history
        .lock()
        .append(stream.as_str(), Expected::Any.into(), vec![sent]);
    let append = Append::new(stream, Expected::Any, vec![event], running.store.limits()).ok()?;
    let result = running
        .call(world, "the last append", running.store.append(append))
        .await?;
    if let Err(error) = &result {
        world.fail(format!("without any fault store {node} does not append: {error}"));
    }
    world.history.lock().append_answered(call, append_answer(&result));
    result.ok().map(|_| ())
}

/// Reads everything through every store, and compares.
async fn look_at_all(world: &World, known: Option<&[Observed]>) -> Option<Vec<Observed>> {
    let mut first = known.map(<[Observed]>::to_vec);
    for node in 0..world.plan.stores {
        let running = world.running(node)?;
        let log = read(world, &running, Target::Log, false).await?;
        first.get_or_insert(log);
        read(world, &running, Target::Log, true).await?;
        for name in listed(world, &running).await? {
            read(world, &running, Target::Stream(name.clone()), false).await?;
            read(world, &running, Target::Stream(name.clone()), true).await?;
            told(world, &running, Look::Stream(name)).await?;
        }
    }
    first
}

async fn read(world: &World, running: &Running, target: Target, backwards: bool) -> Option<Vec<Observed>> {
    let request = ReadRequest {
        target,
        backwards,
        from: None,
        limit: None,
        filter: Filter::default(),
    };
    let events = reader::read(world, running, request.clone(), None).await;
    if events.is_none() {
        world.fail(format!(
            "without any fault store {} does not respond to {request:?}",
            running.node
        ));
    }
    events
}

/// The names of all streams, page by page.
async fn listed(world: &World, running: &Running) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let look = Look::List {
            prefix: String::new(),
            after: names.last().cloned(),
            limit: PAGE,
        };
        let page = told(world, running, look).await?;
        let full = page.len() == PAGE;
        names.extend(page.into_iter().map(|stream| stream.name));
        if !full {
            return Some(names);
        }
    }
}

async fn told(world: &World, running: &Running, look: Look) -> Option<Vec<StreamFacts>> {
    let told = looks::look(world, running, look.clone()).await;
    if told.is_none() {
        world.fail(format!(
            "without any fault store {} does not respond to {look:?}",
            running.node
        ));
    }
    told
}
