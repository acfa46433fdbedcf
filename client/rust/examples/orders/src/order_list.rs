//! The read model: a row for each order, in SQLite. The table is the same in every language, so they can share the
//! file.

use annals_client::{QueryItem, RecordedEvent};
use annals_toolkit::projection::Definition;
use annals_toolkit::sqlx::{self, Row};
use annals_toolkit::store::BoxError;
use annals_toolkit::store::sqlite::{SqliteModel, SqliteStore};
use annals_toolkit::{Aggregate, DomainEvent, Projection};
use serde::Serialize;

use crate::event::OrderEvent;
use crate::order::{Order, Status};

pub const NAME: &str = "order-list";

/// All orders, with their status.
#[derive(Debug)]
pub struct OrderList;

impl Projection<SqliteModel> for OrderList {
    fn definition(&self) -> Definition {
        let create = "CREATE TABLE {orders} (order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, \
                      status TEXT NOT NULL, item_count INTEGER NOT NULL, total_cents INTEGER NOT NULL)";
        let of_orders = QueryItem {
            stream_prefixes: vec![format!("{}-", Order::CATEGORY)],
            ..OrderEvent::query()
        };
        Definition::new(NAME).query(of_orders).table("orders", create)
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut SqliteModel) -> Result<(), BoxError> {
        let id = event.stream.split_once('-').map_or("", |(_, id)| id).to_owned();
        let change = match OrderEvent::decode(event)? {
            OrderEvent::OrderCreated { customer_id, .. } => model
                .query("INSERT INTO {orders} VALUES ($1, $2, 'open', 0, 0)")
                .bind(id)
                .bind(customer_id),
            OrderEvent::OrderItemAdded {
                quantity,
                unit_price_cents,
                ..
            } => model
                .query(
                    "UPDATE {orders} SET item_count = item_count + 1, total_cents = total_cents + $2 \
                     WHERE order_id = $1",
                )
                .bind(id)
                .bind(i64::try_from(quantity.saturating_mul(unit_price_cents))?),
            OrderEvent::OrderConfirmed { .. } => set_status(model, id, Status::Confirmed),
            OrderEvent::OrderShipped { .. } => set_status(model, id, Status::Shipped),
            OrderEvent::OrderDelivered {} => set_status(model, id, Status::Delivered),
            OrderEvent::OrderCancelled { .. } => set_status(model, id, Status::Cancelled),
        };
        change.execute(model.connection()).await?;
        Ok(())
    }
}

type Statement = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn set_status(model: &SqliteModel, id: String, status: Status) -> Statement {
    let update = model.query("UPDATE {orders} SET status = $2 WHERE order_id = $1");
    update.bind(id).bind(status.as_str())
}

/// A row of the list.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub order_id: String,
    pub customer_id: String,
    pub status: String,
    pub item_count: i64,
    pub total_cents: i64,
}

/// Returns the orders (with this status, if given) by id.
pub async fn listed(store: &SqliteStore, status: Option<Status>) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query(
        "SELECT order_id, customer_id, status, item_count, total_cents FROM orders \
         WHERE $1 IS NULL OR status = $1 ORDER BY order_id",
    );
    let rows = rows
        .bind(status.map(Status::as_str))
        .fetch_all(store.pool())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Listed {
                order_id: row.try_get(0)?,
                customer_id: row.try_get(1)?,
                status: row.try_get(2)?,
                item_count: row.try_get(3)?,
                total_cents: row.try_get(4)?,
            })
        })
        .collect()
}
