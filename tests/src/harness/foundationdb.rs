//! FoundationDB, where it is installed and the server was built with it: one cluster for all tests of a binary, and in it a
//! store for each server.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use annals_fdbserver::Programs;

use super::binary;

/// FoundationDB's programs, if tests can run on it; otherwise a line of standard error says once why they do not.
pub fn programs() -> Option<&'static Programs> {
    static FOUND: OnceLock<Option<Programs>> = OnceLock::new();
    FOUND
        .get_or_init(|| Programs::find_or_say().filter(|_| server_has_it()))
        .as_ref()
}

fn server_has_it() -> bool {
    let output = Command::new(binary("annals-server"))
        // A file that is none: whatever it says, it ends at once.
        .args(["--engine", "foundationdb", "--cluster-file", "/dev/null"])
        .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        .output()
        .expect("the server's process can be started");
    let has = !String::from_utf8_lossy(&output.stderr).contains("not part of this build");
    if !has {
        let line = "SKIPPED: annals-server was built without FoundationDB; nothing that needs it was tested (build it with \
                    `cargo build --features annals-server/foundationdb`)\n";
        // Written, not printed: what a test prints is held back unless it fails.
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
    /// A store that nobody else has, in this cluster.
    #[must_use]
    pub fn fresh_in(cluster_file: &Path) -> Self {
        Self {
            cluster_file: cluster_file.to_owned(),
            key_prefix: format!("test-{}", uuid::Uuid::new_v4().simple()),
        }
    }

    /// The same in the cluster that tests share.
    ///
    /// # Panics
    /// Where FoundationDB is not installed.
    #[must_use]
    pub fn fresh() -> Self {
        let cluster = annals_fdbserver::shared().expect("FoundationDB is installed; see `programs`");
        Self::fresh_in(cluster.cluster_file())
    }

    /// The options by which a server finds it.
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
