//! Parses the times of reads of the past and of GetPositionAtTime.

use annals_proto::v1 as pb;
use annals_store::{Position, Timestamp, Until};

use crate::grpc::status::Invalid;

/// The first second of the year 1, the minimum of `google.protobuf.Timestamp`.
const SECONDS_MIN: i64 = -62_135_596_800;
/// The last second of the year 9999, its maximum.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Parses the time whose position is requested.
pub(crate) fn position_at_time(request: &pb::GetPositionAtTimeRequest) -> Result<Until, Invalid> {
    match &request.time {
        Some(time) => until("time", time),
        None => Err(Invalid::field("time", "is missing; set a time")),
    }
}

/// Parses the time of a read of the past. The store's times are in microseconds, and none is before 1970.
pub(super) fn until(field: &str, time: &prost_types::Timestamp) -> Result<Until, Invalid> {
    let nanos = u64::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000);
    let Some(nanos) = nanos.filter(|_| (SECONDS_MIN..=SECONDS_MAX).contains(&time.seconds)) else {
        return Err(Invalid::field(
            field,
            "is not a time from year 1 to 9999 with 0 to 999999999 nanoseconds",
        ));
    };
    Ok(match u64::try_from(time.seconds) {
        Ok(seconds) => Until::Time(Timestamp::from_micros(seconds * 1_000_000 + nanos / 1_000)),
        Err(_) => Until::Position(Position::START),
    })
}
