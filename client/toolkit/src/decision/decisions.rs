//! Loading decision models, and deciding on them until nobody was faster.

use std::future::IntoFuture;

use annals_client::{Append, Client, Query, QueryItem, Uuid};
use futures::future::BoxFuture;

use super::{Decided, DecisionModel, To};
use crate::command::{ConflictPolicy, encode_all, tag_of};
use crate::error::{CommandError, ReadError};
use crate::metadata::Context;
use crate::schema::DomainEvent;

/// Where decision models are loaded from, and decisions on them are appended to. Cheap to clone.
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
    /// Decisions on the events of a store.
    pub fn new(client: Client) -> Self {
        Decisions {
            client,
            conflicts: ConflictPolicy::default(),
        }
    }

    /// Says how often a decision is made again when somebody else was faster.
    #[must_use]
    pub fn conflicts(mut self, conflicts: ConflictPolicy) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// A model, or a tuple of models, with what has happened applied to it: to look, without a decision.
    ///
    /// Fails with [`ReadError`]: of the store, or an event that a query matches is none of the model's types.
    pub async fn load<M: DecisionModel>(&self, mut model: M) -> Result<M, ReadError> {
        let query = model.query();
        self.read(&mut model, query, None).await?;
        Ok(model)
    }

    /// Executes a command: loads the model, decides, appends; again if something that matters has happened meanwhile. Add
    /// options, then await it.
    ///
    /// `model` is one to which nothing has happened yet, or a tuple of such. `decide` is given it when what has happened is
    /// applied to it, and says what is to happen: events, in order; none, if nothing is. It may be called several times.
    ///
    /// Fails with what `decide` refuses it with, or as [`CommandError`] says; an event that a query matches must be one of
    /// the model's types.
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

    /// Applies the events; gives the head up to which they were read, and where the command stands if it was executed.
    async fn read<M: DecisionModel>(
        &self,
        model: &mut M,
        query: Query,
        command: Option<Uuid>,
    ) -> Result<(u64, Option<u64>), ReadError> {
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
    /// Gives the command an id: it has its effect once, however often it is executed. In a process manager it need not be
    /// given.
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
            // Whoever executes it at the same time makes the append fail.
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
        let appended = client.append_all(append.expect_no_match(query, head)).await?;
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
