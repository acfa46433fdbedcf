//! The arguments of `annals groups`, `annals parked` and `annals consume`.

use std::time::Duration;

use annals_client::{GroupMode, GroupSettings, GroupStart, Position, Query, QueryItem, Timestamp};
use clap::{Args, Subcommand, ValueEnum};

use super::{Filters, age, help};

/// The subcommands of `annals groups`; without one, groups are listed.
#[derive(Debug, Subcommand)]
pub enum Groups {
    /// Create a group, if it does not exist.
    #[command(after_help = help::GROUPS_CREATE)]
    Create {
        /// The group's name.
        name: String,
        #[command(flatten)]
        settings: Box<Settings>,
        /// Where it starts: beginning, end, a position after which it starts, or a time.
        #[arg(long, default_value = "beginning", value_parser = parse_start)]
        from: GroupStart,
    },
    /// Replace the settings of a group, as a whole.
    Update {
        /// The group's name.
        name: String,
        #[command(flatten)]
        settings: Box<Settings>,
        /// Update it only if its settings have this version.
        #[arg(long, value_name = "VERSION")]
        expect_version: Option<u64>,
    },
    /// Show a group with its progress and its consumers.
    Describe {
        /// The group's name.
        name: String,
    },
    /// Continue a group at another place. Parked events stay parked.
    Reset {
        /// The group's name.
        name: String,
        /// Where it continues: beginning, end, a position after which it continues, or a time.
        #[arg(long, value_parser = parse_start)]
        to: GroupStart,
    },
    /// Delete a group with its progress and its parked events.
    Delete {
        /// The group's name.
        name: String,
    },
}

/// How a group distributes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The events of one stream in order, to one consumer at a time
    Ordered,
    /// Any event to any consumer
    Unordered,
    /// All events in order, to one consumer; the others stand by
    Exclusive,
}

/// The settings of a group.
#[derive(Debug, Args)]
pub struct Settings {
    /// How events are distributed.
    #[arg(long, value_enum, default_value_t = Mode::Ordered)]
    mode: Mode,
    /// Ordered groups: order by the first tag that starts with this prefix, and by stream where there is none.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    order_by_tag_prefix: String,
    /// Time within which a consumer settles an event, 1s to 1h. 30s unless set.
    #[arg(long, value_name = "TIME", value_parser = age::parse)]
    ack_timeout: Option<Duration>,
    /// Failed attempts after which an event is parked, 1 to 1,000. 10 unless set.
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// Time before the second attempt; it doubles with each attempt. 1s unless set.
    #[arg(long, value_name = "TIME", value_parser = age::parse)]
    retry_delay: Option<Duration>,
    /// The longest time between two attempts. 1m unless set.
    #[arg(long, value_name = "TIME", value_parser = age::parse)]
    max_retry_delay: Option<Duration>,
    /// Ordered groups: while an event is parked, park the later events of its stream too.
    #[arg(long)]
    park_following: bool,
    /// Only events of this stream. If repeated, of any of them.
    #[arg(long = "stream", value_name = "STREAM", help_heading = "Filters")]
    streams: Vec<String>,
    #[command(flatten)]
    filters: Filters,
}

impl From<Settings> for GroupSettings {
    fn from(settings: Settings) -> Self {
        let item = QueryItem {
            types: settings.filters.types,
            type_prefixes: settings.filters.type_prefixes,
            streams: settings.streams,
            stream_prefixes: settings.filters.stream_prefixes,
            tags: settings.filters.tags,
        };
        let query = if item == QueryItem::default() {
            Query::all()
        } else {
            item.into()
        };
        GroupSettings {
            query,
            mode: match settings.mode {
                Mode::Ordered => GroupMode::Ordered,
                Mode::Unordered => GroupMode::Unordered,
                Mode::Exclusive => GroupMode::Exclusive,
            },
            order_by_tag_prefix: settings.order_by_tag_prefix,
            ack_timeout: settings.ack_timeout,
            max_attempts: settings.max_attempts,
            retry_delay: settings.retry_delay,
            max_retry_delay: settings.max_retry_delay,
            park_following: settings.park_following,
        }
    }
}

/// The subcommands of `annals parked`.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// List the parked events of a group.
    List {
        /// The group's name.
        group: String,
        /// Only events of this stream.
        #[arg(long, default_value = "", hide_default_value = true)]
        stream: String,
        /// List at most this many events.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
    /// Deliver parked events again, to the same group or to another one.
    #[command(
        after_help = "Examples:\n  annals parked replay shipping 4711\n  annals parked replay shipping --all"
    )]
    Replay {
        #[command(flatten)]
        chosen: Chosen,
        /// The group that gets them. The same group unless set.
        #[arg(long, value_name = "GROUP")]
        to_group: Option<String>,
    },
    /// Give parked events up. They stay in the log.
    Discard {
        #[command(flatten)]
        chosen: Chosen,
    },
}

/// The parked events with which something is done.
#[derive(Debug, Args)]
pub struct Chosen {
    /// The group's name.
    pub group: String,
    #[command(flatten)]
    pub selection: Selection,
}

/// Selects parked events.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Selection {
    /// The events at these positions.
    #[arg(value_name = "POSITION")]
    pub positions: Vec<u64>,
    /// The events of this stream.
    #[arg(long)]
    pub stream: Option<String>,
    /// All parked events.
    #[arg(long)]
    pub all: bool,
}

/// The arguments of `annals consume`.
#[derive(Debug, Args)]
pub struct Consume {
    /// The group's name.
    pub group: String,
    /// The command that processes an event, run by `sh -c`, with the event as JSON on its standard input. If it
    /// succeeds, the event is done; otherwise it is retried, with the last line of its standard error as the reason.
    #[arg(long, value_name = "COMMAND")]
    pub exec: String,
    /// Number of events that are processed at a time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub concurrency: u16,
    /// The consumer's name, which operators see. Host name and process id unless set.
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
}

fn parse_start(text: &str) -> Result<GroupStart, String> {
    match text {
        "beginning" => Ok(GroupStart::Beginning),
        "end" => Ok(GroupStart::End),
        text => {
            if let Ok(position) = text.parse() {
                return Ok(GroupStart::After(Position(position)));
            }
            let time: Result<Timestamp, _> = text.parse();
            time.map(GroupStart::Time).map_err(|_| {
                "use beginning, end, a position, or a time such as 2026-01-02T03:04:05Z".to_owned()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_a_position_or_a_time() {
        assert_eq!(parse_start("beginning"), Ok(GroupStart::Beginning));
        assert_eq!(parse_start("end"), Ok(GroupStart::End));
        assert_eq!(parse_start("17"), Ok(GroupStart::After(Position(17))));
        assert!(matches!(
            parse_start("2026-01-02T03:04:05Z"),
            Ok(GroupStart::Time(_))
        ));
        assert!(parse_start("yesterday").is_err());
    }
}
