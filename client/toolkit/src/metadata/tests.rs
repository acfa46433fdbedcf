use annals_client::{Event, Position, RecordedEvent, Revision, Timestamp, Uuid};
use serde_json::{Value, json};

use super::{Context, child_traceparent};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn recorded(metadata: &str) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::from_u128(5),
        stream: "order-1".to_owned(),
        revision: Revision(0),
        position: Position(1),
        event_type: "Placed".to_owned(),
        data: "{}".into(),
        metadata: metadata.to_owned().into(),
        tags: vec![],
        recorded_at: Timestamp::UNIX_EPOCH,
        content_type: annals_client::json::CONTENT_TYPE.into(),
    }
}

#[tokio::test]
async fn a_context_holds_within_its_scope_and_is_added_to_inside() {
    assert!(Context::current().user_id.is_none());
    let outer = Context::current().user_id("ada").correlation_id("c");
    outer
        .scope(async {
            let inner = Context::current().user_id("eve");
            let seen = inner.scope(async { Context::current() }).await;
            assert_eq!(
                (seen.user_id, seen.correlation_id),
                (Some("eve".into()), Some("c".into()))
            );
            assert_eq!(Context::current().user_id.as_deref(), Some("ada"));
        })
        .await;
    assert!(Context::current().user_id.is_none());
}

#[tokio::test]
async fn a_command_begins_what_is_not_there() {
    let id = Uuid::from_u128(9);
    let begun = Context::beginning(Some(id));
    assert_eq!(begun.correlation_id, Some(id.to_string()));
    assert_eq!(begun.causation_id, Some(id.to_string()));
    let without = Context::beginning(None);
    assert!(without.correlation_id.is_some() && without.causation_id.is_none());
    let reacting = Context::of(&recorded(
        r#"{"correlationId":"c","userId":"ada","traceparent":7}"#,
    ));
    let flows = reacting.scope(async { Context::beginning(Some(id)) }).await;
    assert_eq!(flows.correlation_id.as_deref(), Some("c"));
    assert_eq!(flows.causation_id, Some(Uuid::from_u128(5).to_string()));
    assert_eq!((flows.user_id.as_deref(), flows.traceparent), (Some("ada"), None));
}

#[test]
fn an_event_without_a_correlation_begins_one_for_its_reactions() {
    for metadata in ["", "not json", "[]", "{}"] {
        let context = Context::of(&recorded(metadata));
        assert_eq!(
            context.correlation_id,
            Some(Uuid::from_u128(5).to_string()),
            "{metadata}"
        );
    }
}

#[test]
fn what_an_event_says_itself_stays() {
    let context = Context::default().user_id("ada").correlation_id("c");
    let stamped = |metadata: &str| {
        context
            .stamp(Event::new("A", "").with_metadata(metadata.to_owned()))
            .metadata
    };
    let said: Value = serde_json::from_slice(&stamped(r#"{"userId":"eve","schemaVersion":2}"#)).unwrap();
    assert_eq!(
        said,
        json!({"correlationId": "c", "userId": "eve", "schemaVersion": 2})
    );
    let odd = r#" { "n": 123456789012345678901234567890, "m": 1e400, "s": "\ud800", "z": -0 }"#;
    let (_, kept) = odd.split_once('{').unwrap();
    assert_eq!(
        stamped(odd),
        format!(r#"{{"correlationId":"c","userId":"ada",{kept}"#)
    );
    assert_eq!(&stamped(" { }")[..], br#"{"correlationId":"c","userId":"ada"}"#);
    assert_eq!(&stamped("bytes")[..], b"bytes");
    assert_eq!(&stamped("")[..], br#"{"correlationId":"c","userId":"ada"}"#);
    assert!(Context::default().stamp(Event::new("A", "")).metadata.is_empty());
}

#[test]
fn each_append_is_a_span_of_its_own_in_the_trace() {
    let child = child_traceparent(TRACE).unwrap();
    assert_eq!((&child[..36], &child[52..]), (&TRACE[..36], &TRACE[52..]));
    assert_ne!(child, TRACE);
    let more = format!("01{}-more", &TRACE[2..]);
    assert_eq!(child_traceparent(&more).unwrap().len(), TRACE.len());
    for wrong in [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        &TRACE.to_uppercase(),
    ] {
        assert_eq!(child_traceparent(wrong), None, "{wrong}");
    }
}

#[test]
fn the_commands_of_a_reaction_have_the_same_ids_each_time() {
    let event = recorded("");
    let ids = |process: &str| {
        let context = Context::reacting(&event, process);
        ["a", "a", "b"].map(|stream| context.next_command(stream).unwrap())
    };
    assert_eq!(ids("shipping"), ids("shipping"));
    assert_ne!(ids("shipping"), ids("billing"));
    let [first, second, third] = ids("shipping");
    assert!(first != second && second != third && first != third);
    // The toolkits of the other languages generate the same id.
    let seed = Uuid::new_v5(&event.id, b"shipping");
    assert_eq!(second, Uuid::new_v5(&seed, b"a/1"));
}
