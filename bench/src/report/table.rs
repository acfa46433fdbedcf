//! Text in aligned columns.

use std::fmt;

/// Alignment of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows below a header.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self::of(&columns)
    }

    /// Builds a table with the given columns.
    pub(crate) fn of(columns: &[(&str, Align)]) -> Self {
        Self {
            columns: columns.iter().map(|(_, align)| *align).collect(),
            rows: vec![columns.iter().map(|(name, _)| (*name).to_owned()).collect()],
        }
    }

    pub(crate) fn add<const N: usize>(&mut self, cells: [String; N]) {
        self.add_row(cells.into());
    }

    /// Whether it has a header and no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn add_row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl Table {
    /// Renders the table as Markdown; empty if it has no rows.
    pub(crate) fn markdown(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rules = self.columns.iter().map(|align| match align {
            Align::Left => "---",
            Align::Right => "---:",
        });
        let rules = format!("|{}|\n", rules.collect::<Vec<_>>().join("|"));
        let mut lines = self.rows.iter().map(|row| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            line(&cells)
        });
        let header = lines.next().unwrap_or_default();
        header + &rules + &lines.collect::<String>()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for (nth, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = (row.iter().zip(&widths).zip(&self.columns))
                .map(|((cell, width), align)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            writeln!(to, "{}", cells.join("  ").trim_end())?;
            if nth == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                writeln!(to, "{}", rules.join("  "))?;
            }
        }
        Ok(())
    }
}

/// Like [`number`], but rounds down, so that no figure looks larger than it is.
pub(crate) fn cut(value: f64) -> String {
    number((value * grain(value) + ROUNDING).floor() / grain(value))
}

/// Like [`number`], but rounds up, so that no time looks shorter than it is.
pub(crate) fn raised(value: f64) -> String {
    number((value * grain(value) - ROUNDING).ceil() / grain(value))
}

/// Tolerance for decimal fractions that binary can't represent exactly.
const ROUNDING: f64 = 1e-6;

/// Returns how many displayed steps make one.
fn grain(value: f64) -> f64 {
    if value < DECIMALS_BELOW { 100.0 } else { 1.0 }
}

/// Numbers from here on are shown without decimals.
const DECIMALS_BELOW: f64 = 100.0;

/// Formats whole numbers with commas, and numbers below 100 with two decimals.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() || value < DECIMALS_BELOW {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded_in_favour_of_a_figure() {
        assert_eq!(
            (cut(1.299), cut(1.3), cut(99_999.9)),
            ("1.29".into(), "1.30".into(), "99,999".into())
        );
        assert_eq!(
            (raised(4.991), raised(5.0), raised(249.1)),
            ("5.00".into(), "5.00".into(), "250".into())
        );
        assert_eq!((cut(0.29), raised(0.29)), ("0.29".into(), "0.29".into()));
        assert_eq!(
            (cut(f64::NAN), raised(f64::INFINITY)),
            ("NaN".into(), "inf".into())
        );
    }

    #[test]
    fn a_table_in_markdown_has_its_rules_and_no_cell_breaks_it() {
        let mut table = Table::new([("name", Align::Left), ("rate", Align::Right)]);
        assert_eq!(table.markdown(), "");
        table.add(["a|b".to_owned(), "1".to_owned()]);
        assert_eq!(table.markdown(), "| name | rate |\n|---|---:|\n| a\\|b | 1 |\n");
    }
}
