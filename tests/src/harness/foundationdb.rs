//! FoundationDB, where it is installed: one cluster for all tests of a binary, with a store for each server.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use annals_fdbserver::Programs;

use super::binary;

/// FoundationDB's programs.
///
/// # Panics
/// If it is not installed, or the server was built without it.
pub fn programs() -> &'static Programs {
    static FOUND: OnceLock<Programs> = OnceLock::new();
    FOUND.get_or_init(|| {
        let programs = Programs::expect();
        assert_server_has_it();
        programs
    })
}

fn assert_server_has_it() {
    let output = Command::new(binary("annals-server"))
        // Not a valid cluster file: whatever the error is, the server exits at once.
        .args(["--engine", "foundationdb", "--cluster-file", "/dev/null"])
        .args(["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        .output()
        .expect("the server's process can be started");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("not part of this build"),
        "annals-server was built without FoundationDB, which is installed; run `just build`"
    );
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
    /// Those of [`programs`].
    #[must_use]
    pub fn fresh() -> Self {
        let _ = programs();
        Self::fresh_in(annals_fdbserver::shared().cluster_file())
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
