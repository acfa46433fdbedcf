//! Log lines, on standard error.
//!
//! A bare level (`debug`) applies to the server itself; the libraries below it stay at `warn`, because they write
//! many debug lines, about bytes. A filter by module (`info,annals_store=debug,h2=debug`) is used unchanged, in the
//! syntax of `RUST_LOG`. Data and metadata of events are never logged, at any level.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{Error, Result, config::LogFormat};

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];
const OWN: [&str; 4] = [
    "annals_server",
    "annals_store",
    "annals_engine",
    "annals_embedded",
];

/// Returns the filter for a value of `--log-level`.
///
/// # Errors
/// [`Error::Config`] if the value is neither a level nor a filter.
pub fn filter(level: &str) -> Result<EnvFilter> {
    let refuse = |reason: String| {
        Error::Config(format!(
            "--log-level {level:?} is neither a level (off, error, warn, info, debug, trace) nor a filter such as \
             `info,annals_store=debug`: {reason}"
        ))
    };
    let Some((_, own)) = LEVELS.into_iter().find(|(name, _)| *name == level) else {
        // EnvFilter accepts any word as the name of a module; a single word is a misspelt level.
        if !level.contains(['=', ',']) {
            return Err(refuse("unknown level".to_owned()));
        }
        return EnvFilter::try_new(level).map_err(|error| refuse(error.to_string()));
    };
    let others = own.min(LevelFilter::WARN);
    let directives = OWN.map(|module| format!("{module}={own}")).join(",");
    EnvFilter::try_new(format!("{others},{directives}")).map_err(|error| refuse(error.to_string()))
}

/// Sends the process's log lines to standard error. Only the first call in a process has an effect.
///
/// # Errors
/// The errors of [`filter`].
pub fn start(format: LogFormat, level: &str) -> Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(level)?)
        .with_writer(std::io::stderr);
    // An earlier subscriber stays in place: a program that embeds the server has its own.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn a_bare_level_is_the_servers_own_and_leaves_libraries_at_warn() {
        let shown = filter("debug").unwrap().to_string();
        assert!(
            shown.contains("annals_store=debug") && shown.contains("annals_server=debug"),
            "{shown}"
        );
        assert!(shown.split(',').any(|directive| directive == "warn"), "{shown}");
        assert!(
            filter("error")
                .unwrap()
                .to_string()
                .split(',')
                .any(|directive| directive == "error")
        );
        assert!(
            filter("off")
                .unwrap()
                .to_string()
                .split(',')
                .any(|directive| directive == "off")
        );
    }

    #[test]
    fn a_filter_by_module_is_taken_as_it_is() {
        let shown = filter("info,annals_store=debug,h2=trace").unwrap().to_string();
        assert!(
            shown.contains("annals_store=debug") && shown.contains("h2=trace"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_neither_is_refused_by_name() {
        for level in ["loud", "", "info,annals_store=loud"] {
            let message = filter(level).unwrap_err().to_string();
            assert!(
                message.contains("--log-level") && message.contains(level),
                "{message}"
            );
        }
    }
}
