//! Events of courses and students. The names, fields and tags are the same in every language.

use annals_toolkit::DomainEvent;
use serde::{Deserialize, Serialize};

/// An event of a course or a student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum CourseEvent {
    /// A course was defined.
    CourseDefined { course_id: String, capacity: u64 },
    /// The capacity of a course was changed.
    CourseCapacityChanged { course_id: String, new_capacity: u64 },
    /// A student subscribed to a course.
    StudentSubscribedToCourse { student_id: String, course_id: String },
    /// A student unsubscribed from a course.
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

/// The tag of all events of a course.
pub fn course_tag(course_id: &str) -> String {
    format!("course:{course_id}")
}

/// The tag of all events of a student.
pub fn student_tag(student_id: &str) -> String {
    format!("student:{student_id}")
}
