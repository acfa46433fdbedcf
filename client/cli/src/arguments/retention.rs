//! The arguments of the commands for retention and deletion.

use std::time::Duration;

use annals_client::ExpectedRevision;
use clap::Args;

use super::age;
use super::expected::parse_expected;

/// The arguments of `annals retention`.
#[derive(Debug, Args)]
pub struct Retention {
    /// The stream; it need not exist.
    #[arg(required_unless_present_any = ["prefix", "prefixes"], conflicts_with_all = ["prefix", "prefixes"])]
    pub stream: Option<String>,
    /// Apply to all streams whose names start with this prefix and that have no count and no age of their own,
    /// instead of one stream.
    #[arg(long, value_name = "PREFIX", conflicts_with = "truncate_before")]
    pub prefix: Option<String>,
    /// Show all prefixes that have a retention.
    #[arg(
        long,
        conflicts_with_all = ["prefix", "max_count", "max_age", "truncate_before", "clear", "expect_version"]
    )]
    pub prefixes: bool,
    /// Keep the last N events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_count: Option<u64>,
    /// Keep events for this long after they were recorded: for example 90s, 12h, 30d or 2w.
    #[arg(long, value_name = "AGE", value_parser = age::parse)]
    pub max_age: Option<Duration>,
    /// Keep this revision and later ones. Removed events can't be restored.
    #[arg(long, value_name = "REVISION")]
    pub truncate_before: Option<u64>,
    /// Keep any number of events of any age, except as set by the other options.
    #[arg(long)]
    pub clear: bool,
    /// Change the settings only if they are still at this version, as shown before.
    #[arg(long, value_name = "VERSION")]
    pub expect_version: Option<u64>,
}

impl Retention {
    /// Whether the command only shows the settings.
    pub fn only_shows(&self) -> bool {
        self.max_count.is_none() && self.max_age.is_none() && self.truncate_before.is_none() && !self.clear
    }
}

/// The deletion of a stream.
#[derive(Debug, Args)]
pub struct End {
    /// The stream.
    pub stream: String,
    /// Required state of the stream: `any`, `no-stream`, `stream-exists`, or the revision of its last event.
    #[arg(
        long,
        value_name = "EXPECTED",
        value_parser = parse_expected,
        default_value = "any",
        hide_default_value = true
    )]
    pub expect: ExpectedRevision,
}
