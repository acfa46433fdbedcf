//! One server process, from its start to its end. Dropping it kills it, and what it started.

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

/// How long a server may take until it answers, or until it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether it answers. Start-up times are told to this grain.
const ASKING: Duration = Duration::from_millis(5);
const LOG_LINES: usize = 20;
/// How long a server that was killed may take until it is gone.
const ENDING: Duration = Duration::from_secs(5);

/// Makes the command of a server, as often as it is started.
pub(crate) type Program = Box<dyn Fn() -> Command + Send + Sync>;

/// How a server ends and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restart {
    /// By kill -9, and not in order.
    pub(crate) is_killed: bool,
    /// Whether the system forgets its files before it is started again.
    pub(crate) is_cold: bool,
}

/// A server that runs.
pub(crate) struct Process {
    name: &'static str,
    program: Program,
    folder: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `program`, which is called `name`, in `folder`, where a file keeps what it says.
    pub(crate) fn start(name: &'static str, program: Program, folder: &Path) -> Result<Self> {
        let child = spawn(name, &program, folder)?;
        Ok(Self {
            name,
            program,
            folder: folder.to_owned(),
            child,
        })
    }

    /// Starts it again, after its end.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.child = spawn(self.name, &self.program, &self.folder)?;
        Ok(())
    }

    /// Its number, as long as it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its number and those of its children, and theirs.
    pub(crate) fn family(&self) -> Vec<u32> {
        self.pid().map(family).unwrap_or_default()
    }

    /// Waits until `answered` says that the server answers.
    pub(crate) async fn answers<F: Future<Output = bool>>(&mut self, answered: impl Fn() -> F) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .map_err(Error::system("look after the server"))?
            {
                return Err(self.failed(&format!("ended as it started ({status})")));
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

    /// Waits up to `time` for its end. Gives what it said, if it came to that after `failure`.
    pub(crate) async fn ended(&mut self, time: Duration, failure: &Error) -> Option<Error> {
        match timeout(time, self.child.wait()).await {
            Ok(Ok(status)) => Some(self.failed(&format!("ended under load ({status}) after: {failure}"))),
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

    /// Ends it by this signal; or, killed, it and its children at once, as the loss of the machine's power would, but for
    /// what the system has taken over. None of them is left when it returns.
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
                return Err(self.failed("left children behind that do not end"));
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
    /// Waits a little for the end of all of them, so that nothing writes into a folder that is deleted next.
    fn drop(&mut self) {
        let family = self.family();
        kill(&family);
        let deadline = Instant::now() + ENDING;
        // The child stays a zombie until it has been asked for.
        while (!matches!(self.child.try_wait(), Ok(Some(_))) || family.iter().any(|&pid| is_running(pid)))
            && Instant::now() < deadline
        {
            std::thread::sleep(ASKING);
        }
    }
}

/// Sends SIGKILL to each.
fn kill(processes: &[u32]) {
    for pid in processes.iter().filter_map(|&pid| as_pid(pid)) {
        // It may be gone already.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Whether a process is there, and not a zombie that its parent has not asked for yet.
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
    // Everything else is as the server has it by default, whatever the person who measures has set.
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

/// A process, its children, and theirs.
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
            error.contains("shell ended as it started") && error.contains("no disk left"),
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
