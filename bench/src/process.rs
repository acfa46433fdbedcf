//! One server process, from its start to its end. Dropping it kills the process and its children.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{Error, Result};

/// Maximum time for a server to answer, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Interval between checks whether the server answers; the resolution of start-up times.
const ASKING: Duration = Duration::from_millis(5);
const LOG_LINES: usize = 20;
/// Maximum time for a killed server to end.
const ENDING: Duration = Duration::from_secs(5);

/// Builds the command of a server for each of its starts.
pub(crate) type Program = Box<dyn Fn() -> Command + Send + Sync>;

/// How a server is stopped and started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restart {
    /// Whether it is killed by kill -9, instead of stopped gracefully.
    pub(crate) is_killed: bool,
    /// Whether its files are evicted from the page cache before it is started again.
    pub(crate) is_cold: bool,
}

/// A running server.
pub(crate) struct Process {
    name: &'static str,
    program: Program,
    folder: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `program`, which is called `name`, in `folder`, and writes its output to a file there.
    pub(crate) fn start(name: &'static str, program: Program, folder: &Path) -> Result<Self> {
        let child = spawn(name, &program, folder)?;
        Ok(Self {
            name,
            program,
            folder: folder.to_owned(),
            child,
        })
    }

    /// Starts the server again after it has ended.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.child = spawn(self.name, &self.program, &self.folder)?;
        Ok(())
    }

    /// Returns the process id, as long as the process runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns the ids of the process and all its descendants.
    pub(crate) fn family(&self) -> Vec<u32> {
        self.pid().map(family).unwrap_or_default()
    }

    /// Waits until `answered` reports that the server answers.
    pub(crate) async fn answers<F: Future<Output = bool>>(&mut self, answered: impl Fn() -> F) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .map_err(Error::system("check whether the server runs"))?
            {
                return Err(self.failed(&format!("exited during start-up ({status})")));
            }
            if answered().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.failed(&format!("did not answer within {} s", PATIENCE.as_secs())));
            }
            sleep(ASKING).await;
        }
    }

    /// Waits up to `time` for the end of the process. If it ends, returns an error with its output and `failure`.
    pub(crate) async fn ended(&mut self, time: Duration, failure: &Error) -> Option<Error> {
        match timeout(time, self.child.wait()).await {
            Ok(Ok(status)) => Some(self.failed(&format!("exited under load ({status}) after: {failure}"))),
            _ => None,
        }
    }

    /// Asks the server to stop.
    pub(crate) fn ask_to_stop(&self, signal: Signal) -> Result<()> {
        match self.child.id().and_then(as_pid) {
            Some(pid) => kill_process(pid, signal).map_err(Error::system("stop the server")),
            None => Ok(()),
        }
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(&mut self) -> Result<()> {
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failed(&format!("did not stop within {} s", PATIENCE.as_secs()))),
        }
    }

    /// Ends the server by this signal. If `is_killed`, kills it and its children at once, which simulates a power
    /// failure except that the kernel keeps the data written to it. No process is left when it returns.
    pub(crate) async fn end(&mut self, signal: Signal, is_killed: bool) -> Result<()> {
        let family = self.family();
        if is_killed {
            kill(&family);
        } else {
            self.ask_to_stop(signal)?;
        }
        self.stopped().await?;
        let deadline = Instant::now() + PATIENCE;
        while family.iter().any(|&pid| is_running(pid)) {
            if Instant::now() > deadline {
                return Err(self.failed("left child processes that do not end"));
            }
            sleep(ASKING).await;
        }
        Ok(())
    }

    fn failed(&self, problem: &str) -> Error {
        let log = std::fs::read_to_string(log(&self.folder)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Error::Server {
            name: self.name,
            problem: problem.to_owned(),
            log,
        }
    }
}

impl Drop for Process {
    /// Waits briefly for the end of all processes, so that none writes into a folder that is deleted next.
    fn drop(&mut self) {
        let family = self.family();
        kill(&family);
        let deadline = Instant::now() + ENDING;
        // The child stays a zombie until it has been waited for.
        while (!matches!(self.child.try_wait(), Ok(Some(_))) || family.iter().any(|&pid| is_running(pid)))
            && Instant::now() < deadline
        {
            std::thread::sleep(ASKING);
        }
    }
}

/// Sends SIGKILL to each process.
fn kill(processes: &[u32]) {
    for pid in processes.iter().filter_map(|&pid| as_pid(pid)) {
        // The process may have ended already.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Whether a process exists and is not a zombie.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn spawn(name: &'static str, program: &Program, folder: &Path) -> Result<Child> {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log(folder))
        .map_err(Error::system("make the server's log"))?;
    let mut command = program();
    // Removes the user's settings, so that the server uses its defaults.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if ["ANNALS_", "UMADB_", "PG"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(variable);
        }
    }
    command
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
        .map_err(Error::system(format!("start {name}")))
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn as_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Returns the ids of a process and all its descendants.
fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let threads = std::fs::read_dir(format!("/proc/{parent}/task"))
            .into_iter()
            .flatten();
        for thread in threads.flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_ascii_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &'static str) -> Program {
        Box::new(move || {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        })
    }

    #[tokio::test]
    async fn a_server_that_ends_as_it_starts_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start("shell", shell("echo no disk left; exit 3"), folder.path()).unwrap();
        let error = process.answers(|| async { false }).await.unwrap_err().to_string();
        assert!(
            error.contains("shell exited during start-up") && error.contains("no disk left"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn children_are_found_and_killed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start("shell", shell("sleep 100 & wait"), folder.path()).unwrap();
        let family = || process.family();
        while family().len() < 2 {
            sleep(ASKING).await;
        }
        let child = family()[1];
        assert!(is_running(child));
        process.end(Signal::TERM, true).await.unwrap();
        assert!(!is_running(child));
    }

    #[tokio::test]
    async fn dropping_it_leaves_nothing_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start("shell", shell("sleep 100 & wait"), folder.path()).unwrap();
        while process.family().len() < 2 {
            sleep(ASKING).await;
        }
        let family = process.family();
        drop(process);
        assert!(family.iter().all(|&pid| !is_running(pid)), "{family:?}");
    }

    #[tokio::test]
    async fn it_can_be_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start("shell", shell("echo here"), folder.path()).unwrap();
        process.stopped().await.unwrap();
        process.start_again().unwrap();
        process.stopped().await.unwrap();
        assert_eq!(
            std::fs::read_to_string(log(folder.path())).unwrap(),
            "here\nhere\n"
        );
    }
}
