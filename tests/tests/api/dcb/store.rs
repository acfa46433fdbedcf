//! The operations that a deciding program needs: to read by a query, and to append on the condition that no event
//! that the query matches was appended since.

use std::sync::atomic::{AtomicU64, Ordering};

use annals_client::{Append, AppendedToMany, Client, Error, Event, Found, Query, RecordedEvent, Timestamp};
use annals_tests::harness::{Options, Server, within_patience};
use serde_json::Value;

/// The store as seen by programs.
pub struct Store {
    client: Client,
    conflicts: AtomicU64,
}

/// The events that a query matched, and the head of the read.
pub struct Seen {
    pub events: Vec<RecordedEvent>,
    pub head: u64,
}

/// The condition of an append: no event matches the query after the position.
#[derive(Clone)]
pub struct Condition {
    pub query: Query,
    pub after: u64,
}

/// The event that violated the condition.
#[derive(Debug)]
pub struct Conflict {
    /// The position of the condition.
    pub after: u64,
    /// Position of the first event that matches.
    pub position: u64,
}

/// An event for a stream.
#[derive(Clone)]
pub struct Fact {
    pub stream: String,
    pub event: Event,
}

/// An event for a stream, with this data.
pub fn fact(stream: impl Into<String>, kind: &str, data: &Value, tags: &[&str]) -> Fact {
    let mut event = Event::json(kind, data).unwrap();
    event.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Fact {
        stream: stream.into(),
        event,
    }
}

/// A server of the same engine that accepts recorded times from clients, so that a test can have past events.
pub fn with_a_past(server: Server) -> Server {
    let engine = server.engine();
    drop(server);
    Options::new(engine)
        .set("--accept-recorded-times", "true")
        .start()
}

impl Store {
    pub fn of(server: &Server) -> Self {
        Self {
            client: server.client(),
            conflicts: AtomicU64::new(0),
        }
    }

    /// Reads all events that match.
    pub async fn read(&self, query: impl Into<Query>) -> Seen {
        let events = self.client.read_all().query(query).await.unwrap();
        let head = events.head();
        Seen {
            events: events.collect().await.unwrap(),
            head: head.0,
        }
    }

    /// The last event that matches, if one does.
    pub async fn read_last(&self, query: impl Into<Query>) -> Seen {
        let read = self.client.read_all().query(query).backwards().limit(1);
        let events = read.await.unwrap();
        let head = events.head();
        Seen {
            events: events.collect().await.unwrap(),
            head: head.0,
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Appends on a condition; returns the conflict if it does not hold.
    pub async fn append(
        &self,
        facts: Vec<Fact>,
        condition: Option<Condition>,
    ) -> Result<AppendedToMany, Conflict> {
        match self.client.append_to_many(to_append(facts, condition)).await {
            Ok(appended) => Ok(appended),
            Err(Error::ChecksFailed { failed, count: 1 }) => match failed[..] {
                [ref failed] => match failed.found {
                    Found::Match { after, position } if failed.index == 0 => Err(Conflict {
                        after: after.0,
                        position: position.0,
                    }),
                    ref found => panic!("a condition failed with {found:?}"),
                },
                _ => panic!("one check failed, but {failed:?} was reported"),
            },
            Err(error) => panic!("{error}"),
        }
    }

    /// Appends events from before the test begins.
    pub async fn given(&self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            self.append(vec![fact], None).await.unwrap();
        }
    }

    /// Appends events at a time before the test begins.
    pub async fn given_at(&self, at: Timestamp, facts: impl IntoIterator<Item = Fact>) {
        let append = to_append(facts.into_iter().collect(), None).recorded_at(at);
        self.client.append_to_many(append).await.unwrap();
    }

    /// Decides on the events that a query matches, as often as it takes until no append came in between.
    pub async fn decide<D>(
        &self,
        query: impl Into<Query>,
        decide: impl Fn(&[RecordedEvent]) -> Result<Vec<Fact>, D>,
    ) -> Result<(), D> {
        let query = query.into();
        let deciding = async {
            loop {
                let seen = self.read(query.clone()).await;
                if self.try_to_append(decide(&seen.events)?, &query, seen.head).await {
                    return Ok(());
                }
            }
        };
        within_patience("a decision", deciding).await
    }

    /// True if no append came in between.
    pub async fn try_to_append(&self, facts: Vec<Fact>, query: &Query, head: u64) -> bool {
        let condition = Condition {
            query: query.clone(),
            after: head,
        };
        let appended = self.append(facts, Some(condition)).await;
        if let Err(found) = &appended {
            assert!(found.after == head && found.position > head, "{found:?}");
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        appended.is_ok()
    }

    /// Number of appends that came in between.
    pub fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// The log as types and data.
    pub async fn happened(&self) -> Vec<(String, Value)> {
        let seen = self.read(Query::all()).await;
        let events = seen.events.iter();
        events
            .map(|event| (event.event_type.clone(), event.json().unwrap()))
            .collect()
    }

    /// Asserts that this was decided last.
    pub async fn assert_last(&self, kind: &str, data: Value) {
        let last = self.happened().await.pop();
        assert_eq!(last, Some((kind.to_owned(), data)));
    }

    /// Asserts that nothing was decided: the log has only the given events.
    pub async fn assert_nothing_after(&self, given: usize) {
        assert_eq!(self.happened().await.len(), given);
    }
}

/// One write for each event, because the order over all streams was decided.
pub fn to_append(facts: Vec<Fact>, condition: Option<Condition>) -> Append {
    let append = facts.into_iter().fold(Append::new(), |append, fact| {
        append.write(fact.stream, [fact.event])
    });
    match condition {
        None => append,
        Some(condition) => append.expect_no_match(condition.query, condition.after),
    }
}
