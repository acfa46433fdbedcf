//! Decision models: decisions remain valid when other clients append concurrently.

use annals_client::{Append, Client, Error, Position, Uuid};
use annals_toolkit::testing::{Server, given_model};
use annals_toolkit::{CommandError, ConflictPolicy, Decisions, DomainEvent, To};
use futures::future::join_all;

use crate::domain::{Course, CourseEvent, Student, enrol};

async fn append(client: &Client, events: impl IntoIterator<Item = To<CourseEvent>>) {
    let events = events
        .into_iter()
        .map(|to| (to.stream, to.event.encode().unwrap()));
    client.append_to_many(events.collect::<Append>()).await.unwrap();
}

fn both(course: &str, student: &str) -> (Course, Student) {
    (Course::new(course), Student::new(student))
}

fn patient(client: Client) -> Decisions {
    Decisions::new(client).conflicts(ConflictPolicy {
        tries_max: 200,
        ..ConflictPolicy::default()
    })
}

#[test]
fn rules_are_tested_without_a_server_and_see_what_their_queries_match() {
    let others = [
        CourseEvent::offered("c1", 1),
        CourseEvent::offered("c2", 9),
        CourseEvent::enrolled("c2", "s1"),
    ];
    let open = given_model(both("c1", "s1"), others.clone());
    assert_eq!((open.state.0.capacity, open.state.1.courses), (1, 1));
    open.when(enrol).then([CourseEvent::enrolled("c1", "s1")]);
    let taken = others.into_iter().chain([CourseEvent::enrolled("c1", "s9")]);
    given_model(both("c1", "s1"), taken)
        .when(enrol)
        .then_rejected("the course is full");
}

#[tokio::test]
async fn a_course_is_never_overbooked() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    append(&client, [CourseEvent::offered("c1", 7)]).await;
    let decisions = patient(client.clone());
    let enrolling = (0..20).map(|nth| {
        let decisions = decisions.clone();
        async move { decisions.execute(both("c1", &format!("s{nth}")), enrol).await }
    });
    let outcomes = join_all(enrolling).await;
    let enrolled = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(enrolled, 7);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.rejection(), Some("the course is full"));
    }
    assert_eq!(client.server_info().await.unwrap().head, 8);
}

#[tokio::test]
async fn a_decision_rests_on_several_models() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    append(
        &client,
        ["c1", "c2", "c3"].map(|course| CourseEvent::offered(course, 9)),
    )
    .await;
    let decisions = Decisions::new(client);
    for (course, expected) in [("c1", Some(4)), ("c2", Some(5)), ("c1", None)] {
        let decided = decisions.execute(both(course, "s1"), enrol).await.unwrap();
        assert_eq!(decided.position, expected.map(Position), "{course}");
    }
    let refused = decisions.execute(both("c3", "s1"), enrol).await.unwrap_err();
    assert_eq!(refused.rejection(), Some("the student has two courses"));
}

#[tokio::test]
async fn a_command_with_an_id_has_its_effect_once() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    append(&client, [CourseEvent::offered("c1", 9)]).await;
    let decisions = patient(client.clone());
    let id = Uuid::now_v7();
    // It would enrol another student each time.
    let next = |course: &Course| {
        let student = format!("s{}", course.students.len());
        Ok::<_, String>([CourseEvent::enrolled("c1", &student)])
    };
    let executing = (0..5).map(|_| async { decisions.execute(Course::new("c1"), next).command_id(id).await });
    let mut first = 0;
    for decided in join_all(executing).await {
        let decided = decided.unwrap();
        assert_eq!(decided.position, Some(Position(2)));
        first += u32::from(!decided.already_executed);
    }
    assert_eq!(
        (first, client.server_info().await.unwrap().head),
        (1, Position(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_others_outrun_each_time_fails_in_the_end() {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    append(&client, [CourseEvent::offered("c1", 9)]).await;
    let policy = ConflictPolicy {
        tries_max: 2,
        ..ConflictPolicy::default()
    };
    let decisions = Decisions::new(client.clone()).conflicts(policy);
    let runtime = tokio::runtime::Handle::current();
    let outrun = |course: &Course| {
        let other = CourseEvent::enrolled("c1", &format!("other {}", course.students.len()));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| runtime.block_on(append(&client, [other])));
            other.join().unwrap();
        });
        Ok::<_, String>([CourseEvent::enrolled("c1", "mine")])
    };
    let error = decisions.execute(Course::new("c1"), outrun).await.unwrap_err();
    assert!(
        matches!(error, CommandError::Store(Error::ChecksFailed { .. })),
        "{error:?}"
    );
    assert_eq!(client.server_info().await.unwrap().head, 3);
}
