//! Validation of an append's checks, and the states that they expect.

use super::AppendError;
use crate::{
    model::check::Check,
    values::{expected::Expected, limits, name::StreamName},
};

/// Refuses checks that can't be evaluated without reading the whole log, two checks about the same stream, and too
/// many.
pub(super) fn validate(checks: &[Check]) -> Result<(), AppendError> {
    if checks.len() > limits::CHECKS_MAX {
        return Err(AppendError::TooManyChecks {
            checks: checks.len(),
            checks_max: limits::CHECKS_MAX,
        });
    }
    for (index, check) in checks.iter().enumerate() {
        match check {
            Check::NoMatch { query, .. } if !query.is_listed() => {
                return Err(AppendError::CheckNotListed { index });
            }
            // At most 64: comparing each with those before it is faster than a set.
            Check::Stream { stream, .. }
                if checks[..index].iter().any(|other| other.stream() == Some(stream)) =>
            {
                let stream = stream.clone();
                return Err(AppendError::RepeatedCheck { index, stream });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the state that the checks expect of a stream.
pub(super) fn expected_of(checks: &[Check], wanted: &StreamName) -> Expected {
    let of_stream = checks.iter().find_map(|check| match check {
        Check::Stream { stream, expected } if stream == wanted => Some(*expected),
        _ => None,
    });
    of_stream.unwrap_or(Expected::Any)
}
