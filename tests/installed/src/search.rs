//! The search for programs, by the build script and by tests that run.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The variable that names what must be installed.
pub const REQUIRE: &str = "ANNALS_REQUIRE";

/// Where packages and builds from source install programs, besides `PATH`.
const FOLDERS: [&str; 5] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/libexec",
];
/// Where Debian installs PostgreSQL: in a folder for each version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// A program that some tests need and that need not be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// `fdbserver`, or the program that `FDBSERVER` names.
    FoundationDb,
    /// `initdb` and `postgres`, or the server that `ANNALS_TEST_POSTGRES` names.
    PostgreSql,
    /// `grpcurl`, or the program that `GRPCURL` names.
    Grpcurl,
    /// The server of a later version that `just build-newer` builds, or the program that `ANNALS_NEWER_SERVER` names.
    NewerServer,
}

impl Needed {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::FoundationDb,
        Self::PostgreSql,
        Self::Grpcurl,
        Self::NewerServer,
    ];

    /// The name in `ANNALS_REQUIRE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FoundationDb => "foundationdb",
            Self::PostgreSql => "postgresql",
            Self::Grpcurl => "grpcurl",
            Self::NewerServer => "newer",
        }
    }

    /// The variable that names the program or the server.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::FoundationDb => "FDBSERVER",
            Self::PostgreSql => "ANNALS_TEST_POSTGRES",
            Self::Grpcurl => "GRPCURL",
            Self::NewerServer => "ANNALS_NEWER_SERVER",
        }
    }

    /// The program, or the URL that names a server. `None` if it is not installed; a variable that names a missing
    /// file counts as not installed.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        let named = env::var_os(self.variable()).filter(|value| !value.is_empty());
        match (self, named.map(PathBuf::from)) {
            (Self::PostgreSql, Some(url)) => Some(url),
            (Self::PostgreSql, None) => {
                program("initdb").filter(|initdb| initdb.with_file_name("postgres").is_file())
            }
            (_, Some(path)) => path.is_file().then_some(path),
            (Self::FoundationDb, None) => program("fdbserver"),
            (Self::Grpcurl, None) => program("grpcurl"),
            (Self::NewerServer, None) => {
                let server = format!("annals-server{}", env::consts::EXE_SUFFIX);
                Some(newer_folder().join(server)).filter(|path| path.is_file())
            }
        }
    }
}

/// An installed program, on `PATH` or where programs are usually installed.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(folders())
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The folder of the newer server: `target/debug/newer`.
pub(crate) fn newer_folder() -> PathBuf {
    // target/debug/build/<package>/out: known to the build script when it runs, and to the library when it is built.
    let out = option_env!("OUT_DIR").map(PathBuf::from);
    let out = out.or_else(|| env::var_os("OUT_DIR").map(PathBuf::from));
    let profile = out.as_deref().and_then(|out| out.ancestors().nth(3));
    profile.expect("cargo sets OUT_DIR").join("newer")
}

/// The folders that are searched after `PATH`; some may not exist.
pub(crate) fn folders() -> Vec<PathBuf> {
    let versions = fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    let mut newest_first: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    newest_first.sort();
    newest_first.reverse();
    let usual = FOLDERS.iter().map(|folder| Path::new(folder).to_owned());
    usual.chain(newest_first).collect()
}

/// The names in `ANNALS_REQUIRE`.
#[must_use]
pub fn required() -> Vec<String> {
    let names = env::var(REQUIRE).unwrap_or_default();
    names.split(',').map(|name| name.trim().to_owned()).collect()
}
