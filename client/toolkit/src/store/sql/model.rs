//! Access to read models for handlers, and the names of tables.

use std::fmt;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Transaction};

use super::dialect::Dialect;
use crate::projection::Definition;
use crate::store::physical_table;

/// Access to a read model in a database, for handlers: `{table}` is replaced by the real name of a table of the
/// projection.
pub struct SqlModel<D: Database> {
    pub(super) transaction: Transaction<'static, D>,
    pub(super) tables: Vec<(String, String)>,
    pub(super) generation: u32,
}

impl<D: Dialect> SqlModel<D> {
    /// Returns a statement with the tables' real names, to bind parameters to and to execute on the
    /// [`connection`](Self::connection).
    ///
    /// Never build the text from untrusted input; use parameters.
    pub fn query(&self, statement: &str) -> Query<'static, D, <D as Database>::Arguments> {
        sqlx::query(AssertSqlSafe(self.statement(statement)))
    }

    /// Returns the text of a statement with the tables' real names.
    pub fn statement(&self, statement: &str) -> String {
        named(statement, &self.tables)
    }

    /// Returns the connection, in the transaction. Don't end the transaction.
    pub fn connection(&mut self) -> &mut D::Connection {
        &mut self.transaction
    }

    /// Returns the number of the generation being built.
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

/// Returns the placeholders of the tables of a projection, and the tables' names in a generation.
pub(super) fn placeholders(projection: &Definition, generation: u32) -> Vec<(String, String)> {
    let tables = projection.tables.iter();
    tables
        .map(|table| (format!("{{{table}}}"), physical_table(table, generation)))
        .collect()
}

pub(super) fn named(statement: &str, tables: &[(String, String)]) -> String {
    tables
        .iter()
        .fold(statement.to_owned(), |statement, (placeholder, name)| {
            statement.replace(placeholder, name)
        })
}
