//! The table of expectations over gRPC: an append is written once, however often it is retried, and however often the
//! server ended in between.

use annals_client::{Client, Error, Event, ExpectedRevision as Expected, Position, Revision};
use annals_tests::{
    harness::{Server, sample::event},
    on_every_engine, on_every_engine_that_persists,
};

on_every_engine!(the_table_of_expectations_holds);
on_every_engine_that_persists!(
    repeated_appends_are_recognised_after_a_restart,
    repeated_appends_are_recognised_after_being_killed,
);

async fn read(client: &Client, stream: &str) -> Vec<annals_client::RecordedEvent> {
    client.read_stream(stream).await.unwrap().collect().await.unwrap()
}

/// The response to an append.
#[derive(Debug, PartialEq)]
enum Answer {
    Written { revision: u64 },
    Repeated { revision: u64, position: u64 },
    Conflict { actual: Option<u64> },
    IdTaken { stream: String, revision: u64 },
}

async fn append(client: &Client, stream: &str, expected: Expected, events: &[Event]) -> Answer {
    match client.append(stream, expected, events.to_vec()).await {
        Ok(appended) if appended.already_appended => Answer::Repeated {
            revision: appended.first_revision.0,
            position: appended.first_position.0,
        },
        Ok(appended) => Answer::Written {
            revision: appended.first_revision.0,
        },
        Err(Error::RevisionConflict {
            actual,
            expected: told,
            stream: of,
        }) => {
            assert_eq!((told, of.as_str()), (expected, stream));
            Answer::Conflict {
                actual: actual.map(u64::from),
            }
        }
        Err(Error::EventIdConflict {
            stream, revision, id, ..
        }) => {
            assert_eq!(id, events[0].id);
            let revision = revision.expect("no event is removed");
            Answer::IdTaken {
                stream,
                revision: revision.0,
            }
        }
        Err(error) => panic!("{error}"),
    }
}

async fn the_table_of_expectations_holds(server: Server) {
    use Answer::{Conflict, IdTaken, Repeated, Written};
    let client = server.client();
    let [a, b, c, d, e, f] = [(); 6].map(|()| event("T"));
    let pair = [a.clone(), b.clone()];
    let s = "order-1";
    let exactly = |revision| Expected::Exactly(Revision(revision));

    // Cases that are written.
    assert_eq!(
        append(&client, s, Expected::StreamExists, &pair).await,
        Conflict { actual: None }
    );
    assert_eq!(
        append(&client, s, exactly(0), &pair).await,
        Conflict { actual: None }
    );
    assert_eq!(
        append(&client, s, Expected::NoStream, &pair).await,
        Written { revision: 0 }
    );
    assert_eq!(
        append(&client, s, exactly(1), std::slice::from_ref(&c)).await,
        Written { revision: 2 }
    );
    assert_eq!(
        append(&client, s, Expected::Any, &[d.clone(), e.clone()]).await,
        Written { revision: 3 }
    );
    assert_eq!(
        append(&client, s, Expected::StreamExists, std::slice::from_ref(&f)).await,
        Written { revision: 5 }
    );

    // A retry gets the first result.
    assert_eq!(
        append(&client, s, Expected::NoStream, &pair).await,
        Repeated {
            revision: 0,
            position: 1
        }
    );
    assert_eq!(
        append(&client, s, exactly(1), std::slice::from_ref(&c)).await,
        Repeated {
            revision: 2,
            position: 3
        }
    );
    for expected in [Expected::Any, Expected::StreamExists] {
        let again = [d.clone(), e.clone()];
        assert_eq!(
            append(&client, s, expected, &again).await,
            Repeated {
                revision: 3,
                position: 4
            }
        );
    }
    // Stored events are compared by their place, not by how they got there.
    assert_eq!(
        append(&client, s, Expected::NoStream, std::slice::from_ref(&a)).await,
        Repeated {
            revision: 0,
            position: 1
        }
    );
    assert_eq!(
        append(&client, s, exactly(2), &[d.clone(), e.clone()]).await,
        Repeated {
            revision: 3,
            position: 4
        }
    );

    // Otherwise it is a conflict: other ids, fewer, more, another order, another stream.
    let conflict = Conflict { actual: Some(5) };
    assert_eq!(
        append(&client, s, Expected::NoStream, std::slice::from_ref(&b)).await,
        conflict
    );
    assert_eq!(
        append(&client, s, Expected::NoStream, &[b.clone(), a.clone()]).await,
        conflict
    );
    assert_eq!(append(&client, s, exactly(1), &[event("T")]).await, conflict);
    assert_eq!(
        append(&client, s, exactly(4), &[f.clone(), event("T")]).await,
        conflict
    );
    assert_eq!(append(&client, s, exactly(6), &[event("T")]).await, conflict);
    let taken = IdTaken {
        stream: s.to_owned(),
        revision: 3,
    };
    assert_eq!(
        append(&client, s, Expected::Any, std::slice::from_ref(&d)).await,
        taken
    );
    assert_eq!(
        append(&client, s, Expected::Any, &[d.clone(), e.clone(), event("T")]).await,
        taken
    );
    assert_eq!(
        append(&client, "order-2", Expected::Any, &[d.clone(), e.clone()]).await,
        taken
    );
    assert_eq!(read(&client, s).await.len(), 6);
    assert_eq!(
        client.server_info().await.unwrap().head,
        6,
        "nothing was written twice"
    );
}

async fn repeated_appends_are_recognised_after_a_restart(server: Server) {
    recognises_repeated_appends(server, Server::restart).await;
}

async fn repeated_appends_are_recognised_after_being_killed(server: Server) {
    recognises_repeated_appends(server, |server| {
        server.kill();
        server.start_again();
    })
    .await;
}

async fn recognises_repeated_appends(mut server: Server, end_and_start: fn(&mut Server)) {
    let client = server.client();
    let [any, exists, exactly, none] = [(); 4].map(|()| vec![event("T"), event("T")]);
    let appends = [
        (Expected::Any, &any),
        (Expected::StreamExists, &exists),
        (Expected::Exactly(Revision(3)), &exactly),
        (Expected::NoStream, &none),
    ];
    let mut first = Vec::new();
    for (expected, events) in appends {
        let stream = if expected == Expected::NoStream {
            "other"
        } else {
            "order-1"
        };
        first.push(client.append(stream, expected, events.clone()).await.unwrap());
    }
    for _ in 0..2 {
        end_and_start(&mut server);
        for ((expected, events), first) in appends.into_iter().zip(&first) {
            let stream = if expected == Expected::NoStream {
                "other"
            } else {
                "order-1"
            };
            let again = client.append(stream, expected, events.clone()).await.unwrap();
            assert_eq!(
                again,
                annals_client::Appended {
                    already_appended: true,
                    ..*first
                },
                "{expected:?}"
            );
        }
        let other_tail = vec![any[0].clone(), event("T")];
        let refused = client
            .append("order-1", Expected::Any, other_tail)
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                Error::EventIdConflict {
                    position: Position(1),
                    ..
                }
            ),
            "{refused}"
        );
        let refused = client
            .append("other", Expected::NoStream, [event("T")])
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                Error::RevisionConflict {
                    actual: Some(Revision(1)),
                    ..
                }
            ),
            "{refused}"
        );
    }
    assert_eq!(client.server_info().await.unwrap().head, 8);
}
