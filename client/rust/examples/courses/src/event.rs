//! What can happen to courses and students. The names, fields and tags are those that every language stores and reads.

use annals_toolkit::DomainEvent;
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum CourseEvent {
    /// There is a course.
    CourseDefined { course_id: String, capacity: u64 },
    /// It takes another number of students.
    CourseCapacityChanged { course_id: String, new_capacity: u64 },
    /// A student takes it.
    StudentSubscribedToCourse { student_id: String, course_id: String },
    /// A student does not take it any more.
    StudentUnsubscribedFromCourse { student_id: String, course_id: String },
}

impl DomainEvent for CourseEvent {
    fn tags(&self) -> Vec<String> {
        match self {
            CourseEvent::CourseDefined { course_id, .. }
            | CourseEvent::CourseCapacityChanged { course_id, .. } => vec![course_tag(course_id)],
            CourseEvent::StudentSubscribedToCourse {
                student_id,
                course_id,
            }
            | CourseEvent::StudentUnsubscribedFromCourse {
                student_id,
                course_id,
            } => vec![student_tag(student_id), course_tag(course_id)],
        }
    }
}

/// What all events of a course bear.
pub fn course_tag(course_id: &str) -> String {
    format!("course:{course_id}")
}

/// What all events of a student bear.
pub fn student_tag(student_id: &str) -> String {
    format!("student:{student_id}")
}
