//! The level of log lines: a bare level, or a filter by module in the syntax of `RUST_LOG`.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{Error, Result};

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];
const OWN: [&str; 5] = [
    "annals_server",
    "annals_store",
    "annals_engine",
    "annals_embedded",
    "annals_foundationdb",
];

/// A level or a filter of log lines that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    /// Parses a value of `--log-level`.
    ///
    /// # Errors
    /// [`Error::Config`] if the value is neither a level nor a filter.
    pub fn parse(level: &str) -> Result<Self> {
        filter(level).map(|_| Self(level.to_owned()))
    }

    /// Returns the level as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the filter of log lines.
    ///
    /// # Errors
    /// None: the level was checked.
    pub fn filter(&self) -> Result<EnvFilter> {
        filter(&self.0)
    }
}

fn filter(level: &str) -> Result<EnvFilter> {
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
