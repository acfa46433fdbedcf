//! Messages that can't be decoded.

use crate::grpc::status::Invalid;

/// Converts a decoding error to an invalid field. Prost gives the path of the field only in its message:
/// `failed to decode Protobuf message: NewEvent.type: AppendToStreamRequest.events: invalid string value: …`.
pub(in crate::grpc) fn malformed(error: &prost::DecodeError) -> Invalid {
    let text = error.to_string();
    let mut rest = text
        .strip_prefix("failed to decode Protobuf message: ")
        .unwrap_or(&text);
    let mut path = Vec::new();
    while let Some((step, behind)) = rest.split_once(": ") {
        let Some((_, field)) = step
            .split_once('.')
            .filter(|(message, _)| is_message_name(message))
        else {
            break;
        };
        // Prost gives the field's name in Rust.
        path.push(field.strip_prefix("r#").unwrap_or(field));
        rest = behind;
    }
    path.reverse();
    Invalid::field(path.join("."), format!("is not a message of annals.v1: {rest}"))
}

fn is_message_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use annals_proto::v1 as pb;
    use prost::Message;

    use super::malformed;

    fn explained(bytes: &[u8]) -> (String, String) {
        let invalid = malformed(&pb::AppendToStreamRequest::decode(bytes).unwrap_err());
        (invalid.field, invalid.problem)
    }

    #[test]
    fn text_that_is_not_utf8_is_told_by_the_field_it_is_in() {
        // events (3): type (2): 0xFF
        let (field, problem) = explained(&[0x1A, 3, 0x12, 1, 0xFF]);
        assert_eq!(field, "events.type");
        assert!(problem.contains("UTF-8"), "{problem}");
        assert_eq!(explained(&[0x0A, 1, 0xFF]).0, "stream");
    }

    #[test]
    fn bytes_that_are_no_message_are_told_as_such() {
        let (field, problem) = explained(b"GET / HTTP/1.1");
        assert!(
            !problem.is_empty() && !field.contains(' '),
            "{field:?} {problem:?}"
        );
        assert!(!explained(&[0x0A, 200]).1.is_empty());
    }
}
