//! The measured servers, each a separate process, over empty folders.
//!
//! A process lives as long as its [`Process`]; dropping that kills it, so that no exit path of the benchmark leaves
//! one running.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use annals_fdbserver::{Cluster, Layout, Programs};
use annals_proto::v1 as pb;
use pb::event_store_service_client::EventStoreServiceClient;
use rustix::process::Signal;
use tokio::process::Command;
use tonic::{Code, transport::Endpoint};

use crate::{
    Error, Result,
    deployment::Deployment,
    engine::Engine,
    folder::{forget, new_folder},
    process::{Process, Program, Restart},
};

/// Time to wait, after a load failed, for the end of a server that may have caused the failure.
const ENDING: Duration = Duration::from_millis(500);

/// Servers that can be measured.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Annals servers.
    Annals {
        /// Name in the report.
        name: &'static str,
        /// Path of their program.
        program: PathBuf,
        /// Their number and engine.
        deployment: Deployment,
    },
    /// This program as a bare echo server.
    Echo,
}

impl Target {
    /// Returns the servers of `program`, or of the program beside this one, as the measured target.
    pub(crate) fn annals(program: Option<&Path>, deployment: Deployment) -> Result<Self> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => own_program()?.with_file_name("annals-server"),
        };
        // Absolute, because the program is started from another folder.
        match program.canonicalize() {
            Ok(program) if program.is_file() => Ok(Self::Annals {
                name: "annals",
                program,
                deployment,
            }),
            _ => Err(Error::NoServer(program)),
        }
    }

    /// Returns the baseline.
    pub(crate) fn beside(&self) -> Self {
        let Self::Annals {
            program, deployment, ..
        } = self
        else {
            return Self::Echo;
        };
        let engine = match (deployment.engine(), deployment.servers()) {
            (Engine::Embedded | Engine::Memory, _) => return Self::Echo,
            (Engine::FoundationDb, 1) => Engine::Embedded,
            (Engine::FoundationDb, _) => Engine::FoundationDb,
        };
        Self::Annals {
            name: deployment.beside(),
            program: program.clone(),
            deployment: Deployment::single(engine),
        }
    }

    /// Returns the name for the tables and for JSON.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Annals { name, .. } => name,
            Self::Echo => "echo",
        }
    }

    /// Starts the servers in an empty folder below `data` and waits until they answer.
    pub(crate) async fn start(&self, data: &Path) -> Result<Running> {
        let folder = new_folder(self.name(), data)?;
        let cluster = match self {
            Self::Annals { deployment, .. } if deployment.engine().is_shared() => {
                Some(start_cluster(folder.path().to_owned()).await?)
            }
            _ => None,
        };
        let mut servers = Vec::new();
        for (nth, address) in (1..).zip(free_addresses(self.servers())?) {
            let own_folder = folder.path().join(format!("server-{nth}"));
            std::fs::create_dir(&own_folder).map_err(Error::system("make a server's folder"))?;
            let program = self.program(&own_folder, address, cluster.as_ref())?;
            servers.push(Server {
                process: Process::start(self.name(), program, &own_folder)?,
                endpoint: format!("http://{address}"),
            });
        }
        for server in &mut servers {
            server.answers().await?;
        }
        Ok(Running {
            servers,
            cluster,
            folder,
        })
    }

    const fn servers(&self) -> usize {
        match self {
            Self::Annals { deployment, .. } => deployment.servers(),
            Self::Echo => 1,
        }
    }

    /// Returns a server's program and options.
    fn program(&self, folder: &Path, address: SocketAddr, cluster: Option<&Cluster>) -> Result<Program> {
        let listen = ["--listen".to_owned(), address.to_string()];
        let Self::Annals {
            program, deployment, ..
        } = self
        else {
            let program = own_program()?;
            return Ok(Box::new(move || {
                let mut command = Command::new(&program);
                command.arg("echo").args(&listen);
                command
            }));
        };
        let (program, engine, data) = (program.clone(), deployment.engine().name(), folder.join("data"));
        let cluster_file = cluster.map(|cluster| cluster.cluster_file().to_owned());
        Ok(Box::new(move || {
            let mut command = Command::new(&program);
            command
                .args(["--engine", engine])
                .args(["--http-listen", "127.0.0.1:0"])
                .args(&listen)
                .arg("--data")
                .arg(&data);
            if let Some(cluster_file) = &cluster_file {
                command.arg("--cluster-file").arg(cluster_file);
            }
            command
        }))
    }
}

/// A running server and its address.
struct Server {
    process: Process,
    endpoint: String,
}

impl Server {
    /// Waits until the server answers a call.
    async fn answers(&mut self) -> Result<()> {
        let endpoint = Endpoint::from_shared(self.endpoint.clone())
            .map_err(|error| Error::wrong("connecting", error.to_string()))?;
        self.process.answers(|| answered(endpoint.clone())).await
    }
}

async fn answered(endpoint: Endpoint) -> bool {
    let Ok(channel) = endpoint.connect().await else {
        return false;
    };
    let mut stub = EventStoreServiceClient::new(channel);
    match stub.get_server_info(pb::GetServerInfoRequest {}).await {
        Ok(_) => true,
        Err(status) => status.code() == Code::Unimplemented,
    }
}

/// Running servers.
pub(crate) struct Running {
    servers: Vec<Server>,
    /// The cluster that stores their data, if they do not store it themselves. Dropped before its folder.
    cluster: Option<Cluster>,
    folder: tempfile::TempDir,
}

impl Running {
    /// Returns the endpoints of the servers.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.servers
            .iter()
            .map(|server| server.endpoint.clone())
            .collect()
    }

    /// Returns the ids of all processes, including the cluster's.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let cluster = self.cluster.iter().flat_map(Cluster::pids);
        self.servers
            .iter()
            .filter_map(|server| server.process.pid())
            .chain(cluster)
            .collect()
    }

    /// Returns a server's output together with the load's failure if a server has ended; otherwise the failure alone.
    pub(crate) async fn explain(&mut self, failure: Error) -> Error {
        for server in &mut self.servers {
            if let Some(ended) = server.process.ended(ENDING, &failure).await {
                return ended;
            }
        }
        failure
    }

    /// Waits, for a limited time, until a cluster has stored all data it accepted. For some seconds it accepts more
    /// than its disk format can be written at, and then throttles every client: that delay would count against the
    /// next measurement.
    pub(crate) async fn settle(&self) -> Result<()> {
        let Some(cluster) = &self.cluster else {
            return Ok(());
        };
        let start = Instant::now();
        while start.elapsed() < SETTLE_MAX {
            let status = tokio::task::block_in_place(|| cluster.cli("status json"));
            if keeps_up(&status) {
                break;
            }
            tokio::time::sleep(SETTLE_STEP).await;
        }
        Ok(())
    }

    /// Returns the folder of their files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops and starts the servers, and waits until they answer. Returns the time from the start to the first
    /// answer. The cluster that stores their data is killed and started before them: it has no graceful shutdown.
    pub(crate) async fn restart(&mut self, restart: Restart) -> Result<Duration> {
        for server in &mut self.servers {
            server.process.end(Signal::TERM, restart.is_killed).await?;
        }
        if let Some(cluster) = &self.cluster {
            (0..cluster.len()).for_each(|nth| cluster.kill(nth));
        }
        if restart.is_cold {
            forget(self.folder.path())?;
        }
        let start = Instant::now();
        if let Some(cluster) = &self.cluster {
            (0..cluster.len()).for_each(|nth| cluster.start_again(nth));
        }
        for server in &mut self.servers {
            server.process.start_again()?;
            server.answers().await?;
        }
        Ok(start.elapsed())
    }

    /// Asks the servers to stop, waits until they have, and deletes their folder.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for server in &self.servers {
            server.process.ask_to_stop(Signal::TERM)?;
        }
        for server in &mut self.servers {
            server.process.stopped().await?;
        }
        drop(self.cluster.take());
        self.folder
            .close()
            .map_err(Error::system("delete the servers' folder"))
    }
}

/// Maximum time for a cluster to store the data it accepted.
const SETTLE_MAX: Duration = Duration::from_secs(60);
const SETTLE_STEP: Duration = Duration::from_millis(500);
/// Bytes accepted and not yet stored below which a cluster does not throttle.
const QUEUE_BYTES_MAX: u64 = 100 << 20;

/// Whether a cluster, by its `status json`, has stored nearly all data it accepted.
fn keeps_up(status: &str) -> bool {
    let json = status.find('{').map_or("", |start| &status[start..]);
    let status: serde_json::Value = serde_json::from_str(json.trim_end()).unwrap_or_default();
    let queue = &status["cluster"]["qos"]["worst_queue_bytes_storage_server"];
    queue.as_u64().is_some_and(|bytes| bytes < QUEUE_BYTES_MAX)
}

/// Starts a cluster of one process with its files below this folder.
async fn start_cluster(folder: PathBuf) -> Result<Cluster> {
    let programs = Programs::find().ok_or(Error::NoFoundationDb)?;
    // It panics if the cluster does not start, and has printed the reason then.
    let starting =
        tokio::task::spawn_blocking(move || Cluster::start_below(&folder, &programs, Layout::SINGLE));
    starting
        .await
        .map_err(|error| Error::wrong("starting FoundationDB", error.to_string()))
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(Error::system("find this program's own file"))
}

/// Returns one of [`free_addresses`].
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(free_addresses(1)?.remove(0))
}

/// Returns different loopback addresses whose ports are free now. Another process may take one before its server
/// does; the server then reports it.
fn free_addresses(count: usize) -> Result<Vec<SocketAddr>> {
    let listeners: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    listeners
        .and_then(|listeners| listeners.iter().map(TcpListener::local_addr).collect())
        .map_err(Error::system("find free ports"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_keeps_up_when_little_is_not_stored() {
        let status = |bytes: &str| {
            format!("\n{{\"cluster\": {{\"qos\": {{\"worst_queue_bytes_storage_server\": {bytes}}}}}}}\n")
        };
        assert!(keeps_up(&status("4096")));
        assert!(!keeps_up(&status("1444135260")));
        assert!(!keeps_up("The database is unavailable"));
    }

    #[test]
    fn a_missing_server_is_told_with_its_path_and_how_to_build_it() {
        let error = Target::annals(
            Some(Path::new("no/such/server")),
            Deployment::single(Engine::Embedded),
        )
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
        let target = Target::annals(
            Some(Path::new("Cargo.toml")),
            Deployment::single(Engine::Embedded),
        )
        .unwrap();
        assert!(matches!(target, Target::Annals { program, .. } if program.is_absolute()));
    }

    #[test]
    fn what_stands_beside_a_deployment_is_called_as_the_report_has_it() {
        for (engine, servers) in [
            (Engine::Embedded, 1),
            (Engine::Memory, 1),
            (Engine::FoundationDb, 1),
            (Engine::FoundationDb, 3),
        ] {
            let deployment = Deployment::new(engine, servers).unwrap();
            let target = Target::annals(Some(Path::new("Cargo.toml")), deployment).unwrap();
            assert_eq!(target.name(), "annals");
            assert_eq!(target.beside().name(), deployment.beside());
        }
    }

    #[test]
    fn beside_several_servers_stands_one_over_the_same_engine() {
        let three = Deployment::new(Engine::FoundationDb, 3).unwrap();
        let target = Target::annals(Some(Path::new("Cargo.toml")), three).unwrap();
        let beside = target.beside();
        let single = Deployment::single(Engine::FoundationDb);
        assert!(
            matches!(beside, Target::Annals { deployment, .. } if deployment == single),
            "{beside:?}"
        );
    }

    #[test]
    fn addresses_of_several_servers_differ() {
        let addresses = free_addresses(8).unwrap();
        let different: std::collections::HashSet<_> = addresses.iter().collect();
        assert_eq!(different.len(), 8);
    }
}
