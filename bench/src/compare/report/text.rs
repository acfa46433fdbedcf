//! Renders the whole report: as text for the terminal, and as Markdown for the documentation.

use std::fmt::Write;

use super::Report;
use crate::report::table::Table;

impl Report {
    /// Renders the report for the terminal.
    pub(in crate::compare) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.circumstances().join("\n"));
        for (name, setting) in &self.stores {
            if let Some(setting) = setting {
                let _ = write!(
                    text,
                    "\n{}: {}\n  durable: {}\n  client: {}\n",
                    name.text(),
                    setting.program,
                    setting.durable,
                    setting.client
                );
            }
        }
        if !self.refusals.is_empty() {
            text += "\nChecks before the measurement:\n";
        }
        for refusal in &self.refusals {
            let _ = writeln!(text, "{}", refusal.words());
        }
        for (title, table) in self.tables() {
            if !table.is_empty() {
                let _ = write!(text, "\n{title}\n\n{table}");
            }
        }
        for note in self.notes() {
            let _ = write!(text, "\nnote: {note}");
        }
        text
    }

    /// Renders the report as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}\n", self.circumstances().join("\n"));
        for (title, table) in self.tables() {
            if !table.is_empty() {
                let _ = write!(text, "\n### {title}\n\n{}", table.markdown());
            }
        }
        let notes = self.notes();
        if !notes.is_empty() {
            text += "\n### Notes\n\n";
        }
        for note in notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }

    /// Describes where and from what the figures were measured.
    fn circumstances(&self) -> [String; 2] {
        let of = match self.rounds() {
            1 => "one round".to_owned(),
            rounds => format!("medians of {rounds} alternating rounds"),
        };
        [
            self.environment.line(),
            format!("256-byte events; {of}; figures are rounded down, times up"),
        ]
    }

    fn tables(&self) -> Vec<(String, Table)> {
        let mut tables = Vec::new();
        for subject in self.subjects() {
            let name = subject.text();
            tables.push((format!("Goals, {name}"), self.goals(subject)));
            tables.push((
                format!("Ahead of message-db and NATS, {name}"),
                self.standings_table(subject),
            ));
        }
        tables.push(("Figures".to_owned(), self.figures()));
        tables.push(("Spread".to_owned(), self.spreads()));
        tables.push(("Growth".to_owned(), self.growth_steps()));
        tables.push(("Large log".to_owned(), self.large_logs()));
        tables.push(("Latencies".to_owned(), self.latencies()));
        tables.push(("CPU time".to_owned(), self.costs()));
        tables
    }
}
