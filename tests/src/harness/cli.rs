//! Runs the command line as users do.

use std::{
    ffi::{OsStr, OsString},
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{PATIENCE, Server, binaries};

/// `annals` with an endpoint.
#[derive(Clone, Debug)]
pub struct Cli {
    endpoint: String,
}

/// The output and the exit code of a command.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit code.
    pub code: i32,
}

impl Cli {
    /// The command line for this server.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        Self::at(server.endpoint())
    }

    /// The command line for this endpoint.
    #[must_use]
    pub fn at(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
        }
    }

    /// The command, with the endpoint set and without the developer's environment.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(binaries::binary("annals"));
        command
            .env_remove("ANNALS_ENDPOINT")
            .arg("--endpoint")
            .arg(&self.endpoint)
            .args(arguments);
        command
    }

    /// Runs it to completion.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        self.run_with(arguments, &[])
    }

    /// Runs it to completion with the given standard input.
    pub fn run_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        stdin: &[u8],
    ) -> Finished {
        finish(self.command(arguments), stdin)
    }
}

/// Runs a command to completion.
///
/// # Panics
/// If it does not end within [`PATIENCE`], or was ended by a signal.
pub fn finish(command: Command, stdin: &[u8]) -> Finished {
    finish_within(PATIENCE, command, stdin)
}

/// Runs a command to completion, with a time limit: for commands that download or build dependencies.
///
/// # Panics
/// If it takes longer, or was ended by a signal.
pub fn finish_within(patience: Duration, mut command: Command, stdin: &[u8]) -> Finished {
    let program = command.get_program().to_owned();
    let shown: Vec<OsString> = command.get_args().map(OsStr::to_owned).collect();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().expect("the command can be started");
    let mut input = process.stdin.take().expect("standard input is piped");
    let stdin = stdin.to_vec();
    // A command may exit without reading all of its input, which breaks the pipe.
    let writer = thread::spawn(move || drop(input.write_all(&stdin)));
    let stdout = collect(process.stdout.take().expect("standard output is piped"));
    let stderr = collect(process.stderr.take().expect("standard error is piped"));
    let deadline = Instant::now() + patience;
    let status = loop {
        if let Some(status) = process.try_wait().expect("one's own child can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = process.kill();
            panic!("{program:?} {shown:?} did not end within {patience:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        let bytes = reader.join().expect("reading a pipe does not panic");
        String::from_utf8(bytes).expect("commands print UTF-8")
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    writer.join().expect("writing to a pipe does not panic");
    let code = status
        .code()
        .unwrap_or_else(|| panic!("{program:?} {shown:?} was ended by a signal: {status}"));
    Finished { stdout, stderr, code }
}

fn collect(mut output: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // If the pipe breaks, the output read so far is used.
        let _ = output.read_to_end(&mut bytes);
        bytes
    })
}

impl Finished {
    /// Checks the exit code.
    ///
    /// # Panics
    /// If it has another exit code; prints the output.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }

    /// The lines of its standard output as JSON.
    ///
    /// # Panics
    /// If one is not JSON.
    #[must_use]
    pub fn json_lines(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(line).collect()
    }
}
