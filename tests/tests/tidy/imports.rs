//! In a crate with layers, a folder imports only from itself and from those below it.

use super::{File, Violation};

/// The folders and files of a crate, lowest first. Those of one level may import each other.
struct Layers {
    source: &'static str,
    levels: &'static [&'static [&'static str]],
}

const CRATES: [Layers; 3] = [
    Layers {
        source: "server/store/src/",
        levels: &[
            &["values"],
            &["format"],
            &["model"],
            &["lifecycle"],
            &["index"],
            &["tail"],
            &["shared"],
            &["read"],
            &["tasks"],
            &["store"],
        ],
    },
    Layers {
        source: "server/embedded/src/",
        levels: &[
            &["blocking", "fs", "latency", "location", "loss", "syncing"],
            &["change", "fault", "settings"],
            &["durable", "segment"],
            &["generation", "layout", "salvage", "state"],
            &["directory", "record", "tree"],
            &["log", "moment"],
            &["space", "store"],
            &["view", "writer"],
            &["fold"],
            &["reclaim", "recovery"],
            &["open"],
            &["engine"],
        ],
    },
    Layers {
        source: "server/src/",
        levels: &[
            &["config", "error"],
            &["logging", "loss", "metrics", "phase"],
            &["engine"],
            &["grpc", "forwarding"],
            &["http", "pulse"],
            &["server"],
            &["main"],
        ],
    },
];

impl Layers {
    fn level_of(&self, name: &str) -> Option<usize> {
        self.levels.iter().position(|level| level.contains(&name))
    }
}

pub(crate) fn check(file: &File) -> Vec<Violation> {
    let Some(layers) = CRATES.iter().find(|layers| file.path.starts_with(layers.source)) else {
        return Vec::new();
    };
    let inside = &file.path[layers.source.len()..];
    let folder = inside.split(['/', '.']).next().unwrap_or_default();
    if file.extension() != "rs" || file.is_test() || folder == "lib" {
        return Vec::new();
    }
    let Some(own) = layers.level_of(folder) else {
        return vec![Violation::new(
            file,
            1,
            format!("{folder:?} is in no layer; add it to the tidy test"),
        )];
    };
    let code = without_comments(&file.text);
    let mut violations = Vec::new();
    for (line, name) in imported(&code) {
        if layers.level_of(&name).is_some_and(|level| level > own) {
            violations.push(Violation::new(
                file,
                line,
                format!("{folder} is below {name}, and imports it"),
            ));
        }
    }
    violations
}

/// The code up to its unit tests, with blanks in place of comments.
fn without_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first name after every `crate::`, also in groups (`crate::{a, b::c}`), with its line.
fn imported(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = |offset: usize| code[..offset].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push((line(at), word(rest)));
            continue;
        };
        let (mut depth, mut is_first) = (1, true);
        for (n, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => is_first = true,
                letter if is_first && depth == 1 && !letter.is_whitespace() => {
                    let offset = at + "crate::{".len() + n;
                    found.push((line(offset), word(&group[n..])));
                    is_first = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    let letters = text.chars();
    letters
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

#[test]
fn an_import_from_a_higher_folder_is_caught() {
    let text = "use crate::{\n    format::{keys, wire},\n    tail::Tail,\n    values::name,\n};\n";
    let file = File::new("server/store/src/model/check.rs", text);
    assert_eq!(
        check(&file),
        [Violation::new(&file, 3, "model is below tail, and imports it")]
    );
    let file = File::new(
        "server/store/src/model/check.rs",
        "fn f() { crate::read::ends(); } // crate::store\n",
    );
    assert_eq!(
        check(&file),
        [Violation::new(&file, 1, "model is below read, and imports it")]
    );
    let file = File::new("server/store/src/read/ends.rs", text);
    assert_eq!(check(&file), []);
    let file = File::new("server/store/src/extra/ends.rs", "");
    assert_eq!(check(&file).len(), 1);
}
