//! A client that deletes and truncates its own streams, and knows what must be visible of them.

mod known;
mod sight;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annals_store::{
    Append, Appended, ContentType, Direction, Error, EventType, Expected, NewEvent, Rejection, Result,
    Retention, Revision, Store, StreamName, StreamPrefix,
};
use bytes::Bytes;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use self::{
    known::Known,
    sight::{Sight, deliver, read_log, read_stream},
};
use super::world::{Running, World};

/// Number of streams of each client.
const STREAMS: u64 = 3;
/// Number of its steps.
const STEPS: usize = 25;
/// The maximum age where one is set: a day. Clocks that are not set ahead differ by far less, so no event ever
/// exceeds it.
pub(super) const AGE_SECONDS: u64 = 86_400;
/// Attempts at one step before it counts as stuck.
const TRIES_MAX: usize = 2_000;

/// The retention of a prefix of its streams.
struct KnownPrefix {
    name: StreamPrefix,
    max_count: Option<u64>,
    aged: bool,
}

pub(super) struct Ender {
    world: Arc<World>,
    rng: StdRng,
    number: u64,
    streams: Vec<Known>,
    prefixes: Vec<KnownPrefix>,
    /// Whether a prefix ever had a maximum age. Events removed by it stay removed, whether there are any or not, so a
    /// change of a stream records what was removed before, even if it does not increase the retention.
    was_aged: bool,
    pub done: BTreeMap<&'static str, u64>,
}

pub(super) async fn run(world: Arc<World>, number: u64) -> Ender {
    let stream = |nth| {
        let name = StreamName::new(&format!("ended-{number}-{nth}"));
        Known::new(name.expect("a plain name is valid"))
    };
    let prefix = |name: String| KnownPrefix {
        name: StreamPrefix::new(&name).expect("a plain name is valid"),
        max_count: None,
        aged: false,
    };
    let mut ender = Ender {
        rng: world.plan.rng("ender", number),
        world,
        number,
        streams: (0..STREAMS).map(stream).collect(),
        // The second prefix matches one of the streams.
        prefixes: vec![
            prefix(format!("ended-{number}-")),
            prefix(format!("ended-{number}-0")),
        ],
        was_aged: false,
        done: BTreeMap::new(),
    };
    for _ in 0..STEPS {
        let ms = ender.rng.random_range(0..200);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let nth = ender.rng.random_range(0..ender.streams.len());
        ender.step(nth).await;
        if ender.rng.random_bool(0.7)
            && let Some(running) = ender.world.any(&mut ender.rng).await
        {
            // A store that is killed or does not respond shows nothing.
            ender.look(&running, nth).await;
        }
    }
    ender
}

impl Ender {
    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    async fn step(&mut self, nth: usize) {
        match self.rng.random_range(0..100) {
            0..=44 => self.append(nth).await,
            45..=54 => self.retry(nth).await,
            55..=69 => self.delete(nth).await,
            70..=84 => self.keep(nth).await,
            85..=96 => self.keep_prefix().await,
            _ => self.tombstone(nth).await,
        }
    }

    /// Repeats a request, each time to any store, until its outcome is known.
    async fn insist<T>(
        &mut self,
        what: &'static str,
        ask: impl AsyncFn(&Store) -> Result<T>,
    ) -> Option<Result<T>> {
        for _ in 0..TRIES_MAX {
            let running = self.world.any(&mut self.rng).await?;
            let told = running.call(&self.world, what, ask(&running.store)).await;
            match told {
                Some(Err(error @ (Error::Unavailable(_) | Error::Closed | Error::Overloaded(_)))) => {
                    self.world.judge(running.node, &error);
                    self.count("asked again");
                }
                Some(told) => {
                    if let Err(error) = &told {
                        self.world.judge(running.node, error);
                    }
                    self.count(what);
                    return Some(told);
                }
                None => self.count("asked again after a kill"),
            }
            let ms = self.rng.random_range(1..400);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.world.fail(format!("{what} never gets a response"));
        None
    }

    fn wrong(&self, nth: usize, what: &str, told: &dyn std::fmt::Debug) {
        let stream = &self.streams[nth];
        self.world.fail(format!(
            "{what} got {told:?}, but the stream is known to be {stream:?}"
        ));
    }

    /// Appends to one of its streams.
    pub(super) async fn append_somewhere(&mut self) {
        let nth = self.rng.random_range(0..self.streams.len());
        self.append(nth).await;
    }

    async fn append(&mut self, nth: usize) {
        let known = self.streams[nth].clone();
        let ids: Vec<Uuid> = (0..self.rng.random_range(1..5))
            .map(|_| uuid::Builder::from_random_bytes(self.rng.random()).into_uuid())
            .collect();
        let expected = match known.is_present() {
            _ if self.rng.random_bool(0.5) => Expected::Any,
            true => Expected::Exactly(Revision(known.next() - 1)),
            false => Expected::NoStream,
        };
        let event = |id: &Uuid| NewEvent {
            id: *id,
            kind: EventType::new("Ended").expect("a plain name is valid"),
            data: vec![0; 60].into(),
            metadata: bytes::Bytes::new(),
            tags: Vec::new(),
            content_type: ContentType::default(),
            unknown: Bytes::new(),
        };
        let limits = self.world.plan.settings.limits;
        let append = Append::new(
            known.name.clone(),
            expected,
            ids.iter().map(event).collect(),
            &limits,
        );
        let append = append.expect("an append of a few small events is within all limits");
        let told = self
            .insist("append", async |store| store.append(append.clone()).await)
            .await;
        match told {
            Some(Ok(appended)) if !known.tombstoned && appended.first_revision.0 == known.next() => {
                self.streams[nth].ids.extend(ids);
                let first = Appended {
                    already_appended: true,
                    ..appended
                };
                self.streams[nth].written.push((append, first));
                self.streams[nth].settle();
            }
            Some(Err(Error::Rejected(Rejection::Tombstoned { .. }))) if known.tombstoned => {
                self.count("append to a tombstone");
            }
            Some(told) => self.wrong(nth, "an append", &told),
            None => {}
        }
    }

    /// Retries an append that was acknowledged, whatever happened to its events since.
    async fn retry(&mut self, nth: usize) {
        let known = self.streams[nth].clone();
        let Some((append, first)) = known.written.choose(&mut self.rng).cloned() else {
            return;
        };
        let told = self
            .insist("retry", async |store| store.append(append.clone()).await)
            .await;
        match told {
            Some(Ok(again)) if again == first => {
                let (revision, floor) = (first.last_revision.0, known.floor());
                if known.tombstoned {
                    self.count("retry of an append to a stream with a tombstone");
                } else if revision < known.deleted_before {
                    self.count("retry of an append that was deleted");
                } else if revision < floor {
                    self.count("retry of an append that is no longer kept");
                }
            }
            Some(told) => self.wrong(nth, "a retry", &(first, told)),
            None => {}
        }
    }

    async fn delete(&mut self, nth: usize) {
        let known = self.streams[nth].clone();
        let told = self
            .insist("delete", async |store| {
                store.delete_stream(&known.name, Expected::Any).await
            })
            .await;
        match told {
            Some(Ok(deleted)) if !known.tombstoned && deleted.last_revision.0 + 1 == known.next() => {
                let stream = &mut self.streams[nth];
                (stream.deleted_before, stream.truncate_before) = (known.next(), known.next());
                stream.settle();
                if deleted.already_deleted && known.is_present() {
                    self.count("delete that was written and not answered");
                }
            }
            Some(Err(Error::StreamNotFound(_))) if known.next() == 0 && !known.tombstoned => {}
            Some(Err(Error::StreamTombstoned(_))) if known.tombstoned => {}
            Some(told) => self.wrong(nth, "a delete", &told),
            None => {}
        }
    }

    async fn keep(&mut self, nth: usize) {
        let known = self.streams[nth].clone();
        let clocks = self.world.jump.over();
        let wanted = Retention {
            max_count: self.rng.random_bool(0.5).then(|| self.rng.random_range(1..6)),
            max_age_seconds: self.rng.random_bool(0.5).then_some(AGE_SECONDS),
            truncate_before: Revision(self.rng.random_range(0..=known.next())),
        };
        let begin = self.first_visible(&known).await;
        let told = self
            .insist("set retention", async |store| {
                store.set_retention(&known.name, wanted, None).await
            })
            .await;
        // By a clock that is ahead, its events exceed the age.
        let ahead = known.aged && (clocks.is_none() || clocks != self.world.jump.over());
        let truncations = if ahead {
            *known.truncations(&wanted, self.was_aged, None).start()..=known.next()
        } else {
            known.truncations(&wanted, self.was_aged, begin)
        };
        match told {
            Some(Ok(set)) if !known.tombstoned && truncations.contains(&set.retention.truncate_before.0) => {
                let stream = &mut self.streams[nth];
                stream.max_count = wanted.max_count;
                stream.aged = wanted.max_age_seconds.is_some();
                stream.truncate_before = set.retention.truncate_before.0;
                stream.settle();
            }
            Some(Err(Error::StreamTombstoned(_))) if known.tombstoned => {}
            Some(told) => self.wrong(nth, "a change", &(wanted, told)),
            None => {}
        }
    }

    /// The first revision that a store shows of a stream; `None` if it does not respond, or shows none.
    async fn first_visible(&mut self, known: &Known) -> Option<u64> {
        let running = self.world.any(&mut self.rng).await?;
        let read = read_stream(&running.store, &known.name, Direction::Forwards);
        let seen = running.call(&self.world, "look", read).await?.ok()?;
        seen.first()?;
        known.next().checked_sub(seen.len() as u64)
    }

    async fn keep_prefix(&mut self) {
        let nth = self.rng.random_range(0..self.prefixes.len());
        let prefix = self.prefixes[nth].name.clone();
        // If clocks are set ahead, it is unknown which events they removed permanently.
        let aged = !self.world.plan.clock_jumps && self.rng.random_bool(0.3);
        let wanted = Retention {
            max_count: self.rng.random_bool(0.5).then(|| self.rng.random_range(1..6)),
            max_age_seconds: aged.then_some(AGE_SECONDS),
            truncate_before: Revision::FIRST,
        };
        let told = self
            .insist("set prefix retention", async |store| {
                store.set_prefix_retention(&prefix, wanted, None).await
            })
            .await;
        match told {
            Some(Ok(set)) if set.retention == wanted => {
                let known = &mut self.prefixes[nth];
                (known.max_count, known.aged) = (wanted.max_count, aged);
                self.was_aged |= aged;
                for stream in &mut self.streams {
                    // The longest prefix comes last.
                    let set = self.prefixes.iter().rfind(|prefix| {
                        stream.name.as_str().starts_with(prefix.name.as_str())
                            && (prefix.max_count.is_some() || prefix.aged)
                    });
                    stream.of_prefix = set.map_or((None, false), |prefix| (prefix.max_count, prefix.aged));
                    stream.settle();
                }
            }
            Some(told) => self.world.fail(format!("a change of {prefix:?} got {told:?}")),
            None => {}
        }
    }

    async fn tombstone(&mut self, nth: usize) {
        let known = self.streams[nth].clone();
        let told = self
            .insist("tombstone", async |store| {
                store.tombstone_stream(&known.name, Expected::Any).await
            })
            .await;
        match told {
            Some(Ok(_)) => {
                self.streams[nth].tombstoned = true;
                self.streams[nth].settle();
            }
            Some(told) => self.wrong(nth, "a tombstone", &told),
            None => {}
        }
    }

    /// Reads all of its streams and compares them. False if the store does not respond.
    pub(super) async fn look_at_all(&mut self, running: &Running) -> bool {
        for nth in 0..self.streams.len() {
            if !self.look(running, nth).await {
                return false;
            }
        }
        let listed = running
            .call(&self.world, "list", running.store.streams("ended-", None, 100))
            .await;
        let Some(Ok(listed)) = listed else { return false };
        let own = format!("ended-{}-", self.number);
        let listed: Vec<StreamName> = listed.into_iter().map(|info| info.name).collect();
        let listed = listed.into_iter().filter(|name| name.as_str().starts_with(&own));
        let known = self.streams.iter().filter(|stream| stream.is_present());
        if !listed.eq(known.map(|stream| stream.name.clone())) {
            self.world.fail(format!(
                "the list of streams differs from that of {:?}",
                self.streams
            ));
        }
        true
    }

    /// Reads one stream in every way and compares. False if the store does not respond.
    async fn look(&mut self, running: &Running, nth: usize) -> bool {
        let known = self.streams[nth].clone();
        let clocks = self.world.jump.over();
        let all = async || {
            let store = &running.store;
            let read = Sight::of_read(read_stream(store, &known.name, Direction::Forwards).await)?;
            let backwards = Sight::of_read(read_stream(store, &known.name, Direction::Backwards).await)?;
            let logged = read_log(store, &known.name).await?;
            let delivered = Sight::of_read(deliver(store, &known.name).await)?;
            Result::Ok((read, backwards, logged, delivered))
        };
        let Some(Ok((read, backwards, logged, delivered))) = running.call(&self.world, "look", all()).await
        else {
            return false;
        };
        if known.aged && (clocks.is_none() || clocks != self.world.jump.over()) {
            // By a clock that is ahead, its events exceed the age.
            self.count("look while clocks were ahead");
            return true;
        }
        self.count("look");
        let is_right = |sight: &Sight| match sight {
            Sight::Tombstoned => known.tombstoned,
            Sight::NotFound => !known.tombstoned && !known.is_present(),
            Sight::Ids(ids) => known.is_present() && known.shows(ids),
        };
        let backwards = backwards.reversed();
        if !is_right(&read) {
            self.wrong(nth, "a read", &read);
        }
        if !is_right(&backwards) {
            self.wrong(nth, "a read backwards", &backwards);
        }
        if !known.shows(&logged) {
            self.wrong(nth, "a read of the log", &logged);
        }
        let is_delivered = match &delivered {
            Sight::Ids(ids) => !known.tombstoned && known.shows(ids),
            sight => *sight == Sight::Tombstoned && known.tombstoned,
        };
        if !is_delivered {
            self.wrong(nth, "a subscription", &delivered);
        }
        true
    }
}
