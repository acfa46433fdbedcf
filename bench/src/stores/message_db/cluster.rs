//! A separate PostgreSQL cluster, created by initdb in an empty folder.

use std::{
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tokio::process::Command;
use tokio_postgres::NoTls;

use super::super::{Peers, peers::version};
use crate::{
    Error, Result,
    folder::{forget, new_folder},
    process::{Process, Program, Restart},
    target::free_address,
};

/// Settings that differ from the defaults, all of them in PostgreSQL's favor. fsync and synchronous_commit are on by
/// default.
pub(super) const SETTINGS: [&str; 6] = [
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "effective_cache_size=8GB",
    "random_page_cost=1.1",
    "jit=off",
];
const DATABASE: &str = "message_store";
const USER: &str = "message_store";
/// More than the pools of all loads use together.
const CONNECTIONS: &str = "max_connections=400";

/// A running cluster.
pub(super) struct Cluster {
    pub(super) version: String,
    pub(super) message_db_version: String,
    process: Process,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub(super) async fn start(data: &Path, peers: &Peers) -> Result<Self> {
        let (programs, installer) = (peers.postgresql()?, peers.message_db()?);
        let folder = new_folder("message-db", data)?;
        let owner = Owner::of_servers()?;
        owner.takes(folder.path())?;
        let (address, files) = (free_address()?, folder.path().join("data"));
        let mut initdb = owner.command(programs.join("initdb"));
        initdb
            .args([
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--no-locale",
                "--username",
            ])
            .args(["postgres", "--pgdata"])
            .arg(&files)
            .current_dir(folder.path());
        done(initdb, "make a PostgreSQL cluster").await?;

        let (postgres, sockets) = (programs.join("postgres"), folder.path().to_owned());
        let owner_of_server = owner.clone();
        let program: Program = Box::new(move || {
            let mut command = owner_of_server.command(postgres.clone());
            command.arg("-D").arg(&files).arg("-k").arg(&sockets);
            command.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]);
            for setting in SETTINGS.into_iter().chain([CONNECTIONS]) {
                command.args(["-c", setting]);
            }
            command
        });
        let mut cluster = Self {
            version: version(&programs.join("postgres"))?,
            message_db_version: message_db_version(&installer),
            process: Process::start("postgres", program, folder.path())?,
            address,
            folder,
        };
        cluster.answers("postgres").await?;
        cluster.install(&programs, &installer).await?;
        Ok(cluster)
    }

    /// Runs message-db's own installer, which creates its own database.
    async fn install(&self, programs: &Path, installer: &Path) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [programs.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let folders =
            std::env::join_paths(folders).map_err(|error| Error::wrong("PATH", error.to_string()))?;
        let mut install = Command::new("bash");
        install
            .arg(installer)
            .env("PATH", folders)
            .env("PGHOST", self.address.ip().to_string())
            .env("PGPORT", self.address.port().to_string())
            .env("PGUSER", "postgres")
            .env("DATABASE_NAME", DATABASE);
        done(install, "install message-db").await
    }

    /// Returns the client's connection settings.
    pub(super) fn connection(&self) -> tokio_postgres::Config {
        self.connection_to(USER, DATABASE)
    }

    fn connection_to(&self, user: &str, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host(self.address.ip().to_string())
            .port(self.address.port())
            .user(user)
            .dbname(database)
            .options("-c search_path=message_store,public");
        config
    }

    async fn answers(&mut self, database: &str) -> Result<()> {
        let config = self.connection_to("postgres", database);
        self.process.answers(|| answered(config.clone())).await
    }

    pub(super) fn processes(&self) -> Vec<u32> {
        self.process.family()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Restarts the cluster, after a fast shutdown or kill -9 of all its processes.
    pub(super) async fn restart(&mut self, restart: Restart) -> Result<Duration> {
        self.process.end(Signal::INT, restart.is_killed).await?;
        if restart.is_cold {
            forget(self.folder.path())?;
        }
        let start = Instant::now();
        self.process.start_again()?;
        self.answers(DATABASE).await?;
        Ok(start.elapsed())
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        // Its data is deleted, so its last checkpoint is not awaited.
        self.process.end(Signal::QUIT, false).await?;
        self.folder
            .close()
            .map_err(Error::system("delete the cluster's folder"))
    }
}

async fn answered(config: tokio_postgres::Config) -> bool {
    match config.connect(NoTls).await {
        Ok((client, connection)) => {
            let serving = tokio::spawn(connection);
            let answered = client.simple_query("SELECT 1").await.is_ok();
            serving.abort();
            answered
        }
        Err(_) => false,
    }
}

/// Reads the version from a file beside the installer.
fn message_db_version(installer: &Path) -> String {
    let file = installer.with_file_name("VERSION.txt");
    std::fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Runs a command until it ends.
async fn done(mut command: Command, what: &str) -> Result<()> {
    let output = command.output().await.map_err(Error::system(what.to_owned()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::wrong(what, format!("{}: {said}", output.status)))
}

/// The owner of the server's files and process: this user, unless that is root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn of_servers() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        match Self::named(&users, "postgres") {
            Some(owner) => Ok(owner),
            None => Err(Error::NoPeer(
                "the user postgres, because PostgreSQL does not run as root,",
            )),
        }
    }

    fn named(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        let (user, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self(Some((user, group))))
    }

    /// Gives the owner a folder.
    fn takes(&self, folder: &Path) -> Result<()> {
        let Self(Some((user, group))) = *self else {
            return Ok(());
        };
        let what = || format!("give PostgreSQL the folder {}", folder.display());
        chown(folder, Some(user), Some(group)).map_err(Error::system(what()))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))
            .map_err(Error::system(what()))
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        if let Self(Some((user, group))) = *self {
            command.uid(user).gid(group);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:107:115:admin:/var/lib:/bin/bash\n";
        assert_eq!(Owner::named(users, "postgres"), Some(Owner(Some((107, 115)))));
        assert_eq!(Owner::named(users, "post"), None);
    }
}
