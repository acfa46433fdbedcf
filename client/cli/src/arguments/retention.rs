//! How much of a stream is kept, and its end.

use annals_client::ExpectedRevision;
use clap::Args;

use super::age;
use super::expected::parse_expected;

#[derive(Debug, Args)]
pub struct Retention {
    /// The stream; it need not exist.
    #[arg(required_unless_present_any = ["prefix", "prefixes"], conflicts_with_all = ["prefix", "prefixes"])]
    pub stream: Option<String>,
    /// All streams whose names begin so and that have no count and no age of their own, instead of one stream.
    #[arg(long, value_name = "PREFIX", conflicts_with = "truncate_before")]
    pub prefix: Option<String>,
    /// Show all prefixes for which something is set.
    #[arg(
        long,
        conflicts_with_all = ["prefix", "max_count", "max_age", "truncate_before", "clear", "expect_version"]
    )]
    pub prefixes: bool,
    /// Keep the last so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_count: Option<u64>,
    /// Keep events for so long after they were recorded: a number with s, m, h, d or w behind it, such as 30d.
    #[arg(long, value_name = "AGE", value_parser = age::parse)]
    pub max_age: Option<u64>,
    /// Keep events from this revision on. What is gone does not come back.
    #[arg(long, value_name = "REVISION")]
    pub truncate_before: Option<u64>,
    /// Keep any number for ever, but for what the other options say.
    #[arg(long)]
    pub clear: bool,
    /// Change it only if it is at this version, as shown before.
    #[arg(long, value_name = "VERSION")]
    pub expect_version: Option<u64>,
}

impl Retention {
    /// Whether it is only to be shown.
    pub fn only_shows(&self) -> bool {
        self.max_count.is_none() && self.max_age.is_none() && self.truncate_before.is_none() && !self.clear
    }
}

/// The end of a stream.
#[derive(Debug, Args)]
pub struct End {
    /// The stream.
    pub stream: String,
    /// What the stream must be like: `any`, `no-stream`, `stream-exists`, or the revision of its last event.
    #[arg(long, value_name = "EXPECTED", value_parser = parse_expected, default_value = "any", hide_default_value = true)]
    pub expect: ExpectedRevision,
}
