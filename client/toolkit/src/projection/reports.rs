//! Reports of checkpoints to the event store, so that an operator sees how far each projection has come, whatever
//! database it writes to.
//!
//! 1. Each projection reports on its own task, which it never waits for: a report that fails or is late changes nothing
//!    for it. The first failure is logged, and reports are tried again until they succeed.
//! 2. At most one report is made per second, and a last one when the projection is stopped.
//! 3. A process reports the positions to which it has moved the checkpoint itself. The one that it begins with is
//!    reported only if it is after the reported one, because another process may run the projection, and be ahead.

use std::sync::OnceLock;
use std::time::Duration;

use annals_client::{Client, Error, Position};
use tokio::sync::watch;

/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(1);
/// Maximum time for which a projection that is stopped waits for its last report.
pub(super) const LAST_REPORT: Duration = Duration::from_secs(2);

/// How far the live read model has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reached {
    /// It is not known yet.
    #[default]
    Nothing,
    /// Everything up to this position was in it when this process began.
    Stored(Position),
    /// This process has moved its checkpoint to this position.
    Moved(Position),
}

/// Who reports.
#[derive(Debug, Clone, Default)]
pub(super) struct Reporter {
    pub(super) consumer: String,
    /// Host and process unless set.
    pub(super) instance: Option<String>,
}

impl Reporter {
    /// Reports what a projection reaches, under a name, until the projection has ended.
    pub(super) async fn run(self, client: Client, name: String, mut reached: watch::Receiver<Reached>) {
        let (mut reported, mut warned, mut ended) = (Reached::Nothing, false, false);
        loop {
            let now = *reached.borrow_and_update();
            if now != reported {
                match self.report(&client, &name, now).await {
                    Ok(()) => (reported, warned) = (now, false),
                    Err(error) => {
                        if !warned {
                            tracing::warn!(checkpoint = name, %error, "the checkpoint can't be reported");
                        }
                        warned = true;
                    }
                }
            }
            if ended {
                return;
            }
            if now == reported && reached.changed().await.is_err() {
                return;
            }
            let end = async { while reached.changed().await.is_ok() {} };
            ended = tokio::time::timeout(INTERVAL, end).await.is_ok();
        }
    }

    async fn report(&self, client: &Client, name: &str, reached: Reached) -> Result<(), Error> {
        let set = |position| {
            client
                .set_checkpoint(name, position)
                .consumer(&self.consumer)
                .instance(self.instance.as_deref().unwrap_or_else(|| this_process()))
        };
        let position = match reached {
            Reached::Nothing => return Ok(()),
            Reached::Moved(position) => return set(position).await.map(drop),
            Reached::Stored(position) => position,
        };
        let set = match client.get_checkpoint(name).await? {
            None => set(position).expect_absent(),
            Some(found) if found.checkpoint.position < position => {
                set(position).expect_position(found.checkpoint.position)
            }
            Some(_) => return Ok(()),
        };
        match set.await {
            // Another process has reported in the meantime.
            Ok(_) | Err(Error::CheckpointConflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Returns the name of this host, and the id of this process.
fn this_process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .or_else(|_| std::fs::read_to_string("/etc/hostname"))
            .or_else(|_| std::env::var("HOSTNAME"));
        let host = host.unwrap_or_else(|_| "localhost".to_owned());
        format!("{}:{}", host.trim(), std::process::id())
    })
}
