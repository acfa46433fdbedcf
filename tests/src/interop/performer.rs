//! Clients that perform steps: the Rust client in this process, others in separate processes.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{Language, rust::RustClient};
use crate::harness::within_patience;

/// A client that performs steps.
#[derive(Debug)]
pub struct Performer {
    language: Language,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Here(Box<RustClient>),
    Process(Box<Process>),
}

/// A client's process. Killed when it is dropped.
#[derive(Debug)]
struct Process {
    _child: Child,
    steps: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Performer {
    /// The client of this language.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(language: Language) -> Self {
        let kind = match language.performer() {
            None => Kind::Here(Box::default()),
            Some(command) => {
                let mut command = Command::from(command);
                command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .kill_on_drop(true);
                let started = command.spawn();
                let mut child =
                    started.unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
                let steps = child.stdin.take().expect("standard input is piped");
                let answers = child.stdout.take().expect("standard output is piped");
                Kind::Process(Box::new(Process {
                    _child: child,
                    steps,
                    answers: BufReader::new(answers).lines(),
                }))
            }
        };
        Self { language, kind }
    }

    /// Its language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Performs a step, and returns the response: an object with `gives`, `fails` or `unknown`.
    ///
    /// # Panics
    /// If there is no response.
    pub(super) async fn perform(&mut self, action: &str, with: Value) -> Value {
        let step = json!({"do": action, "with": with});
        let what = format!("{}'s answer to {action}", self.language.name());
        match &mut self.kind {
            Kind::Here(client) => within_patience(&what, client.perform(step)).await,
            Kind::Process(process) => within_patience(&what, process.perform(&step, &what)).await,
        }
    }
}

impl Process {
    async fn perform(&mut self, step: &Value, what: &str) -> Value {
        let written = self.steps.write_all(format!("{step}\n").as_bytes()).await;
        let answer = self.answers.next_line().await;
        match (written, answer) {
            (Ok(()), Ok(Some(line))) => serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("{what} is not JSON ({error}): {line}")),
            (written, answer) => panic!("no {what}: {written:?}, {answer:?}; its output is above"),
        }
    }
}
