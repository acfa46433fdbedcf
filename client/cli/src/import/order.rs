//! Checks that the parts of a whole log are consecutive and within the server's limits.

use std::collections::HashMap;

use annals_client::{Limits, Position, TransferPart, TransferState};

use super::line::Bad;

/// The progress through a log.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The last position read.
    position: Position,
    /// The last version read of each scope of state.
    versions: HashMap<String, u64>,
    /// Whether all events have been read.
    is_log_over: bool,
    ended: bool,
}

impl Order {
    /// Whether the last part has been read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The number of scopes of state.
    pub fn scopes(&self) -> usize {
        self.versions.len()
    }

    /// Accepts the next part, if it is in order.
    pub fn take(&mut self, part: &TransferPart, limits: &Limits) -> Result<(), Bad> {
        if self.ended {
            return Err(Bad::Order("it is after the end of the export".to_owned()));
        }
        match part {
            TransferPart::Events(events) => {
                for event in events {
                    self.follow(event.position, event.position)?;
                    let parts = [
                        ("data", event.data.len(), limits.max_event_bytes),
                        ("metadata", event.metadata.len(), limits.max_metadata_bytes),
                    ];
                    check_sizes(parts)?;
                }
            }
            TransferPart::Gap(gap) => self.follow(gap.first_position, gap.last_position)?,
            TransferPart::State(state) => self.follow_state(state)?,
            TransferPart::Snapshot(snapshot) => {
                self.is_log_over = true;
                check_sizes([("the snapshot", snapshot.data.len(), limits.max_snapshot_bytes)])?;
            }
            TransferPart::Streams(_) | TransferPart::Appends(_) => self.is_log_over = true,
            TransferPart::End(head) if *head == self.position => self.ended = true,
            TransferPart::End(head) => {
                return Err(Bad::Order(format!(
                    "the log ends at position {head}, but the last position read is {}",
                    self.position
                )));
            }
        }
        Ok(())
    }

    fn follow(&mut self, first: Position, last: Position) -> Result<(), Bad> {
        if self.is_log_over || self.position.0.checked_add(1) != Some(first.0) || last < first {
            return Err(Bad::Order(format!(
                "position {first} does not follow {}",
                self.position
            )));
        }
        self.position = last;
        Ok(())
    }

    fn follow_state(&mut self, state: &TransferState) -> Result<(), Bad> {
        let TransferState {
            scope,
            after_version,
            version,
            ..
        } = state;
        let last = self.versions.entry(scope.clone()).or_default();
        if version <= after_version || *after_version > 0 && after_version != last {
            return Err(Bad::Order(format!(
                "the changes of scope {scope:?} after version {after_version} and up to {version} do not follow \
                 version {last}"
            )));
        }
        *last = *version;
        Ok(())
    }
}

fn check_sizes<const N: usize>(parts: [(&'static str, usize, u32); N]) -> Result<(), Bad> {
    match parts.into_iter().find(|(_, bytes, max)| *bytes > *max as usize) {
        Some((what, bytes, max)) => Err(Bad::TooLarge { what, bytes, max }),
        None => Ok(()),
    }
}
