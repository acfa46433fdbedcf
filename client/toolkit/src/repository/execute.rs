//! Executing a command on an aggregate.

use std::future::IntoFuture;

use annals_client::{Error, ExpectedRevision, Position, QueryItem, Revision, Uuid};
use futures::future::BoxFuture;

use super::Repository;
use crate::aggregate::{Aggregate, Executed, Loaded};
use crate::command::{encode_all, tag_of};
use crate::error::{CommandError, ReadError};
use crate::metadata::Context;
use crate::schema::DomainEvent;

/// The result of a command on an aggregate.
type Outcome<A, R> = Result<Executed<A, <A as Aggregate>::Event>, CommandError<R>>;

/// A command to be executed: add options, then await it.
#[derive(Debug)]
#[must_use = "nothing is executed until it is awaited"]
pub struct Execute<'a, A: Aggregate, D> {
    repository: &'a Repository<A>,
    stream: String,
    decide: D,
    command: Option<Uuid>,
    expected: ExpectedRevision,
}

impl<'a, A: Aggregate, D> Execute<'a, A, D> {
    pub(super) fn new(repository: &'a Repository<A>, stream: String, decide: D) -> Self {
        Execute {
            repository,
            stream,
            decide,
            command: None,
            expected: ExpectedRevision::Any,
        }
    }

    /// Sets the command's id: it takes effect once, however often it is executed. In a process manager it is set
    /// automatically.
    pub fn command_id(mut self, id: Uuid) -> Self {
        self.command = Some(id);
        self
    }

    /// Sets the revision that the caller's own decision depends on, such as the one that a form was filled in from.
    /// If the stream is not in this state, the command fails with
    /// [`RevisionConflict`](annals_client::Error::RevisionConflict).
    pub fn expected(mut self, expected: ExpectedRevision) -> Self {
        self.expected = expected;
        self
    }

    async fn run<I, R>(self) -> Outcome<A, R>
    where
        D: Fn(&A) -> Result<I, R> + Send + Sync,
        I: IntoIterator<Item = A::Event>,
        R: Send,
    {
        let command = self
            .command
            .or_else(|| Context::current().next_command(&self.stream));
        let mut failed = 0;
        loop {
            match self.once(command).await {
                Err(CommandError::Store(error)) if !self.is_refused_for_good(&error) => {
                    failed += 1;
                    self.repository.conflicts.pause(failed, error).await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Whether the stream is not in the state that the caller expects, so that deciding again can't help.
    fn is_refused_for_good(&self, error: &Error) -> bool {
        matches!(error, Error::RevisionConflict { expected, .. }
            if self.expected != ExpectedRevision::Any && *expected == self.expected)
    }

    async fn once<I, R>(&self, command: Option<Uuid>) -> Outcome<A, R>
    where
        D: Fn(&A) -> Result<I, R> + Send + Sync,
        I: IntoIterator<Item = A::Event>,
        R: Send,
    {
        let load = self.repository.load_stream(&self.stream, command.is_some());
        let mut loaded = load.await?;
        if let Some(command) = command
            && let Some(done) = self.already(&loaded, command).await?
        {
            return Ok(Executed {
                state: loaded.state,
                ..done
            });
        }
        self.demand(loaded.revision)?;
        let decided = (self.decide)(&loaded.state).map_err(CommandError::Rejected)?;
        let events: Vec<A::Event> = decided.into_iter().collect();
        if events.is_empty() {
            return Ok(self.outcome(loaded.state, events, loaded.revision, None));
        }
        let encoded = encode_all(&events, command)?;
        let client = &self.repository.client;
        let appended = client.append(&self.stream, loaded.expected(), encoded).await?;
        for event in &events {
            loaded.state.apply(event);
        }
        self.save_snapshot(&loaded, appended.last_revision);
        let (revision, position) = (appended.last_revision, appended.last_position);
        Ok(Executed {
            already_executed: appended.already_appended,
            ..self.outcome(loaded.state, events, Some(revision), Some(position))
        })
    }

    fn outcome(
        &self,
        state: A,
        events: Vec<A::Event>,
        revision: Option<Revision>,
        position: Option<Position>,
    ) -> Executed<A, A::Event> {
        Executed {
            state,
            stream: self.stream.clone(),
            events,
            revision,
            position,
            already_executed: false,
        }
    }

    fn demand(&self, actual: Option<Revision>) -> Result<(), Error> {
        let fits = match self.expected {
            ExpectedRevision::Any => true,
            ExpectedRevision::NoStream => actual.is_none(),
            ExpectedRevision::StreamExists => actual.is_some(),
            ExpectedRevision::Exactly(revision) => actual == Some(revision),
        };
        if fits {
            return Ok(());
        }
        Err(Error::RevisionConflict {
            stream: self.stream.clone(),
            expected: self.expected,
            actual,
        })
    }

    /// Returns the result of the command if it was executed before; its state is for the caller to set.
    ///
    /// It can't be executed between this and the append: that would change the stream, and the append would fail.
    async fn already(
        &self,
        loaded: &Loaded<A>,
        command: Uuid,
    ) -> Result<Option<Executed<A, A::Event>>, ReadError> {
        let tag = tag_of(command);
        let mut events: Vec<_> = loaded
            .events
            .iter()
            .filter(|event| event.tags.contains(&tag))
            .cloned()
            .collect();
        if events.is_empty() && loaded.snapshot_revision.is_some() {
            // Its events may be before the snapshot.
            let of_command = QueryItem::new().in_stream(&self.stream).tagged(tag);
            let client = &self.repository.client;
            events = client.read_all().query(of_command).await?.collect().await?;
        }
        let Some(position) = events.last().map(|event| event.position) else {
            return Ok(None);
        };
        let decided = events.iter().map(A::Event::decode).collect::<Result<_, _>>()?;
        Ok(Some(Executed {
            already_executed: true,
            ..self.outcome(A::default(), decided, loaded.revision, Some(position))
        }))
    }

    /// Saves a snapshot in the background, if one is due.
    fn save_snapshot(&self, loaded: &Loaded<A>, revision: Revision) {
        let Repository {
            client,
            snapshots,
            saving,
            ..
        } = self.repository;
        let Some((snapshots, form)) = snapshots else {
            return;
        };
        let since = revision.next().0 - loaded.snapshot_revision.map_or(0, |last| last.next().0);
        if since < snapshots.every {
            return;
        }
        match (form.write)(&loaded.state) {
            Ok(data) => saving.begin(client, *snapshots, &self.stream, revision, data),
            Err(error) => {
                let stream = &self.stream;
                tracing::warn!(stream, revision = revision.0, %error, "can't encode snapshot");
            }
        }
    }
}

impl<A: Aggregate> Repository<A> {
    async fn load_stream(&self, stream: &str, keep_events: bool) -> Result<Loaded<A>, ReadError> {
        let load = super::Load::new(self, stream.to_owned());
        let load = if keep_events { load.keep_events() } else { load };
        load.run().await
    }
}

impl<'a, A, D, I, R> IntoFuture for Execute<'a, A, D>
where
    A: Aggregate,
    D: Fn(&A) -> Result<I, R> + Send + Sync + 'a,
    I: IntoIterator<Item = A::Event> + 'a,
    R: Send + 'a,
{
    type Output = Outcome<A, R>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
