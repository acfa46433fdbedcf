//! Compares a response with the expectation of a case.

use serde_json::Value;

/// The keys of times, which a case cannot know: they are compared only where the case has them.
const TIMES: [&str; 4] = ["recorded_at", "created_at", "saved_at", "changed_at"];
/// Longer values are shortened in messages.
const SHOWN_CHARACTERS_MAX: usize = 300;

/// Describes the first difference between the expected and the actual value, if there is one.
pub(super) fn difference(expected: &Value, found: &Value) -> Option<String> {
    differs("", expected, found)
}

fn differs(path: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expects), Value::Object(has)) => {
            for (key, value) in expects {
                let path = format!("{path}/{key}");
                match has.get(key) {
                    Some(found) => {
                        if let Some(difference) = differs(&path, value, found) {
                            return Some(difference);
                        }
                    }
                    None => return Some(format!("{path} is missing in {}", shown(found))),
                }
            }
            let unexpected = |key: &&String| !expects.contains_key(*key) && !TIMES.contains(&key.as_str());
            let key = has.keys().find(unexpected)?;
            Some(format!(
                "{path}/{key} is {}, but was not expected",
                shown(&has[key])
            ))
        }
        (Value::Array(expects), Value::Array(has)) => {
            let pairs = expects.iter().zip(has).enumerate();
            let first = pairs
                .map(|(at, (expected, found))| differs(&format!("{path}/{at}"), expected, found))
                .find(Option::is_some);
            first.flatten().or_else(|| {
                let counts = (expects.len(), has.len());
                (counts.0 != counts.1).then(|| {
                    format!(
                        "{path} has {} values, but {} were expected: {}",
                        counts.1,
                        counts.0,
                        shown(found)
                    )
                })
            })
        }
        _ => (expected != found)
            .then(|| format!("{path} is {}, but {} was expected", shown(found), shown(expected))),
    }
}

/// A value as shown in messages.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_as_expected_does_not_differ() {
        for (expected, found) in [
            (json!({"a": [1, {"b": null}]}), json!({"a": [1, {"b": null}]})),
            (
                json!({"position": 3}),
                json!({"position": 3, "recorded_at": 1_700_000_000_000_000_u64}),
            ),
        ] {
            assert_eq!(difference(&expected, &found), None);
        }
    }

    #[test]
    fn everything_else_differs() {
        for (expected, found) in [
            (json!({"a": 1}), json!({"a": 2})),
            (json!({"a": 1}), json!({"a": "1"})),
            (json!({"a": 1}), json!({})),
            (json!({}), json!({"a": 1})),
            (json!([1]), json!([1, 2])),
            (json!([1, 2]), json!([1])),
            (json!({"recorded_at": 1}), json!({"recorded_at": 2})),
            (json!({"recorded_at": 1}), json!({})),
        ] {
            assert!(difference(&expected, &found).is_some(), "{expected} and {found}");
        }
    }

    #[test]
    fn the_place_is_told() {
        let said = difference(
            &json!({"events": [{"type": "A"}]}),
            &json!({"events": [{"type": "B"}]}),
        );
        assert_eq!(
            said.as_deref(),
            Some("/events/0/type is \"B\", but \"A\" was expected")
        );
    }
}
