//! Append pipelines: order, limits, and broken connections.

use std::time::Duration;

use annals_client::{
    Append, AppendPipeline, Client, Error, Event, ExpectedRevision, PendingAppend, PipelineLimits, Position,
};
use tonic::Code;

use crate::fake::{Fake, refusal};
use crate::wire::Wire;

fn event(nth: usize) -> Event {
    Event::json("Counted", &nth).unwrap()
}

/// Appends `count` events one by one without waiting, and returns their ids with the pending results.
async fn append(pipeline: &AppendPipeline, count: usize) -> Vec<(String, PendingAppend)> {
    let mut pending = Vec::new();
    for nth in 0..count {
        let event = event(nth);
        let id = event.id.to_string();
        pending.push((
            id,
            pipeline
                .append("a", ExpectedRevision::Any, [event])
                .await
                .unwrap(),
        ));
    }
    pending
}

/// Waits for all results and checks that the log has exactly these events, in this order.
async fn check(fake: &Fake, pending: Vec<(String, PendingAppend)>) {
    let mut expected = Vec::new();
    for (position, (id, appended)) in (1..).zip(pending) {
        let appended = appended.await.unwrap();
        assert_eq!(
            (appended.first_position, appended.last_position),
            (Position(position), Position(position))
        );
        expected.push((position, id));
    }
    assert_eq!(fake.log(), expected);
}

#[tokio::test]
async fn appends_are_written_and_answered_in_order() {
    let fake = Fake::start().await;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    let pending = append(&pipeline, 3_000).await;
    check(&fake, pending).await;
    let messages = fake.state.lock().unwrap().pipeline_messages.clone();
    assert!(messages.len() < 3_000, "waiting appends share messages");
    assert!(messages.iter().all(|appends| *appends <= 1_000));
}

#[tokio::test]
async fn each_of_many_appends_is_made_and_their_results_are_in_order() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    let appends = (0..3_000).map(|nth| ("a", ExpectedRevision::Any, [event(nth)]));
    let appended = client.append_each(appends).await.unwrap();
    let positions: Vec<u64> = appended
        .iter()
        .map(|appended| appended.first_position.0)
        .collect();
    assert_eq!(positions, (1..=3_000).collect::<Vec<_>>());
    assert_eq!(fake.log().len(), 3_000);
}

#[tokio::test]
async fn what_was_not_answered_is_sent_again_in_order_after_a_broken_connection() {
    for round in 0..8 {
        let seed: u64 = rand::random();
        println!("round {round}, seed {seed}");
        let fake = Fake::start().await;
        let wire = Wire::brittle(fake.address, seed, 6, 2_000).await;
        let client = Client::new(wire.endpoint()).unwrap();
        let pipeline = client.append_pipeline_with(PipelineLimits {
            appends_max: 16,
            ..Default::default()
        });
        let mut pending = Vec::new();
        for nth in 0..600 {
            let event = event(nth);
            let id = event.id.to_string();
            pending.push((
                id,
                pipeline
                    .append("a", ExpectedRevision::Any, [event])
                    .await
                    .unwrap(),
            ));
        }
        check(&fake, pending).await;
        assert_eq!(wire.opened(), 7, "each brittle connection broke");
    }
}

#[tokio::test]
async fn an_append_that_fails_does_not_stop_those_behind_it() {
    let fake = Fake::start().await;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    fake.refuse_next(refusal(Code::InvalidArgument, "TOO_LARGE"));
    let mut results = Vec::new();
    for (_, appended) in append(&pipeline, 5).await {
        results.push(appended.await);
    }
    assert!(matches!(results[0], Err(Error::TooLarge(_))), "{:?}", results[0]);
    assert!(results[1..].iter().all(Result::is_ok));
    assert_eq!(fake.log().len(), 4);
}

#[tokio::test]
async fn a_passing_refusal_is_not_seen() {
    let fake = Fake::start().await;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    fake.refuse_next(refusal(Code::Unavailable, "ENGINE_UNAVAILABLE"));
    let (id, appended) = append(&pipeline, 1).await.remove(0);
    appended.await.unwrap();
    assert_eq!(fake.state.lock().unwrap().tries, vec![vec![id.clone()], vec![id]]);
}

#[tokio::test]
async fn no_more_are_taken_than_the_limits_allow() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().silent = true;
    let client = Client::new(fake.endpoint()).unwrap();
    for limits in [
        PipelineLimits {
            appends_max: 3,
            ..Default::default()
        },
        PipelineLimits {
            bytes_max: 3 * 1_100,
            ..Default::default()
        },
    ] {
        let pipeline = client.append_pipeline_with(limits);
        let mut taken = Vec::new();
        let fill = async {
            loop {
                let event = Event::new("Large", vec![0; 1_000]);
                taken.push(
                    pipeline
                        .append("a", ExpectedRevision::Any, [event])
                        .await
                        .unwrap(),
                );
            }
        };
        let filled = tokio::time::timeout(Duration::from_millis(500), fill).await;
        assert!(
            filled.is_err() && taken.len() == 3,
            "{limits:?} took {}",
            taken.len()
        );
    }
}

#[tokio::test]
async fn an_append_larger_than_the_limit_is_taken_alone() {
    let fake = Fake::start().await;
    let client = Client::new(fake.endpoint()).unwrap();
    let pipeline = client.append_pipeline_with(PipelineLimits {
        bytes_max: 10,
        ..Default::default()
    });
    for _ in 0..3 {
        let event = Event::new("Large", vec![0; 1_000]);
        pipeline
            .append("a", ExpectedRevision::Any, [event])
            .await
            .unwrap()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_pipeline_that_gets_no_answer_fails_as_a_whole() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().silent = true;
    let client = Client::new(fake.endpoint())
        .unwrap()
        .with_timeout(Duration::from_millis(100));
    let pipeline = client.append_pipeline();
    for (_, appended) in append(&pipeline, 3).await {
        let failed = appended.await.unwrap_err();
        assert!(matches!(failed, Error::DeadlineExceeded { .. }), "{failed:?}");
    }
    let refused = pipeline.append("a", ExpectedRevision::Any, [event(0)]).await;
    assert!(matches!(refused, Err(Error::PipelineClosed)), "{refused:?}");
}

#[tokio::test]
async fn what_was_taken_is_written_even_if_the_pipeline_is_dropped() {
    let fake = Fake::start().await;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    let pending = append(&pipeline, 100).await;
    drop(pipeline);
    check(&fake, pending).await;
}

#[tokio::test]
async fn a_pipeline_outlives_a_connection_that_breaks_while_it_is_idle() {
    let fake = Fake::start().await;
    let wire = Wire::to(fake.address).await;
    let pipeline = Client::new(wire.endpoint()).unwrap().append_pipeline();
    let mut pending = append(&pipeline, 2).await;
    for (_, appended) in &mut pending {
        appended.await.unwrap();
    }
    wire.cut();
    tokio::time::sleep(Duration::from_millis(20)).await;
    for (_, appended) in append(&pipeline, 2).await {
        appended.await.unwrap();
    }
    assert_eq!((fake.log().len(), wire.opened()), (4, 2));
}

#[tokio::test]
async fn appends_to_one_and_to_many_streams_are_answered_in_one_order() {
    let fake = Fake::start().await;
    let wire = Wire::brittle(fake.address, 7, 3, 2_000).await;
    let pipeline = Client::new(wire.endpoint()).unwrap().append_pipeline();
    let (mut ones, mut alls) = (Vec::new(), Vec::new());
    for nth in 0..200 {
        let one = pipeline.append("a", ExpectedRevision::Any, [event(nth)]);
        ones.push(one.await.unwrap());
        let all = Append::new().write("b", [event(nth)]).write("a", [event(nth)]);
        alls.push(pipeline.append_to_many(all).await.unwrap());
    }
    for (nth, (one, all)) in (0..).zip(ones.into_iter().zip(alls)) {
        assert_eq!(one.await.unwrap().first_position, 3 * nth + 1);
        let all = all.await.unwrap();
        assert_eq!(
            (all.first_position, all.last_position),
            (Position(3 * nth + 2), Position(3 * nth + 3))
        );
        let revisions = ["b", "a"].map(|stream| all.stream(stream).unwrap().first_revision);
        assert_eq!(revisions, [nth, 2 * nth + 1]);
    }
    assert_eq!(fake.log().len(), 600);
    assert_eq!(wire.opened(), 4, "each brittle connection broke");
    fake.refuse_next(refusal(Code::InvalidArgument, "TOO_LARGE"));
    let all = Append::new().write("b", [event(0)]);
    let refused = pipeline.append_to_many(all).await.unwrap().await;
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
}

fn large(bytes: usize) -> Event {
    Event::new("Large", vec![b' '; bytes])
}

#[tokio::test]
async fn an_append_that_no_server_takes_fails_alone_and_is_not_sent() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().append_bytes_max = 1 << 20;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    let before = append(&pipeline, 100).await;
    let refused = pipeline
        .append("a", ExpectedRevision::Any, [large(7 << 20)])
        .await;
    let behind = append(&pipeline, 100).await;
    let Err(Error::TooLarge(violations)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(violations[0].field, "events");
    assert!(
        violations[0].description.contains("and the server takes 1048576"),
        "{violations:?}"
    );
    let all = Append::new().write("a", [large(7 << 20)]);
    let refused = pipeline.append_to_many(all).await;
    assert!(
        matches!(&refused, Err(Error::TooLarge(violations)) if violations[0].field == "writes"),
        "{refused:?}"
    );
    check(&fake, before.into_iter().chain(behind).collect()).await;
}

#[tokio::test]
async fn a_limit_that_was_raised_is_seen() {
    let fake = Fake::start().await;
    fake.state.lock().unwrap().append_bytes_max = 1 << 20;
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    let refused = pipeline
        .append("a", ExpectedRevision::Any, [large(3 << 20)])
        .await;
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    fake.state.lock().unwrap().append_bytes_max = 2 << 20;
    for _ in 0..3 {
        let taken = pipeline
            .append("a", ExpectedRevision::Any, [large(3_000_000)])
            .await;
        taken.unwrap().await.unwrap();
    }
    assert_eq!(
        fake.state.lock().unwrap().infos,
        2,
        "the limit is only requested again if an append seems too large"
    );
}

#[tokio::test]
async fn a_message_that_the_server_does_not_take_fails_only_the_append_that_made_it_large() {
    let fake = Fake::start().await;
    // The reported limit is larger than the real one, as after a restart with a lower limit.
    fake.state.lock().unwrap().append_bytes_max = 8 << 20;
    fake.state.lock().unwrap().message_bytes_max = Some(600 << 10);
    let pipeline = Client::new(fake.endpoint()).unwrap().append_pipeline();
    let before = append(&pipeline, 100).await;
    let refused = pipeline
        .append("a", ExpectedRevision::Any, [large(2 << 20)])
        .await;
    let behind = append(&pipeline, 100).await;
    let refused = refused.unwrap().await;
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    check(&fake, before.into_iter().chain(behind).collect()).await;
}
