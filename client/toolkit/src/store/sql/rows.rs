//! The rows of the bookkeeping tables: the columns to query, and their conversion.

use annals_client::{Position, Revision, Timestamp};

use super::dialect::{Cell, Column};
use crate::store::{DeadLetter, Generation};

pub(super) const GENERATION: &[Column] = &[
    Column::Number,
    Column::Number,
    Column::Number,
    Column::Flag,
    Column::Text,
];
pub(super) const DEAD_LETTER: &[Column] = &[
    Column::Number,
    Column::Number,
    Column::Text,
    Column::Text,
    Column::Number,
    Column::Text,
    Column::Text,
    Column::Number,
    Column::Text,
];

pub(super) fn generation(name: &str, row: Vec<Cell>) -> Option<Generation> {
    let row: [Cell; 5] = row.try_into().ok()?;
    let [number, version, position, live, store_id] = row;
    Some(Generation {
        name: name.to_owned(),
        number: number.number()?,
        version: version.number()?,
        position: Position(position.number()?),
        live: matches!(live, Cell::Flag(true)),
        store_id: store_id.text()?.parse().ok()?,
    })
}

pub(super) fn dead_letter(name: &str, row: Vec<Cell>) -> Option<DeadLetter> {
    let row: [Cell; 9] = row.try_into().ok()?;
    let [
        generation,
        position,
        event_id,
        stream,
        revision,
        event_type,
        reason,
        attempts,
        buried_at,
    ] = row;
    Some(DeadLetter {
        name: name.to_owned(),
        generation: generation.number()?,
        position: Position(position.number()?),
        event_id: event_id.text()?.parse().ok()?,
        stream: stream.text()?,
        revision: Revision(revision.number()?),
        event_type: event_type.text()?,
        reason: reason.text()?,
        attempts: attempts.number()?,
        buried_at: time(&buried_at.text()?)?,
    })
}

/// Parses a time as databases write it: `2026-01-02 03:04:05.678+00`.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

impl Cell {
    fn number<N: TryFrom<i64>>(self) -> Option<N> {
        match self {
            Cell::Number(number) => N::try_from(number).ok(),
            _ => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}
