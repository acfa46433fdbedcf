//! What an interrupted benchmark leaves behind: nothing.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

/// Until it holds.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come to pass");
        sleep(Duration::from_millis(10));
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Processes with this in their command line.
fn processes_with(text: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let command = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("cmdline")).ok();
    processes
        .filter_map(command)
        .filter(|command| command.contains(text))
        .collect()
}

/// The bare echo, which is a process of its own, under appends that go on for longer than the test.
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
        .unwrap()
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
        let server = std::fs::canonicalize(data.path()).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(1), "{signal:?}: {status}");
        assert_eq!(entries(data.path()), Vec::<String>::new(), "{signal:?}");
        assert_eq!(
            processes_with(&server.to_string_lossy()),
            Vec::<String>::new(),
            "{signal:?}"
        );
    }
}
