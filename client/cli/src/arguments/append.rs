//! The arguments of `annals append`.

use annals_client::{QueryItem, Uuid};
use clap::{ArgGroup, Args};

use super::expected::Expected;

/// The arguments of `annals append`.
#[derive(Debug, Args)]
pub struct Append {
    /// The stream; it need not exist.
    #[arg(required_unless_present = "atomic")]
    pub stream: Option<String>,
    #[command(flatten)]
    pub event: NewEvent,
    /// Append the events of a file instead, to any number of streams, all or none: one JSON object per line, in the
    /// format of `annals import`; `-` for standard input.
    #[arg(
        long,
        value_name = "FILE|-",
        conflicts_with_all = ["stream", "event_type", "data", "content_type", "id", "metadata", "tags"]
    )]
    pub atomic: Option<String>,
    /// Required state of the stream: `any`, `no-stream`, `stream-exists`, or the revision of its last event. For a
    /// stream other than the one appended to: `order-1=7`. May be repeated.
    #[arg(long, value_name = "[STREAM=]EXPECTED", value_parser = Expected::parse)]
    pub expect: Vec<Expected>,
    #[command(flatten)]
    pub no_match: NoMatch,
}

/// The event of a single append.
#[derive(Debug, Args)]
pub struct NewEvent {
    /// The event type, in the terms of the domain: `OrderPlaced`.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "atomic")]
    pub event_type: Option<String>,
    /// The event's data, JSON unless `--content-type` is given; `@FILE` reads it from a file, `-` from standard input.
    #[arg(
        long,
        value_name = "JSON|@FILE|-",
        allow_hyphen_values = true,
        required_unless_present = "atomic"
    )]
    pub data: Option<String>,
    /// The media type of data that is not JSON: `image/jpeg`. Any bytes are then accepted.
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// The event's id. Default: a new id.
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
    /// Metadata about the event, as JSON.
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// A tag for queries across streams: `customer:7`. May be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

/// Requires that no event matches. An event matches if it satisfies each kind of filter that is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Append only if no event after a position matches")]
#[command(
    group = ArgGroup::new("no_match")
        .multiple(true)
        .args(["no_match_types", "no_match_streams", "no_match_tags"])
)]
pub struct NoMatch {
    /// No event of this type. If repeated, of any of them.
    #[arg(long = "no-match-type", value_name = "TYPE")]
    pub no_match_types: Vec<String>,
    /// No event of this stream. If repeated, of any of them.
    #[arg(long = "no-match-stream", value_name = "STREAM")]
    pub no_match_streams: Vec<String>,
    /// No event with this tag. If repeated, with all of them.
    #[arg(long = "no-match-tag", value_name = "TAG")]
    pub no_match_tags: Vec<String>,
    /// The position up to which the log was read for this decision. Default: no event at all may match.
    #[arg(long, value_name = "POSITION", requires = "no_match")]
    pub after: Option<u64>,
}

impl NoMatch {
    /// Returns the query that must not match; `None` if no filter is set.
    pub fn item(&self) -> Option<QueryItem> {
        let item = QueryItem {
            types: self.no_match_types.clone(),
            streams: self.no_match_streams.clone(),
            tags: self.no_match_tags.clone(),
            ..QueryItem::default()
        };
        (item != QueryItem::default()).then_some(item)
    }
}
