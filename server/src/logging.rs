//! Log lines, on standard error.
//!
//! A bare level (`debug`) applies to the server itself; the libraries below it stay at `warn`, because they write
//! many debug lines, about bytes. A filter by module (`info,annals_store=debug,h2=debug`) is used unchanged, in the
//! syntax of `RUST_LOG`. Data and metadata of events are never logged, at any level.

use std::io::IsTerminal;

use crate::{
    Result,
    config::{LogFormat, LogLevel},
};

/// Sends the process's log lines to standard error. Only the first call in a process has an effect.
///
/// # Errors
/// The errors of [`LogLevel::filter`].
pub fn start(format: LogFormat, level: &LogLevel) -> Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(level.filter()?)
        .with_writer(std::io::stderr);
    // An earlier subscriber stays in place: a program that embeds the server has its own.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
