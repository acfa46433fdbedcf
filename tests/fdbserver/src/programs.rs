//! Finds FoundationDB's programs.

use std::env;
use std::path::PathBuf;

use annals_installed::{Needed, program};

/// The programs of an installed FoundationDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// `fdbserver`
    pub server: PathBuf,
    /// `fdbcli`
    pub cli: PathBuf,
}

impl Programs {
    /// Finds the programs named by the variables `FDBSERVER` and `FDBCLI`, or otherwise on `PATH` or where they are
    /// usually installed; `fdbcli` also beside `fdbserver`. `None` if there is no `fdbserver`.
    ///
    /// # Panics
    /// If `FDBCLI` does not name a file, or if there is an `fdbserver` without an `fdbcli`.
    #[must_use]
    pub fn find() -> Option<Self> {
        Needed::FoundationDb.find().map(Self::beside)
    }

    /// Like [`Programs::find`], for tests that are ignored where there is no `fdbserver`.
    ///
    /// # Panics
    /// Those of [`Programs::find`], and if there is no `fdbserver`.
    #[must_use]
    pub fn expect() -> Self {
        Self::beside(Needed::FoundationDb.expect())
    }

    fn beside(server: PathBuf) -> Self {
        let beside = server.with_file_name("fdbcli");
        let cli = named("FDBCLI")
            .or_else(|| beside.is_file().then_some(beside))
            .or_else(|| program("fdbcli"));
        let Some(cli) = cli else {
            panic!(
                "found {} but no fdbcli beside it or on PATH; name it with FDBCLI",
                server.display()
            );
        };
        Self { server, cli }
    }
}

fn named(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(variable).filter(|value| !value.is_empty())?);
    assert!(
        path.is_file(),
        "{variable} names {}, which is not a file",
        path.display()
    );
    Some(path)
}
