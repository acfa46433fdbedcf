//! In a crate or folder with layers, a folder imports only from itself and from those below it.

use super::{File, Violation};

/// The folders and files of a crate's source or of a folder in it, lowest first. Those of one level may import each
/// other.
struct Layers {
    source: &'static str,
    levels: &'static [&'static [&'static str]],
}

const LAYERED: [Layers; 5] = [
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
            &["state"],
            &["read"],
            &["tasks"],
            &["store"],
        ],
    },
    Layers {
        source: "server/services/src/groups/",
        levels: &[
            &["settings"],
            &["error"],
            &["stored"],
            &["work"],
            &["shared"],
            &["directory"],
            &["lease"],
            &["leader"],
            &["parked", "cleanup"],
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
    Layers {
        source: "server/src/grpc/",
        levels: &[
            &["response"],
            &["status"],
            &["wire"],
            &["generated"],
            &["request"],
            &["calls"],
            &["transport"],
        ],
    },
];

impl Layers {
    fn level_of(&self, name: &str) -> Option<usize> {
        self.levels.iter().position(|level| level.contains(&name))
    }

    fn check(&self, file: &File) -> Vec<Violation> {
        let Some(inside) = file.path.strip_prefix(self.source) else {
            return Vec::new();
        };
        let folder = inside.split(['/', '.']).next().unwrap_or_default();
        if file.extension() != "rs" || file.is_test() || matches!(folder, "lib" | "mod") {
            return Vec::new();
        }
        let Some(own) = self.level_of(folder) else {
            return vec![Violation::new(
                file,
                1,
                format!("{folder:?} is in no layer; add it to the tidy test"),
            )];
        };
        let layered = module_of(self.source);
        let mut violations = Vec::new();
        for (line, path) in imported(&without_comments(&file.text), &module_of(&file.path)) {
            let name = path.strip_prefix(&*layered).and_then(<[_]>::first);
            if let Some(name) = name.filter(|name| self.level_of(name).is_some_and(|level| level > own)) {
                violations.push(Violation::new(
                    file,
                    line,
                    format!("{folder} is below {name}, and imports it"),
                ));
            }
        }
        violations
    }
}

pub(crate) fn check(file: &File) -> Vec<Violation> {
    LAYERED.iter().flat_map(|layers| layers.check(file)).collect()
}

/// The names from the crate's root to the module of a file or folder.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let names = inside.trim_end_matches(".rs").split('/');
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.pop_if(|name| name == "mod" || name.is_empty());
    names
}

/// The code up to its unit tests, with blanks in place of comments.
fn without_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `crate` or `super`, from the crate's root, with its line.
fn imported(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        let mut end = 0;
        for (at, _) in code.match_indices(root) {
            // In `super::super::`, the second is a part of the first.
            if at >= end {
                end = flatten(code, at, &[], &mut found);
            }
        }
    }
    let lines = found
        .into_iter()
        .map(|(at, path)| (code[..at].matches('\n').count() + 1, from_root(path, module)));
    lines.collect()
}

/// Adds the paths of the use tree that begins at `at`: those of `a::{b, c::d}` are `a::b` and `a::c::d`. Each has the
/// offset of its part of the innermost group. Returns where the tree ends.
fn flatten(code: &str, at: usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let (start, mut at, mut path) = (at, at, before.to_vec());
    loop {
        if !code[at..].starts_with('{') {
            let name = word(&code[at..]);
            at += name.len();
            path.push(name);
            if !code[at..].starts_with("::") {
                found.push((start, path));
                return at;
            }
            at += "::".len();
            continue;
        }
        loop {
            let part = code[at + 1..].find(|c: char| !c.is_whitespace());
            at += 1 + part.unwrap_or_default();
            if !code[at..].starts_with('}') {
                at = flatten(code, at, &path, found);
            }
            // Skips what is not a path: ` as name`.
            at += code[at..].find([',', '}']).unwrap_or_default();
            if !code[at..].starts_with(',') {
                return (at + 1).min(code.len());
            }
        }
    }
}

fn from_root(path: Vec<String>, module: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    match ups {
        0 => path[1..].to_vec(),
        _ => [&module[..module.len().saturating_sub(ups)], &path[ups..]].concat(),
    }
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

#[test]
fn an_import_from_a_higher_folder_of_a_folder_is_caught() {
    let text = "use super::super::calls::{self, stream as s};\nuse super::codec::Encode;\n\
                use crate::{\n    grpc::{\n        status,\n        request::{a, b},\n    },\n    metrics::Call,\n};\n";
    let file = File::new("server/src/grpc/wire/raw.rs", text);
    let found: Vec<_> = check(&file)
        .into_iter()
        .map(|violation| (violation.line, violation.problem))
        .collect();
    let imports = |name: &str| format!("wire is below {name}, and imports it");
    assert_eq!(
        found,
        [
            (6, imports("request")),
            (6, imports("request")),
            (1, imports("calls")),
            (1, imports("calls"))
        ]
    );
    let file = File::new(
        "server/src/grpc/wire/mod.rs",
        "use super::transport;\nuse super::status;\n",
    );
    assert_eq!(check(&file), [Violation::new(&file, 1, imports("transport"))]);
    let file = File::new("server/src/grpc/mod.rs", "pub(crate) use transport::serve;\n");
    assert_eq!(check(&file), []);
    // The folder is in a layer of the crate, too.
    let file = File::new("server/src/grpc/calls/stream.rs", "use crate::server::Server;\n");
    assert_eq!(
        check(&file),
        [Violation::new(&file, 1, "grpc is below server, and imports it")]
    );
}
