//! Finds FoundationDB's programs.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Where packages and builds from source install them, besides `PATH`.
const DIRECTORIES: [&str; 5] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/libexec",
];

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
    /// If a variable does not name a file, or if there is an `fdbserver` without an `fdbcli`.
    #[must_use]
    pub fn find() -> Option<Self> {
        let server = named("FDBSERVER").or_else(|| installed("fdbserver"))?;
        let beside = server.with_file_name("fdbcli");
        let cli = named("FDBCLI")
            .or_else(|| beside.is_file().then_some(beside))
            .or_else(|| installed("fdbcli"));
        let Some(cli) = cli else {
            panic!(
                "found {} but no fdbcli beside it or on PATH; name it with FDBCLI",
                server.display()
            );
        };
        Some(Self { server, cli })
    }

    /// Like [`Programs::find`], but if there is no `fdbserver`, one line on standard error states that tests are
    /// skipped. It is visible even if the test passes: it is written directly, because the test harness captures
    /// printed output.
    ///
    /// # Panics
    /// Those of [`Programs::find`].
    #[must_use]
    pub fn find_or_say() -> Option<Self> {
        static SAID: Once = Once::new();
        let found = Self::find();
        if found.is_none() {
            SAID.call_once(|| {
                let line = format!(
                    "SKIPPED: no fdbserver found by FDBSERVER, on PATH or in {}; \
                     nothing that needs FoundationDB was tested\n",
                    DIRECTORIES.join(", ")
                );
                // If standard error is closed, there is nowhere to report this.
                let _ = std::io::stderr().write_all(line.as_bytes());
            });
        }
        found
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

fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(
            DIRECTORIES
                .iter()
                .map(|directory| Path::new(directory).to_owned()),
        )
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}
