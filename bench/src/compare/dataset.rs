//! The log that is read: streams of 10, 100 and 1,000 events, written one event at a time, interleaved.
//!
//! A fifth of the events is in streams of 10, a fifth in streams of 1,000, and the rest in streams of 100. The
//! streams grow together from the first event to the last, so that each is spread over the whole log, as aggregates
//! are.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Course;
use crate::{
    Error, Result,
    load::{
        Supply,
        events::{CATEGORIES, category, kind, tag},
    },
    stores::{Batch, Client, Selection, Store},
};

/// Number of clients that write the log.
const CLIENTS: usize = 256;
/// Events in the longest streams, and number of steps in which all streams grow.
const STEPS: u32 = 1_000;

/// The streams of the log. They are numbered from 0.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    /// Number of streams of 10, of 100 and of 1,000 events.
    streams: [u64; 3],
}

const LENGTHS: [u32; 3] = [10, 100, STEPS];

impl Dataset {
    /// Builds a dataset of about `events` events.
    pub(super) fn new(events: u64) -> Self {
        let part = |fifths: u64, length: u64| (events * fifths / 5 / length).max(1);
        Self {
            streams: [part(1, 10), part(3, 100), part(1, 1_000)],
        }
    }

    pub(super) fn events(&self) -> u64 {
        let lengths = LENGTHS.map(u64::from);
        self.streams
            .iter()
            .zip(lengths)
            .map(|(streams, length)| streams * length)
            .sum()
    }

    /// Returns the numbers of the streams that have `events` events.
    pub(super) fn streams_of(&self, events: u32) -> std::ops::Range<u64> {
        let mut first = 0;
        for (&streams, length) in self.streams.iter().zip(LENGTHS) {
            if length == events {
                return first..first + streams;
            }
            first += streams;
        }
        0..0
    }

    /// Returns the number of events that match.
    pub(super) fn matching(&self, selection: Selection) -> u64 {
        let numbers = 0..self.events();
        match selection {
            Selection::All => self.events(),
            Selection::Kind(of) => numbers.filter(|&number| kind(number) == kind(of)).count() as u64,
            Selection::Tag(of) => numbers.filter(|&number| tag(number) == tag(of)).count() as u64,
            Selection::Category(of) => {
                let in_category = |stream: &u64| stream % CATEGORIES as u64 == of % CATEGORIES as u64;
                let of_length = |length: u32| {
                    self.streams_of(length).filter(in_category).count() as u64 * u64::from(length)
                };
                debug_assert_eq!(category(of), category(of + CATEGORIES as u64));
                LENGTHS.into_iter().map(of_length).sum()
            }
        }
    }

    /// Writes the dataset into an empty store.
    pub(super) async fn fill(&self, store: &dyn Store, course: &Course) -> Result<()> {
        let clients = store.clients(CLIENTS, course.clients_per_connection).await?;
        let mut tasks = JoinSet::new();
        for (nth, client) in clients.into_iter().enumerate() {
            let streams = LENGTHS.into_iter().flat_map(|length| {
                let own = self.streams_of(length).skip(nth).step_by(CLIENTS);
                own.map(move |stream| Growing {
                    stream,
                    step: STEPS / length,
                    revision: 0,
                    mark: 0,
                })
            });
            tasks.spawn(grow(client, streams.collect(), course.supply.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| Error::wrong("filling", error.to_string()))??;
        }
        Ok(())
    }
}

/// A stream that gets an event every given number of steps.
struct Growing {
    stream: u64,
    step: u32,
    revision: u64,
    mark: u64,
}

async fn grow(mut client: Box<dyn Client>, mut streams: Vec<Growing>, supply: Arc<Supply>) -> Result<()> {
    for step in 0..STEPS {
        for growing in streams.iter_mut().filter(|growing| step % growing.step == 0) {
            let batch = Batch {
                stream: growing.stream,
                revision: growing.revision,
                mark: growing.mark,
                first: supply.events(1),
                events: 1,
                labelled: true,
            };
            growing.mark = client.append(batch).await?;
            growing.revision += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_each_length_follow_each_other_and_hold_all_events() {
        let dataset = Dataset::new(200_000);
        assert_eq!(dataset.events(), 200_000);
        assert_eq!(
            (
                dataset.streams_of(10),
                dataset.streams_of(100),
                dataset.streams_of(1_000)
            ),
            (0..4_000, 4_000..5_200, 5_200..5_240)
        );
        assert!(dataset.streams_of(7).is_empty());
    }

    #[test]
    fn what_matches_is_the_share_that_names_say() {
        let dataset = Dataset::new(200_000);
        assert_eq!(dataset.matching(Selection::Kind(0)), 25_000);
        assert_eq!(dataset.matching(Selection::Tag(0)), 200);
        assert_eq!(dataset.matching(Selection::Category(0)), 25_000);
    }
}
