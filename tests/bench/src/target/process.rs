//! One server process, from its start to its end. Dropping it kills it.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use annals_proto::v1 as pb;
use pb::event_store_service_client::EventStoreServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};
use tonic::{Code, transport::Endpoint};

use crate::{Error, Result};

/// How long a server may take until it answers, or until it is gone.
const PATIENCE: Duration = Duration::from_secs(20);
const LOG_LINES: usize = 20;

/// A server that runs.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    endpoint: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, which is called `name`, on `address`. What it says goes to a file in `folder`.
    pub(super) fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join("log");
        let output = File::create(&log).map_err(Error::system("make the server's log"))?;
        // Everything else is as the server has it by default, whatever the person who measures has set.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ANNALS_") {
                command.env_remove(variable);
            }
        }
        let child = command
            .args(["--listen", &address.to_string()])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(
                output
                    .try_clone()
                    .map_err(Error::system("share the server's log"))?,
            )
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::system(format!("start {name}")))?;
        Ok(Self {
            name,
            child,
            endpoint: format!("http://{address}"),
            log,
        })
    }

    /// Where it serves.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its number, as long as it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the server answers a call.
    pub(super) async fn answers(&mut self) -> Result<()> {
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

    /// Waits up to `time` for its end. Gives what it said, if it came to that after `failure`.
    pub(super) async fn ended(&mut self, time: Duration, failure: &Error) -> Option<Error> {
        match timeout(time, self.child.wait()).await {
            Ok(Ok(status)) => Some(self.failed(&format!("ended under load ({status}) after: {failure}"))),
            _ => None,
        }
    }

    /// Asks the server to stop.
    pub(super) fn ask_to_stop(&self) -> Result<()> {
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        match pid {
            Some(pid) => kill_process(pid, Signal::TERM).map_err(Error::system("stop the server")),
            None => Ok(()),
        }
    }

    /// Waits until the server has stopped.
    pub(super) async fn stopped(&mut self) -> Result<()> {
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failed(&format!("did not stop within {} s", PATIENCE.as_secs()))),
        }
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
