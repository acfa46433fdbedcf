//! Converts between the notation of cases and that of clients: bytes become base64, and names become the values kept
//! under them.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value};

use super::odd::from_hex;

/// The keys whose values are bytes.
const BYTES: [&str; 2] = ["data", "metadata"];

/// The value to send to clients for a value of a case; an error if it is invalid.
pub(super) fn spelled_out(value: &Value, kept: &Map<String, Value>) -> Result<Value, String> {
    match value {
        Value::Object(object) => match object.get("kept") {
            Some(name) if object.len() == 1 => {
                let found = name.as_str().and_then(|name| kept.get(name));
                found
                    .cloned()
                    .ok_or_else(|| format!("nothing was kept as {name}"))
            }
            _ => {
                let entry = |(key, value): (&String, &Value)| {
                    let told = match BYTES.contains(&key.as_str()) {
                        true => Value::from(BASE64.encode(bytes(value)?)),
                        false => spelled_out(value, kept)?,
                    };
                    Ok((key.clone(), told))
                };
                let told: Result<Map<_, _>, String> = object.iter().map(entry).collect();
                told.map(Value::Object)
            }
        },
        Value::Array(values) => {
            let told: Result<Vec<_>, String> = values.iter().map(|value| spelled_out(value, kept)).collect();
            told.map(Value::Array)
        }
        plain => Ok(plain.clone()),
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    let wrong = || format!("{value} are no bytes: text, {{\"hex\": …}}, or {{\"repeat\": …, \"times\": …}}");
    match value {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Object(object) => match (object.get("hex"), object.get("repeat"), object.get("times")) {
            (Some(Value::String(digits)), None, None) => from_hex(digits).ok_or_else(wrong),
            (None, Some(Value::String(text)), Some(times)) => {
                let times = times.as_u64().and_then(|times| usize::try_from(times).ok());
                times
                    .map(|times| text.repeat(times).into_bytes())
                    .ok_or_else(wrong)
            }
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(written: Value, told: Value) {
        let kept = json!({"at": 17});
        let kept = kept.as_object().expect("an object");
        assert_eq!(spelled_out(&written, kept), Ok(told));
    }

    #[test]
    fn bytes_are_told_in_base64() {
        check(json!({"data": "{}"}), json!({"data": "e30="}));
        check(json!({"metadata": {"hex": "00ff"}}), json!({"metadata": "AP8="}));
        check(
            json!([{"data": {"repeat": "ab", "times": 2}}]),
            json!([{"data": "YWJhYg=="}]),
        );
        check(json!({"data": ""}), json!({"data": ""}));
    }

    #[test]
    fn what_was_kept_stands_for_its_name() {
        check(json!({"after": {"kept": "at"}}), json!({"after": 17}));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for wrong in [
            json!({"kept": "nothing"}),
            json!({"data": 7}),
            json!({"data": {"hex": "0"}}),
            json!({"data": {"hx": "00"}}),
        ] {
            assert!(spelled_out(&wrong, &Map::new()).is_err(), "{wrong}");
        }
    }
}
