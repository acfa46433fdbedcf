//! Course subscriptions (<https://dcb.events/examples/course-subscriptions/>): a course takes no more students than
//! it has places, which may change, and a student takes no more than five courses. A subscription concerns both, so
//! no single stream can decide it.

use std::collections::HashMap;

use annals_client::{Query, QueryItem, RecordedEvent};
use annals_tests::{harness::Server, on_every_engine};
use futures::future::join_all;
use serde_json::{Value, json};

use super::store::{Fact, Store, fact};

on_every_engine!(
    a_course_can_be_defined_once,
    the_capacity_of_a_course_that_does_not_exist_cannot_be_changed,
    the_capacity_of_a_course_can_be_changed_to_another,
    no_student_subscribes_to_a_course_that_does_not_exist,
    no_student_subscribes_to_a_course_that_is_full,
    no_student_subscribes_to_a_course_twice,
    no_student_subscribes_to_more_than_five_courses,
    a_student_subscribes_to_a_course_with_a_free_place,
    of_fifty_students_ten_get_the_ten_places,
    a_student_with_many_hands_gets_five_courses,
    no_course_is_overbooked_while_its_capacity_changes,
);

const DEFINED: &str = "CourseDefined";
const CAPACITY_CHANGED: &str = "CourseCapacityChanged";
const SUBSCRIBED: &str = "StudentSubscribedToCourse";
/// The most courses of a student.
const COURSES_MAX: usize = 5;

#[derive(Debug, PartialEq, Eq)]
enum Denied {
    CourseExists,
    NoSuchCourse,
    SameCapacity,
    FullyBooked,
    AlreadySubscribed,
    TooManyCourses,
}

fn course_tag(course: &str) -> String {
    format!("course:{course}")
}

fn student_tag(student: &str) -> String {
    format!("student:{student}")
}

fn defined(course: &str, capacity: u64) -> Fact {
    let data = json!({"courseId": course, "capacity": capacity});
    fact(format!("course-{course}"), DEFINED, &data, &[&course_tag(course)])
}

fn capacity_changed(course: &str, capacity: u64) -> Fact {
    let data = json!({"courseId": course, "newCapacity": capacity});
    fact(
        format!("course-{course}"),
        CAPACITY_CHANGED,
        &data,
        &[&course_tag(course)],
    )
}

fn subscribed(student: &str, course: &str) -> Fact {
    let data = json!({"studentId": student, "courseId": course});
    fact(
        format!("student-{student}"),
        SUBSCRIBED,
        &data,
        &[&student_tag(student), &course_tag(course)],
    )
}

fn about_course(course: &str) -> QueryItem {
    QueryItem::new()
        .of_type(DEFINED)
        .of_type(CAPACITY_CHANGED)
        .tagged(course_tag(course))
}

/// The capacity after these events; `None`: the course does not exist.
fn capacity(events: &[RecordedEvent]) -> Option<u64> {
    let capacities = events.iter().filter_map(|event| {
        let data: Value = event.json().unwrap();
        match event.event_type.as_str() {
            DEFINED => data["capacity"].as_u64(),
            CAPACITY_CHANGED => data["newCapacity"].as_u64(),
            _ => None,
        }
    });
    capacities.last()
}

async fn define(store: &Store, course: &str, capacity: u64) -> Result<(), Denied> {
    let known = QueryItem::new().of_type(DEFINED).tagged(course_tag(course));
    let decide = |events: &[RecordedEvent]| {
        if events.is_empty() {
            Ok(vec![defined(course, capacity)])
        } else {
            Err(Denied::CourseExists)
        }
    };
    store.decide(known, decide).await
}

async fn change_capacity(store: &Store, course: &str, new: u64) -> Result<(), Denied> {
    let decide = |events: &[RecordedEvent]| match capacity(events) {
        None => Err(Denied::NoSuchCourse),
        Some(present) if present == new => Err(Denied::SameCapacity),
        Some(_) => Ok(vec![capacity_changed(course, new)]),
    };
    store.decide(about_course(course), decide).await
}

async fn subscribe(store: &Store, student: &str, course: &str) -> Result<(), Denied> {
    let (by_student, to_course) = (student_tag(student), course_tag(course));
    let query = Query::from(about_course(course))
        .or(QueryItem::new().of_type(SUBSCRIBED).tagged(&to_course))
        .or(QueryItem::new().of_type(SUBSCRIBED).tagged(&by_student));
    let decide = |events: &[RecordedEvent]| {
        let subscriptions = || events.iter().filter(|event| event.event_type == SUBSCRIBED);
        let places_taken = subscriptions().filter(|event| event.tags.contains(&to_course));
        let of_student = || subscriptions().filter(|event| event.tags.contains(&by_student));
        let capacity = capacity(events).ok_or(Denied::NoSuchCourse)?;
        if places_taken.count() as u64 >= capacity {
            return Err(Denied::FullyBooked);
        }
        if of_student().any(|event| event.tags.contains(&to_course)) {
            return Err(Denied::AlreadySubscribed);
        }
        if of_student().count() >= COURSES_MAX {
            return Err(Denied::TooManyCourses);
        }
        Ok(vec![subscribed(student, course)])
    };
    store.decide(query, decide).await
}

async fn a_course_can_be_defined_once(server: Server) {
    let store = Store::of(&server);
    define(&store, "c1", 15).await.unwrap();
    store
        .assert_last(DEFINED, json!({"courseId": "c1", "capacity": 15}))
        .await;
    assert_eq!(define(&store, "c1", 20).await, Err(Denied::CourseExists));
    store.assert_nothing_after(1).await;
}

async fn the_capacity_of_a_course_that_does_not_exist_cannot_be_changed(server: Server) {
    let store = Store::of(&server);
    let changed = change_capacity(&store, "c0", 15).await;
    assert_eq!(changed, Err(Denied::NoSuchCourse));
    store.assert_nothing_after(0).await;
}

async fn the_capacity_of_a_course_can_be_changed_to_another(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c1", 12)]).await;
    let same = change_capacity(&store, "c1", 12).await;
    assert_eq!(same, Err(Denied::SameCapacity));
    change_capacity(&store, "c1", 15).await.unwrap();
    store
        .assert_last(CAPACITY_CHANGED, json!({"courseId": "c1", "newCapacity": 15}))
        .await;
}

async fn no_student_subscribes_to_a_course_that_does_not_exist(server: Server) {
    let store = Store::of(&server);
    let result = subscribe(&store, "s1", "c0").await;
    assert_eq!(result, Err(Denied::NoSuchCourse));
    store.assert_nothing_after(0).await;
}

async fn no_student_subscribes_to_a_course_that_is_full(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c1", 3)]).await;
    store
        .given(["s1", "s2", "s3"].map(|student| subscribed(student, "c1")))
        .await;
    let result = subscribe(&store, "s4", "c1").await;
    assert_eq!(result, Err(Denied::FullyBooked));
    store.assert_nothing_after(4).await;
    change_capacity(&store, "c1", 4).await.unwrap();
    subscribe(&store, "s4", "c1").await.unwrap();
}

async fn no_student_subscribes_to_a_course_twice(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c1", 10), subscribed("s1", "c1")]).await;
    let result = subscribe(&store, "s1", "c1").await;
    assert_eq!(result, Err(Denied::AlreadySubscribed));
    store.assert_nothing_after(2).await;
}

async fn no_student_subscribes_to_more_than_five_courses(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c6", 10)]).await;
    store
        .given(["c1", "c2", "c3", "c4", "c5"].map(|course| subscribed("s1", course)))
        .await;
    let result = subscribe(&store, "s1", "c6").await;
    assert_eq!(result, Err(Denied::TooManyCourses));
    store.assert_nothing_after(6).await;
}

async fn a_student_subscribes_to_a_course_with_a_free_place(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c1", 10)]).await;
    subscribe(&store, "s1", "c1").await.unwrap();
    store
        .assert_last(SUBSCRIBED, json!({"studentId": "s1", "courseId": "c1"}))
        .await;
}

async fn of_fifty_students_ten_get_the_ten_places(server: Server) {
    let store = Store::of(&server);
    store.given([defined("c1", 10)]).await;
    let students: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let results = join_all(students.iter().map(|student| subscribe(&store, student, "c1"))).await;
    let full = |result: &&Result<(), Denied>| **result == Err(Denied::FullyBooked);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert_eq!(results.iter().filter(full).count(), 40);
    store.assert_nothing_after(11).await;
    assert!(store.conflicts() > 0, "no append came in between");
}

async fn a_student_with_many_hands_gets_five_courses(server: Server) {
    let store = Store::of(&server);
    let courses: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    store
        .given(courses.iter().map(|course| defined(course, 100)))
        .await;
    let results = join_all(courses.iter().map(|course| subscribe(&store, "s1", course))).await;
    let refused = |result: &&Result<(), Denied>| **result == Err(Denied::TooManyCourses);
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        COURSES_MAX
    );
    assert_eq!(
        results.iter().filter(refused).count(),
        courses.len() - COURSES_MAX
    );
    assert!(store.conflicts() > 0, "no append came in between");
}

async fn no_course_is_overbooked_while_its_capacity_changes(server: Server) {
    let store = Store::of(&server);
    let courses = ["c0", "c1", "c2"];
    store.given(courses.map(|course| defined(course, 2))).await;
    let names: Vec<String> = (0..12).map(|n| format!("s{n}")).collect();
    let students = names.iter().map(|student| async {
        for course in courses {
            // Full or not: the log decides in the end.
            let _ = subscribe(&store, student, course).await;
        }
    });
    let changes = courses.iter().map(|course| async {
        for capacity in [5, 3, 8, 6] {
            change_capacity(&store, course, capacity).await.unwrap();
        }
    });
    tokio::join!(join_all(students), join_all(changes));
    let mut capacities: HashMap<String, u64> = HashMap::new();
    let mut taken: HashMap<String, u64> = HashMap::new();
    for (kind, data) in store.happened().await {
        let course = data["courseId"].as_str().unwrap().to_owned();
        let changed = data["capacity"].as_u64().or(data["newCapacity"].as_u64());
        if let Some(capacity) = changed {
            capacities.insert(course, capacity);
            continue;
        }
        assert_eq!(kind, SUBSCRIBED);
        let places = taken.entry(course.clone()).or_default();
        *places += 1;
        assert!(*places <= capacities[&course], "{course} is overbooked by {data}");
    }
    assert!(store.conflicts() > 0, "no append came in between");
}
