//! Tests that an interrupted benchmark leaves no processes and no folders.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        sleep(Duration::from_millis(10));
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there").flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Returns the processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children")).ok();
    let lists: Vec<String> = threads.flatten().filter_map(of).collect();
    let pids = lists.iter().flat_map(|list| list.split_ascii_whitespace());
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether a process exists and is not a zombie.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

/// Starts a benchmark of the bare echo, a separate process, under appends that continue for longer than the test.
fn benchmark(data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_annals-bench"))
        .args([
            "compare",
            "--quick",
            "--stores",
            "echo",
            "--workloads",
            "append-1x1",
        ])
        .args(["--seconds", "3600", "--cores", "1", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the benchmark starts")
}

#[test]
fn on_sigterm_and_ctrl_c_folders_and_servers_are_gone() {
    for signal in [Signal::TERM, Signal::INT] {
        // Below the folder of build products, because the benchmark refuses a folder in memory.
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut child = benchmark(data.path());
        let is_logging = || {
            let folders = entries(data.path());
            folders
                .iter()
                .any(|folder| data.path().join(folder).join("server-1/log").is_file())
        };
        wait("the server's folder", is_logging);
        wait("the server", || !children(child.id()).is_empty());
        let servers = children(child.id());
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(1), "{signal:?}: {status}");
        assert_eq!(entries(data.path()), Vec::<String>::new(), "{signal:?}");
        assert!(
            !servers.iter().any(|&pid| is_running(pid)),
            "{signal:?}: {servers:?}"
        );
    }
}
