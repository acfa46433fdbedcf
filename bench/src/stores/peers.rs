//! Where the programs of the other stores are found.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::{Error, Result};

#[cfg(feature = "peers")]
/// Where Debian and its kin keep PostgreSQL's programs, below a folder for each version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// What the person who measures may say of it.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct Peers {
    /// The Annals server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,

    /// Where `scripts/peers` has installed the other stores; their programs are looked for on PATH, too
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    pub(crate) peers: PathBuf,
}

impl Peers {
    /// The program with this name.
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

    /// The folder of PostgreSQL's programs: the newest that is installed.
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

    /// message-db's own installer.
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
    /// The whole path, but for the last link, by which a script in a Python environment finds its libraries.
    fn canonicalize_parent(&self) -> Option<PathBuf> {
        Some(self.parent()?.canonicalize().ok()?.join(self.file_name()?))
    }
}

/// What a program says of its version.
pub(super) fn version(program: &Path) -> Result<String> {
    let output = std::process::Command::new(program)
        .arg("--version")
        .output()
        .map_err(Error::system(format!("run {}", program.display())))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
