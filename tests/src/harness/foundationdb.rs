//! FoundationDB, where it is installed and the server was built with it: one cluster for all tests of a binary, with
//! a store for each server.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use annals_fdbserver::Programs;

use super::binary;

/// FoundationDB's programs, if tests can run on it; otherwise one line on standard error states why not.
pub fn programs() -> Option<&'static Programs> {
    static FOUND: OnceLock<Option<Programs>> = OnceLock::new();
    FOUND
        .get_or_init(|| Programs::find_or_say().filter(|_| server_has_it()))
        .as_ref()
}

fn server_has_it() -> bool {
    let output = Command::new(binary("annals-server"))
        // Not a valid cluster file: whatever the error is, the server exits at once.
        .args(["--engine", "foundationdb", "--cluster-file", "/dev/null"])
        .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        .output()
        .expect("the server's process can be started");
    let has = !String::from_utf8_lossy(&output.stderr).contains("not part of this build");
    if !has {
        let line = "SKIPPED: annals-server was built without FoundationDB; nothing that needs it was tested \
                    (build it with `cargo build --features annals-server/foundationdb`)\n";
        // Written directly, because the test harness captures printed output of tests that pass.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    has
}

/// A store in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStore {
    cluster_file: PathBuf,
    key_prefix: String,
}

impl ClusterStore {
    /// A new store in this cluster that is used by no other server.
    #[must_use]
    pub fn fresh_in(cluster_file: &Path) -> Self {
        Self {
            cluster_file: cluster_file.to_owned(),
            key_prefix: format!("test-{}", uuid::Uuid::new_v4().simple()),
        }
    }

    /// A new store in the cluster that tests share.
    ///
    /// # Panics
    /// If FoundationDB is not installed.
    #[must_use]
    pub fn fresh() -> Self {
        let cluster = annals_fdbserver::shared().expect("FoundationDB is installed; see `programs`");
        Self::fresh_in(cluster.cluster_file())
    }

    /// The options with which a server finds it.
    pub(super) fn arguments(&self) -> [String; 4] {
        [
            "--cluster-file".to_owned(),
            self.cluster_file.display().to_string(),
            "--key-prefix".to_owned(),
            self.key_prefix.clone(),
        ]
    }
}

impl fmt::Display for ClusterStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} in {}",
            self.key_prefix,
            self.cluster_file.display()
        )
    }
}
