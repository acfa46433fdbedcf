//! JSON that holds exactly the value it was made from.
//!
//! `serde_json` writes NaN and the infinities as `null`, and writes values that are nested so deeply that it refuses to
//! read them. [`to_vec`] refuses both, so that no event is stored that decodes to another value or to none. Everything
//! else is written as `serde_json` writes it.
//!
//! Limit: text that is JSON already ([`RawValue`](serde_json::value::RawValue)) is written as it is.

mod checked;

use serde::Serialize;

pub(crate) use checked::refusal;

/// The most arrays and objects within each other: the most that `serde_json` reads.
pub const DEPTH_MAX: u32 = 127;

/// The value as JSON.
///
/// Fails if the value has no form in JSON: NaN or an infinity, a map whose keys are not text, or more than [`DEPTH_MAX`]
/// arrays and objects within each other. The error names the fields that lead to it.
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
