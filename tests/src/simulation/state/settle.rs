//! The end of a simulation for state: the outcome of every write becomes known, and every store lists the same entries.

use std::{collections::BTreeMap, sync::Arc};

use super::{reader, writer};
use crate::{
    checker::state::{StateAnswer, StateEntry, StateRead},
    simulation::{self, world::World},
};

/// Entries in a page.
const PAGE: usize = 3;

/// Retries every write whose outcome is unknown.
pub(in crate::simulation) async fn resolve(world: &Arc<World>) -> Option<()> {
    let open = std::mem::take(&mut *world.state.open.lock());
    for (number, (id, parts)) in open.into_iter().enumerate() {
        let running = world.running(number % world.plan.stores)?;
        if writer::send(world, &running, id, &parts).await == StateAnswer::Unknown {
            world.fail(format!(
                "without any fault the outcome of the write {id} is unknown"
            ));
        }
    }
    let open = std::mem::take(&mut *world.state.open_appends.lock());
    simulation::writer::resolve(world, open).await;
    world
        .state
        .open_appends
        .lock()
        .is_empty()
        .then_some(())
        .or_else(|| {
            world.fail("without any fault the outcome of an append with state is unknown");
            None
        })
}

/// Lists all scopes through every store, and compares.
pub(in crate::simulation) async fn look_at_all(world: &World) -> Option<()> {
    let mut last = BTreeMap::new();
    for number in 0..world.plan.state.scopes {
        let scope = format!("scope-{number}");
        let mut first = None;
        for node in 0..world.plan.stores {
            let listed = list(world, node, &scope).await?;
            if *first.get_or_insert_with(|| listed.clone()) != listed {
                world.fail(format!("store {node} lists other entries of {scope}: {listed:?}"));
            }
            last.insert(scope.clone(), listed.1);
        }
    }
    let before = world.state.last.lock().replace(last.clone());
    if before.is_some_and(|before| before != last) {
        world.fail("the versions of state differ after the stores were reopened");
    }
    Some(())
}

/// The entries of a scope, page by page, and its last version.
async fn list(world: &World, node: usize, scope: &str) -> Option<(Vec<StateEntry>, u64)> {
    let running = world.running(node)?;
    let mut entries: Vec<StateEntry> = Vec::new();
    loop {
        let read = StateRead::List {
            scope: scope.to_owned(),
            prefix: String::new(),
            after: entries.last().map(|entry| entry.key.clone()),
            limit: PAGE,
        };
        let Some(page) = reader::read(world, &running, read).await else {
            world.fail(format!("without any fault store {node} does not list {scope}"));
            return None;
        };
        entries.extend(page.entries);
        if !page.has_more {
            return Some((entries, page.version));
        }
    }
}
