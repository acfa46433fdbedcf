//! Reads, including those of the past.

use annals_proto::v1::{self as pb, read_all_request, read_stream_request};
use annals_store::{Direction, Position, Revision, StreamUntil, Timestamp, Until};

use super::{assert_refused, queried};
use crate::grpc::{
    request::{position_at_time, read_all, read_stream, stream_name, subscribe_stream},
    status::Fault,
};

#[test]
fn each_bad_field_of_a_read_is_named() {
    let fault = Fault::Invalid;
    let all = pb::ReadAllRequest::default;
    assert_refused(
        read_all(pb::ReadAllRequest {
            limit: Some(0),
            ..all()
        }),
        "limit",
        fault,
    );
    assert_refused(
        read_all(pb::ReadAllRequest {
            from_position: Some(0),
            ..all()
        }),
        "from_position",
        fault,
    );
    for direction in [3, -1, i32::MAX] {
        assert_refused(
            read_all(pb::ReadAllRequest { direction, ..all() }),
            "direction",
            fault,
        );
    }
    let one = || pb::ReadStreamRequest {
        stream: "order-1".into(),
        ..Default::default()
    };
    assert_refused(
        read_stream(pb::ReadStreamRequest {
            stream: String::new(),
            ..one()
        }),
        "stream",
        fault,
    );
    assert_refused(
        read_stream(pb::ReadStreamRequest {
            limit: Some(0),
            ..one()
        }),
        "limit",
        fault,
    );
    assert_refused(
        read_stream(pb::ReadStreamRequest {
            direction: 9,
            ..one()
        }),
        "direction",
        fault,
    );
    assert_refused(
        subscribe_stream(pb::SubscribeStreamRequest::default()),
        "stream",
        fault,
    );
    assert_refused(
        stream_name(&pb::GetStreamRequest { stream: "$".into() }),
        "stream",
        fault,
    );
}

#[test]
fn reads_are_taken_as_they_are_meant() {
    let read = read_all(pb::ReadAllRequest::default()).unwrap();
    assert_eq!(
        (read.direction, read.from, read.limit),
        (Direction::Forwards, None, None)
    );
    let read = read_all(pb::ReadAllRequest {
        direction: pb::Direction::Backwards.into(),
        from_position: Some(u64::MAX),
        limit: Some(u64::MAX),
        query: queried(|_| ()),
        until: None,
    })
    .unwrap();
    assert_eq!(
        (read.direction, read.from),
        (Direction::Backwards, Some(Position(u64::MAX)))
    );
    assert_eq!(read.query.items[1].types, ["Placed"]);
    let read = read_stream(pb::ReadStreamRequest {
        stream: "order-1".into(),
        from_revision: Some(0),
        ..Default::default()
    })
    .unwrap();
    assert_eq!(
        read.from,
        Some(Revision(0)),
        "revision 0 is the first event, not an unset field"
    );
}

#[test]
fn reads_of_the_past_end_at_a_place_or_at_a_time_to_the_microsecond() {
    use read_all_request::Until as All;
    use read_stream_request::Until as Stream;

    let time = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
    let start = Until::Position(Position::START);
    let times = [
        (time(0, 0), Ok(Until::Time(Timestamp::from_micros(0)))),
        (
            time(1_700_000_000, 123_456_999),
            Ok(Until::Time(Timestamp::from_micros(1_700_000_000_123_456))),
        ),
        (
            time(253_402_300_799, 999_999_999),
            Ok(Until::Time(Timestamp::from_micros(253_402_300_799_999_999))),
        ),
        (time(-1, 999_999_999), Ok(start)),
        (time(-62_135_596_800, 0), Ok(start)),
        (time(-62_135_596_801, 0), Err(())),
        (time(253_402_300_800, 0), Err(())),
        (time(0, 1_000_000_000), Err(())),
        (time(0, -1), Err(())),
    ];
    for (time, meant) in times {
        let all = read_all(pb::ReadAllRequest {
            until: Some(All::UntilTime(time)),
            ..Default::default()
        });
        let stream = read_stream(pb::ReadStreamRequest {
            stream: "order-1".into(),
            until: Some(Stream::UntilTime(time)),
            ..Default::default()
        });
        let at = position_at_time(&pb::GetPositionAtTimeRequest { time: Some(time) });
        match meant {
            Ok(until) => {
                assert_eq!(all.unwrap().until, Some(until), "{time:?}");
                assert_eq!(stream.unwrap().until, Some(StreamUntil::Log(until)), "{time:?}");
                assert_eq!(at.unwrap(), until, "{time:?}");
            }
            Err(()) => {
                assert_refused(all, "until_time", Fault::Invalid);
                assert_refused(stream, "until_time", Fault::Invalid);
                assert_refused(at, "time", Fault::Invalid);
            }
        }
    }
    assert_refused(
        position_at_time(&pb::GetPositionAtTimeRequest { time: None }),
        "time",
        Fault::Invalid,
    );
    let read = read_all(pb::ReadAllRequest {
        until: Some(All::UntilPosition(0)),
        ..Default::default()
    });
    assert_eq!(read.unwrap().until, Some(start), "position 0 is the empty log");
    let read = read_stream(pb::ReadStreamRequest {
        stream: "order-1".into(),
        until: Some(Stream::UntilRevision(0)),
        ..Default::default()
    });
    assert_eq!(read.unwrap().until, Some(StreamUntil::Revision(Revision(0))));
}
