//! One process of a cluster.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use parking_lot::Mutex;

/// An `fdbserver` that can be killed and started again on the same files and the same port.
pub(crate) struct Process {
    server: PathBuf,
    cluster_file: PathBuf,
    directory: PathBuf,
    port: u16,
    running: Mutex<Option<Child>>,
}

impl Process {
    /// A process that is not started yet.
    pub(crate) fn new(server: &Path, cluster_file: &Path, directory: PathBuf, port: u16) -> Self {
        for folder in ["data", "log"] {
            fs::create_dir_all(directory.join(folder)).expect("the cluster's directory can be written");
        }
        Self {
            server: server.to_owned(),
            cluster_file: cluster_file.to_owned(),
            directory,
            port,
            running: Mutex::new(None),
        }
    }

    pub(crate) fn start(&self) {
        let mut running = self.running.lock();
        assert!(
            running.is_none(),
            "the process on port {} is already running",
            self.port
        );
        let output = File::create(self.output_file()).expect("the cluster's directory can be written");
        let errors = output.try_clone().expect("a file can be shared");
        let address = format!("127.0.0.1:{}", self.port);
        // To the cluster, each process is a separate machine, so that copies are placed on different ones.
        let machine = format!("machine-{}", self.port);
        let child = Command::new(&self.server)
            .args(["--cluster-file".as_ref(), self.cluster_file.as_os_str()])
            .args(["--public-address", &address, "--listen-address", &address])
            .args(["--datadir".as_ref(), self.directory.join("data").as_os_str()])
            .args(["--logdir".as_ref(), self.directory.join("log").as_os_str()])
            .args(["--locality-zoneid", &machine, "--locality-machineid", &machine])
            .args([
                "--memory",
                "4GiB",
                "--storage-memory",
                "512MiB",
                "--cache-memory",
                "256MiB",
            ])
            // It ends within a second of the end of this process.
            .args(["--parentpid", &std::process::id().to_string()])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.server.display()));
        *running = Some(child);
    }

    /// Kills it as a power failure would, except that the operating system still writes back its buffers. Does
    /// nothing if it is not running.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.running.lock().take() {
            // It may have ended on its own.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, signal: &str) {
        let running = self.running.lock();
        let child = running.as_ref().expect("the process runs");
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "{signal} can't be sent"
        );
    }

    /// Its process id, if it is running.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.lock().as_ref().map(Child::id)
    }

    /// Its output, if it has ended on its own.
    pub(crate) fn ended(&self) -> Option<String> {
        let mut running = self.running.lock();
        let status = running.as_mut()?.try_wait().ok()??;
        let output = fs::read_to_string(self.output_file()).unwrap_or_default();
        Some(format!(
            "fdbserver on port {} ended with {status}: {output}",
            self.port
        ))
    }

    fn output_file(&self) -> PathBuf {
        self.directory.join("output")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
