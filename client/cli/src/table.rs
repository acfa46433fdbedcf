//! Aligned columns for humans, written as rows arrive.
//!
//! The widths are determined by the first rows; later rows may widen a column up to its maximum, and are shortened
//! beyond it. The last column gets the rest of the line. Control characters are shown as `�`, so that no event can
//! control the terminal.

use std::io::{self, Write};

use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// Number of rows that are buffered to determine the widths.
const ROWS_HELD: usize = 64;
/// Width of a line if the output is not a terminal.
const LINE_WIDTH: usize = 100;
/// Minimum width of the last column, even if lines then wrap.
const LAST_WIDTH_MIN: usize = 16;
const GAP: &str = "  ";

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub width_max: usize,
    pub alignment: Alignment,
}

impl Column {
    /// Returns a left-aligned column with a maximum width.
    pub const fn text(title: &'static str, width_max: usize) -> Self {
        Column {
            title,
            width_max,
            alignment: Alignment::Left,
        }
    }

    /// Returns a right-aligned column wide enough for any 64-bit number.
    pub const fn number(title: &'static str) -> Self {
        Column {
            title,
            width_max: 20,
            alignment: Alignment::Right,
        }
    }
}

/// A table that is being written.
pub struct Table<const N: usize> {
    columns: [Column; N],
    widths: [usize; N],
    line_width: usize,
    held: Vec<[String; N]>,
    begun: bool,
}

impl<const N: usize> Table<N> {
    /// Creates a table as wide as the terminal, if standard output is one.
    pub fn new(columns: [Column; N]) -> Self {
        let terminal = console::Term::stdout().size_checked();
        let line_width = terminal.map_or(LINE_WIDTH, |(_, columns)| usize::from(columns));
        Table::with_line_width(columns, line_width)
    }

    /// Creates a table for lines of `line_width` columns.
    pub fn with_line_width(columns: [Column; N], line_width: usize) -> Self {
        let widths = columns.map(|column| column.title.len());
        Table {
            columns,
            widths,
            line_width,
            held: Vec::new(),
            begun: false,
        }
    }

    /// Adds a row, and writes it unless the widths are not determined yet.
    pub fn row(&mut self, out: &mut impl Write, cells: [String; N]) -> io::Result<()> {
        let cells = cells.map(printable);
        for (nth, cell) in cells.iter().enumerate() {
            let width = measure_text_width(cell).min(self.columns[nth].width_max);
            self.widths[nth] = self.widths[nth].max(width);
        }
        self.held.push(cells);
        if self.begun || self.held.len() >= ROWS_HELD {
            self.flush(out)?;
        }
        Ok(())
    }

    /// Writes the buffered rows.
    pub fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        let rows = std::mem::take(&mut self.held);
        if rows.is_empty() {
            return Ok(());
        }
        if !self.begun {
            self.begun = true;
            let titles = self.columns.map(|column| column.title.to_owned());
            self.write(out, &titles)?;
        }
        rows.iter().try_for_each(|row| self.write(out, row))
    }

    fn write(&self, out: &mut impl Write, cells: &[String; N]) -> io::Result<()> {
        let mut line = String::new();
        for (nth, cell) in cells.iter().enumerate() {
            let last = nth + 1 == N;
            let width = match last {
                true => self
                    .line_width
                    .saturating_sub(measure_text_width(&line))
                    .max(LAST_WIDTH_MIN),
                false => self.widths[nth],
            };
            let cell = truncate_str(cell, width, "…");
            match last && self.columns[nth].alignment == Alignment::Left {
                true => line.push_str(&cell),
                false => line.push_str(&pad_str(
                    &cell,
                    self.widths[nth].min(width),
                    self.columns[nth].alignment,
                    None,
                )),
            }
            if !last {
                line.push_str(GAP);
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

fn printable(cell: String) -> String {
    let shown = |char: char| match char {
        '\n' | '\r' | '\t' => ' ',
        char if char.is_control() => '\u{fffd}',
        char => char,
    };
    if cell.contains(char::is_control) {
        cell.chars().map(shown).collect()
    } else {
        cell
    }
}

#[cfg(test)]
mod tests;
