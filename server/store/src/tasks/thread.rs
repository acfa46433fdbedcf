//! Runs a task on a thread of its own.

use tokio::{runtime::Handle, task::JoinError};

/// Runs a task to its end: on a thread of its own if `own_thread` is set, so that it does not wait its turn after
/// calls that are ready to run, and may block.
pub(crate) async fn on_own_thread(own_thread: bool, task: impl Future<Output = ()> + Send + 'static) {
    if !own_thread {
        return task.await;
    }
    let runtime = Handle::current();
    let thread = tokio::task::spawn_blocking(move || runtime.block_on(task));
    // Without a panic it fails only when the runtime ends.
    if let Err(Ok(panic)) = thread.await.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}
