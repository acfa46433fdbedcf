//! Collects the log lines of a process as they arrive.

use std::{
    io::{BufRead, BufReader, Read},
    sync::Arc,
    time::Instant,
};

use parking_lot::{Condvar, Mutex};

use super::PATIENCE;

/// Number of lines printed when a test fails; earlier ones are left out.
const PRINTED_MAX: usize = 200;

/// The log lines of a server, of all its processes one after the other. Clones share the lines.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Vec<String>>,
    /// Processes whose lines are still being read, which continues briefly after they have ended.
    open: Mutex<usize>,
    closed: Condvar,
    /// Also notified when a process closes its output, so that no test waits for a line that cannot come any more.
    added: Condvar,
}

impl Logs {
    /// Collects the lines of a process until it closes its output.
    pub(super) fn take(&self, output: impl Read + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        *shared.open.lock() += 1;
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                shared
                    .lines
                    .lock()
                    .push(String::from_utf8_lossy(&line).into_owned());
                shared.added.notify_all();
            }
            shared.added.notify_all();
            *shared.open.lock() -= 1;
            shared.closed.notify_all();
        });
    }

    /// Returns when all lines of ended processes are collected.
    ///
    /// # Panics
    /// If a process has not closed its output within [`PATIENCE`].
    pub(super) fn wait_for_end(&self) {
        let mut open = self.shared.open.lock();
        let deadline = Instant::now() + PATIENCE;
        while *open > 0 {
            let late = self.shared.closed.wait_until(&mut open, deadline).timed_out();
            assert!(!late, "a process has ended but its log is still open");
        }
    }

    /// The number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lines.lock().len()
    }

    /// True if there are no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines from the n-th on.
    #[must_use]
    pub fn since(&self, from: usize) -> Vec<String> {
        self.shared.lines.lock().get(from..).unwrap_or_default().to_vec()
    }

    /// Waits for a line from the n-th on that contains all of these parts; `None` if `ended` returns true first.
    ///
    /// # Panics
    /// If none comes within [`PATIENCE`].
    pub fn wait_for(&self, from: usize, parts: &[&str], mut ended: impl FnMut() -> bool) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let found = |lines: &[String]| {
            lines
                .iter()
                .skip(from)
                .find(|line| parts.iter().all(|part| line.contains(part)))
                .cloned()
        };
        loop {
            // Called before searching, so that lines written before the process ended are seen.
            let over = ended();
            if over {
                self.wait_for_end();
            }
            let mut lines = self.shared.lines.lock();
            if let Some(line) = found(&lines) {
                return Some(line);
            }
            if over {
                return None;
            }
            assert!(
                Instant::now() < deadline,
                "no line with {parts:?} came within {PATIENCE:?}"
            );
            self.shared
                .added
                .wait_for(&mut lines, std::time::Duration::from_millis(20));
        }
    }

    /// The last lines, to help to explain a failure.
    pub(super) fn end(&self, name: &str) -> String {
        let lines = self.shared.lines.lock();
        let left_out = lines.len().saturating_sub(PRINTED_MAX);
        let end = lines[left_out..].join("\n");
        format!("---- log of {name} ({left_out} earlier lines left out)\n{end}\n----")
    }
}
