//! Where FoundationDB's programs are.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Where packages and builds from source put them, besides `PATH`.
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
    /// Those named by the variables `FDBSERVER` and `FDBCLI`, or else found on `PATH` or where they are usually installed;
    /// `fdbcli` also beside `fdbserver`. `None` if there is no `fdbserver`.
    ///
    /// # Panics
    /// If a variable names no file, or if there is an `fdbserver` without an `fdbcli`.
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

    /// The same, and where there is no `fdbserver`, one line of standard error says that tests are skipped. It is seen though
    /// the test passes: what tests print is held back, so it is not printed but written.
    ///
    /// # Panics
    /// As [`Programs::find`].
    #[must_use]
    pub fn find_or_say() -> Option<Self> {
        static SAID: Once = Once::new();
        let found = Self::find();
        if found.is_none() {
            SAID.call_once(|| {
                let line = format!(
                    "SKIPPED: no fdbserver found by FDBSERVER, on PATH or in {}; nothing that needs FoundationDB was tested\n",
                    DIRECTORIES.join(", ")
                );
                // Without standard error there is nobody to tell.
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
        "{variable} names {}, which is no file",
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
