//! Odd values in Rust.

use annals_client::{Error, Event, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json, value::RawValue};

use super::{Failure, Outcome};
use crate::interop::odd::{Odd, from_hex, from_hex_units};

/// Makes an event with the value as its data.
pub(super) fn event(value: &Odd) -> Outcome {
    if !exists(value) {
        return Ok(json!({"absent": true}));
    }
    match Event::json("Odd", &Made(value)) {
        Ok(event) => Ok(data(&event)),
        Err(error @ Error::InvalidValue { .. }) => Err(Failure::Client(error)),
        Err(error) => Err(Failure::Unknown(error.to_string())),
    }
}

fn data(event: &Event) -> Value {
    json!({"data": BASE64.encode(&event.data)})
}

/// True if Rust has such a value: text is Unicode, and everything has a value.
fn exists(value: &Odd) -> bool {
    match value {
        Odd::Undefined(_) => false,
        Odd::String(digits) => text(digits).is_some(),
        Odd::Object(members) => members.values().all(exists),
        _ => true,
    }
}

fn text(digits: &str) -> Option<String> {
    String::from_utf16(&from_hex_units(digits)?).ok()
}

/// A value, in the type that it would have in a program.
struct Made<'a>(&'a Odd);

impl Serialize for Made<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unknown =
            |what: &dyn std::fmt::Display| serde::ser::Error::custom(format_args!("no value: {what}"));
        match self.0 {
            Odd::Number(number) => {
                let number: f64 = number.parse().map_err(|error| unknown(&error))?;
                number.serialize(serializer)
            }
            // As the smallest type that holds it.
            Odd::Integer(digits) => match (digits.parse::<u64>(), digits.parse::<i128>()) {
                (Ok(number), _) => number.serialize(serializer),
                (_, Ok(number)) => number.serialize(serializer),
                (_, Err(error)) => Err(unknown(&error)),
            },
            Odd::Json(text) => {
                let decoded: Box<RawValue> = serde_json::from_str(text).map_err(|error| unknown(&error))?;
                decoded.serialize(serializer)
            }
            Odd::String(digits) => text(digits).serialize(serializer),
            Odd::Bytes(digits) => from_hex(digits).serialize(serializer),
            Odd::Float64s(floats) => floats.serialize(serializer),
            Odd::Date(micros) => {
                let time = Timestamp::from_microsecond(*micros).map_err(|error| unknown(&error))?;
                // The form in which the type itself is serialized by serde.
                serializer.collect_str(&time)
            }
            Odd::Undefined(_) => Err(unknown(&"undefined")),
            Odd::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, &Made(value))?;
                }
                map.end()
            }
            Odd::Nested(depth) => match depth {
                0 | 1 => serializer.collect_seq::<[u8; 0]>([]),
                depth => serializer.collect_seq([Made(&Odd::Nested(depth - 1))]),
            },
        }
    }
}
