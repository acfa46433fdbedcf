//! Names of workloads and of their figures.

use super::{APPENDING, IN_FLIGHT, Workload};
use crate::{
    report::table::{cut, raised},
    stores::Selection,
};

impl Workload {
    /// Name for the command line, files and JSON.
    pub(in crate::compare) fn name(self) -> String {
        match self {
            Self::Append { events, clients } => format!("append-{events}x{clients}"),
            Self::Pipelined => "pipelined".to_owned(),
            Self::Conditional { clients } => format!("conditional-{clients}"),
            Self::Paced { per_second } => format!("paced-{per_second}"),
            Self::Live { per_second } => format!("live-{per_second}"),
            Self::Subscribed { subscribers } => format!("subscribed-{subscribers}"),
            Self::Load { events } => format!("load-{events}"),
            Self::LoadCold { events } => format!("load-cold-{events}"),
            Self::Read(Selection::All) => "read-all".to_owned(),
            Self::Read(Selection::Kind(_)) => "read-type".to_owned(),
            Self::Read(Selection::Tag(_)) => "read-tag".to_owned(),
            Self::Read(Selection::Category(_)) => "read-category".to_owned(),
            Self::CatchUp => "catch-up".to_owned(),
            Self::DiskSize => "disk-size".to_owned(),
            Self::Memory => "memory".to_owned(),
            Self::Restart { killed: false } => "restart".to_owned(),
            Self::Restart { killed: true } => "restart-killed".to_owned(),
            Self::Growth => "growth".to_owned(),
        }
    }

    /// Name for the tables.
    pub(in crate::compare) fn words(self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        match self {
            Self::Append { events: 1, clients } => {
                format!("append 1 event, {clients} client{}", plural(clients))
            }
            Self::Append { events, clients } => format!("append {events} events, {clients} clients"),
            Self::Pipelined => format!("append 1 event, {IN_FLIGHT} in flight"),
            Self::Conditional { clients } => format!("conditional append, {clients} clients"),
            Self::Paced { per_second } => format!("append at {per_second}/s, p99"),
            Self::Live { per_second } => format!("append to delivery at {per_second}/s, p99"),
            Self::Subscribed { subscribers } => {
                format!(
                    "append, {APPENDING} clients, {subscribers} subscriber{}",
                    plural(subscribers)
                )
            }
            Self::Load { events } => format!("load a stream of {events}, p50"),
            Self::LoadCold { events } => format!("load a stream of {events}, cold, p50"),
            Self::Read(Selection::All) => "read all".to_owned(),
            Self::Read(Selection::Kind(_)) => "read by type (1 in 8)".to_owned(),
            Self::Read(Selection::Tag(_)) => "read by tag (1 in 1,000)".to_owned(),
            Self::Read(Selection::Category(_)) => "read by category (1 in 8)".to_owned(),
            Self::CatchUp => "subscription catch-up".to_owned(),
            Self::DiskSize => "disk, bytes per event".to_owned(),
            Self::Memory => "memory of the server".to_owned(),
            Self::Restart { killed: false } => "start-up".to_owned(),
            Self::Restart { killed: true } => "start-up after kill -9".to_owned(),
            Self::Growth => "growth, last million".to_owned(),
        }
    }

    /// Name for the tables, without the quantile of the figure.
    pub(in crate::compare) fn subject(self) -> String {
        let words = self.words();
        let quantile = [", p50", ", p99"]
            .iter()
            .find_map(|quantile| words.strip_suffix(quantile));
        quantile.map_or_else(|| words.clone(), str::to_owned)
    }

    /// Unit of the figure.
    pub(in crate::compare) const fn unit(self) -> &'static str {
        match self {
            Self::Paced { .. }
            | Self::Live { .. }
            | Self::Load { .. }
            | Self::LoadCold { .. }
            | Self::Restart { .. } => "ms",
            Self::DiskSize => "bytes",
            Self::Memory => "MiB",
            Self::Growth => "share",
            _ => "events/s",
        }
    }

    /// Whether a larger figure is better.
    pub(in crate::compare) fn is_more_better(self) -> bool {
        matches!(self.unit(), "events/s" | "share")
    }

    /// Formats a figure, never rounded in its favor.
    pub(in crate::compare) fn shown(self, figure: f64) -> String {
        if self.is_more_better() {
            cut(figure)
        } else {
            raised(figure)
        }
    }
}
