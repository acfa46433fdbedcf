//! The summary of an import.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use serde_json::json;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Output;

/// The result of an import, in events.
#[derive(Debug, Default)]
pub struct Summary {
    pub imported: u64,
    pub already_there: u64,
    pub bad: u64,
    pub streams: usize,
    /// Number of streams whose retention was set.
    pub kept: u64,
    /// Number of events whose position or revision differs from that in the source log, if a log is moved.
    pub moved: Option<u64>,
    /// Number of snapshots moved.
    pub snapshots: u64,
    /// Number of scopes of state moved.
    pub scopes: usize,
    /// Hashes of the names of the streams.
    pub seen: HashSet<u64>,
    pub hasher: RandomState,
}

impl Summary {
    /// Counts a stream with events in the file.
    pub fn note_stream(&mut self, name: &str) {
        self.seen.insert(self.hasher.hash_one(name));
        self.streams = self.seen.len();
    }

    /// Prints the counts in the output's format.
    pub fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let Summary {
            imported,
            already_there,
            bad,
            streams,
            kept,
            moved,
            snapshots,
            scopes,
            ..
        } = self;
        match output.format {
            Format::Ndjson => {
                let mut summary = json!({
                    "imported": imported, "already_there": already_there, "bad": bad, "streams": streams,
                });
                if *kept > 0 {
                    summary["retention_set"] = json!(kept);
                }
                if let Some(moved) = moved {
                    summary["moved"] = json!(moved);
                }
                if *snapshots > 0 {
                    summary["snapshots"] = json!(snapshots);
                }
                if *scopes > 0 {
                    summary["scopes"] = json!(scopes);
                }
                output.json(&summary)?;
            }
            Format::Table => {
                let moved = moved.map_or_else(String::new, |moved| {
                    format!("; {moved} at another position or revision than in the file")
                });
                let snapshots = match snapshots {
                    0 => String::new(),
                    snapshots => format!("; {snapshots} snapshots"),
                };
                let scopes = match scopes {
                    0 => String::new(),
                    scopes => format!("; {scopes} scopes of state"),
                };
                let kept = match kept {
                    0 => String::new(),
                    kept => format!("; retention set for {kept}"),
                };
                output.line(&format!(
                    "imported {imported}, already there {already_there}, bad {bad}; \
                     streams {streams}{kept}{snapshots}{scopes}{moved}"
                ))?;
            }
        }
        output.flush()
    }
}
