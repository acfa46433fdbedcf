//! Appends with changes and checks of state.

use crate::{
    Append, Check, Error, Expected, FailedCheck, Limits, Rejection, Write,
    state::tests::{check, listed, put, versions, write},
    testing::{Fixture, append, event, read_stream, small, stream},
};

#[tokio::test]
async fn events_and_state_are_written_together_or_not_at_all() {
    let mut fixture = Fixture::new(small()).await;
    let limits = Limits::default();
    versions(&fixture.store, 1, vec![put("s", "a", "1")]).await;
    let with = |id, expected| {
        let changes = vec![put("s", "a", "2"), put("t", "b", "3")];
        append("x", Expected::Any, &[id]).with_state(changes, vec![check("s", "a", expected)], &limits)
    };
    let refused = fixture.store.append(with(1, Some(7)).unwrap()).await.unwrap_err();
    let Error::Rejected(Rejection::ChecksFailed { failed, .. }) = refused else {
        panic!("{refused}");
    };
    assert!(matches!(
        failed[..],
        [FailedCheck::State {
            index: 0,
            actual: Some(1),
            ..
        }]
    ));
    assert!(listed(&fixture.store, "t").await.is_empty());
    assert_eq!(fixture.store.info().head.0, 0);
    let written = fixture.store.append(with(2, Some(1)).unwrap()).await.unwrap();
    assert_eq!(
        (&*written.state_versions, written.first_position.0),
        (&[2, 1][..], 1)
    );
    assert_eq!(listed(&fixture.store, "s").await[0].2, 2);
    // A retry, also after a restart.
    for _ in 0..2 {
        let again = fixture.store.append(with(2, Some(1)).unwrap()).await.unwrap();
        assert_eq!(
            (&*again.state_versions, again.already_appended),
            (&[2, 1][..], true)
        );
        fixture.reopen().await;
    }
    assert_eq!(listed(&fixture.store, "s").await[0].2, 2);
    let events = read_stream(&fixture.store, "x", crate::Direction::Forwards, None, None).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn failed_checks_of_streams_and_of_state_are_listed_together() {
    let fixture = Fixture::new(small()).await;
    fixture.fill("x", 0..2).await;
    let writes = vec![Write {
        stream: stream("y"),
        events: vec![event(9)],
    }];
    let checks = vec![Check::Stream {
        stream: stream("x"),
        expected: Expected::NoStream,
    }];
    let append = Append::to_many(writes, checks, &Limits::default()).unwrap();
    let state = vec![check("s", "a", None), check("s", "b", Some(1))];
    let append = append.with_state(Vec::new(), state, &Limits::default()).unwrap();
    let Error::Rejected(Rejection::ChecksFailed { failed, .. }) =
        fixture.store.append(append).await.unwrap_err()
    else {
        panic!("checks fail");
    };
    assert!(matches!(
        failed[..],
        [
            FailedCheck::Stream { index: Some(0), .. },
            FailedCheck::State { index: 1, .. },
        ]
    ));
}

/// Appends and writes of state that check and change one entry, from two stores on one engine: of those that expect the
/// same version, one succeeds.
#[tokio::test]
async fn appends_and_writes_of_two_servers_never_both_change_a_version() {
    let settings = crate::Settings {
        shared_engine: true,
        ..small()
    };
    let fixture = Fixture::new(settings).await;
    let other = fixture.another().await;
    let limits = Limits::default();
    for round in 0..40_u64 {
        let expected = (round > 0).then_some(round);
        let attempts = (0..4_u128).map(|n| {
            let store = if n % 2 == 0 { &fixture.store } else { &other };
            let id = u128::from(round) * 10 + n + 1;
            let (changes, checks) = (
                vec![put("s", "a", &id.to_string())],
                vec![check("s", "a", expected)],
            );
            async move {
                if n < 2 {
                    store.write_state(write(id, changes, checks)).await.map(|_| ())
                } else {
                    let append = append("x", Expected::Any, &[id]).with_state(changes, checks, &limits);
                    store.append(append.unwrap()).await.map(|_| ())
                }
            }
        });
        let results = futures::future::join_all(attempts).await;
        let written = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(written, 1, "round {round}: {results:?}");
        assert_eq!(listed(&other, "s").await[0].2, round + 1);
    }
}
