use annals_toolkit::To;
use annals_toolkit::testing::{Given, given_model};

use super::{Course, Refused, Student, subscribe};
use crate::event::CourseEvent;

fn defined(id: &str, capacity: u64) -> To<CourseEvent> {
    let course_id = id.to_owned();
    To::new(
        format!("course-{id}"),
        CourseEvent::CourseDefined { course_id, capacity },
    )
}

fn subscribed(student: &str, course: &str) -> To<CourseEvent> {
    let event = CourseEvent::StudentSubscribedToCourse {
        student_id: student.to_owned(),
        course_id: course.to_owned(),
    };
    To::new(format!("enrolment-{course}-{student}"), event)
}

fn unsubscribed(student: &str, course: &str) -> To<CourseEvent> {
    let event = CourseEvent::StudentUnsubscribedFromCourse {
        student_id: student.to_owned(),
        course_id: course.to_owned(),
    };
    To::new(format!("enrolment-{course}-{student}"), event)
}

fn course(events: impl IntoIterator<Item = To<CourseEvent>>) -> Given<Course> {
    given_model(Course::new("c1"), events)
}

fn both(events: impl IntoIterator<Item = To<CourseEvent>>) -> Given<(Course, Student)> {
    given_model((Course::new("c1"), Student::new("s1")), events)
}

#[test]
fn a_course_is_defined_once() {
    course([])
        .when(|course| course.define(3))
        .then([defined("c1", 3)]);
    let exists = Refused::Exists("c1".to_owned());
    course([defined("c1", 3)])
        .when(|course| course.define(3))
        .then_rejected(exists);
    course([defined("c2", 3)])
        .when(|course| course.define(1))
        .then([defined("c1", 1)]);
}

#[test]
fn a_capacity_is_changed_to_another() {
    let not_found = Refused::NotFound("c1".to_owned());
    course([])
        .when(|course| course.change_capacity(2))
        .then_rejected(not_found);
    let unchanged = Refused::CapacityUnchanged("c1".to_owned(), 3);
    let given = course([defined("c1", 3)]);
    given
        .when(|course| course.change_capacity(3))
        .then_rejected(unchanged);
    let decided = given.when(|course| course.change_capacity(2)).decided.unwrap();
    let full = both(
        [defined("c1", 3), subscribed("s2", "c1"), subscribed("s3", "c1")]
            .into_iter()
            .chain(decided),
    );
    full.when(subscribe)
        .then_rejected(Refused::Full("c1".to_owned(), 2));
}

#[test]
fn a_student_subscribes_while_there_is_room() {
    both([])
        .when(subscribe)
        .then_rejected(Refused::NotFound("c1".to_owned()));
    let one = [defined("c1", 1)];
    both(one.clone()).when(subscribe).then([subscribed("s1", "c1")]);
    let full = one.clone().into_iter().chain([subscribed("s2", "c1")]);
    both(full.clone())
        .when(subscribe)
        .then_rejected(Refused::Full("c1".to_owned(), 1));
    let left = full.chain([unsubscribed("s2", "c1")]);
    both(left).when(subscribe).then([subscribed("s1", "c1")]);
    let already = Refused::AlreadySubscribed("s1".to_owned(), "c1".to_owned());
    both(one.into_iter().chain([subscribed("s1", "c1")]))
        .when(subscribe)
        .then_rejected(already);
}

#[test]
fn a_student_takes_five_courses_at_most() {
    let others = ["c2", "c3", "c4", "c5", "c6"].map(|course| subscribed("s1", course));
    let five = [defined("c1", 9)].into_iter().chain(others);
    let too_many = Refused::TooManyCourses("s1".to_owned());
    both(five.clone()).when(subscribe).then_rejected(too_many);
    let four = five.chain([unsubscribed("s1", "c4")]);
    both(four).when(subscribe).then([subscribed("s1", "c1")]);
}

#[test]
fn a_student_gives_back_what_was_taken() {
    let taken = course([defined("c1", 1), subscribed("s1", "c1")]);
    taken
        .when(|course| course.unsubscribe("s1"))
        .then([unsubscribed("s1", "c1")]);
    let not = Refused::NotSubscribed("s2".to_owned(), "c1".to_owned());
    taken.when(|course| course.unsubscribe("s2")).then_rejected(not);
    let not_found = Refused::NotFound("c1".to_owned());
    course([])
        .when(|course| course.unsubscribe("s1"))
        .then_rejected(not_found);
}
