//! Reads the events of a group from the log, in its own task.

use std::sync::Arc;

use annals_store::{EncodedEvent, Error as StoreError, Notice, Position, Query, Start, SubscribeAll};
use tokio::{sync::mpsc, task::JoinHandle, time::Duration};
use uuid::Uuid;

use crate::groups::{
    error::Result,
    settings::GroupSettings,
    shared::Shared,
    stored::{Group, order_id},
    work::{AdmittedEvent, lane_of, order_key},
};

/// Pause before the log is read again that could not be read.
const PAUSE: Duration = Duration::from_millis(200);

/// Events that were read, and how far the log was read with them.
pub(super) struct Read {
    pub events: Vec<ReadEvent>,
    pub read_to: Position,
}

/// An event with its place in the group.
#[derive(Clone, Debug)]
pub(super) struct ReadEvent {
    pub event: AdmittedEvent,
    /// What it is ordered by, if that matters when it is parked.
    pub order: Option<Uuid>,
}

/// Receives what the task reads. Dropping it ends the task.
pub(super) struct Reader {
    reads: mpsc::Receiver<Result<Read>>,
    task: Option<JoinHandle<()>>,
}

impl Reader {
    /// A reader that reads nothing.
    pub(super) fn idle() -> Self {
        let (_, reads) = mpsc::channel(1);
        Self { reads, task: None }
    }

    /// Reads the events of a group after a position.
    pub(super) fn start(shared: &Arc<Shared>, group: &Group, after: Position) -> Self {
        let (sender, reads) = mpsc::channel(1);
        let task = read(Arc::clone(shared), group.settings.clone(), after, sender);
        Self {
            reads,
            task: Some(tokio::spawn(task)),
        }
    }

    /// Returns what was read next. If the future is dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Read> {
        match self.reads.recv().await {
            Some(read) => read,
            // The store is closing.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn read(
    shared: Arc<Shared>,
    settings: GroupSettings,
    after: Position,
    reads: mpsc::Sender<Result<Read>>,
) {
    let mut place = after;
    loop {
        match follow(&shared, &settings, &mut place, &reads).await {
            // The leader has stopped, or the store is closing.
            Ok(()) | Err(StoreError::Closed) => return,
            Err(StoreError::Unavailable(_) | StoreError::Overloaded(_)) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                let _ = reads.send(Err(error.into())).await;
                return;
            }
        }
    }
}

async fn follow(
    shared: &Shared,
    settings: &GroupSettings,
    place: &mut Position,
    reads: &mpsc::Sender<Result<Read>>,
) -> std::result::Result<(), StoreError> {
    let query: Query = settings.query.clone();
    let start = Start::After(*place);
    let mut subscription = shared.store.subscribe_all(SubscribeAll { start, query }).await?;
    loop {
        let read = match subscription.next().await? {
            Notice::Events(batch) => {
                let events = batch.encoded()?.into_iter().map(|event| placed(settings, event));
                let events = events.collect::<std::result::Result<Vec<_>, StoreError>>()?;
                let last = events.last().map_or(*place, |read| Position(read.event.position));
                Read {
                    events,
                    read_to: last,
                }
            }
            Notice::CaughtUp { position, .. } | Notice::Checkpoint { position, .. } => Read {
                events: Vec::new(),
                read_to: position,
            },
            Notice::FellBehind { .. } => continue,
        };
        *place = read.read_to;
        if reads.send(Ok(read)).await.is_err() {
            return Ok(());
        }
    }
}

/// Determines the place of an event in a group.
pub(super) fn placed(
    settings: &GroupSettings,
    event: EncodedEvent,
) -> std::result::Result<ReadEvent, StoreError> {
    let view = event.view()?;
    let order = settings
        .park_following
        .then(|| order_key(&settings.mode, &view).map(order_id));
    let (position, lane) = (view.position.0, lane_of(&settings.mode, &view));
    Ok(ReadEvent {
        event: AdmittedEvent {
            position,
            lane,
            event,
        },
        order: order.flatten(),
    })
}
