//! Public items of the crates of the product have a doc comment. `missing_docs` checks only the items that a crate
//! exports; this test checks the rest, too.

use super::{File, Violation};

const ITEMS: [&str; 7] = [
    "fn ",
    "async fn ",
    "struct ",
    "enum ",
    "trait ",
    "const ",
    "type ",
];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    let is_product = file.path.starts_with("server/") || file.path.starts_with("client/");
    if file.extension() != "rs" || !is_product || file.is_test() || file.path.contains("/examples/") {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let mut violations = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(item) = line.trim_start().strip_prefix("pub ") else {
            continue;
        };
        if ITEMS.iter().any(|kind| item.starts_with(kind)) && !is_documented(&lines[..n]) {
            violations.push(Violation::new(
                file,
                n + 1,
                format!("no doc comment: {}", line.trim()),
            ));
        }
    }
    violations
}

/// Whether a doc comment is before an item, with nothing but attributes between.
fn is_documented(before: &[&str]) -> bool {
    let mut in_attribute = false;
    for line in before.iter().rev().map(|line| line.trim()) {
        if line.starts_with("///") || line.starts_with("#[doc") {
            return true;
        }
        in_attribute |= line.ends_with(']') && !line.starts_with("#[");
        if line.starts_with("#[") {
            in_attribute = false;
        } else if !in_attribute {
            return false;
        }
    }
    false
}

#[test]
fn an_item_without_a_doc_comment_is_caught() {
    let file = File::new(
        "server/src/a.rs",
        "/// Documented.\n#[must_use]\npub fn a() {}\n\npub fn b() {}\n",
    );
    assert_eq!(
        check(&file),
        [Violation::new(&file, 5, "no doc comment: pub fn b() {}")]
    );
}
