//! Loading decision models, and making decisions on them, again after each conflict.

use std::future::IntoFuture;

use annals_client::{Append, Client, Position, Query, QueryItem, Uuid};
use futures::future::BoxFuture;

use super::{Decided, DecisionModel, To};
use crate::command::{ConflictPolicy, encode_all, tag_of};
use crate::error::{CommandError, ReadError};
use crate::metadata::Context;
use crate::schema::DomainEvent;

/// Loads decision models, and appends the decisions made on them. Cheap to clone.
///
/// ```no_run
/// # use annals_client::{Client, Query};
/// # use annals_toolkit::{DecisionModel, Decisions, DomainEvent, To};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # #[serde(tag = "type", content = "data")]
/// # enum CourseEvent { Defined {} }
/// # impl DomainEvent for CourseEvent {}
/// # #[derive(Debug, Clone, Default)]
/// # struct Seats { course: String }
/// # impl DecisionModel for Seats {
/// #     type Event = CourseEvent;
/// #     fn query(&self) -> Query { CourseEvent::query().into() }
/// #     fn apply(&mut self, _: &CourseEvent) {}
/// # }
/// # impl Seats {
/// #     fn subscribe(&self, _: &str) -> Result<Vec<To<CourseEvent>>, &'static str> { Ok(vec![]) }
/// # }
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let seats = Seats { course: "c1".to_owned(), ..Seats::default() };
/// let decided = Decisions::new(client).execute(seats, |seats: &Seats| seats.subscribe("s7")).await?;
/// println!("at position {:?}", decided.position);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Decisions {
    client: Client,
    conflicts: ConflictPolicy,
}

impl Decisions {
    /// Creates decisions on the events of a store.
    pub fn new(client: Client) -> Self {
        Decisions {
            client,
            conflicts: ConflictPolicy::default(),
        }
    }

    /// Sets how often a decision is made again after a conflict with another client.
    #[must_use]
    pub fn conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// Loads the current state of a model, or of a tuple of models, without making a decision.
    ///
    /// Fails with [`ReadError`], if the store fails, or an event that matches the query is not one of the model's
    /// types.
    pub async fn load<M: DecisionModel>(&self, mut model: M) -> Result<M, ReadError> {
        let query = model.query();
        self.read(&mut model, query, None).await?;
        Ok(model)
    }

    /// Executes a command: loads the model, decides, and appends the events; repeats this if another event that
    /// matches was appended in the meantime. Add options, then await it.
    ///
    /// `model` is a model without events, or a tuple of them. `decide` gets it after all events have been applied,
    /// and returns the events to append, in order; none if there is nothing to do. It may be called several times.
    ///
    /// Fails with the rejection of `decide`, or as documented on [`CommandError`]; an event that matches the query
    /// must be one of the model's types.
    pub fn execute<M, D, I, R>(&self, model: M, decide: D) -> Decide<'_, M, D>
    where
        M: DecisionModel + Clone,
        D: Fn(&M) -> Result<I, R>,
        I: IntoIterator<Item = To<M::Event>>,
    {
        Decide {
            decisions: self,
            model,
            decide,
            command: None,
        }
    }

    /// Applies the events. Returns the head up to which they were read, and the position of the command's last event
    /// if it was already executed.
    async fn read<M: DecisionModel>(
        &self,
        model: &mut M,
        query: Query,
        command: Option<Uuid>,
    ) -> Result<(Position, Option<Position>), ReadError> {
        let own = model.query();
        let tag = command.map(tag_of);
        let mut events = self.client.read_all().query(query).await?;
        let (head, mut done) = (events.head(), None);
        while let Some(event) = events.next().await {
            let event = event?;
            if tag.as_ref().is_some_and(|tag| event.tags.contains(tag)) {
                done = Some(event.position);
            }
            if own.matches(&event) {
                model.take(&M::Event::decode(&event)?, &event);
            }
        }
        Ok((head, done))
    }
}

/// A decision to be made: add options, then await it.
#[derive(Debug)]
#[must_use = "nothing is decided until it is awaited"]
pub struct Decide<'a, M, D> {
    decisions: &'a Decisions,
    model: M,
    decide: D,
    command: Option<Uuid>,
}

impl<'a, M: DecisionModel + Clone, D> Decide<'a, M, D> {
    /// Sets the command's id: it takes effect once, however often it is executed. In a process manager it is set
    /// automatically.
    pub fn command_id(mut self, id: Uuid) -> Self {
        self.command = Some(id);
        self
    }

    async fn run<I, R>(self) -> Result<Decided<M, M::Event>, CommandError<R>>
    where
        D: Fn(&M) -> Result<I, R> + Send + Sync,
        I: IntoIterator<Item = To<M::Event>>,
        R: Send,
    {
        let command = self.command.or_else(|| Context::current().next_command(""));
        let mut failed = 0;
        loop {
            match self.once(command).await {
                Err(CommandError::Store(error)) => {
                    failed += 1;
                    self.decisions.conflicts.pause(failed, error).await?;
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<I, R>(&self, command: Option<Uuid>) -> Result<Decided<M, M::Event>, CommandError<R>>
    where
        D: Fn(&M) -> Result<I, R> + Send + Sync,
        I: IntoIterator<Item = To<M::Event>>,
        R: Send,
    {
        let mut model = self.model.clone();
        let mut query = model.query();
        if let Some(command) = command {
            // A concurrent execution of the same command makes the append fail.
            query.extend([QueryItem::new().tagged(tag_of(command))]);
        }
        let (head, done) = self.decisions.read(&mut model, query.clone(), command).await?;
        if done.is_some() {
            return Ok(Decided {
                model,
                events: Vec::new(),
                position: done,
                already_executed: true,
            });
        }
        let decided = (self.decide)(&model).map_err(CommandError::Rejected)?;
        let events: Vec<To<M::Event>> = decided.into_iter().collect();
        let mut outcome = Decided {
            model,
            events,
            position: None,
            already_executed: false,
        };
        if outcome.events.is_empty() {
            return Ok(outcome);
        }
        let encoded = encode_all(outcome.events.iter().map(|to| &to.event), command)?;
        let streams = outcome.events.iter().map(|to| to.stream.as_str());
        let append: Append = streams.zip(encoded).collect();
        let client = &self.decisions.client;
        let appended = client.append_to_many(append.expect_no_match(query, head)).await?;
        outcome.position = Some(appended.last_position);
        outcome.already_executed = appended.already_appended;
        Ok(outcome)
    }
}

impl<'a, M, D, I, R> IntoFuture for Decide<'a, M, D>
where
    M: DecisionModel + Clone + 'a,
    D: Fn(&M) -> Result<I, R> + Send + Sync + 'a,
    I: IntoIterator<Item = To<M::Event>> + 'a,
    R: Send + 'a,
{
    type Output = Result<Decided<M, M::Event>, CommandError<R>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
