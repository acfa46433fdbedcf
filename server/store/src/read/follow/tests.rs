//! Tests of bringing the tail up to a head at any position, and of refusing an impossible head.

use annals_engine::{Commit, Engine};

use crate::{
    Direction, Error, Expected, Position, Query, Settings,
    format::keys,
    model::head::Head,
    testing::{Fixture, append, ids, place, read_log, small},
};

/// Opening used to read from the beginning without end when the head was at the end of the last window: the tail had
/// restarted there without notifying the tasks that wait for the head.
#[tokio::test]
async fn a_store_opens_wherever_the_head_is_in_a_window() {
    let mut fixture = Fixture::new(small()).await;
    for id in 1..=40 {
        fixture.fill("s", id..id + 1).await;
        fixture.indexed(u64::try_from(id / 8 * 8).unwrap()).await;
        fixture.reopen().await;
        assert_eq!(fixture.store.info().head, Position(u64::try_from(id).unwrap()));
    }
    let again = fixture.store.append(append("s", Expected::Any, &[40])).await;
    assert_eq!(place(&again), (39, 40, true));
    let log = read_log(&fixture.store, Direction::Forwards, None, Query::default()).await;
    assert_eq!(ids(&log), (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_head_that_goes_back_or_is_replaced_is_corruption() {
    for position in [3, 5] {
        let settings = Settings {
            shared_engine: true,
            ..small()
        };
        let fixture = Fixture::new(settings).await;
        fixture.fill("s", 1..6).await;
        let head = Head {
            position: Position(position),
            batch: 7,
            ..Head::default()
        };
        let replace = Commit::durable().set(keys::head(), head.to_value().unwrap());
        fixture.engine.commit(replace).await.unwrap();
        let refused = fixture.store.append(append("s", Expected::Any, &[6])).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    }
}
