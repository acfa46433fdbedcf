//! The workloads, and the figure of each.

mod words;

use futures::FutureExt;

use super::{Course, Outcome, appends, growth, paced, reads, restarts};
use crate::{
    Error, Result,
    stores::{Ability, Name, Selection, Store, Work},
};

/// Unanswered appends of one pipeline.
pub(super) const IN_FLIGHT: usize = 2_048;
/// Clients that append while others subscribe.
const APPENDING: usize = 64;

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// Clients that append `events` events at a time and wait for each reply.
    Append { events: u32, clients: usize },
    /// Single events without waiting for replies.
    Pipelined,
    /// Clients that append one event at a time, if no event with its tag was appended since their last append.
    Conditional { clients: usize },
    /// Appends of one event at a fixed rate, timed from when they are due to the reply.
    Paced { per_second: u32 },
    /// Appends of one event at a fixed rate, timed from when they are due to the delivery to a subscriber.
    Live { per_second: u32 },
    /// Clients that append one event at a time while `subscribers` clients subscribe.
    Subscribed { subscribers: usize },
    /// Loads of streams of `events` events, after others were loaded.
    Load { events: u32 },
    /// Loads of streams of `events` events from disk, by a server that has just started.
    LoadCold { events: u32 },
    /// Reads of the log, or of the matching part of it.
    Read(Selection),
    /// A subscription that catches up with the log.
    CatchUp,
    /// Bytes on disk per event.
    DiskSize,
    /// Memory of the server that holds the log.
    Memory,
    /// Time from the start to the first reply, after a graceful shutdown or kill -9.
    Restart { killed: bool },
    /// Appends of 100 events while the log grows.
    Growth,
}

/// Workloads that share an empty store, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Appends, and subscriptions to them.
    Appends,
    /// Reads of an existing log.
    Reads,
    /// Growth of a large log.
    Growth,
}

impl Phase {
    pub(super) const ALL: [Self; 3] = [Self::Appends, Self::Reads, Self::Growth];
}

/// All workloads, in the order in which they run.
const ALL: [Workload; 32] = [
    Workload::Append {
        events: 1,
        clients: 1,
    },
    Workload::Append {
        events: 1,
        clients: 4,
    },
    Workload::Append {
        events: 1,
        clients: 16,
    },
    Workload::Append {
        events: 1,
        clients: 64,
    },
    Workload::Append {
        events: 1,
        clients: 256,
    },
    Workload::Append {
        events: 10,
        clients: 16,
    },
    Workload::Append {
        events: 100,
        clients: 16,
    },
    Workload::Append {
        events: 1_000,
        clients: 16,
    },
    Workload::Pipelined,
    Workload::Conditional { clients: 64 },
    Workload::Paced { per_second: 500 },
    Workload::Paced { per_second: 5_000 },
    Workload::Live { per_second: 100 },
    Workload::Live { per_second: 1_000 },
    Workload::Subscribed { subscribers: 1 },
    Workload::Subscribed { subscribers: 10 },
    Workload::Subscribed { subscribers: 100 },
    Workload::DiskSize,
    Workload::Memory,
    Workload::Load { events: 10 },
    Workload::Load { events: 100 },
    Workload::Load { events: 1_000 },
    Workload::Read(Selection::All),
    Workload::Read(Selection::Kind(0)),
    Workload::Read(Selection::Tag(0)),
    Workload::Read(Selection::Category(0)),
    Workload::CatchUp,
    Workload::Restart { killed: false },
    Workload::Restart { killed: true },
    Workload::LoadCold { events: 10 },
    Workload::LoadCold { events: 100 },
    Workload::Growth,
];

/// Returns the workloads whose names equal, or begin with, one of these.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Workload>> {
    let is_named = |workload: &Workload, name: &str| match name {
        "all" => *workload != Workload::Growth,
        _ => workload.name().starts_with(name),
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| !ALL.iter().any(|workload| is_named(workload, name)))
    {
        let known: Vec<String> = ALL.iter().map(|workload| workload.name()).collect();
        let problem = format!(
            "--workloads has {unknown:?}, which is none of: {}",
            known.join(", ")
        );
        return Err(Error::Usage(problem));
    }
    let is_chosen = |workload: &Workload| names.iter().any(|name| is_named(workload, name));
    Ok(ALL.into_iter().filter(is_chosen).collect())
}

impl Workload {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Append { .. }
            | Self::Pipelined
            | Self::Conditional { .. }
            | Self::Paced { .. }
            | Self::Live { .. }
            | Self::Subscribed { .. } => Phase::Appends,
            Self::Growth => Phase::Growth,
            _ => Phase::Reads,
        }
    }

    /// Whether the figure is measured over some seconds, so that it depends on other activity in that time.
    pub(super) const fn is_timed(self) -> bool {
        !matches!(
            self,
            Self::DiskSize | Self::Memory | Self::Restart { .. } | Self::LoadCold { .. }
        )
    }

    /// Whether the figures of two stores can be compared. A growing log is compared with itself, as far as it grew.
    pub(super) fn is_comparable(self) -> bool {
        self != Self::Growth
    }

    /// Whether the same store can run the workload again with the same result.
    pub(super) fn is_repeatable(self) -> bool {
        self.is_timed() && self != Self::Growth
    }

    /// Whether the workload needs the log that is read.
    pub(super) fn needs_a_log(self) -> bool {
        self.phase() == Phase::Reads
    }

    /// Whether a store or a limit supports the workload, judged by the store's name alone; used to estimate the
    /// duration.
    pub(super) const fn is_offered_by(self, name: Name) -> bool {
        match name {
            Name::Disk => matches!(self, Self::Append { .. } | Self::Pipelined | Self::Paced { .. }),
            Name::Echo => matches!(
                self,
                Self::Append { .. }
                    | Self::Pipelined
                    | Self::Paced { .. }
                    | Self::Live { .. }
                    | Self::Subscribed { .. }
                    | Self::Load { .. }
                    | Self::Read(Selection::All)
            ),
            _ => true,
        }
    }

    /// Returns why this store does not support the workload; `None` if it does.
    pub(super) fn lacking(self, store: &dyn Store) -> Option<&'static str> {
        let needs: &[Ability] = match self {
            Self::Append { .. } | Self::Pipelined | Self::Paced { .. } => &[Ability::Append],
            Self::Conditional { .. } => &[Ability::Condition],
            Self::Live { .. } | Self::Subscribed { .. } => &[Ability::Append, Ability::Subscribe],
            Self::Load { .. } => &[Ability::Load],
            Self::LoadCold { .. } => &[Ability::Load, Ability::Process],
            Self::Read(selection) => return store.lacks(Ability::Read(selection)),
            Self::CatchUp => &[Ability::CatchUp],
            Self::DiskSize | Self::Memory | Self::Restart { .. } | Self::Growth => &[Ability::Process],
        };
        needs.iter().find_map(|&ability| store.lacks(ability))
    }

    /// Runs the workload once.
    pub(super) fn run<'a>(self, store: &'a mut dyn Store, course: &'a mut Course) -> Work<'a, Outcome> {
        match self {
            Self::Append { events, clients } => {
                appends::closed(&*store, course, clients, appends::Kind::Plain(events)).boxed()
            }
            Self::Pipelined => appends::pipelined(&*store, course).boxed(),
            Self::Conditional { clients } => {
                appends::closed(&*store, course, clients, appends::Kind::Conditional).boxed()
            }
            Self::Paced { per_second } => paced::run(&*store, course, per_second, false).boxed(),
            Self::Live { per_second } => paced::run(&*store, course, per_second, true).boxed(),
            Self::Subscribed { subscribers } => {
                appends::subscribed(&*store, course, APPENDING, subscribers).boxed()
            }
            Self::Load { events } => reads::load(&*store, course, events).boxed(),
            Self::LoadCold { events } => restarts::load_cold(store, course, events).boxed(),
            Self::Read(selection) => reads::read(&*store, course, selection).boxed(),
            Self::CatchUp => reads::catch_up(&*store, course).boxed(),
            Self::DiskSize => restarts::disk_size(&*store, course).boxed(),
            Self::Memory => restarts::memory(&*store).boxed(),
            Self::Restart { killed } => restarts::restart(store, course, killed).boxed(),
            Self::Growth => growth::run(store, course).boxed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[&str]) -> Vec<String> {
        let chosen: Vec<String> = chosen.iter().map(|&name| name.to_owned()).collect();
        let workloads = super::chosen(&chosen).unwrap();
        workloads.iter().map(|workload| workload.name()).collect()
    }

    #[test]
    fn no_two_share_a_name() {
        let names: std::collections::HashSet<String> = ALL.iter().map(|workload| workload.name()).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn all_is_everything_but_growth() {
        assert_eq!(names(&["all"]).len(), ALL.len() - 1);
        assert_eq!(names(&["growth"]), ["growth"]);
    }

    #[test]
    fn workloads_are_chosen_by_how_their_names_begin_and_keep_their_order() {
        assert_eq!(
            names(&["live", "conditional"]),
            ["conditional-64", "live-100", "live-1000"]
        );
        let error = super::chosen(&["lode".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("lode") && error.contains("load-10"), "{error}");
    }
}
