mod many;
mod plain;

use annals_proto::v1::{
    self as pb, expected_revision, read_all_request, read_stream_request, subscribe_all_request,
    subscribe_stream_request,
};
use annals_store::{Direction, Limits, Position, Revision, Start, StreamUntil, Timestamp, Until};

use super::{
    Fault, Invalid, append_to_stream, list_streams, load_snapshot, position_at_time, read_all, read_stream,
    save_snapshot, session_append, stream_name, subscribe_all, subscribe_stream,
};

const ID: &str = "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c";

fn event() -> pb::NewEvent {
    pb::NewEvent {
        r#type: "Placed".into(),
        ..pb::NewEvent::default()
    }
}

fn appending(events: Vec<pb::NewEvent>) -> pb::AppendToStreamRequest {
    pb::AppendToStreamRequest {
        stream: "order-1".into(),
        expected: None,
        events,
        recorded_at: None,
    }
}

/// An append whose third event is `event`.
fn third(event: pb::NewEvent) -> pb::AppendToStreamRequest {
    appending(vec![self::event(), self::event(), event])
}

fn limits() -> Limits {
    Limits {
        event_bytes_max: 1_000,
        append_bytes_max: 2_000,
        ..Limits::default()
    }
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, Invalid>, field: &str, fault: Fault) {
    let invalid = result.expect_err(field);
    assert_eq!(
        (invalid.field.as_str(), invalid.fault),
        (field, fault),
        "{invalid}"
    );
    assert!(
        !invalid.problem.is_empty() && invalid.to_string().len() < 500,
        "{invalid}"
    );
}

#[test]
fn each_bad_field_of_an_append_is_named_by_its_path() {
    use Fault::{Invalid, TooLarge};

    let named = |stream: &str| pb::AppendToStreamRequest {
        stream: stream.into(),
        ..appending(vec![event()])
    };
    let empty_expected = pb::AppendToStreamRequest {
        expected: Some(pb::ExpectedRevision { expected: None }),
        ..appending(vec![event()])
    };
    let with = |change: &dyn Fn(&mut pb::NewEvent)| {
        let mut event = event();
        change(&mut event);
        third(event)
    };
    let tags = |tags: &[&str]| {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        third(pb::NewEvent { tags, ..event() })
    };
    let id = |id: &str| {
        third(pb::NewEvent {
            id: id.into(),
            ..event()
        })
    };
    let twice = pb::NewEvent {
        id: ID.into(),
        ..event()
    };
    for (request, field, fault) in [
        (named(""), "stream", Invalid),
        (named(&"s".repeat(513)), "stream", Invalid),
        (named(&"s".repeat(1 << 20)), "stream", Invalid),
        (named("$all"), "stream", Invalid),
        (named("order\n1"), "stream", Invalid),
        (named("order\0"), "stream", Invalid),
        (empty_expected, "expected", Invalid),
        (appending(vec![]), "events", Invalid),
        (appending(vec![event(); 10_001]), "events", TooLarge),
        (
            appending(vec![
                pb::NewEvent {
                    data: vec![0; 900].into(),
                    ..event()
                };
                3
            ]),
            "events",
            TooLarge,
        ),
        (
            with(&|event| event.data = vec![0; 1_001].into()),
            "events[2].data",
            TooLarge,
        ),
        (
            with(&|event| event.metadata = vec![0; 65_537].into()),
            "events[2].metadata",
            TooLarge,
        ),
        (
            with(&|event| event.r#type = String::new()),
            "events[2].type",
            Invalid,
        ),
        (
            with(&|event| event.r#type = "t".repeat(257)),
            "events[2].type",
            Invalid,
        ),
        (
            with(&|event| event.r#type = "$deleted".into()),
            "events[2].type",
            Invalid,
        ),
        (tags(&["a", ""]), "events[2].tags[1]", Invalid),
        (tags(&["a", "b\u{7F}"]), "events[2].tags[1]", Invalid),
        (tags(&["a", "b", "a"]), "events[2].tags", Invalid),
        (
            with(&|event| event.tags = (0..33).map(|n| n.to_string()).collect()),
            "events[2].tags",
            Invalid,
        ),
        (id("1"), "events[2].id", Invalid),
        (id(&"x".repeat(36)), "events[2].id", Invalid),
        (id("0190a3c27d5e7b3a9c1f2e4d6f8a0b1c"), "events[2].id", Invalid),
        (
            id("{0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c}"),
            "events[2].id",
            Invalid,
        ),
        (
            id("urn:uuid:0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c"),
            "events[2].id",
            Invalid,
        ),
        (
            appending(vec![event(), twice.clone(), twice]),
            "events[2].id",
            Invalid,
        ),
    ] {
        assert_refused(append_to_stream(&request.clone().into(), &limits()), field, fault);
        let in_session = pb::SessionAppend {
            append: Some(pb::session_append::Append::AppendToStream(request)),
        };
        assert_refused(session_append(in_session, &limits()), field, fault);
    }
    assert_refused(
        session_append(pb::SessionAppend { append: None }, &limits()),
        "append",
        Invalid,
    );
}

#[test]
fn an_append_within_the_limits_is_taken_with_its_ids_in_order() {
    let mut request = third(pb::NewEvent {
        id: ID.to_uppercase(),
        ..event()
    });
    request.expected = Some(pb::ExpectedRevision {
        expected: Some(expected_revision::Expected::Revision(7)),
    });
    let append = append_to_stream(&request.into(), &limits()).unwrap();
    let ids: Vec<_> = append.ids().collect();
    assert_eq!((append.stream().as_str(), append.len()), ("order-1", 3));
    assert_eq!(ids[2].to_string(), ID);
    assert!(ids[0] != ids[1], "ids that are made are different");
    assert_eq!(ids[0].get_version_num(), 7);
}

fn queried(change: impl FnOnce(&mut pb::QueryItem)) -> Option<pb::Query> {
    let mut item = pb::QueryItem {
        types: vec!["Placed".into()],
        ..pb::QueryItem::default()
    };
    change(&mut item);
    Some(pb::Query {
        items: vec![pb::QueryItem::default(), item],
    })
}

#[test]
fn each_bad_field_of_a_query_is_named_by_its_path_in_every_call_that_has_one() {
    for (query, field) in [
        (
            Some(pb::Query {
                items: vec![pb::QueryItem::default(); 65],
            }),
            "query.items",
        ),
        (
            queried(|item| item.types = vec!["T".into(); 1_001]),
            "query.items[1]",
        ),
        (
            queried(|item| item.types.push(String::new())),
            "query.items[1].types[1]",
        ),
        (
            queried(|item| item.types.push("t".repeat(257))),
            "query.items[1].types[1]",
        ),
        (
            queried(|item| item.type_prefixes.push(String::new())),
            "query.items[1].type_prefixes[0]",
        ),
        (
            queried(|item| item.streams.push("$s".into())),
            "query.items[1].streams[0]",
        ),
        (
            queried(|item| item.stream_prefixes.push("\t".into())),
            "query.items[1].stream_prefixes[0]",
        ),
        (
            queried(|item| item.tags = vec!["a".into(), "t".repeat(257)]),
            "query.items[1].tags[1]",
        ),
    ] {
        let fault = Fault::Invalid;
        let stream = || "order-1".to_owned();
        let all = pb::ReadAllRequest {
            query: query.clone(),
            ..pb::ReadAllRequest::default()
        };
        assert_refused(read_all(all), field, fault);
        let one = pb::ReadStreamRequest {
            stream: stream(),
            query: query.clone(),
            ..Default::default()
        };
        assert_refused(read_stream(one), field, fault);
        assert_refused(
            subscribe_all(pb::SubscribeAllRequest {
                start: None,
                query: query.clone(),
            }),
            field,
            fault,
        );
        let one = pb::SubscribeStreamRequest {
            stream: stream(),
            start: None,
            query,
        };
        assert_refused(subscribe_stream(one), field, fault);
    }
}

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
        "revision 0 is the first event, not nothing"
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
    assert_eq!(read.unwrap().until, Some(start), "the log was empty once");
    let read = read_stream(pb::ReadStreamRequest {
        stream: "order-1".into(),
        until: Some(Stream::UntilRevision(0)),
        ..Default::default()
    });
    assert_eq!(read.unwrap().until, Some(StreamUntil::Revision(Revision(0))));
}

#[test]
fn snapshots_are_of_valid_streams_within_the_limits_and_three_are_kept_unless_said_otherwise() {
    let limits = Limits {
        snapshot_bytes_max: 4,
        ..Limits::default()
    };
    let snapshot = |len: usize, keep| pb::SaveSnapshotRequest {
        stream: "order-1".into(),
        revision: 7,
        schema_version: 2,
        data: vec![1; len].into(),
        keep,
    };
    let save = save_snapshot(snapshot(4, 0), &limits).unwrap();
    assert_eq!(
        (save.revision, save.schema_version, save.keep),
        (Revision(7), 2, 3)
    );
    for keep in [1, 100] {
        assert_eq!(
            save_snapshot(snapshot(0, keep), &limits).unwrap().keep,
            keep as usize
        );
    }
    assert_refused(save_snapshot(snapshot(5, 0), &limits), "data", Fault::TooLarge);
    assert_refused(save_snapshot(snapshot(0, 101), &limits), "keep", Fault::Invalid);
    let unnamed = pb::SaveSnapshotRequest::default();
    assert_refused(save_snapshot(unnamed, &limits), "stream", Fault::Invalid);

    let request = pb::LoadSnapshotRequest {
        stream: "order-1".into(),
        at_or_before: Some(0),
        schema_version: Some(0),
    };
    let load = load_snapshot(&request).unwrap();
    assert_eq!(
        (load.at_or_before, load.schema_version),
        (Some(Revision(0)), Some(0))
    );
    let unnamed = pb::LoadSnapshotRequest::default();
    assert_refused(load_snapshot(&unnamed), "stream", Fault::Invalid);
}

#[test]
fn subscriptions_begin_where_they_are_told() {
    use subscribe_all_request::Start as All;
    use subscribe_stream_request::Start as Stream;

    for (start, meant) in [
        (None, Start::Beginning),
        (Some(All::After(0)), Start::Beginning),
        (Some(All::After(5)), Start::After(Position(5))),
        (Some(All::End(())), Start::End),
    ] {
        assert_eq!(
            subscribe_all(pb::SubscribeAllRequest { start, query: None })
                .unwrap()
                .start,
            meant
        );
    }
    for (start, meant) in [
        (None, Start::Beginning),
        (Some(Stream::AfterRevision(0)), Start::After(Revision(0))),
        (Some(Stream::End(())), Start::End),
    ] {
        let request = pb::SubscribeStreamRequest {
            stream: "order-1".into(),
            start,
            query: None,
        };
        assert_eq!(subscribe_stream(request).unwrap().start, meant);
    }
}

#[test]
fn pages_of_streams_have_a_size_and_a_token_of_their_own_listing() {
    let fault = Fault::Invalid;
    let request = |prefix: &str, page_size, token: &str| pb::ListStreamsRequest {
        prefix: prefix.into(),
        page_size,
        page_token: token.into(),
    };
    assert_eq!(list_streams(request("", 0, "")).unwrap().limit, 100);
    assert_eq!(list_streams(request("order-", 1_000, "")).unwrap().limit, 1_000);
    let page = list_streams(request("order-", 1, "order-1")).unwrap();
    assert_eq!(page.after.unwrap().as_str(), "order-1");
    assert_refused(list_streams(request("", 1_001, "")), "page_size", fault);
    assert_refused(list_streams(request("", u32::MAX, "")), "page_size", fault);
    assert_refused(list_streams(request("$s", 1, "")), "prefix", fault);
    for prefix in ["$", "$$", "$$order-"] {
        // Those of the store itself.
        let page = list_streams(request(prefix, 1, "$$order-1")).unwrap();
        assert_eq!(
            (page.prefix.as_str(), page.after.unwrap().as_str()),
            (prefix, "$$order-1")
        );
    }
    assert_refused(list_streams(request(&"p".repeat(513), 1, "")), "prefix", fault);
    assert_refused(list_streams(request("order-", 1, "cart-1")), "page_token", fault);
    assert_refused(list_streams(request("", 1, "\n")), "page_token", fault);
}
