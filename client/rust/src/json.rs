//! JSON encoding that never changes a value.
//!
//! `serde_json` writes NaN and the infinities as `null`, and writes values that are nested too deeply for it to read.
//! [`to_vec`] rejects both, so that no stored event decodes to another value or fails to decode. Everything else is
//! written as `serde_json` writes it.
//!
//! Limitation: text that is already JSON ([`RawValue`](serde_json::value::RawValue)) is written unchanged.

mod checked;

use serde::Serialize;

pub(crate) use checked::refusal;

/// Maximum nesting depth of arrays and objects: the maximum that `serde_json` reads.
pub const DEPTH_MAX: u32 = 127;

/// The content type of events whose data is JSON.
pub const CONTENT_TYPE: &str = "application/json";

/// Returns the content type of an event, given the one with which it was appended: JSON if that is empty.
pub fn or_json(content_type: String) -> String {
    match content_type.is_empty() {
        true => CONTENT_TYPE.to_owned(),
        false => content_type,
    }
}

/// Whether data of this content type is JSON: `application/json`, or a subtype that ends in `+json` (RFC 6839).
pub(crate) fn is_content_type(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim_end();
    media_type.is_empty()
        || media_type.eq_ignore_ascii_case(CONTENT_TYPE)
        || media_type.to_ascii_lowercase().ends_with("+json")
}

/// Encodes the value as JSON.
///
/// Fails if the value can't be represented in JSON: NaN or an infinity, a map whose keys are not text, or more than
/// [`DEPTH_MAX`] nested arrays and objects. The error names the path of fields to the value.
///
/// ```
/// use annals_client::json;
///
/// assert_eq!(json::to_vec(&[1.5, -0.0]).unwrap(), b"[1.5,-0.0]");
/// assert!(json::to_vec(&f64::NAN).is_err());
/// ```
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    checked::write(value, &mut serde_json::Serializer::new(&mut bytes))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
