//! A real server process.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Instant,
};

use annals_client::{Client, RetryPolicy};
use annals_proto::v1::event_store_service_client::EventStoreServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use super::{ClusterStore, Engine, Logs, Options, PATIENCE, Version, Watched, binaries};

/// The generated client, without retries.
pub type Stub = EventStoreServiceClient<Channel>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Addresses {
    grpc: SocketAddr,
    http: SocketAddr,
}

/// A server process and its data. Dropping it kills the process and removes the data.
#[derive(Debug)]
pub struct Server {
    /// The options of the next start.
    pub options: Options,
    data: TempDir,
    process: Option<Child>,
    /// Known once it has listened for the first time, and kept from then on.
    addresses: Option<Addresses>,
    logs: Logs,
    started_at_line: usize,
    watched: Watched,
}

impl Server {
    /// Starts a server of this engine, and waits until it listens.
    #[must_use]
    pub fn start(engine: Engine) -> Self {
        Options::new(engine).start()
    }

    /// Starts a server with these options, and waits until it listens.
    pub(super) fn start_with(options: Options) -> Self {
        let mut server = Self::prepared(options, None);
        server.start_again();
        server
    }

    /// A server whose addresses are known before it listens, since a server that waits for its storage does not
    /// report them.
    pub(super) fn start_on_free_ports(options: Options) -> Self {
        // Both listeners are held until both ports are found.
        let [grpc, http] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let [grpc, http] = [&grpc, &http].map(|bound| bound.local_addr().expect("it is bound"));
        let mut server = Self::prepared(options, Some(Addresses { grpc, http }));
        server.spawn();
        server
    }

    fn prepared(options: Options, addresses: Option<Addresses>) -> Self {
        let logs = Logs::default();
        Self {
            options,
            data: binaries::temporary_folder(),
            process: None,
            addresses,
            watched: Watched::with_logs(logs.clone()),
            logs,
            started_at_line: 0,
        }
    }

    /// Its engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.options.engine
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// A folder for other files of the test, removed with the server's.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.data.path()
    }

    /// The address of gRPC.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.addresses.expect("it has listened").grpc
    }

    /// The address of metrics and health.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.addresses.expect("it has listened").http
    }

    /// The endpoint for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.grpc_address())
    }

    /// A client with retries, patient enough for a restart.
    #[must_use]
    pub fn client(&self) -> Client {
        let client = Client::builder()
            .endpoint(self.endpoint())
            .timeout(PATIENCE)
            .build();
        client.expect("the endpoint is valid")
    }

    /// A client without retries.
    #[must_use]
    pub fn client_without_retries(&self) -> Client {
        let builder = Client::builder().endpoint(self.endpoint()).timeout(PATIENCE);
        builder
            .retry(RetryPolicy::never())
            .build()
            .expect("the endpoint is valid")
    }

    /// A new connection, established at the first call.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Endpoint::from_shared(self.endpoint())
            .expect("the endpoint is valid")
            .connect_lazy()
    }

    /// The generated client on a new connection.
    #[must_use]
    pub fn stub(&self) -> Stub {
        EventStoreServiceClient::new(self.channel()).max_decoding_message_size(64 << 20)
    }

    /// The log lines of all its processes.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Index of the first log line of the current process.
    #[must_use]
    pub fn started_at_line(&self) -> usize {
        self.started_at_line
    }

    /// Starts a process without waiting for it.
    ///
    /// # Panics
    /// If one is already running.
    pub fn spawn(&mut self) {
        assert!(self.process.is_none(), "a server is already running");
        let address = |of: fn(Addresses) -> SocketAddr| {
            self.addresses
                .map_or_else(|| "127.0.0.1:0".to_owned(), |addresses| of(addresses).to_string())
        };
        let mut command = Command::new(self.options.version.program());
        for (name, _) in std::env::vars_os() {
            // Variables that the developer's shell sets for another server do not apply to this one.
            if name.to_string_lossy().starts_with("ANNALS_") {
                command.env_remove(name);
            }
        }
        command
            .args(["--listen", &address(|addresses| addresses.grpc)])
            .args(["--http-listen", &address(|addresses| addresses.http)])
            .args(["--engine", self.options.engine.name()])
            .arg("--data")
            .arg(self.data())
            .args(self.options.store.iter().flat_map(ClusterStore::arguments))
            .args(&self.options.arguments)
            .envs(self.options.environment.iter().cloned())
            .current_dir(self.data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        self.started_at_line = self.logs.len();
        let mut process = command.spawn().expect("the server's process can be started");
        self.logs
            .take(process.stderr.take().expect("standard error is piped"));
        self.watched.started(process.id());
        self.process = Some(process);
    }

    /// Waits until the process listens; false if it ended instead.
    pub fn wait_until_it_listens(&mut self) -> bool {
        let process = self.process.as_mut().expect("a process was started");
        let ended = || process.try_wait().is_ok_and(|status| status.is_some());
        let Some(line) = self
            .logs
            .wait_for(self.started_at_line, &["listening", "grpc="], ended)
        else {
            self.process = None;
            return false;
        };
        let address = |key: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(key));
            value
                .and_then(|value| value.parse().ok())
                .expect("the `listening` line has the addresses")
        };
        self.addresses = Some(Addresses {
            grpc: address("grpc="),
            http: address("http="),
        });
        true
    }

    /// Starts it on its data and its addresses, and waits until it listens.
    ///
    /// # Panics
    /// If it does not listen.
    pub fn start_again(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.spawn();
            if self.wait_until_it_listens() {
                return;
            }
            // While it was down, its port may have been assigned to a connection of another process.
            let said = self.logs.since(self.started_at_line).join("\n");
            let port_lent = said.contains("can't listen on");
            assert!(
                port_lent && Instant::now() < deadline,
                "the server did not start: {said}"
            );
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Starts a server of this version on its data and its addresses, and waits until it listens.
    ///
    /// # Panics
    /// If it does not listen.
    pub fn start_again_as(&mut self, version: Version) {
        self.options.version = version;
        self.start_again();
    }

    /// Starts it on its data, at another address for gRPC, and waits until it listens: to clients of both addresses,
    /// it looks like two servers of one store of which one is running.
    ///
    /// # Panics
    /// If it does not listen.
    pub fn start_again_at(&mut self, grpc: SocketAddr) {
        let http = self.http_address();
        self.addresses = Some(Addresses { grpc, http });
        self.start_again();
    }

    /// Kills it (SIGKILL): work in progress is not finished.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("one's own child can be killed");
            process.wait().expect("one's own child can be waited for");
        }
    }

    /// Stops its process like a machine that hangs (SIGSTOP): it keeps its connections and does nothing.
    ///
    /// # Panics
    /// If it is not running.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a paused process continue.
    ///
    /// # Panics
    /// If it is not running.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("a server runs");
        kill_process(Pid::from_child(process), signal).expect("one's own child can be signalled");
    }

    /// Asks it to stop (SIGTERM), without waiting.
    ///
    /// # Panics
    /// If it is not running.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until its process ends on its own.
    ///
    /// # Panics
    /// If it does not end within [`PATIENCE`].
    pub fn wait_for_its_end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a server runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait().expect("one's own child can be waited for") {
                self.logs.wait_for_end();
                return status;
            }
            if Instant::now() > deadline {
                self.process = Some(process);
                panic!("the server did not end within {PATIENCE:?}");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Asks it to stop and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.wait_for_its_end()
    }

    /// Stops it gracefully and starts it again.
    ///
    /// # Panics
    /// If it does not end with 0, or does not start.
    pub fn restart(&mut self) {
        let status = self.terminate();
        assert!(status.success(), "asked to stop, the server ended with {status}");
        self.start_again();
    }

    /// The id of its process.
    ///
    /// # Panics
    /// If it is not running.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a server runs").id()
    }

    /// Resident memory of its process in bytes; `None` on systems without `/proc`.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kilobytes| kilobytes << 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended on its own.
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            let name = format!("the server ({})", self.options.engine.name());
            eprintln!("{}", self.logs.end(&name));
        }
    }
}
