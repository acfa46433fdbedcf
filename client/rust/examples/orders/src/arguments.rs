//! The command line.

use std::path::PathBuf;

use annals_client::{Client, Timestamp};
use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::application::{Failure, Orders};
use crate::demo;
use crate::order::Status;

/// Orders, stored in Annals.
#[derive(Debug, Parser)]
#[command(name = "orders")]
pub struct Arguments {
    /// Endpoint of the server.
    #[arg(long, env = "ANNALS_ENDPOINT", default_value = "http://127.0.0.1:2113")]
    endpoint: String,
    /// SQLite file of the read model.
    #[arg(long, env = "ORDERS_DATABASE", default_value = "./orders.db")]
    database: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an order.
    Create {
        id: String,
        /// The customer's id.
        #[arg(long)]
        customer: String,
    },
    /// Add an item to an order.
    #[command(allow_negative_numbers = true)]
    AddItem {
        id: String,
        sku: String,
        quantity: i64,
        unit_price_cents: i64,
    },
    /// Confirm an order.
    Confirm { id: String },
    /// Ship an order.
    Ship {
        id: String,
        #[arg(long)]
        carrier: String,
        #[arg(long)]
        tracking: String,
    },
    /// Mark an order as delivered.
    Deliver { id: String },
    /// Cancel an order.
    Cancel {
        id: String,
        #[arg(long)]
        reason: String,
    },
    /// Show the current or a past state of an order.
    Show {
        id: String,
        /// Show the state at this time.
        #[arg(long, value_name = "RFC3339")]
        as_of: Option<Timestamp>,
    },
    /// Show the events of an order.
    History {
        id: String,
        /// Show the events up to this time.
        #[arg(long, value_name = "RFC3339")]
        as_of: Option<Timestamp>,
    },
    /// List all orders.
    List {
        /// List only the orders with this status.
        #[arg(long)]
        status: Option<Status>,
    },
    /// Run an order through its whole lifecycle.
    Demo,
}

/// Runs the command given in the arguments.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let client = Client::new(arguments.endpoint).map_err(|error| Failure::Failed(error.into()))?;
    let orders = Orders::new(client, arguments.database);
    let done = match &arguments.action {
        Action::Create { id, customer } => orders.execute(id, |order| order.create(id, customer)).await?,
        Action::AddItem {
            id,
            sku,
            quantity,
            unit_price_cents,
        } => {
            let add = orders.execute(id, |order| order.add_item(sku, *quantity, *unit_price_cents));
            add.await?
        }
        Action::Confirm { id } => orders.execute(id, |order| order.confirm()).await?,
        Action::Ship {
            id,
            carrier,
            tracking,
        } => orders.execute(id, |order| order.ship(carrier, tracking)).await?,
        Action::Deliver { id } => orders.execute(id, |order| order.deliver()).await?,
        Action::Cancel { id, reason } => orders.execute(id, |order| order.cancel(reason)).await?,
        Action::Show { id, as_of } => return say([orders.show(id, *as_of).await?]),
        Action::History { id, as_of } => return say(orders.history(id, *as_of).await?),
        Action::List { status } => return say(orders.list(*status).await?),
        Action::Demo => return demo::run(&orders).await,
    };
    say([done])
}

/// Prints each value as one line of JSON.
fn say<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    values.into_iter().for_each(|value| println!("{}", line(&value)));
    Ok(())
}

/// Formats a value as one line of JSON.
pub fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("output can be represented in JSON")
}
