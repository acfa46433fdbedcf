//! Locates the programs of the other stores.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::{Error, Result};

#[cfg(feature = "peers")]
/// Folder of PostgreSQL's programs on Debian and its derivatives, with a folder for each version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// Options for the location of programs.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct Peers {
    /// Path of the Annals server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,

    /// Folder in which `scripts/peers` has installed the other stores; their programs are also searched on PATH
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    pub(crate) peers: PathBuf,
}

impl Peers {
    /// Returns the path of the program with this name.
    pub(crate) fn program(&self, name: &'static str) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![self.peers.join("bin")];
        folders.extend(std::env::split_paths(&path));
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
            .and_then(|program| program.canonicalize_parent())
            .ok_or(Error::NoPeer(name))
    }

    /// Returns the folder of PostgreSQL's programs, of the newest version that is installed.
    #[cfg(feature = "peers")]
    pub(crate) fn postgresql(&self) -> Result<PathBuf> {
        let versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
        let newest = versions
            .filter_map(|entry| {
                let version: u32 = entry.file_name().to_str()?.parse().ok()?;
                let programs = entry.path().join("bin");
                programs.join("initdb").is_file().then_some((version, programs))
            })
            .max();
        match newest {
            Some((_, programs)) => Ok(programs),
            None => {
                let initdb = self.program("initdb")?;
                Ok(initdb.parent().unwrap_or(Path::new("/")).to_owned())
            }
        }
    }

    /// Returns the path of message-db's own installer.
    #[cfg(feature = "peers")]
    pub(crate) fn message_db(&self) -> Result<PathBuf> {
        let installer = self.peers.join("message-db/database/install.sh");
        installer.canonicalize().map_err(|_| Error::NoPeer("message-db"))
    }
}

trait CanonicalizeParent {
    fn canonicalize_parent(&self) -> Option<PathBuf>;
}

impl CanonicalizeParent for PathBuf {
    /// Returns the absolute path without resolving the last link: a script in a Python environment finds its
    /// libraries by it.
    fn canonicalize_parent(&self) -> Option<PathBuf> {
        Some(self.parent()?.canonicalize().ok()?.join(self.file_name()?))
    }
}

/// Returns the version that a program reports.
pub(super) fn version(program: &Path) -> Result<String> {
    let output = std::process::Command::new(program)
        .arg("--version")
        .output()
        .map_err(Error::system(format!("run {}", program.display())))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
