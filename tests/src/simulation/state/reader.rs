//! A client that reads state: single entries, and pages of entries.

use std::{sync::Arc, time::Duration};

use annals_store as store;
use annals_store::{ListState, StateKey};
use rand::{Rng, rngs::StdRng};

use super::draw;
use crate::{
    checker::state::{StateEntry, StatePage, StateRead},
    simulation::{
        coverage::Event,
        world::{Running, World},
    },
};

pub(super) async fn run(world: Arc<World>, number: u64) {
    let mut rng = world.plan.rng("state reader", number);
    for _ in 0..world.plan.state.reads {
        let ms = rng.random_range(0..300);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let Some(running) = world.any(&mut rng).await else {
            return;
        };
        read_any(&world, &running, &mut rng).await;
    }
}

pub(super) async fn read_any(world: &World, running: &Running, rng: &mut StdRng) {
    let (scope, key) = draw::name(&world.plan, rng);
    let request = if rng.random_bool(0.5) {
        StateRead::Get { scope, key }
    } else {
        StateRead::List {
            scope,
            prefix: ["", "", "a", "b"][rng.random_range(0..4)].to_owned(),
            after: rng.random_bool(0.3).then_some(key),
            limit: rng.random_range(1..6),
        }
    };
    read(world, running, request).await;
}

/// Reads, records the response, and returns it.
pub(super) async fn read(world: &World, running: &Running, request: StateRead) -> Option<StatePage> {
    let call = world.history.lock().state_read(request.clone());
    let (result, scope) = match request {
        StateRead::Get { scope, key } => {
            world.coverage.count(Event::StateGet);
            let name = draw::entry_name(&scope, &key);
            let found = running
                .call(world, "an entry", running.store.state(&name))
                .await?;
            let page = found.map(|(entry, version)| StatePage {
                entries: entry.iter().map(StateEntry::from).collect(),
                has_more: false,
                version,
            });
            (page, scope)
        }
        StateRead::List {
            scope,
            prefix,
            after,
            limit,
        } => {
            world.coverage.count(Event::StateList);
            let list = ListState {
                scope: draw::scope_name(&scope),
                prefix,
                after: after.map(|after| StateKey::new(&after).expect("a plain key is valid")),
                limit,
            };
            let listed = running
                .call(world, "a page of entries", running.store.list_state(&list))
                .await?;
            let page = listed.map(|page| StatePage {
                entries: page.entries.iter().map(StateEntry::from).collect(),
                has_more: page.has_more,
                version: page.version,
            });
            (page, scope)
        }
    };
    match result {
        Ok(page) => {
            for entry in &page.entries {
                world.state.see(&scope, entry);
            }
            world.history.lock().state_read_answered(call, page.clone());
            Some(page)
        }
        Err(error) => {
            world.judge(running.node, &error);
            None
        }
    }
}

impl From<&store::StateEntry> for StateEntry {
    fn from(entry: &store::StateEntry) -> Self {
        Self {
            key: entry.key.as_str().to_owned(),
            value: String::from_utf8_lossy(&entry.value).into_owned(),
            version: entry.version,
            changed_at: entry.changed_at.micros,
        }
    }
}
