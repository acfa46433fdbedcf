//! A cluster of one or several processes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Programs;
use crate::folder::Folder;
use crate::process::Process;

/// How long a cluster may take to come up before starting it fails.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long one command of `fdbcli` may take, in seconds.
const CLI_SECONDS: &str = "10";

/// The shape of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of processes. All are coordinators if there are three or more, otherwise only the first.
    pub processes: usize,
    /// Number of copies of all data.
    pub redundancy: Redundancy,
}

/// Number of copies that a cluster keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redundancy {
    /// One copy: the cluster stops when a process does.
    Single,
    /// Two copies: a cluster of three processes continues without any one of them.
    Double,
}

impl Layout {
    /// One process.
    pub const SINGLE: Self = Self {
        processes: 1,
        redundancy: Redundancy::Single,
    };
    /// Three processes, of which one may fail.
    pub const DOUBLE: Self = Self {
        processes: 3,
        redundancy: Redundancy::Double,
    };
}

/// A cluster on this machine, with the storage engine `ssd`. Dropping it kills its processes and removes its files.
pub struct Cluster {
    programs: Programs,
    layout: Layout,
    processes: Vec<Process>,
    cluster_file: PathBuf,
    /// Dropped last: the files are removed when no process uses them.
    folder: Folder,
}

impl Cluster {
    /// Starts a new cluster in the system's folder for temporary files, and returns when it is configured.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(programs: &Programs, layout: Layout) -> Self {
        Self::start_below(&std::env::temp_dir(), programs, layout)
    }

    /// Like [`Cluster::start`], with its files in a new folder below `parent`.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start_below(parent: &Path, programs: &Programs, layout: Layout) -> Self {
        let cluster = Self::prepare_below(parent, programs, layout);
        cluster.start_all();
        cluster.configure();
        cluster
    }

    /// A cluster with a cluster file and addresses, but without running processes.
    ///
    /// # Panics
    /// If there is no room for its files, or no free port.
    #[must_use]
    pub fn prepare(programs: &Programs, layout: Layout) -> Self {
        Self::prepare_below(&std::env::temp_dir(), programs, layout)
    }

    fn prepare_below(parent: &Path, programs: &Programs, layout: Layout) -> Self {
        let folder = Folder::below(parent);
        let cluster_file = folder.path().join("fdb.cluster");
        let ports = free_ports(layout.processes);
        let coordinators = if ports.len() < 3 { &ports[..1] } else { &ports[..] };
        let addresses: Vec<String> = coordinators
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        let line = format!("test:{}@{}\n", std::process::id(), addresses.join(","));
        fs::write(&cluster_file, line).expect("the cluster file can be written");
        let processes = ports
            .iter()
            .map(|port| {
                let files = folder.path().join(port.to_string());
                Process::new(&programs.server, &cluster_file, files, *port)
            })
            .collect();
        Self {
            programs: programs.clone(),
            layout,
            processes,
            cluster_file,
            folder,
        }
    }

    /// Starts every process. Call [`Cluster::configure`] after the first time.
    ///
    /// # Panics
    /// If one is already running, or cannot be started.
    pub fn start_all(&self) {
        self.processes.iter().for_each(Process::start);
    }

    /// Creates the database, once in a cluster's life.
    ///
    /// # Panics
    /// If it cannot be created, or a process has ended.
    pub fn configure(&self) {
        let redundancy = match self.layout.redundancy {
            Redundancy::Single => "single",
            Redundancy::Double => "double",
        };
        let command = format!("configure new {redundancy} ssd");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.cli(&command);
            if answer.contains("Database created") || answer.contains("already exists") {
                return;
            }
            if let Some(end) = self.processes.iter().find_map(Process::ended) {
                panic!("{end}");
            }
            assert!(
                Instant::now() < deadline,
                "the cluster was not configured: {answer}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The cluster file, which names its coordinators.
    #[must_use]
    pub fn cluster_file(&self) -> &Path {
        &self.cluster_file
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process ids of its running processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().filter_map(Process::pid).collect()
    }

    /// How many processes it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether it has no process.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Kills a process with SIGKILL, if it is running.
    pub fn kill(&self, process: usize) {
        self.processes[process].kill();
    }

    /// Starts a process that is not running, on its existing files.
    ///
    /// # Panics
    /// If it is running, or cannot be started.
    pub fn start_again(&self, process: usize) {
        self.processes[process].start();
    }

    /// Stops a process with SIGSTOP: it keeps its connections and does nothing.
    ///
    /// # Panics
    /// If it is not running.
    pub fn pause(&self, process: usize) {
        self.processes[process].signal("STOP");
    }

    /// Lets a paused process continue.
    ///
    /// # Panics
    /// If it is not running.
    pub fn resume(&self, process: usize) {
        self.processes[process].signal("CONT");
    }

    /// Runs one command of `fdbcli`, for at most 10 seconds, and returns its output.
    ///
    /// # Panics
    /// If `fdbcli` cannot be run.
    #[must_use]
    pub fn cli(&self, command: &str) -> String {
        let output = Command::new(&self.programs.cli)
            .args(["-C".as_ref(), self.cluster_file.as_os_str()])
            .args(["--timeout", CLI_SECONDS, "--exec", command])
            .output()
            .unwrap_or_else(|error| panic!("{} does not run: {error}", self.programs.cli.display()));
        [output.stdout, output.stderr]
            .iter()
            .map(|text| String::from_utf8_lossy(text))
            .collect()
    }
}

/// Ports without a listener. All are held until the last is found, so that no port is returned twice.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free"))
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().expect("it is bound").port())
        .collect()
}
