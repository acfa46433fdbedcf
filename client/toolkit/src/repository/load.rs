//! Loading an aggregate: its snapshot, and the events after it.

use std::future::IntoFuture;

use annals_client::{Error, RecordedEvent, Revision, Timestamp};
use futures::future::BoxFuture;

use super::Repository;
use crate::aggregate::{Aggregate, Loaded};
use crate::error::ReadError;
use crate::schema::DomainEvent;

/// A load of an aggregate: add options, then await it.
#[derive(Debug)]
#[must_use = "nothing is loaded until it is awaited"]
pub struct Load<'a, A: Aggregate> {
    repository: &'a Repository<A>,
    stream: String,
    until: Option<Until>,
    keep_events: bool,
}

#[derive(Debug, Clone, Copy)]
enum Until {
    Revision(Revision),
    Time(Timestamp),
}

impl<'a, A: Aggregate> Load<'a, A> {
    pub(super) fn new(repository: &'a Repository<A>, stream: String) -> Self {
        Load {
            repository,
            stream,
            until: None,
            keep_events: false,
        }
    }

    /// Loads the state at this revision, which must exist.
    pub fn until_revision(mut self, revision: impl Into<Revision>) -> Self {
        self.until = Some(Until::Revision(revision.into()));
        self
    }

    /// Loads the state at this time. Reads from the first event, without a snapshot.
    pub fn until_time(mut self, time: Timestamp) -> Self {
        self.until = Some(Until::Time(time));
        self
    }

    /// Also returns the events that were read.
    pub fn keep_events(mut self) -> Self {
        self.keep_events = true;
        self
    }

    /// Returns the state of the snapshot and its revision, or a new state if there is no readable snapshot.
    async fn begin(&self) -> Result<(A, Option<Revision>), ReadError> {
        let Repository {
            client, snapshots, ..
        } = self.repository;
        let at_most = match self.until {
            None => None,
            Some(Until::Revision(revision)) => Some(revision),
            // The revision at that time is not known before the events are read.
            Some(Until::Time(_)) => return Ok((A::default(), None)),
        };
        let Some((snapshots, form)) = snapshots else {
            return Ok((A::default(), None));
        };
        let mut load = client
            .load_snapshot(&self.stream)
            .schema_version(snapshots.schema_version);
        if let Some(revision) = at_most {
            load = load.at_or_before(revision);
        }
        let Some(snapshot) = load.await? else {
            return Ok((A::default(), None));
        };
        match (form.read)(&snapshot.data) {
            Ok(state) => Ok((state, Some(snapshot.revision))),
            Err(error) => {
                let (stream, revision) = (&self.stream, snapshot.revision);
                tracing::warn!(stream, revision = revision.0, %error, "can't decode snapshot, skipping it");
                Ok((A::default(), None))
            }
        }
    }

    pub(super) async fn run(&self) -> Result<Loaded<A>, ReadError> {
        let (state, snapshot_revision) = self.begin().await?;
        let mut loaded = Loaded {
            state,
            revision: snapshot_revision,
            snapshot_revision,
            events: Vec::new(),
        };
        let mut read = self.repository.client.read_stream(&self.stream);
        if let Some(revision) = snapshot_revision {
            read = read.from_revision(revision.next());
        }
        read = match self.until {
            None => read,
            Some(Until::Revision(revision)) => read.until_revision(revision),
            Some(Until::Time(time)) => read.until_time(time),
        };
        let mut events = match read.await {
            Ok(events) => events,
            Err(Error::StreamNotFound { .. }) => {
                // The stream was deleted in the meantime, so its snapshot is ignored.
                return Ok(Loaded {
                    state: A::default(),
                    revision: None,
                    snapshot_revision: None,
                    events: Vec::new(),
                });
            }
            Err(error) => return Err(error.into()),
        };
        loaded.revision = events.last_revision();
        while let Some(event) = events.next().await {
            self.take(&mut loaded, event?)?;
        }
        Ok(loaded)
    }

    fn take(&self, loaded: &mut Loaded<A>, event: RecordedEvent) -> Result<(), ReadError> {
        loaded.state.apply(&A::Event::decode(&event)?);
        if self.keep_events {
            loaded.events.push(event);
        }
        Ok(())
    }
}

impl<'a, A: Aggregate> IntoFuture for Load<'a, A> {
    type Output = Result<Loaded<A>, ReadError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.run().await })
    }
}
