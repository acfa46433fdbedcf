//! Checks of the source tree itself, after TigerBeetle's `tidy.zig`: the direction of imports, words, sizes of files
//! and lines, and documentation. Each rule is also shown to catch a violation.

mod documentation;
mod files;
mod imports;
mod sizes;
mod words;

use files::{File, tree};

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    problem: String,
}

impl Violation {
    fn new(file: &File, line: usize, problem: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            problem: problem.into(),
        }
    }
}

/// Fails with a list of all violations.
fn expect_none(rule: fn(&File) -> Vec<Violation>) {
    let violations: Vec<Violation> = tree().iter().flat_map(rule).collect();
    let lines: Vec<String> = violations
        .iter()
        .map(|violation| format!("{}:{}: {}", violation.path, violation.line, violation.problem))
        .collect();
    assert!(
        lines.is_empty(),
        "{} violations:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn the_tree_is_found() {
    let files = tree();
    for path in [
        "server/store/src/lib.rs",
        "proto/annals/v1/append.proto",
        "README.md",
    ] {
        assert!(files.iter().any(|file| file.path == path), "{path} is missing");
    }
}

#[test]
fn lower_folders_import_no_higher_ones() {
    expect_none(imports::check);
}

#[test]
fn no_banned_word_is_used() {
    expect_none(words::check);
}

#[test]
fn files_and_lines_are_short() {
    expect_none(sizes::check);
}

#[test]
fn public_items_are_documented() {
    expect_none(documentation::check);
}
