//! Two decision models, and the decisions that depend on one or both of them. This module does no I/O.

use std::collections::BTreeSet;

use annals_client::Query;
use annals_toolkit::{DecisionModel, DomainEvent, To};

use crate::event::{CourseEvent, course_tag, student_tag};

/// Maximum number of courses for a student.
pub const COURSES_MAX: usize = 5;

/// Why a rule rejects a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("course {0} exists already")]
    Exists(String),
    #[error("there is no course {0}; define it first")]
    NotFound(String),
    #[error("course {0} has a capacity of {1} already")]
    CapacityUnchanged(String, u64),
    #[error("course {0} is full: it takes {1}")]
    Full(String, u64),
    #[error("student {0} takes course {1} already")]
    AlreadySubscribed(String, String),
    #[error("student {0} does not take course {1}")]
    NotSubscribed(String, String),
    #[error("student {0} takes {COURSES_MAX} courses already")]
    TooManyCourses(String),
}

impl Refused {
    /// The code of the rule, the same in every language.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Exists(_) => "course_exists",
            Refused::NotFound(_) => "course_not_found",
            Refused::CapacityUnchanged(..) => "capacity_unchanged",
            Refused::Full(..) => "course_full",
            Refused::AlreadySubscribed(..) => "already_subscribed",
            Refused::NotSubscribed(..) => "not_subscribed",
            Refused::TooManyCourses(_) => "too_many_courses",
        }
    }
}

/// The outcome of a command: events, or the rule that rejects it.
pub type Decision = Result<[To<CourseEvent>; 1], Refused>;

/// A course and its students.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    pub id: String,
    /// `None` if it is not defined.
    pub capacity: Option<u64>,
    pub students: BTreeSet<String>,
}

impl DecisionModel for Course {
    type Event = CourseEvent;

    /// Matches all events of the course.
    fn query(&self) -> Query {
        CourseEvent::query().tagged(course_tag(&self.id)).into()
    }

    fn apply(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::CourseDefined { capacity, .. } => self.capacity = Some(*capacity),
            CourseEvent::CourseCapacityChanged { new_capacity, .. } => self.capacity = Some(*new_capacity),
            CourseEvent::StudentSubscribedToCourse { student_id, .. } => {
                self.students.insert(student_id.clone());
            }
            CourseEvent::StudentUnsubscribedFromCourse { student_id, .. } => {
                self.students.remove(student_id);
            }
        }
    }
}

impl Course {
    /// Creates a course without events.
    pub fn new(id: &str) -> Self {
        Course {
            id: id.to_owned(),
            ..Course::default()
        }
    }

    /// Returns the capacity, if the course is defined.
    pub fn defined(&self) -> Result<u64, Refused> {
        self.capacity.ok_or_else(|| Refused::NotFound(self.id.clone()))
    }

    /// Defines the course.
    pub fn define(&self, capacity: u64) -> Decision {
        if self.capacity.is_some() {
            return Err(Refused::Exists(self.id.clone()));
        }
        let course_id = self.id.clone();
        Ok([To::new(
            self.stream(),
            CourseEvent::CourseDefined { course_id, capacity },
        )])
    }

    /// Changes the capacity. Students who are already subscribed remain so.
    pub fn change_capacity(&self, new_capacity: u64) -> Decision {
        if self.defined()? == new_capacity {
            return Err(Refused::CapacityUnchanged(self.id.clone(), new_capacity));
        }
        let changed = CourseEvent::CourseCapacityChanged {
            course_id: self.id.clone(),
            new_capacity,
        };
        Ok([To::new(self.stream(), changed)])
    }

    /// Unsubscribes a student. This does not depend on the student's other courses.
    pub fn unsubscribe(&self, student_id: &str) -> Decision {
        self.defined()?;
        if !self.students.contains(student_id) {
            return Err(Refused::NotSubscribed(student_id.to_owned(), self.id.clone()));
        }
        let unsubscribed = CourseEvent::StudentUnsubscribedFromCourse {
            student_id: student_id.to_owned(),
            course_id: self.id.clone(),
        };
        Ok([To::new(enrolment(&self.id, student_id), unsubscribed)])
    }

    fn stream(&self) -> String {
        format!("course-{}", self.id)
    }
}

/// A student's courses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Student {
    pub id: String,
    pub courses: BTreeSet<String>,
}

impl DecisionModel for Student {
    type Event = CourseEvent;

    /// Matches the student's subscriptions.
    fn query(&self) -> Query {
        let subscriptions = ["StudentSubscribedToCourse", "StudentUnsubscribedFromCourse"];
        CourseEvent::query_of(subscriptions)
            .tagged(student_tag(&self.id))
            .into()
    }

    fn apply(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::StudentSubscribedToCourse { course_id, .. } => {
                self.courses.insert(course_id.clone());
            }
            CourseEvent::StudentUnsubscribedFromCourse { course_id, .. } => {
                self.courses.remove(course_id);
            }
            _ => {}
        }
    }
}

impl Student {
    /// Creates a student without events.
    pub fn new(id: &str) -> Self {
        Student {
            id: id.to_owned(),
            ..Student::default()
        }
    }
}

/// Subscribes the student to the course.
pub fn subscribe((course, student): &(Course, Student)) -> Decision {
    let capacity = course.defined()?;
    let (course_id, student_id) = (course.id.clone(), student.id.clone());
    if course.students.contains(&student_id) {
        return Err(Refused::AlreadySubscribed(student_id, course_id));
    }
    if course.students.len() as u64 >= capacity {
        return Err(Refused::Full(course_id, capacity));
    }
    if student.courses.len() >= COURSES_MAX {
        return Err(Refused::TooManyCourses(student_id));
    }
    let stream = enrolment(&course_id, &student_id);
    let subscribed = CourseEvent::StudentSubscribedToCourse {
        student_id,
        course_id,
    };
    Ok([To::new(stream, subscribed)])
}

fn enrolment(course_id: &str, student_id: &str) -> String {
    format!("enrolment-{course_id}-{student_id}")
}

#[cfg(test)]
mod tests;
