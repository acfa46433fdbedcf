//! What can be said of an append.

use annals_client::{QueryItem, Uuid};
use clap::{ArgGroup, Args};

use super::expected::Expected;

#[derive(Debug, Args)]
pub struct Append {
    /// The stream; it need not exist.
    #[arg(required_unless_present = "atomic")]
    pub stream: Option<String>,
    #[command(flatten)]
    pub event: NewEvent,
    /// Append the events of a file instead, to any number of streams, all or none: one JSON object a line, as `annals
    /// import` takes them; `-` for standard input.
    #[arg(
        long,
        value_name = "FILE|-",
        conflicts_with_all = ["stream", "kind", "data", "raw", "id", "metadata", "tags"]
    )]
    pub atomic: Option<String>,
    /// What a stream must be like: `any`, `no-stream`, `stream-exists`, or the revision of its last event. Of another
    /// stream than that which is appended to: `order-1=7`. May be given several times.
    #[arg(long, value_name = "[STREAM=]EXPECTED", value_parser = Expected::parse)]
    pub expect: Vec<Expected>,
    #[command(flatten)]
    pub no_match: NoMatch,
}

/// The event of an append of one.
#[derive(Debug, Args)]
pub struct NewEvent {
    /// What happened, in the words of the domain: `OrderPlaced`.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "atomic")]
    pub kind: Option<String>,
    /// The event's data as JSON; `@FILE` takes it from a file, `-` from standard input.
    #[arg(
        long,
        value_name = "JSON|@FILE|-",
        allow_hyphen_values = true,
        required_unless_present = "atomic"
    )]
    pub data: Option<String>,
    /// Take the data as bytes, whatever they are, instead of insisting on JSON.
    #[arg(long)]
    pub raw: bool,
    /// The event's id. Unless given, a new one.
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
    /// What is to be said about the event, as JSON.
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// A label for queries that cross streams: `customer:7`. May be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

/// That no event must have happened. An event matches that satisfies each kind of these that is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Append only if no event after a position matches")]
#[command(group = ArgGroup::new("no_match").multiple(true).args(["no_match_types", "no_match_streams", "no_match_tags"]))]
pub struct NoMatch {
    /// No event of this type. Given several times: of any of them.
    #[arg(long = "no-match-type", value_name = "TYPE")]
    pub no_match_types: Vec<String>,
    /// No event of this stream. Given several times: of any of them.
    #[arg(long = "no-match-stream", value_name = "STREAM")]
    pub no_match_streams: Vec<String>,
    /// No event that bears this tag. Given several times: all of them.
    #[arg(long = "no-match-tag", value_name = "TAG")]
    pub no_match_tags: Vec<String>,
    /// The position: up to which the log was read before this was decided. Unless given, no event may match, however old.
    #[arg(long, value_name = "POSITION", requires = "no_match")]
    pub after: Option<u64>,
}

impl NoMatch {
    /// What must not match; `None` if nothing was said.
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
