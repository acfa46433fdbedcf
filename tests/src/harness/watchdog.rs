//! Ends a test binary in which a test hangs, and names the test. Rust's test harness has no time limit of its own.
//!
//! A test is watched while it has a [`Server`](super::Server), or a [`Watched`] of its own. Its time begins again with
//! each start of a server, so that tests with many restarts may take longer.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::Once,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Logs, is_long, number};

/// How often the watchdog looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a test may take: `ANNALS_TEST_MINUTES`, or 10, and ten times as long with `ANNALS_LONG`.
fn limit() -> Duration {
    let minutes = number("ANNALS_TEST_MINUTES").unwrap_or(if is_long() { 100 } else { 10 });
    Duration::from_secs(60 * minutes)
}

/// What the watchdog knows of all tests that are running, by the number of their [`Watched`].
static RUNNING: Mutex<BTreeMap<u64, Entry>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct Entry {
    test: String,
    /// `None` while the test waits for other tests.
    since: Option<Instant>,
    /// The id of its server's last process.
    process: Option<u32>,
    logs: Logs,
}

/// A part of a test that must not hang. It is no longer watched when this is dropped.
#[derive(Debug)]
pub struct Watched {
    number: u64,
}

impl Watched {
    /// Watches the test that runs on this thread.
    #[must_use]
    pub fn begin() -> Self {
        Self::with_logs(Logs::default())
    }

    /// The log is printed if the test hangs.
    pub(super) fn with_logs(logs: Logs) -> Self {
        static WATCHDOG: Once = Once::new();
        WATCHDOG.call_once(|| {
            let limit = limit();
            thread::spawn(move || watch(limit));
        });
        let mut running = RUNNING.lock();
        let number = running.last_key_value().map_or(0, |(last, _)| last + 1);
        let entry = Entry {
            test: this_test(),
            since: Some(Instant::now()),
            process: None,
            logs,
        };
        running.insert(number, entry);
        Self { number }
    }

    /// Begins the test's time again, with this process of a server.
    pub(super) fn started(&self, process: u32) {
        if let Some(entry) = RUNNING.lock().get_mut(&self.number) {
            (entry.since, entry.process) = (Some(Instant::now()), Some(process));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        RUNNING.lock().remove(&self.number);
    }
}

/// Waits for other tests; this time does not count.
pub async fn unwatched<T>(waiting: impl Future<Output = T>) -> T {
    set_time(None);
    let waited = waiting.await;
    set_time(Some(Instant::now()));
    waited
}

fn set_time(since: Option<Instant>) {
    let test = this_test();
    let mut running = RUNNING.lock();
    for entry in running.values_mut().filter(|entry| entry.test == test) {
        entry.since = since;
    }
}

/// Rust's test harness gives each test a thread of its name.
fn this_test() -> String {
    thread::current()
        .name()
        .unwrap_or("a thread without a name")
        .to_owned()
}

fn watch(limit: Duration) {
    loop {
        thread::sleep(INTERVAL);
        let running = RUNNING.lock();
        let late: Vec<&Entry> = late(&running, Instant::now(), limit).collect();
        if late.is_empty() {
            continue;
        }
        let mut message = String::new();
        for entry in &late {
            message += &entry.logs.end(&format!("a server of {}", entry.test));
            message += &format!("\nFAILED: {} did not end within {limit:?}\n", entry.test);
        }
        // Written directly, because the test harness captures what a test's threads print.
        let _ = std::io::stderr().write_all(message.as_bytes());
        for process in running.values().filter_map(|entry| entry.process) {
            end_child(process);
        }
        std::process::exit(1);
    }
}

fn late(running: &BTreeMap<u64, Entry>, now: Instant, limit: Duration) -> impl Iterator<Item = &Entry> {
    let is_late = move |since: Instant| now.saturating_duration_since(since) >= limit;
    running
        .values()
        .filter(move |entry| entry.since.is_some_and(is_late))
}

/// Kills a process that this one started: no server outlives its test.
fn end_child(process: u32) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    if parent.is_some_and(|parent| parent.trim() == std::process::id().to_string()) {
        let pid = i32::try_from(process)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(test: &str, since: Option<Instant>) -> Entry {
        Entry {
            test: test.to_owned(),
            since,
            process: None,
            logs: Logs::default(),
        }
    }

    #[test]
    fn a_test_is_late_when_its_time_is_over_and_it_waits_for_no_other() {
        let now = Instant::now();
        let limit = Duration::from_secs(10);
        let running = BTreeMap::from([
            (0, entry("slow", Some(now))),
            (1, entry("waits", None)),
            (2, entry("fast", Some(now + limit))),
        ]);
        let names = |now| -> Vec<String> {
            late(&running, now, limit)
                .map(|entry| entry.test.clone())
                .collect()
        };
        assert!(names(now + limit / 2).is_empty());
        assert_eq!(names(now + limit), ["slow"]);
        assert_eq!(names(now + 2 * limit), ["slow", "fast"]);
    }

    #[tokio::test]
    async fn a_test_is_watched_until_its_end_except_while_it_waits_for_others() {
        let name = this_test();
        assert!(name.ends_with("except_while_it_waits_for_others") || name == "main");
        let since = || {
            let running = RUNNING.lock();
            let own = running.values().find(|entry| entry.test == name);
            own.map(|entry| entry.since.is_some())
        };
        let watched = Watched::begin();
        assert_eq!(since(), Some(true));
        unwatched(async { assert_eq!(since(), Some(false)) }).await;
        assert_eq!(since(), Some(true));
        drop(watched);
        assert_eq!(since(), None);
    }
}
