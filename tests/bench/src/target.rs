//! The servers that are measured, each a process of its own with an empty data folder.
//!
//! A process lives as long as its [`Process`]; dropping that kills it, so that no way out of the benchmark leaves one.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use annals_fdbserver::{Cluster, Layout, Programs};
use annals_proto::v1 as pb;
use pb::event_store_service_client::EventStoreServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tonic::{Code, transport::Endpoint};

use crate::{Error, Result, engine::Engine};

/// How long a server may take until it answers, or until it is gone.
const PATIENCE: Duration = Duration::from_secs(20);
const LOG_LINES: usize = 20;

/// A server that can be measured.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The real one.
    Annals {
        /// What the report calls it.
        name: &'static str,
        /// Its program.
        program: PathBuf,
        /// Its engine.
        engine: Engine,
    },
    /// This program as a bare echo.
    Echo,
}

impl Target {
    /// The server at `program`, or the one beside this program, as the one that is measured.
    pub(crate) fn annals(program: Option<&Path>, engine: Engine) -> Result<Self> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => own_program()?.with_file_name("annals-server"),
        };
        // Whole, because it is started from another folder.
        match program.canonicalize() {
            Ok(program) if program.is_file() => Ok(Self::Annals {
                name: "annals",
                program,
                engine,
            }),
            _ => Err(Error::NoServer(program)),
        }
    }

    /// What it is measured beside.
    pub(crate) fn beside(&self) -> Self {
        match self {
            Self::Annals {
                program,
                engine: Engine::FoundationDb,
                ..
            } => Self::Annals {
                name: Engine::FoundationDb.beside(),
                program: program.clone(),
                engine: Engine::Embedded,
            },
            _ => Self::Echo,
        }
    }

    /// For people and for JSON.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Annals { name, .. } => name,
            Self::Echo => "echo",
        }
    }

    /// Starts it in an empty folder below `data` and waits until it answers.
    pub(crate) async fn start(&self, data: &Path) -> Result<Process> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("{}-", self.name()))
            .tempdir_in(data)
            .map_err(Error::system(format!("make a folder in {}", data.display())))?;
        let address = free_address()?;
        let log = folder.path().join("log");
        let output = File::create(&log).map_err(Error::system("make the server's log"))?;
        let cluster = match self {
            Self::Annals {
                engine: Engine::FoundationDb,
                ..
            } => Some(start_cluster(folder.path().to_owned()).await?),
            _ => None,
        };
        let mut command = match self {
            Self::Annals { program, engine, .. } => {
                let mut command = Command::new(program);
                command.args([
                    "--engine",
                    engine.name(),
                    "--http-listen",
                    "127.0.0.1:0",
                    "--data",
                ]);
                command.arg(folder.path().join("data"));
                if let Some(cluster) = &cluster {
                    command.arg("--cluster-file").arg(cluster.cluster_file());
                }
                command
            }
            Self::Echo => {
                let mut command = Command::new(own_program()?);
                command.arg("echo");
                command
            }
        };
        // Everything else is as the server has it by default, whatever the person who measures has set.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ANNALS_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(["--listen", &address.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(
                output
                    .try_clone()
                    .map_err(Error::system("share the server's log"))?,
            )
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::system(format!("start {}", self.name())))?;
        let endpoint = format!("http://{address}");
        let mut process = Process {
            name: self.name(),
            child,
            cluster,
            endpoint,
            log,
            folder,
        };
        process.answers().await?;
        Ok(process)
    }
}

/// A server that runs.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// What it keeps its bytes in, if that is not itself. Gone before its folder is.
    cluster: Option<Cluster>,
    endpoint: String,
    log: PathBuf,
    folder: tempfile::TempDir,
}

impl Process {
    /// Where it serves.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The numbers of its processes, the cluster's among them.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let cluster = self.cluster.iter().flat_map(Cluster::pids);
        self.child.id().into_iter().chain(cluster).collect()
    }

    /// Waits until the server answers a call.
    async fn answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let endpoint =
            Endpoint::from_shared(self.endpoint.clone()).map_err(|error| self.failed(&error.to_string()))?;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .map_err(Error::system("look after the server"))?
            {
                return Err(self.failed(&format!("ended as it started ({status})")));
            }
            if let Ok(channel) = endpoint.connect().await {
                let mut stub = EventStoreServiceClient::new(channel);
                match stub.get_server_info(pb::GetServerInfoRequest {}).await {
                    Ok(_) => return Ok(()),
                    Err(status) if status.code() == Code::Unimplemented => return Ok(()),
                    Err(_) => {}
                }
            }
            if Instant::now() > deadline {
                return Err(self.failed(&format!("did not answer within {} s", PATIENCE.as_secs())));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells a load's failure together with what the server said, if it is gone.
    pub(crate) async fn explain(&mut self, failure: Error) -> Error {
        match timeout(Duration::from_millis(500), self.child.wait()).await {
            Ok(Ok(status)) => self.failed(&format!("ended under load ({status}) after: {failure}")),
            _ => failure,
        }
    }

    /// Asks the server to stop, waits until it has, and deletes its folder.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(Error::system("stop the server"))?;
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            return Err(self.failed(&format!("did not stop within {} s", PATIENCE.as_secs())));
        }
        drop(self.cluster.take());
        self.folder
            .close()
            .map_err(Error::system("delete the server's folder"))
    }

    fn failed(&self, problem: &str) -> Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Error::Server {
            name: self.name,
            problem: problem.to_owned(),
            log,
        }
    }
}

/// A cluster of one process with its files below this folder.
async fn start_cluster(folder: PathBuf) -> Result<Cluster> {
    let programs = Programs::find().ok_or(Error::NoFoundationDb)?;
    // It panics if the cluster does not come up, and has said why then.
    let starting =
        tokio::task::spawn_blocking(move || Cluster::start_below(&folder, &programs, Layout::SINGLE));
    starting
        .await
        .map_err(|error| Error::wrong("starting FoundationDB", error.to_string()))
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(Error::system("find this program's own file"))
}

/// A loopback address whose port is free now. Another process may take it before the server does; then that says so.
fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(Error::system("find a free port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_is_told_with_its_path_and_how_to_build_it() {
        let error = Target::annals(Some(Path::new("no/such/server")), Engine::Embedded)
            .unwrap_err()
            .to_string();
        assert!(error.contains("no/such/server"), "{error}");
        assert!(
            error.contains("cargo build --release -p annals-server"),
            "{error}"
        );
    }

    #[test]
    fn a_server_named_by_a_relative_path_is_found_from_any_folder() {
        // The tests run in the folder of the package.
        let target = Target::annals(Some(Path::new("Cargo.toml")), Engine::Embedded).unwrap();
        assert!(matches!(target, Target::Annals { program, .. } if program.is_absolute()));
    }
}
