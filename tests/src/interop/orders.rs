//! The reference application Orders, which exists in every language with a client, and works on the same streams in
//! all of them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::Language;
use crate::harness::{Finished, binary, finish};

/// Orders in one language, with its own read model.
#[derive(Clone, Debug)]
pub struct Orders {
    /// The language.
    pub language: Language,
    endpoint: String,
    database: PathBuf,
}

impl Orders {
    /// Orders on the server at this endpoint, with its read model in this folder.
    #[must_use]
    pub fn new(language: Language, endpoint: String, folder: &Path) -> Self {
        let database = folder.join(format!("orders-{}.db", language.name()));
        Self {
            language,
            endpoint,
            database,
        }
    }

    /// Runs a command of its command line to completion.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = self.program();
        command
            .args(arguments)
            .env("ANNALS_ENDPOINT", &self.endpoint)
            .env("ORDERS_DATABASE", &self.database);
        finish(command, &[])
    }

    /// The output of a command, which must succeed.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn say(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments);
        let name = self.language.name();
        assert_eq!(finished.code, 0, "{name} {arguments:?}: {}", finished.stderr);
        finished.stdout
    }

    fn program(&self) -> Command {
        let interpreted = match self.language {
            Language::Python => self
                .language
                .interpreted(&["-m", "orders"], "client/python/examples"),
            Language::TypeScript => {
                let main = "dist/examples/orders/main.js";
                self.language.interpreted(&[main], "client/typescript")
            }
            Language::Rust => None,
            Language::Go | Language::Java => unreachable!("they have no Orders"),
        };
        interpreted.unwrap_or_else(|| Command::new(binary("annals-orders")))
    }
}
