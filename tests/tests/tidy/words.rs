//! Words that this project does not use, because the field has others. Comments, documents and texts in code are
//! checked.

use super::{File, Violation};

/// A word or words, and what to write instead.
const BANNED: [(&str, &str); 24] = [
    ("for ever", "permanently"),
    ("anew", "again"),
    ("once more", "again"),
    ("passed over", "skipped"),
    ("looked over", "skipped"),
    ("looked at", "read, scanned, examined"),
    ("goes on", "continues"),
    ("go on", "continue"),
    ("is told", "is reported"),
    ("are told", "are reported"),
    ("tells", "reports, returns, states"),
    ("is gone", "is removed, expired, deleted"),
    ("are gone", "are removed, expired, deleted"),
    ("what is gone", "removed events"),
    ("stands in", "is in"),
    ("stands at", "is at"),
    ("nobody", "no caller"),
    ("whoever", "the caller"),
    ("somebody", "another client"),
    ("hand over", "forward"),
    ("handed over", "forwarded"),
    ("the way in", "the request path"),
    ("what it takes to", "the state needed to"),
    ("mends", "fixes"),
];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    // These files name the words.
    if file.path.starts_with("tests/tests/tidy/") {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (line, prose) in prose(file) {
        let lower = prose.to_lowercase();
        for (word, instead) in BANNED {
            if contains(&lower, word) {
                violations.push(Violation::new(file, line, format!("{word:?}; write: {instead}")));
            }
        }
        if is_behind_a_place(&lower) {
            violations.push(Violation::new(file, line, "\"behind\" a place; write: after"));
        }
    }
    violations
}

/// Whether whole words occur.
fn contains(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        let is_letter =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        !is_letter(before) && !is_letter(after)
    })
}

/// "Behind" a position, a revision, an event. Consumers and servers may be behind.
fn is_behind_a_place(text: &str) -> bool {
    ["position", "revision", "event", "place", "`"]
        .iter()
        .any(|place| {
            ["", "the ", "a ", "an ", "its ", "this ", "that "]
                .iter()
                .any(|article| contains(text, &format!("behind {article}{place}")))
        })
}

/// The lines of prose of a file: of a document all, of code its comments and strings.
fn prose(file: &File) -> Vec<(usize, String)> {
    let numbered = file.text.lines().enumerate().map(|(n, line)| (n + 1, line));
    match file.extension() {
        "md" => numbered.map(|(n, line)| (n, line.to_owned())).collect(),
        extension => numbered
            .map(|(n, line)| (n, of_code(line, extension == "py")))
            .collect(),
    }
}

/// The comment and the strings of a line of code. A line of a docstring or of a block comment counts as a comment if it
/// looks like a sentence rather than code.
fn of_code(line: &str, is_python: bool) -> String {
    let trimmed = line.trim_start();
    let comment = if is_python { "#" } else { "//" };
    if trimmed.starts_with(comment) || trimmed.starts_with('*') || trimmed.starts_with("/*") {
        return trimmed.to_owned();
    }
    let mut found = String::new();
    let mut rest = line;
    loop {
        let string = rest.find('"');
        let remark = rest.find(comment);
        match (string, remark) {
            (Some(string), remark) if remark.is_none_or(|remark| string < remark) => {
                let text = &rest[string + 1..];
                let end = text.find('"').unwrap_or(text.len());
                found.push_str(&text[..end]);
                found.push(' ');
                rest = text.get(end + 1..).unwrap_or_default();
            }
            (_, Some(remark)) => {
                found.push_str(&rest[remark..]);
                return found;
            }
            _ => return found,
        }
    }
}

#[test]
fn a_banned_word_is_caught_in_comments_texts_and_documents() {
    for (path, text) in [
        ("a.rs", "/// An event that is gone."),
        ("a.rs", "let x = told; // Goes on."),
        ("a.rs", "return Err(\"deleted for ever\".into());"),
        ("a.md", "Events behind the position are indexed."),
        ("a.proto", "// Nobody reads it."),
        ("a.py", "# It is told twice."),
        ("a.ts", " * Somebody else."),
    ] {
        let file = File::new(path, text);
        assert_eq!(check(&file).len(), 1, "{text}");
    }
    for text in [
        "let nobody = 1;",
        "// A subscriber that is far behind.",
        "fn what_is_gone() {}",
    ] {
        let file = File::new("a.rs", text);
        assert_eq!(check(&file), [], "{text}");
    }
}
