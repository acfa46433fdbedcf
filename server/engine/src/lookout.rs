//! Work that blocks a worker of the runtime for hardly longer than a change of threads would take, such as a sync.
//!
//! [`apart`] makes a worker pass on whatever else it has to do, and then it is a worker no more: what waited for the work
//! goes on elsewhere, and somebody has to be woken for that. If all of it is quick, the waking is a good part of the time.
//! So here a worker just does the work. It may take long after all, and therefore:
//!
//! 1. A worker that got its task from the network has let go of the network. If no other worker is awake, nobody attends to
//!    that before the work is done. So a thread looks every [`LOOK_INTERVAL`] whether the same work is still being done,
//!    and gives another worker something to do, which makes that one attend to the network. (Tokio's unstable
//!    `enable_eager_driver_handoff` does the like before each task, for the price of waking another worker each time.)
//! 2. One worker at a time does such work, and only where there are two or more. All others do it apart.
//! 3. After work that was slow, all do it apart for a while ([`Pace`]).
//!
//! What is left: tasks that this very worker has put off for a moment wait until the work is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{Pace, apart, is_own_thread};

/// How often the thread looks. The network is left alone for twice as long at the most.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// After so many looks at nothing the thread sleeps until there is something again.
const IDLE_LOOKS_MAX: u32 = 100;

/// Looks after a runtime while one of its workers does work that blocks.
#[derive(Debug)]
pub struct Lookout {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    runtime: Handle,
    pace: Pace,
    /// Counts beginnings and ends, so it is odd while work is being done.
    turns: AtomicU64,
    asleep: AtomicBool,
    over: AtomicBool,
}

impl Lookout {
    /// For the runtime that this is called on; `None` if that has no two workers, or there is none.
    ///
    /// # Errors
    /// If no thread can be started.
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

    /// Does the work on this thread, or [`apart`] if somebody else does such work or it was slow lately. Nothing is looked
    /// after on a thread that is [one's own](crate::on_own_thread).
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
        // Either this sees that it sleeps, or it sees the turn before it does (`Shared::sleep`).
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

/// Ends when it is dropped, also by a panic.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// The thread.
    fn run(&self) {
        let (mut seen, mut idle) = (0, 0);
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK_INTERVAL);
            let turns = self.turns.load(Ordering::SeqCst);
            if turns != seen {
                (seen, idle) = (turns, 0);
            } else if !turns.is_multiple_of(2) {
                // Whatever there is to do wakes a worker.
                drop(self.runtime.spawn(std::future::ready(())));
            } else if idle < IDLE_LOOKS_MAX {
                idle += 1;
            } else {
                self.sleep(turns);
                idle = 0;
            }
        }
    }

    /// Until there is another turn than `seen`.
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

    /// What wakes the worker that blocks comes from the network's side of the runtime, and so does what ends the work.
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
                    // Lets the task above begin to wait.
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
        assert_eq!(lookout.briefly(|| 5), 5, "it is done nevertheless");
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
        assert!(lookout.begin().is_none(), "that it was slow is known to workers");
    }

    #[test]
    fn it_is_woken_from_its_sleep() {
        let runtime = runtime(2);
        let lookout = lookout(&runtime);
        let until = |asleep| {
            while lookout.shared.asleep.load(Ordering::SeqCst) != asleep {
                std::thread::sleep(LOOK_INTERVAL);
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
            std::thread::sleep(LOOK_INTERVAL);
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
