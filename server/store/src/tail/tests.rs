use std::sync::{Arc, atomic::Ordering};

use annals_engine::Direction;

use super::Tail;
use crate::{
    Append, Expected, Limits, Retention, Revision, Settings, Write,
    index::Window,
    model::log,
    testing::{Fixture, append, event, stream},
};

fn to_many(parts: &[(&str, std::ops::Range<u128>)]) -> Append {
    let writes = parts.iter().map(|(name, ids)| Write {
        stream: stream(name),
        events: ids.clone().map(event).collect(),
    });
    Append::to_many(writes.collect(), Vec::new(), &Limits::default()).unwrap()
}

/// Appends of every kind, with new minutes and new windows between them and within them.
async fn fill(fixture: &Fixture) {
    let store = &fixture.store;
    let large = {
        let mut event = event(90);
        event.data = vec![7; 70_000].into();
        let events = vec![crate::testing::event(91), event, crate::testing::event(92)];
        Append::new(
            stream("large"),
            Expected::StreamExists,
            events,
            &Limits::default(),
        )
        .unwrap()
    };
    // Too large to share a frame, but not too large for one.
    let alone = {
        let mut event = event(80);
        event.data = vec![8; 6_000].into();
        let events = vec![crate::testing::event(81), event, crate::testing::event(82)];
        Append::new(stream("alone"), Expected::Any, events, &Limits::default()).unwrap()
    };
    let appends = [
        append("a", Expected::Any, &[1]),
        append("a", Expected::Exactly(Revision(0)), &[2, 3]),
        to_many(&[("b", 10..12), ("a", 12..15), ("c", 15..16), ("b", 16..19)]),
        append("large", Expected::NoStream, &[20]),
        large,
        append("d", Expected::Any, &(30..45).collect::<Vec<_>>()),
        alone,
    ];
    for append in appends {
        store.append(append.clone()).await.unwrap();
        assert!(store.append(append).await.unwrap().already_appended);
        fixture.clock.0.fetch_add(61_000_000, Ordering::Relaxed);
    }
    let (name, retention) = (stream("a"), Retention::default());
    let kept = Retention {
        max_count: Some(3),
        ..retention
    };
    store.set_retention(&name, kept, None).await.unwrap();
    // Evaluated and written together.
    let pending = [("b", 60), ("new", 61), ("b", 62)]
        .map(|(name, id)| store.submit(append(name, Expected::Any, &[id])));
    for pending in futures::future::join_all(pending).await {
        pending.unwrap().await.unwrap();
    }
    store.delete_stream(&stream("c"), Expected::Any).await.unwrap();
    store
        .append(append("c", Expected::NoStream, &[70]))
        .await
        .unwrap();
}

/// Compares a tail that read all frames with the one to which the appender added its own frames.
async fn compare(settings: Settings) {
    let fixture = Fixture::new(settings.clone()).await;
    fill(&fixture).await;
    let own = &fixture.store.shared().tail;
    let frames = log::page(
        &*fixture.engine,
        crate::Position(1),
        Direction::Forwards,
        usize::MAX,
    )
    .await
    .unwrap();
    let read = Tail::new(&settings);
    read.extend(frames.clone(), own.head()).unwrap();
    let (own_state, read_state) = (own.state.read(), read.state.read());
    assert_eq!(own_state.active, read_state.active);
    assert_eq!(
        (own_state.minute, &own_state.head),
        (read_state.minute, &read_state.head)
    );
    let of_read = |after| read_state.sealed.iter().find(|window| window.after == after);
    for window in &own_state.sealed {
        assert_eq!(Some(window), of_read(window.after));
    }
    let from = own_state
        .sealed
        .front()
        .map_or(own_state.active.after, |window| window.after);
    assert!(own_state.sealed.is_empty() || from < own_state.active.after);
    let whole = |state: &super::State| state.ring.forwards(own_state.head.position, 1);
    assert_eq!(whole(&own_state), whole(&read_state));
    for name in ["a", "b", "c", "large", "alone"] {
        let known = own.lifecycles().get(name);
        assert_eq!(known, read.lifecycles().get(name), "{name}");
    }
    assert!(read_state.sealed.iter().map(Arc::as_ref).any(is_rich) || is_rich(&read_state.active));
}

/// Whether the window has entries of every kind.
fn is_rich(window: &Window) -> bool {
    !window.streams.is_empty()
        && !window.types.is_empty()
        && !window.tags.is_empty()
        && !window.requests.is_empty()
        && !window.minutes.is_empty()
}

#[tokio::test]
async fn what_the_appender_wrote_is_known_as_if_it_had_been_read() {
    compare(Settings::default()).await;
}

#[tokio::test]
async fn the_same_holds_where_appends_reach_from_one_window_into_the_next() {
    let settings = Settings {
        window_events: 8,
        retired_windows_max: 9,
        ..Settings::default()
    };
    compare(settings).await;
}
