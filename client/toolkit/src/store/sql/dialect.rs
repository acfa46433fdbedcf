//! Differences between databases, and how statements are executed in each.

use std::future::Future;

use sqlx::Database;

/// The SQL dialect of a database. Implemented by sqlx's types of the supported databases.
pub trait Dialect: Database {
    /// The statements that create the bookkeeping tables.
    const BOOKKEEPING: &'static [&'static str];
    /// Begins a transaction that writes.
    const BEGIN: &'static str;
    /// Prevents other processes from creating tables and views until the transaction ends; empty if `BEGIN` does.
    const LOCK: &'static str;
    /// The end of a SELECT that locks its rows until the transaction ends.
    const FOR_UPDATE: &'static str;
    /// Casts from text to UUID and to time, for parameters.
    const AS_UUID_AND_TIME: [&'static str; 2];

    /// Executes a statement, and returns the number of rows it changed.
    fn execute(
        connection: &mut Self::Connection,
        statement: String,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Returns the rows of a query, whose columns are numbers, text and flags.
    fn rows(
        connection: &mut Self::Connection,
        statement: String,
        values: &[Value<'_>],
        columns: &'static [Column],
    ) -> impl Future<Output = sqlx::Result<Vec<Vec<Cell>>>> + Send;

    /// Whether an error is temporary, and not a failure of the statement.
    fn is_passing(error: &sqlx::Error) -> bool;
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
}

/// The type of a column of a result.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
}

/// A value of a result.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
}

/// The methods that execute statements: the same text for each database, because sqlx requires concrete types.
macro_rules! calls {
    () => {
        async fn execute(
            connection: &mut Self::Connection,
            statement: String,
            values: &[Value<'_>],
        ) -> sqlx::Result<u64> {
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for value in values {
                query = match *value {
                    Value::Text(text) => query.bind(text.to_owned()),
                    Value::Number(number) => query.bind(number),
                    Value::Flag(flag) => query.bind(flag),
                };
            }
            Ok(query.execute(connection).await?.rows_affected())
        }

        async fn rows(
            connection: &mut Self::Connection,
            statement: String,
            values: &[Value<'_>],
            columns: &'static [Column],
        ) -> sqlx::Result<Vec<Vec<Cell>>> {
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for value in values {
                query = match *value {
                    Value::Text(text) => query.bind(text.to_owned()),
                    Value::Number(number) => query.bind(number),
                    Value::Flag(flag) => query.bind(flag),
                };
            }
            let rows = query.fetch_all(connection).await?;
            let cell = |row: &Self::Row, (index, column): (usize, &Column)| match column {
                Column::Text => row.try_get(index).map(Cell::Text),
                Column::Number => row.try_get(index).map(Cell::Number),
                Column::Flag => row.try_get(index).map(Cell::Flag),
            };
            rows.iter()
                .map(|row| {
                    columns
                        .iter()
                        .enumerate()
                        .map(|column| cell(row, column))
                        .collect()
                })
                .collect()
        }
    };
}
pub(in crate::store) use calls;
