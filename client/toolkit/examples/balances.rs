//! The program of client/rust/README.md, verbatim. Needs a server on the default port:
//! `cargo run -p annals-toolkit --example balances --features sqlite`

use annals_client::{Client, RecordedEvent};
use annals_toolkit::projection::Definition;
use annals_toolkit::sqlx::{self, Row};
use annals_toolkit::store::BoxError;
use annals_toolkit::store::sqlite::{SqliteModel, SqliteStore};
use annals_toolkit::{Aggregate, DomainEvent, Projection, Projections, Repository};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
enum AccountEvent {
    Deposited { amount: i64 },
    Withdrawn { amount: i64 },
}

impl DomainEvent for AccountEvent {}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    balance: i64,
}

impl Aggregate for Account {
    type Event = AccountEvent;
    const CATEGORY: &'static str = "account"; // ada's account is the stream account-ada

    // Updates the state with an event.
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount } => self.balance -= amount,
        }
    }
}

impl Account {
    fn deposit(&self, amount: i64) -> Result<[AccountEvent; 1], String> {
        Ok([AccountEvent::Deposited { amount }])
    }

    // Rejects a withdrawal that exceeds the balance.
    fn withdraw(&self, amount: i64) -> Result<[AccountEvent; 1], String> {
        if amount > self.balance {
            return Err(format!("only {} left", self.balance));
        }
        Ok([AccountEvent::Withdrawn { amount }])
    }
}

struct Balances;

impl Projection<SqliteModel> for Balances {
    fn definition(&self) -> Definition {
        let create = "CREATE TABLE {balances} (account TEXT PRIMARY KEY, balance INTEGER NOT NULL)";
        Definition::new("balances")
            .query(AccountEvent::query())
            .table("balances", create)
    }

    async fn handle(&self, event: &RecordedEvent, model: &mut SqliteModel) -> Result<(), BoxError> {
        let change = match AccountEvent::decode(event)? {
            AccountEvent::Deposited { amount } => amount,
            AccountEvent::Withdrawn { amount } => -amount,
        };
        let add = model.query(
            "INSERT INTO {balances} AS b VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET balance = b.balance + $2",
        );
        let add = add.bind(event.stream.clone()).bind(change);
        add.execute(model.connection()).await?;
        Ok(())
    }
}

/// Makes a deposit and a withdrawal, and prints the read model.
pub async fn run(endpoint: &str, file: &str) -> Result<(), BoxError> {
    let client = Client::new(endpoint)?;
    let store = SqliteStore::open(file).await?;
    let projections = Projections::new(client.clone()).add(&store, Balances).start();

    let accounts: Repository<Account> = Repository::new(client);
    accounts.execute("ada", |account| account.deposit(100)).await?;
    let done = accounts.execute("ada", |account| account.withdraw(30)).await?;

    projections.wait_for(done.position).await?; // from here on the read model includes the withdrawal
    let rows = sqlx::query("SELECT account, balance FROM balances")
        .fetch_all(store.pool())
        .await?;
    for row in rows {
        println!("{}: {}", row.get::<String, _>(0), row.get::<i64, _>(1));
    }
    accounts.settle().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    run("http://127.0.0.1:2113", "read-models.db").await
}
