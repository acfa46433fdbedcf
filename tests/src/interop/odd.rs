//! Values that some language or JSON cannot represent. A client may preserve such a value, refuse it, or have no such
//! value. Any other JSON in its place means that the value was silently changed.

use std::collections::BTreeMap;

use annals_client::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// A value, as the README of the cases describes it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Odd {
    /// `NaN`, `Infinity`, `-Infinity` or `-0`.
    Number(String),
    /// A whole number of any size.
    Integer(String),
    /// JSON text that the client decodes first.
    Json(String),
    /// Text, as UTF-16 code units in hexadecimal digits.
    String(String),
    /// Bytes in hexadecimal digits.
    Bytes(String),
    /// Floating-point numbers in an array of a type for them.
    Float64s(Vec<f64>),
    /// A time in microseconds since 1970.
    Date(i64),
    /// The value of something that has none.
    Undefined(bool),
    /// An object.
    Object(BTreeMap<String, Odd>),
    /// This number of nested arrays, each the only element of the next; the innermost is empty.
    Nested(usize),
}

/// Checks that the response of a client that made an event of the value preserves it, refuses it, or states that
/// there is no such value; otherwise returns what is wrong.
pub(super) fn judge(value: &Value, answer: &Value) -> Result<(), String> {
    let value: Odd = Deserialize::deserialize(value).map_err(|error| format!("{value}: {error}"))?;
    let lawful = [
        json!({"fails": {"reason": "INVALID_VALUE"}}),
        json!({"gives": {"absent": true}}),
    ];
    if lawful.contains(answer) {
        return Ok(());
    }
    let data = answer.pointer("/gives/data").and_then(Value::as_str);
    let data = data.ok_or("it is neither data, nor a refusal with INVALID_VALUE, nor absent")?;
    let data = BASE64
        .decode(data)
        .map_err(|error| format!("its data are not base64: {error}"))?;
    if is_the_value_itself(&value, &data) {
        return Ok(());
    }
    let text = String::from_utf8(data).map_err(|error| format!("its data are not UTF-8: {error}"))?;
    let stored = serde_json::from_str::<&RawValue>(&text)
        .map_err(|error| format!("its data are not JSON: {error}"))?;
    match holds(&value, stored.get()) {
        true => Ok(()),
        false => Err(format!(
            "the value was changed: {value:?} became {:.100}",
            stored.get()
        )),
    }
}

/// True if the data is the value without being JSON: the bytes themselves, or nothing for a value that does not
/// exist.
fn is_the_value_itself(value: &Odd, data: &[u8]) -> bool {
    match value {
        Odd::Bytes(digits) => from_hex(digits).is_some_and(|bytes| bytes == data),
        Odd::Undefined(_) => data.is_empty(),
        _ => false,
    }
}

/// True if valid JSON decodes to the value.
fn holds(value: &Odd, json: &str) -> bool {
    let json = json.trim();
    match value {
        // JSON cannot represent the other ones.
        Odd::Number(number) => {
            number == "-0" && json.starts_with('-') && json.parse::<f64>().is_ok_and(|number| number == 0.0)
        }
        Odd::Integer(text) | Odd::Json(text) => json == text,
        Odd::String(digits) => code_units(json).is_some_and(|units| Some(units) == from_hex_units(digits)),
        Odd::Bytes(digits) => {
            let stored: Option<Vec<u8>> = serde_json::from_str(json).ok();
            stored.is_some() && stored == from_hex(digits)
        }
        Odd::Float64s(floats) => {
            let stored: Vec<f64> = serde_json::from_str(json).unwrap_or_default();
            let bits = |floats: &[f64]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
            bits(&stored) == bits(floats)
        }
        Odd::Date(micros) => {
            let time: Option<Timestamp> = serde_json::from_str(json)
                .ok()
                .and_then(|text: String| text.parse().ok());
            time.is_some_and(|time| Timestamp::from_microsecond(*micros).is_ok_and(|wanted| time == wanted))
        }
        Odd::Undefined(_) => false,
        Odd::Object(members) => {
            let stored: BTreeMap<String, &RawValue> = match serde_json::from_str(json) {
                Ok(stored) => stored,
                Err(_) => return false,
            };
            let kept = |(name, value): (&String, &Odd)| match stored.get(name) {
                Some(stored) => holds(value, stored.get()),
                // Reading a missing key yields `undefined` again.
                None => matches!(value, Odd::Undefined(_)),
            };
            members.iter().all(kept) && stored.keys().all(|name| members.contains_key(name))
        }
        Odd::Nested(depth) => {
            let brackets = json.bytes().filter(|byte| !byte.is_ascii_whitespace());
            let wanted = "[".repeat(*depth) + &"]".repeat(*depth);
            brackets.eq(wanted.bytes())
        }
    }
}

/// The UTF-16 code units of a string in valid JSON; `None` if it is something else.
fn code_units(json: &str) -> Option<Vec<u16>> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let meant = match character {
            '\\' => match characters.next()? {
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).ok()?);
                    continue;
                }
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                itself => itself,
            },
            itself => itself,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    Some(units)
}

/// Bytes from hexadecimal digits.
pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

/// Code units from hexadecimal digits, four for each.
pub(super) fn from_hex_units(digits: &str) -> Option<Vec<u16>> {
    let bytes = from_hex(digits)?;
    let pairs = bytes.chunks(2);
    pairs
        .map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests;
