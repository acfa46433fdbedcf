//! FoundationDB's network thread: one per process, for all engines.
//!
//! 1. It is started by the first engine that is opened, and never again: the client library allows no second start.
//! 2. It is stopped and joined before the library's static objects are destroyed: by [`shut_down`], or otherwise by a
//!    handler when the process exits by returning from `main` or by [`std::process::exit`].
//! 3. It is started and stopped by a thread that lives as long as it does. The exiting thread could not stop it: its
//!    own thread-local objects of the library are destroyed before handlers run, and the library uses them.
//!
//! Exit handlers run in the reverse order of registration, destructors of the library's objects among them, and the
//! library creates some objects late. So the handler is registered again whenever an engine has been opened, when the
//! common objects have been created. That is as late as it can be registered; [`shut_down`] is better, since it does
//! not depend on any order.
//!
//! Why the last engine that is dropped does not stop it: the thread cannot be started again, and tests and servers
//! open engines again. This is the only place in the project with `unsafe`: the binding requires a promise to stop
//! the thread, and invariant 2 is that promise.

use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use foundationdb::FdbError;
use foundationdb::api::{FdbApiBuilder, NetworkAutoStop};
use parking_lot::Mutex;

/// Whether the network thread runs, or why it cannot.
static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
/// The thread that starts and stops the network thread.
static HOLDER: Mutex<Option<Holder>> = Mutex::new(None);

struct Holder {
    /// Dropped to end the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// Starts the network thread unless it is running.
pub(crate) fn start() -> Result<(), String> {
    STARTED.get_or_init(start_holder).clone()?;
    match *HOLDER.lock() {
        Some(_) => Ok(()),
        None => Err(
            "FoundationDB's client library was shut down, and can be started only once in a process"
                .to_owned(),
        ),
    }
}

/// Stops FoundationDB's client library for the rest of the process. Call it at the end of `main`, when every engine
/// has been dropped: operations still in progress never finish. Does nothing if no engine was opened.
pub fn shut_down() {
    let holder = HOLDER.lock().take();
    if let Some(Holder { stop, thread }) = holder {
        drop(stop);
        // If it panicked, the panic was reported, and the network thread ended with it.
        let _ = thread.join();
    }
}

fn start_holder() -> Result<(), String> {
    let refused = |reason: &str| format!("FoundationDB's client library cannot be started: {reason}");
    stop_at_exit();
    let (stop, stopped) = mpsc::channel();
    let (started, answer) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("annals-fdb".to_owned())
        .spawn(move || hold(&started, &stopped))
        .map_err(|error| refused(&error.to_string()))?;
    *HOLDER.lock() = Some(Holder { stop, thread });
    let started = answer.recv().unwrap_or_else(|_| Err("it panicked".to_owned()));
    started.map_err(|reason| refused(&reason))
}

fn hold(started: &Sender<Result<(), String>>, stopped: &Receiver<()>) {
    match boot() {
        Ok(_network) => {
            // The thread that started this one waits for it.
            let _ = started.send(Ok(()));
            // Nothing is ever sent: this returns when the sender is dropped.
            let _ = stopped.recv();
        }
        Err(error) => {
            let _ = started.send(Err(format!("{} ({})", error.message(), error.code())));
        }
    }
}

#[allow(unsafe_code)]
fn boot() -> Result<NetworkAutoStop, FdbError> {
    let builder = FdbApiBuilder::default().build()?;
    // SAFETY: the caller must ensure that the thread is stopped before the process exits. `shut_down` does, at exit.
    unsafe { builder.boot() }
}

/// Registers the exit handler, again if it is registered already: it runs before every handler registered until now.
#[allow(unsafe_code)]
pub(crate) fn stop_at_exit() {
    // SAFETY: declared as in C, and `atexit` accepts any such function at any time.
    unsafe extern "C" {
        safe fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    extern "C" fn handler() {
        shut_down();
    }
    // It only fails for lack of memory, in which case the process exits without the handler.
    let _ = atexit(handler);
}
