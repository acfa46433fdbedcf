//! Content types: the media type in which the data of an event is encoded.

use std::{fmt, sync::Arc};

/// Maximum size of a content type, in bytes.
pub const CONTENT_TYPE_BYTES_MAX: usize = 127;

/// The text is not a content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a media type, such as application/protobuf, of at most {CONTENT_TYPE_BYTES_MAX} bytes of printable ASCII; \
     leave it empty for application/json"
)]
pub struct ContentTypeError;

/// A media type (RFC 6838), such as `application/protobuf`. Empty: `application/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentType(Option<Arc<str>>);

impl ContentType {
    /// Creates a content type if it is valid.
    ///
    /// # Errors
    /// [`ContentTypeError`] if it is not valid.
    pub fn new(text: &str) -> Result<Self, ContentTypeError> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        Self::check(text)?;
        Ok(Self(Some(text.into())))
    }

    /// Checks that a content type that is not empty is valid: `type/subtype`, with optional parameters.
    ///
    /// # Errors
    /// [`ContentTypeError`] if it is not valid.
    pub fn check(text: &str) -> Result<(), ContentTypeError> {
        let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let has_subtype = text
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token_start(kind) && is_token_start(subtype));
        if text.len() <= CONTENT_TYPE_BYTES_MAX && is_printable && has_subtype {
            Ok(())
        } else {
            Err(ContentTypeError)
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Whether a part of a media type begins with a letter or a digit, as every registered name does.
fn is_token_start(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphanumeric())
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ContentType;

    #[test]
    fn media_types_are_accepted_and_other_texts_are_not() {
        for text in [
            "",
            "application/json",
            "text/plain; charset=utf-8",
            "application/vnd.acme+json",
            "x/1",
        ] {
            assert_eq!(ContentType::new(text).unwrap().as_str(), text);
        }
        let long = format!("text/{}", "x".repeat(122));
        assert!(ContentType::new(&long).is_ok());
        for text in [
            "json",
            "/",
            "text/",
            "/plain",
            " text/plain",
            "text/ plain",
            "text/pl\nain",
            "text/é",
        ] {
            assert!(ContentType::new(text).is_err(), "{text}");
        }
        assert!(ContentType::new(&format!("{long}x")).is_err());
    }
}
