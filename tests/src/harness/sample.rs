//! Sample events to append and to import.

use std::path::{Path, PathBuf};

use annals_client::Event;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

/// An event of this type with a small JSON object as data and a new id.
#[must_use]
pub fn event(kind: &str) -> Event {
    Event::new(kind, r#"{"total":42}"#)
}

/// The type of the first event of each stream of [`cases`].
pub const FIRST_TYPE: &str = "Case opened";

/// The lines of an import file: cases that go through steps, many at a time, like the log of an office. The same seed
/// gives the same lines.
#[must_use]
pub fn cases(events: usize, seed: u64) -> Vec<Value> {
    const STEPS: [&str; 6] = [
        "T02 Check",
        "T03 Adjust",
        "T04 Determine",
        "T05 Print \u{201e}notice\u{201c}",
        "T06 Send",
        "T10 Stop",
    ];
    let mut random = StdRng::seed_from_u64(seed);
    let mut open: Vec<u64> = Vec::new();
    let mut next_case = 1;
    let mut lines = Vec::with_capacity(events);
    for n in 0..events {
        let begins = open.len() < 8 || random.random_bool(0.17);
        let (case, kind) = if begins {
            open.push(next_case);
            next_case += 1;
            (next_case - 1, FIRST_TYPE)
        } else {
            (
                *open.choose(&mut random).expect("some are open"),
                *STEPS.choose(&mut random).expect("there are steps"),
            )
        };
        let minute = n / 60;
        lines.push(json!({
            "stream": format!("case-{case}"),
            "type": kind,
            "time": format!(
                "2024-05-{:02}T{:02}:{:02}:{:02}Z",
                1 + minute / 1440 % 28, minute / 60 % 24, minute % 60, n % 60
            ),
            "data": {
                "n": n,
                "responsible": format!("Resource{:02}", random.random_range(0..40)),
                "big": u64::MAX,
                "nested": {"z": 1, "a": [1.5, null, "é"]},
            },
        }));
    }
    lines
}

/// Writes lines of JSON to a file.
///
/// # Panics
/// If the file cannot be written.
pub fn write_lines(path: &Path, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path, text).expect("the file can be written");
}

/// The file of real events, if it exists: `ANNALS_TEST_DATA` names it, or else it is expected beside the repository.
/// It is not part of the project.
#[must_use]
pub fn real_events() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/receipt.ndjson");
    let path = std::env::var_os("ANNALS_TEST_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if !path.exists() {
        println!("{} does not exist; generated events only", path.display());
        return None;
    }
    Some(path)
}
