//! Files have at most 500 lines, and lines at most 120 columns.

use super::{File, Violation};

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 120;
/// Measurements are tables, and a changelog grows.
const LONG: [&str; 2] = ["CHANGELOG.md", "docs/comparison.md"];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX && !LONG.contains(&file.path.as_str()) {
        violations.push(Violation::new(
            file,
            1,
            format!("{lines} lines, more than {LINES_MAX}; split it"),
        ));
    }
    let is_markdown = file.extension() == "md";
    for (n, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX && !is_exempt(line, is_markdown) {
            violations.push(Violation::new(
                file,
                n + 1,
                format!("{columns} columns, more than {COLUMNS_MAX}"),
            ));
        }
    }
    violations
}

/// Tables and links can't be broken; neither can a text that a test compares as it is.
fn is_exempt(line: &str, is_markdown: bool) -> bool {
    let trimmed = line.trim_start().trim_start_matches(['/', '!', '#']).trim_start();
    let is_one_word = trimmed.split_whitespace().count() <= 2;
    trimmed.starts_with('|')
        || is_one_word
        || (is_markdown && (line.contains("](") || line.starts_with("    ")))
}

#[test]
fn a_long_file_and_a_long_line_are_caught() {
    let file = File::new("a.rs", &"\n".repeat(LINES_MAX + 1));
    assert_eq!(check(&file).len(), 1);
    let file = File::new("a.rs", &format!("// one two {}", "x".repeat(120)));
    assert_eq!(check(&file).len(), 1);
    let file = File::new(
        "a.rs",
        &format!("/// | {} | {} |", "x".repeat(60), "y".repeat(60)),
    );
    assert_eq!(check(&file), []);
}
