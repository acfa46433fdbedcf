//! Decides whether a log has every durable record, and where its mark must be.

use std::io;
use std::path::Path;

use super::later::Later;
use crate::change::Tip;
use crate::directory::Marked;
use crate::durable::{Durable, Mark};
use crate::fs::sync;
use crate::loss::Loss;
use crate::writer::Writer;

/// Whether the record of the mark was found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not found yet.
    NotYet(Tip),
    /// Found, or the tree already has it.
    Yes,
    /// Another record has its number.
    Differs,
}

impl Reached {
    pub(super) fn of(mark: Option<&Mark>, tip: Tip) -> Self {
        match mark.map(|mark| mark.tip) {
            Some(marked) if marked.sequence > tip.sequence => Self::NotYet(marked),
            Some(marked) if marked.sequence == tip.sequence && marked != tip => Self::Differs,
            _ => Self::Yes,
        }
    }

    /// Takes note of the next record.
    pub(super) fn see(&mut self, tip: Tip) {
        if let Self::NotYet(marked) = *self
            && marked.sequence == tip.sequence
        {
            *self = if marked == tip { Self::Yes } else { Self::Differs };
        }
    }
}

/// Everything known about the end of a log after its intact records were replayed.
pub(super) struct End<'a> {
    pub(super) mark: Option<&'a Mark>,
    pub(super) marked: Marked,
    pub(super) reached: Reached,
    pub(super) later: Option<&'a Later>,
}

impl End<'_> {
    /// The loss, if records are missing.
    pub(super) fn loss(&self, writer: &Writer) -> Option<Loss> {
        let log = &writer.log;
        let (sequence, end, segment) = (log.tip.sequence, log.end, log.active.number);
        let found = match (self.later, self.mark, self.reached) {
            (Some(later), ..) => later.found.clone(),
            (None, None, _) if self.marked == Marked::NotYet => return None,
            (None, None, _) => {
                "the file store/durable, which records how far the log is durable, is missing or damaged; \
                the records that remain in the log are intact"
                    .to_owned()
            }
            (None, Some(_), Reached::NotYet(marked)) => format!(
                "the log ends with record {sequence} at {end} of segment {segment}, but record {} was durable",
                marked.sequence
            ),
            (None, Some(mark), Reached::Differs) => format!(
                "record {} of the log is not the one that was durable; was the log replaced by another copy?",
                mark.tip.sequence
            ),
            (None, Some(mark), Reached::Yes) if mark.unsettled => {
                "a loss was accepted at the last start, which ended before the store had a new identity"
                    .to_owned()
            }
            (None, Some(_), Reached::Yes) => return None,
        };
        let known = self.mark.is_some() || self.later.is_some();
        let durable = self.durable(writer);
        Some(Loss {
            found,
            last_left: sequence,
            last_durable: known.then_some(durable.tip.sequence),
            head_left: writer.head.clone(),
            head_durable: durable.head,
            can_be_accepted: true,
        })
    }

    /// The last record that was durable, as far as there is evidence.
    fn durable(&self, writer: &Writer) -> Mark {
        let mut durable = self.mark.cloned().unwrap_or(Mark {
            tip: writer.log.tip,
            ..Mark::default()
        });
        if let Some(later) = self
            .later
            .filter(|later| later.tip.sequence > durable.tip.sequence)
        {
            durable.tip = later.tip;
            durable.head = later.head.clone().or(durable.head);
        }
        durable
    }

    /// Moves the mark to the end of the log or, if there is a loss, to the last record that was durable.
    pub(super) fn mark(
        &self,
        writer: &Writer,
        file: &Path,
        durable: Option<Durable>,
        is_lost: bool,
    ) -> io::Result<Durable> {
        let mark = if is_lost {
            Mark {
                unsettled: true,
                ..self.durable(writer)
            }
        } else {
            writer.mark()
        };
        let durable = if let Some(durable) = durable {
            durable
        } else {
            let durable = Durable::create(file, writer.log.id(), &mark)?;
            sync(&writer.store.folder)?;
            durable
        };
        if is_lost {
            durable.freeze(&mark)?;
        } else {
            durable.advance(&mark)?;
        }
        Ok(durable)
    }
}
