//! Looks up streams: one of them, or a page of their list.

use annals_store::{Error, StreamInfo, StreamName};
use rand::{Rng, rngs::StdRng};

use super::{
    coverage::Event,
    world::{Running, World},
};
use crate::checker::{Look, StreamFacts};

pub(super) async fn any(world: &World, running: &Running, rng: &mut StdRng) {
    let number = rng.random_range(0..world.plan.streams + 1);
    let look = if rng.random_bool(0.5) {
        Look::Stream(format!("order-{number}"))
    } else {
        Look::List {
            prefix: ["", "order-", "order-1"][rng.random_range(0..3)].to_owned(),
            after: rng.random_bool(0.4).then(|| format!("order-{number}")),
            limit: rng.random_range(1..6),
        }
    };
    self::look(world, running, look).await;
}

/// Performs the lookup, records the response, and returns it.
pub(super) async fn look(world: &World, running: &Running, look: Look) -> Option<Vec<StreamFacts>> {
    let call = world.history.lock().look(look.clone());
    let told = match &look {
        Look::Stream(name) => {
            world.coverage.count(Event::LookAtStream);
            let name = StreamName::new(name).expect("a plain name is valid");
            let told = running
                .call(world, "a stream", running.store.stream(&name))
                .await?;
            match told {
                Err(Error::StreamNotFound(_)) => Ok(Vec::new()),
                told => told.map(|info| vec![info]),
            }
        }
        Look::List { prefix, after, limit } => {
            world.coverage.count(Event::LookAtList);
            let after = after
                .as_ref()
                .map(|after| StreamName::new(after).expect("a plain name is valid"));
            let listed = running.store.streams(prefix, after.as_ref(), *limit);
            running.call(world, "a page of streams", listed).await?
        }
    };
    match told {
        Ok(told) => {
            let told: Vec<StreamFacts> = told.iter().map(StreamFacts::from).collect();
            world.history.lock().look_answered(call, told.clone());
            Some(told)
        }
        Err(error) => {
            world.judge(running.node, &error);
            None
        }
    }
}

impl From<&StreamInfo> for StreamFacts {
    fn from(info: &StreamInfo) -> Self {
        Self {
            name: info.name.to_string(),
            last_revision: info.last_revision.0,
            last_position: info.last_position.0,
            first_position: info.first_position.0,
            created_at: info.created_at.micros,
        }
    }
}
