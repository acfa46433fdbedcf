//! The operations of the application.

use annals_client::{Client, Position};
use annals_toolkit::{CommandError, ConflictPolicy, DecisionModel, Decisions};
use serde::Serialize;

use crate::enrolment::{Course, Decision, Refused, Student, subscribe};

/// Why an operation failed.
pub type Failure = CommandError<Refused>;

/// The result of a command, with the position of its last event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    course_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    student_id: Option<String>,
    position: Option<Position>,
}

/// The current state of a course.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    course_id: String,
    capacity: u64,
    pub students: Vec<String>,
}

/// Courses in a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Courses {
    decisions: Decisions,
}

impl Courses {
    pub fn new(client: Client) -> Self {
        // Many students compete for the same places at the same time.
        let conflicts = ConflictPolicy {
            tries_max: 50,
            ..ConflictPolicy::default()
        };
        Courses {
            decisions: Decisions::new(client).conflicts(conflicts),
        }
    }

    /// Defines a course.
    pub async fn define(&self, course: &str, capacity: u64) -> Result<Done, Failure> {
        let define = |course: &Course| course.define(capacity);
        self.execute(Course::new(course), define, (course, None)).await
    }

    /// Changes the capacity of a course.
    pub async fn change_capacity(&self, course: &str, capacity: u64) -> Result<Done, Failure> {
        let change = |course: &Course| course.change_capacity(capacity);
        self.execute(Course::new(course), change, (course, None)).await
    }

    /// Subscribes a student to a course.
    pub async fn subscribe(&self, student: &str, course: &str) -> Result<Done, Failure> {
        let models = (Course::new(course), Student::new(student));
        self.execute(models, subscribe, (course, Some(student))).await
    }

    /// Unsubscribes a student from a course.
    pub async fn unsubscribe(&self, student: &str, course: &str) -> Result<Done, Failure> {
        let unsubscribe = |course: &Course| course.unsubscribe(student);
        self.execute(Course::new(course), unsubscribe, (course, Some(student)))
            .await
    }

    async fn execute<M>(
        &self,
        model: M,
        decide: impl Fn(&M) -> Decision + Send + Sync,
        (course, student): (&str, Option<&str>),
    ) -> Result<Done, Failure>
    where
        M: DecisionModel<Event = crate::event::CourseEvent> + Clone,
    {
        let done = self.decisions.execute(model, decide).await?;
        Ok(Done {
            course_id: course.to_owned(),
            student_id: student.map(str::to_owned),
            position: done.position,
        })
    }

    /// Returns the current state of a course.
    pub async fn show(&self, course: &str) -> Result<Shown, Failure> {
        let course = self.decisions.load(Course::new(course)).await?;
        Ok(Shown {
            capacity: course.defined().map_err(CommandError::Rejected)?,
            course_id: course.id,
            students: course.students.into_iter().collect(),
        })
    }
}
