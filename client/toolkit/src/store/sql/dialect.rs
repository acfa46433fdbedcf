//! What differs between databases, and how statements are executed in each.

use std::future::Future;

use sqlx::Database;

/// How a database wants things said. Implemented by sqlx's types of the databases that there are adapters for.
pub trait Dialect: Database {
    /// The statements that make the bookkeeping tables.
    const BOOKKEEPING: &'static [&'static str];
    /// Begins a transaction that changes something.
    const BEGIN: &'static str;
    /// Keeps others from making tables and views until the transaction ends; empty if `BEGIN` does.
    const LOCK: &'static str;
    /// Ends a SELECT whose rows nobody else may change before the transaction ends.
    const FOR_UPDATE: &'static str;
    /// Makes a UUID, and a time, of a parameter that is text.
    const AS_UUID_AND_TIME: [&'static str; 2];

    /// Executes a statement; gives the number of rows that it changed.
    fn execute(
        connection: &mut Self::Connection,
        statement: String,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// The rows of a query, whose columns are numbers and text.
    fn rows(
        connection: &mut Self::Connection,
        statement: String,
        values: &[Value<'_>],
        columns: &'static [Column],
    ) -> impl Future<Output = sqlx::Result<Vec<Vec<Cell>>>> + Send;

    /// Whether an error is of the moment, and no fault of the statement.
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

/// What a column of a result holds.
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

/// How statements are executed: the same words for each database, which sqlx wants to be told apart.
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
