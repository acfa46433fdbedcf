//! The server process: starts the server, stops it on a signal, and exits with a code for the outcome.

use std::{process::ExitCode, time::Duration};

use annals_server::{Config, Error, Result, logging};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A call allocates dozens of times and frees on other threads than it allocated on, which is slow with the C
/// library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a call into a hung disk may delay the end of the process.
const HUNG_DISK_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Printed, not logged: it must be seen whatever the log level is.
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start() -> Result<()> {
    let config = Config::from_process()?;
    logging::start(config.log, &config.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("annals")
        .build()
        .map_err(|error| Error::Serve(format!("can't start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        let signals = Signals::new()?;
        annals_server::run(config, signals.asked_to_stop()).await
    });
    runtime.shutdown_timeout(HUNG_DISK_TIMEOUT);
    // Every engine is closed, and nothing else runs that could use its library.
    #[cfg(feature = "foundationdb")]
    annals_foundationdb::shut_down();
    result
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers. Called before the store opens, so that no signal kills the process while it opens.
    fn new() -> Result<Self> {
        let take =
            |kind| signal(kind).map_err(|error| Error::Serve(format!("can't handle signals: {error}")));
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
        })
    }

    /// Returns at the first signal; the second ends the process at once.
    async fn asked_to_stop(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            eprintln!("error: stopped immediately by a second signal");
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
