//! What handlers change a read model with, and what tables are called.

use std::fmt;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Transaction};

use super::dialect::Dialect;
use crate::projection::Definition;

/// What handlers change a read model in a database with: `{table}` stands for a table of the projection.
pub struct SqlModel<D: Database> {
    pub(super) transaction: Transaction<'static, D>,
    pub(super) tables: Vec<(String, String)>,
    pub(super) generation: u32,
}

impl<D: Dialect> SqlModel<D> {
    /// A statement with the tables' real names, to bind parameters to and to execute on the
    /// [`connection`](Self::connection).
    ///
    /// The text must not be made of what comes from outside: that is what parameters are for.
    pub fn query(&self, statement: &str) -> Query<'static, D, <D as Database>::Arguments> {
        sqlx::query(AssertSqlSafe(self.statement(statement)))
    }

    /// The text of a statement with the tables' real names.
    pub fn statement(&self, statement: &str) -> String {
        named(statement, &self.tables)
    }

    /// The connection, in the transaction. Don't end the transaction.
    pub fn connection(&mut self) -> &mut D::Connection {
        &mut self.transaction
    }

    /// Which generation is built.
    pub fn generation(&self) -> u32 {
        self.generation
    }
}

impl<D: Database> fmt::Debug for SqlModel<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlModel")
            .field("generation", &self.generation)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

pub(super) fn physical(table: &str, generation: u32) -> String {
    format!("{table}__{generation}")
}

/// What stands for the tables of a projection in statements, and what they are called in a generation.
pub(super) fn placeholders(projection: &Definition, generation: u32) -> Vec<(String, String)> {
    let tables = projection.tables.iter();
    tables
        .map(|table| (format!("{{{table}}}"), physical(table, generation)))
        .collect()
}

pub(super) fn named(statement: &str, tables: &[(String, String)]) -> String {
    tables
        .iter()
        .fold(statement.to_owned(), |statement, (placeholder, name)| {
            statement.replace(placeholder, name)
        })
}
