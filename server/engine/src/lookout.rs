//! Runs work on a runtime's worker that blocks hardly longer than a thread switch would take, such as a sync.
//!
//! [`apart`] makes a worker hand off its other tasks, after which the thread is no longer a worker: when the work is
//! done, its task continues on another worker, which has to be woken for that. If the work is quick, the wake-up
//! takes a good part of the total time. So here the worker simply does the work. It may turn out to be slow, and
//! therefore:
//!
//! 1. A worker that got its task from the I/O driver has released the driver. If every other worker is parked, no
//!    thread polls the I/O driver until the work is done. So a monitor thread checks every [`LOOK_INTERVAL`] whether
//!    the same work is still running, and if so spawns an empty task, which wakes another worker that then polls the
//!    driver. (Tokio's unstable `enable_eager_driver_handoff` does something similar before each task, at the price
//!    of waking another worker each time.)
//! 2. One worker at a time does such work inline, and only on a runtime with two or more. All others use [`apart`].
//! 3. After slow work, all workers use [`apart`] for a while ([`Pace`]).
//!
//! Remaining limit: tasks that this worker itself has deferred wait until the work is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{Pace, apart, is_own_thread};

/// How often the thread checks. The I/O driver goes unpolled for at most twice as long.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// After this many checks without work the thread sleeps until there is work again.
const IDLE_LOOKS_MAX: u32 = 100;

/// Keeps a runtime's I/O going while one of its workers does blocking work.
#[derive(Debug)]
pub struct Lookout {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    runtime: Handle,
    pace: Pace,
    /// Counts starts and ends of work, so it is odd while work is in progress.
    turns: AtomicU64,
    asleep: AtomicBool,
    over: AtomicBool,
}

impl Lookout {
    /// Creates a monitor for the current runtime; `None` if there is no runtime, or it has fewer than two workers.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn for_runtime() -> std::io::Result<Option<Self>> {
        let Ok(runtime) = Handle::try_current() else {
            return Ok(None);
        };
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread || runtime.metrics().num_workers() < 2 {
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            runtime,
            pace: Pace::default(),
            turns: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let looking = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("annals:lookout".to_owned())
            .spawn(move || looking.run())?;
        let thread = thread.thread().clone();
        Ok(Some(Self { shared, thread }))
    }

    /// Runs the work on this thread, or with [`apart`] if another worker is doing such work or it was slow lately.
    /// Nothing is monitored on a thread that is [owned by its caller](crate::on_own_thread).
    pub fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        if is_own_thread() {
            return self.shared.pace.time(work);
        }
        match self.begin() {
            Some(_turn) => self.shared.pace.time(work),
            None => apart(work),
        }
    }

    fn begin(&self) -> Option<Turn<'_>> {
        let shared = &*self.shared;
        let turns = shared.turns.load(Ordering::Relaxed);
        if !turns.is_multiple_of(2) || !shared.pace.is_quick() {
            return None;
        }
        let begun = shared
            .turns
            .compare_exchange(turns, turns + 1, Ordering::SeqCst, Ordering::Relaxed);
        begun.ok()?;
        // Either this sees that the thread sleeps, or the thread sees the turn before it does (`Shared::sleep`).
        if shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Some(Turn(shared))
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A turn of work, which ends when it is dropped, even by a panic.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// The body of the thread.
    fn run(&self) {
        let (mut seen, mut idle) = (0, 0);
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK_INTERVAL);
            let turns = self.turns.load(Ordering::SeqCst);
            if turns != seen {
                (seen, idle) = (turns, 0);
            } else if !turns.is_multiple_of(2) {
                // Spawning any task wakes a worker.
                drop(self.runtime.spawn(std::future::ready(())));
            } else if idle < IDLE_LOOKS_MAX {
                idle += 1;
            } else {
                self.sleep(turns);
                idle = 0;
            }
        }
    }

    /// Sleeps until `turns` differs from `seen`.
    fn sleep(&self, seen: u64) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.turns.load(Ordering::SeqCst) == seen && !self.over.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime(workers: usize) -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .unwrap()
    }

    fn lookout(runtime: &Runtime) -> Arc<Lookout> {
        let _entered = runtime.enter();
        Arc::new(Lookout::for_runtime().unwrap().unwrap())
    }

    /// Both the event that starts the blocking worker and the one that ends its work come from the runtime's timer
    /// and I/O driver.
    #[test]
    fn others_go_on_while_a_worker_blocks() {
        let runtime = runtime(2);
        let lookout = lookout(&runtime);
        for _ in 0..100 {
            lookout.shared.turns.fetch_add(2, Ordering::SeqCst);
            let (tell, told) = mpsc::channel();
            let working = runtime.spawn({
                let lookout = Arc::clone(&lookout);
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let ends = tokio::time::sleep(Duration::from_millis(1));
                    tokio::spawn(async move {
                        ends.await;
                        let _ = tell.send(());
                    });
                    // Lets the task above start waiting.
                    tokio::task::yield_now().await;
                    let turn = lookout.begin();
                    let ended = told.recv_timeout(Duration::from_secs(60));
                    drop(turn);
                    ended
                }
            });
            runtime.block_on(working).unwrap().unwrap();
        }
    }

    #[test]
    fn one_at_a_time_works_and_none_after_it_was_slow() {
        let runtime = runtime(2);
        let lookout = lookout(&runtime);
        assert!(!lookout.briefly(|| lookout.begin().is_some()));
        assert!(lookout.begin().is_some());
        lookout.briefly(|| std::thread::sleep(Duration::from_millis(10)));
        assert!(lookout.begin().is_none());
        assert_eq!(lookout.briefly(|| 5), 5, "the work runs nevertheless");
    }

    #[test]
    fn on_ones_own_thread_nothing_is_looked_after() {
        let runtime = runtime(2);
        let lookout = lookout(&runtime);
        let turns = || lookout.shared.turns.load(Ordering::SeqCst);
        assert_eq!(lookout.briefly(turns), 1);
        assert_eq!(crate::on_own_thread(|| lookout.briefly(turns)), 2);
        assert_eq!(turns(), 2);
        crate::on_own_thread(|| lookout.briefly(|| std::thread::sleep(Duration::from_millis(10))));
        assert!(lookout.begin().is_none(), "workers know that the work was slow");
    }

    #[test]
    fn it_is_woken_from_its_sleep() {
        let runtime = runtime(2);
        let lookout = lookout(&runtime);
        let began = std::time::Instant::now();
        let wait = |what: &str| {
            assert!(began.elapsed() < Duration::from_secs(60), "waited for {what}");
            std::thread::sleep(LOOK_INTERVAL);
        };
        let until = |asleep| {
            while lookout.shared.asleep.load(Ordering::SeqCst) != asleep {
                wait("the lookout to sleep or wake");
            }
        };
        for _ in 0..2 {
            until(true);
            let turn = lookout.begin();
            until(false);
            drop(turn);
        }
        let shared = Arc::clone(&lookout.shared);
        until(true);
        drop(lookout);
        while Arc::strong_count(&shared) > 1 {
            wait("the lookout to end");
        }
    }

    #[test]
    fn there_is_none_where_nobody_could_be_woken() {
        assert!(Lookout::for_runtime().unwrap().is_none());
        let one = runtime(1);
        let _entered = one.enter();
        assert!(Lookout::for_runtime().unwrap().is_none());
    }
}
