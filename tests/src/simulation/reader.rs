//! A client that reads: the log and streams, in both directions, fully or in part, from places that may not exist.

use std::{sync::Arc, time::Duration};

use annals_store::{
    Direction, Error, LogReader, Position, Query, ReadAll, ReadStream, Result, Revision, StreamName,
    StreamReader,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::{
    attempt::{TAGS, TYPES},
    convert,
    coverage::Event,
    looks,
    world::{Running, World},
};
use crate::checker::{Filter, FilterItem, Observed, ReadAnswer, ReadRequest, Target};

pub(super) async fn run(world: Arc<World>, number: u64) {
    let mut rng = world.plan.rng("reader", number);
    for _ in 0..world.plan.reads {
        let ms = rng.random_range(0..300);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let Some(running) = world.any(&mut rng).await else {
            return;
        };
        if rng.random_bool(0.3) {
            looks::any(&world, &running, &mut rng).await;
            continue;
        }
        let request = request(&world, &running, &mut rng);
        let slow = rng.random_bool(0.2).then(|| rng.random_range(1..400));
        read(&world, &running, request, slow).await;
    }
}

fn request(world: &World, running: &Running, rng: &mut StdRng) -> ReadRequest {
    let target = if rng.random_bool(0.5) {
        Target::Log
    } else {
        stream(world, rng)
    };
    let ends = match target {
        Target::Log => running.store.info().head.0,
        Target::Stream(_) => running.store.info().head.0 / world.plan.streams as u64,
    };
    ReadRequest {
        target,
        backwards: rng.random_bool(0.4),
        from: rng.random_bool(0.5).then(|| rng.random_range(0..ends + 3)),
        limit: rng.random_bool(0.4).then(|| rng.random_range(1..30)),
        filter: filter(world, rng),
    }
}

pub(super) fn stream(world: &World, rng: &mut StdRng) -> Target {
    Target::Stream(format!("order-{}", rng.random_range(0..world.plan.streams)))
}

/// Selects everything half of the time.
pub(super) fn filter(world: &World, rng: &mut StdRng) -> Filter {
    let items = if rng.random_bool(0.5) {
        0
    } else {
        rng.random_range(1..3)
    };
    let mut names = |from: &[&str], chance: f64| -> Vec<String> {
        if rng.random_bool(chance) {
            from.choose(rng).map(ToString::to_string).into_iter().collect()
        } else {
            Vec::new()
        }
    };
    let streams: Vec<String> = (0..world.plan.streams)
        .map(|number| format!("order-{number}"))
        .collect();
    let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
    let items = (0..items).map(|_| FilterItem {
        types: names(&TYPES, 0.5),
        type_prefixes: names(&["Pa", "S", ""], 0.3),
        streams: names(&streams, 0.2),
        stream_prefixes: names(&["order-", "order-1", "none"], 0.2),
        tags: names(&TAGS, 0.3),
    });
    Filter {
        items: items.collect(),
    }
}

/// A read of either kind.
enum Reader {
    Log(LogReader),
    Stream(StreamReader),
}

impl Reader {
    async fn begin(running: &Running, request: &ReadRequest) -> Result<Self> {
        let direction = if request.backwards {
            Direction::Backwards
        } else {
            Direction::Forwards
        };
        let (limit, query) = (request.limit, Query::from(&request.filter));
        match &request.target {
            Target::Log => {
                let from = request.from.map(Position);
                Ok(Self::Log(
                    running
                        .store
                        .read_all(ReadAll {
                            direction,
                            from,
                            limit,
                            query,
                            until: None,
                        })
                        .await?,
                ))
            }
            Target::Stream(stream) => {
                let (from, stream) = (
                    request.from.map(Revision),
                    StreamName::new(stream).expect("a plain name is valid"),
                );
                let read = ReadStream {
                    stream,
                    direction,
                    from,
                    limit,
                    query,
                    until: None,
                };
                Ok(Self::Stream(running.store.read_stream(read).await?))
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Observed>>> {
        let batch = match self {
            Self::Log(reader) => reader.next().await?,
            Self::Stream(reader) => reader.next().await?,
        };
        batch.map(|batch| convert::events(&batch)).transpose()
    }
}

/// Performs the read, records the response, and returns it if it is complete.
pub(super) async fn read(
    world: &World,
    running: &Running,
    request: ReadRequest,
    pause_ms: Option<u64>,
) -> Option<Vec<Observed>> {
    count_request(world, &request);
    let call = world.history.lock().read(request.clone());
    let answer = match running
        .call(world, "begin to read", Reader::begin(running, &request))
        .await
    {
        Some(Ok(reader)) => read_on(world, running, reader, pause_ms).await,
        Some(Err(error)) => refused(world, running, &error),
        None => ReadAnswer::Failed,
    };
    let complete = match &answer {
        ReadAnswer::Events {
            events,
            complete: true,
            ..
        } => Some(events.clone()),
        _ => None,
    };
    world.history.lock().read_answered(call, answer);
    complete
}

async fn read_on(world: &World, running: &Running, mut reader: Reader, pause_ms: Option<u64>) -> ReadAnswer {
    let (head, last_revision) = match &reader {
        Reader::Log(reader) => (reader.head().0, None),
        Reader::Stream(reader) => (reader.head().0, Some(reader.last_revision().0)),
    };
    let mut events = Vec::new();
    let complete = loop {
        match running.call(world, "read on", reader.next()).await {
            Some(Ok(Some(more))) => events.extend(more),
            Some(Ok(None)) => break true,
            Some(Err(error)) => {
                refused(world, running, &error);
                break false;
            }
            None => break false,
        }
        if let Some(ms) = pause_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    };
    ReadAnswer::Events {
        head,
        last_revision,
        events,
        complete,
    }
}

fn refused(world: &World, running: &Running, error: &Error) -> ReadAnswer {
    world.judge(running.node, error);
    let (event, answer) = match error {
        Error::StreamNotFound(_) => (Event::ReadStreamNotFound, ReadAnswer::StreamNotFound),
        Error::PositionBeyondHead { head, .. } => (Event::ReadBeyondEnd, ReadAnswer::BeyondEnd(Some(head.0))),
        Error::RevisionBeyondEnd { last, .. } => (
            Event::ReadBeyondEnd,
            ReadAnswer::BeyondEnd(last.map(|last| last.0)),
        ),
        _ => (Event::ReadFailed, ReadAnswer::Failed),
    };
    world.coverage.count(event);
    answer
}

fn count_request(world: &World, request: &ReadRequest) {
    let coverage = &world.coverage;
    coverage.count(if request.target == Target::Log {
        Event::ReadLog
    } else {
        Event::ReadStream
    });
    coverage.add(Event::ReadBackwards, request.backwards.into());
    coverage.add(Event::ReadLimited, request.limit.is_some().into());
    coverage.add(Event::ReadFiltered, (!request.filter.items.is_empty()).into());
}
