//! The operations of the application.

use std::path::PathBuf;
use std::time::Duration;

use annals_client::{Client, Error, Position, Revision, Timestamp};
use annals_toolkit::store::BoxError;
use annals_toolkit::store::sqlite::SqliteStore;
use annals_toolkit::{CommandError, Projections, Repository, Snapshots};
use serde::Serialize;
use serde_json::Value;

use crate::order::{Decision, Order, Refused, Status};
use crate::order_list::{Listed, NAME, OrderList, listed};

/// Maximum time for the list to catch up with the log.
const CATCH_UP_MAX: Duration = Duration::from_secs(600);

/// Why an operation failed.
#[derive(Debug)]
pub enum Failure {
    /// A rule rejects it.
    Refused(Refused),
    /// A store failed.
    Failed(BoxError),
}

/// Converts any error of a store.
fn failed(error: impl Into<BoxError>) -> Failure {
    Failure::Failed(error.into())
}

/// The result of a command, with the position of its last event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    order_id: String,
    revision: Option<Revision>,
    position: Option<Position>,
}

/// The state of an order as it is shown.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Shown(Order);

/// An event in the history of an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    revision: Revision,
    r#type: String,
    pub recorded_at: String,
    data: Value,
}

/// Orders in a store.
#[derive(Debug)]
pub struct Orders {
    client: Client,
    database: PathBuf,
    orders: Repository<Order>,
}

impl Orders {
    pub fn new(client: Client, database: PathBuf) -> Self {
        let snapshots = Snapshots {
            // The streams are shared with the other languages, whose snapshots have versions 1 and 2.
            schema_version: 3,
            ..Snapshots::default()
        };
        Orders {
            orders: Repository::new(client.clone()).snapshots(snapshots),
            client,
            database,
        }
    }

    /// Executes a command, and returns the position of its last event.
    pub async fn execute(
        &self,
        id: &str,
        command: impl Fn(&Order) -> Decision + Send + Sync,
    ) -> Result<Done, Failure> {
        let done = match self.orders.execute(id, command).await {
            Ok(done) => done,
            Err(CommandError::Rejected(refused)) => return Err(Failure::Refused(refused)),
            Err(error) => return Err(failed(error)),
        };
        self.orders.settle().await;
        Ok(Done {
            order_id: id.to_owned(),
            revision: done.revision,
            position: done.position,
        })
    }

    /// Returns the current or a past state of the order, from its stream.
    pub async fn show(&self, id: &str, as_of: Option<Timestamp>) -> Result<Shown, Failure> {
        let load = self.orders.load(id);
        let loaded = match as_of {
            None => load.await,
            Some(time) => load.until_time(time).await,
        };
        let order = loaded.map_err(failed)?.state;
        if order.status.is_none() {
            return Err(Failure::Refused(Refused::NotFound));
        }
        Ok(Shown(order))
    }

    /// Returns the events of the order, up to a time.
    pub async fn history(&self, id: &str, as_of: Option<Timestamp>) -> Result<Vec<Happened>, Failure> {
        let read = self.client.read_stream(self.orders.stream(id));
        let read = match as_of {
            None => read,
            Some(time) => read.until_time(time),
        };
        let events = match read.await {
            Ok(events) => events,
            Err(Error::StreamNotFound { .. }) => return Err(Failure::Refused(Refused::NotFound)),
            Err(error) => return Err(failed(error)),
        };
        let events = events.collect().await.map_err(failed)?;
        let told = events.into_iter().map(|event| {
            Ok(Happened {
                revision: event.revision,
                recorded_at: format!("{:.6}", event.recorded_at),
                data: event.json()?,
                r#type: event.event_type,
            })
        });
        told.collect::<Result<_, Error>>().map_err(failed)
    }

    /// Returns the orders from the read model, after it has caught up with the log.
    pub async fn list(&self, status: Option<Status>) -> Result<Vec<Listed>, Failure> {
        let rows = async {
            let store = SqliteStore::open(&self.database).await?;
            let running = Projections::new(self.client.clone())
                .add(&store, OrderList)
                .start();
            let head = self.client.server_info().await?.head;
            if let Some(list) = running.get(NAME) {
                list.wait_for_within(head, CATCH_UP_MAX).await?;
            }
            running.stop().await;
            Ok::<_, BoxError>(listed(&store, status).await?)
        };
        rows.await.map_err(failed)
    }
}
