//! message-db: SQL functions over one table in PostgreSQL, called with prepared statements over a pool of
//! connections.
//!
//! - An append of one event is `write_message` with its expected version; an append of several is one transaction
//!   with a call for each.
//! - A stream is read with `get_stream_messages`, a category with `get_category_messages`, a thousand messages at a
//!   time.
//! - The log is read from the table itself, because message-db has no function for that.
//! - A subscriber polls each category, as message-db's consumers do: at once after a full batch, otherwise every 100
//!   ms. The whole log can't be followed in one query: positions are assigned before the commit, and they become
//!   visible in order only within a category.
//!
//! message-db's own installer creates the tables. PostgreSQL refuses to run as root; in that case it runs as its own
//! user.

mod cluster;

use std::{path::Path, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use futures::{FutureExt, future::try_join_all};
use tokio::sync::mpsc;
use tokio_postgres::{GenericClient, NoTls, Statement, types::ToSql};

use super::{Ability, Batch, Client, Peers, Selection, Setting, Store, Subscription, Work, text};
use crate::{
    Error, Result,
    load::events::{CATEGORIES, category, content, id, number, stream_name},
    process::Restart,
};
use cluster::Cluster;

const STORE: &str = "message-db";
/// Connections of a pool. More connections do not make two cores faster.
const CONNECTIONS: usize = 64;
/// Messages of a response, message-db's default.
const BATCH: i64 = 1_000;
/// Polling interval, the default of message-db's consumers.
const POLL: Duration = Duration::from_millis(100);
/// Event batches that a subscriber may be behind.
const BEHIND: usize = 64;

const WRITE: &str =
    "SELECT write_message($1::varchar, $2::varchar, $3::varchar, $4::text::jsonb, NULL, $5::bigint)";
const STREAM: &str = "SELECT id, type, position, global_position, data \
                      FROM get_stream_messages($1::varchar, $2::bigint, $3::bigint)";
const CATEGORY: &str = "SELECT id, type, position, global_position, data \
                        FROM get_category_messages($1::varchar, $2::bigint, $3::bigint)";
const ALL: &str = "SELECT id::varchar, type::varchar, position, global_position, data::varchar FROM messages \
                   WHERE global_position >= $1 ORDER BY global_position LIMIT $2";

/// A PostgreSQL cluster with message-db.
pub(super) struct MessageDb {
    setting: Setting,
    cluster: Cluster,
}

impl MessageDb {
    pub(super) async fn start(data: &Path, peers: &Peers) -> Result<Self> {
        let cluster = Cluster::start(data, peers).await?;
        let setting = Setting {
            program: format!("message-db {} in {}", cluster.message_db_version, cluster.version),
            durable: format!(
                "fsync on, synchronous_commit on; {}",
                cluster::SETTINGS.join(", ")
            ),
            client: format!(
                "tokio-postgres with prepared statements, a pool of up to {CONNECTIONS} connections; write_message \
                 with its expected version; several events in a transaction, sent without waiting; subscribers poll \
                 every {} ms",
                POLL.as_millis()
            ),
        };
        Ok(Self { setting, cluster })
    }
}

impl Store for MessageDb {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn lacks(&self, ability: Ability) -> Option<&'static str> {
        match ability {
            Ability::Condition => Some("no conditions beyond one stream's version"),
            Ability::Read(Selection::Kind(_)) => Some("no index of types"),
            Ability::Read(Selection::Tag(_)) => Some("no tags"),
            _ => None,
        }
    }

    fn processes(&self) -> Vec<u32> {
        self.cluster.processes()
    }

    fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    fn clients(&self, count: usize, _: usize) -> Work<'_, Vec<Box<dyn Client>>> {
        async move {
            let pool = pool(&self.cluster, count.min(CONNECTIONS)).await?;
            let client = || -> Box<dyn Client> { Box::new(MessageDbClient(pool.clone())) };
            Ok((0..count).map(|_| client()).collect())
        }
        .boxed()
    }

    fn is_refusal(&self, error: &Error) -> bool {
        error.peer_said("Wrong expected version")
    }

    fn restart(&mut self, restart: Restart) -> Work<'_, Duration> {
        self.cluster.restart(restart).boxed()
    }

    fn stop(self: Box<Self>) -> Work<'static, ()> {
        self.cluster.stop().boxed()
    }
}

/// Builds a pool whose connections are open.
async fn pool(cluster: &Cluster, connections: usize) -> Result<Pool> {
    let settings = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(cluster.connection(), NoTls, settings);
    let pool = Pool::builder(manager).max_size(connections).build();
    let pool = pool.map_err(Error::peer(STORE, "make a pool"))?;
    let open = try_join_all((0..connections).map(|_| pool.get())).await;
    drop(open.map_err(Error::peer(STORE, "connect"))?);
    Ok(pool)
}

struct MessageDbClient(Pool);

impl MessageDbClient {
    async fn connection(&self) -> Result<Object> {
        self.0.get().await.map_err(Error::peer(STORE, "connect"))
    }
}

impl Client for MessageDbClient {
    fn append(&mut self, batch: Batch) -> Work<'_, u64> {
        async move {
            let failed = || Error::peer(STORE, "append");
            let mut connection = self.connection().await?;
            let write = connection.prepare_cached(WRITE).await.map_err(failed())?;
            let stream = stream_name(batch.stream);
            let stream = text(&stream);
            if batch.events == 1 {
                write_message(&**connection, &write, stream, batch.first, batch.revision).await?;
                return Ok(0);
            }
            let transaction = connection.transaction().await.map_err(failed())?;
            let messages = batch.numbers().zip(batch.revision..);
            let writes = messages
                .map(|(number, revision)| write_message(&*transaction, &write, stream, number, revision));
            try_join_all(writes).await?;
            transaction.commit().await.map_err(failed())?;
            Ok(0)
        }
        .boxed()
    }

    fn load(&mut self, stream: u64, events: u32) -> Work<'_, u64> {
        async move {
            let stream = stream_name(stream);
            let stream = text(&stream);
            let connection = self.connection().await?;
            let mut count = 0;
            while count < u64::from(events) {
                let from = i64::try_from(count).unwrap_or(i64::MAX);
                let numbers = messages(&connection, STREAM, &[&stream, &from, &BATCH]).await?;
                if numbers.is_empty() {
                    break;
                }
                count += numbers.len() as u64;
            }
            Ok(count)
        }
        .boxed()
    }

    fn read(&mut self, selection: Selection, _: u64) -> Work<'_, u64> {
        async move {
            let connection = self.connection().await?;
            let (mut count, mut next) = (0, 1);
            loop {
                let found = match selection {
                    Selection::All => messages(&connection, ALL, &[&next, &BATCH]).await?,
                    Selection::Category(of) => {
                        messages(&connection, CATEGORY, &[&category(of), &next, &BATCH]).await?
                    }
                    Selection::Kind(_) | Selection::Tag(_) => return super::lacking().await,
                };
                count += found.len() as u64;
                match found.last() {
                    Some((_, position)) if found.len() as i64 == BATCH => next = position + 1,
                    _ => return Ok(count),
                }
            }
        }
        .boxed()
    }

    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        async move {
            let connection = self.connection().await?;
            let mut from = 1;
            if !all {
                let last = "SELECT coalesce(max(global_position), 0) FROM messages";
                let last = connection.query_one(last, &[]).await;
                let last: i64 = last.map_err(Error::peer(STORE, "subscribe"))?.get(0);
                from = last + 1;
            }
            let (found, deliveries) = mpsc::channel(BEHIND);
            for nth in 0..CATEGORIES as u64 {
                tokio::spawn(poll(self.0.clone(), category(nth), from, found.clone()));
            }
            let deliveries: Box<dyn Subscription> = Box::new(Deliveries(deliveries));
            Ok(deliveries)
        }
        .boxed()
    }
}

/// Writes one event that must get this revision.
async fn write_message(
    connection: &impl GenericClient,
    statement: &Statement,
    stream: &str,
    number: u64,
    revision: u64,
) -> Result<()> {
    let (id, content) = (id(number), content(number));
    let expected = i64::try_from(revision).unwrap_or(i64::MAX) - 1;
    let (id, data) = (text(&id), text(&content.data));
    let written = connection
        .query_one(statement, &[&id, &stream, &content.kind, &data, &expected])
        .await
        .map_err(Error::peer(STORE, "append"))?;
    let got: i64 = written.get(0);
    if got == expected + 1 {
        Ok(())
    } else {
        Err(Error::wrong(
            "append",
            format!("revision {revision} was answered with {got}"),
        ))
    }
}

/// Returns the numbers of the events that a statement returns, and their positions in the log; every column is
/// decoded.
async fn messages(
    connection: &Object,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<(u64, i64)>> {
    let failed = || Error::peer(STORE, "read");
    let statement = connection.prepare_cached(statement).await.map_err(failed())?;
    let rows = connection.query(&statement, parameters).await.map_err(failed())?;
    let message = |row: &tokio_postgres::Row| {
        let (id, kind, data): (&str, &str, &str) = (row.get(0), row.get(1), row.get(4));
        let (_, position): (i64, i64) = (row.get(2), row.get(3));
        std::hint::black_box((kind, data));
        (number(id).unwrap_or(0), position)
    };
    Ok(rows.iter().map(message).collect())
}

/// Follows one category until the receiver is dropped. It takes a connection for each query, so that there can be
/// more followers than connections.
async fn poll(pool: Pool, category: &'static str, mut next: i64, found: mpsc::Sender<Result<Vec<u64>>>) {
    loop {
        let found_now = async {
            let connection = pool.get().await.map_err(Error::peer(STORE, "subscription"))?;
            messages(&connection, CATEGORY, &[&category, &next, &BATCH]).await
        };
        match found_now.await {
            Ok(events) => {
                let is_full = events.len() as i64 == BATCH;
                if let Some((_, last)) = events.last() {
                    next = last + 1;
                    let numbers = events.iter().map(|(number, _)| *number).collect();
                    if found.send(Ok(numbers)).await.is_err() {
                        return;
                    }
                }
                if !is_full {
                    tokio::select! {
                        () = tokio::time::sleep(POLL) => {}
                        () = found.closed() => return,
                    }
                }
            }
            Err(error) => {
                // Reports the error to the receiver; if the receiver was dropped, the error does not matter.
                let _ = found.send(Err(error)).await;
                return;
            }
        }
    }
}

struct Deliveries(mpsc::Receiver<Result<Vec<u64>>>);

impl Subscription for Deliveries {
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()> {
        async move {
            match self.0.recv().await {
                Some(found) => {
                    numbers.extend(found?);
                    Ok(())
                }
                None => Err(Error::wrong("subscription", "its polls ended")),
            }
        }
        .boxed()
    }
}
