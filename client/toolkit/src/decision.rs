//! Decision models: decisions that depend on the events that match a query, in any streams, also known as [dynamic
//! consistency boundaries](https://dcb.events).
//!
//! The events of a decision are appended only if no new event matches the queries of its models since they were read;
//! otherwise the decision is made again, a bounded number of times. Several models can be combined in a tuple: each
//! gets the events of its own query.
//!
//! The queries name types, streams and tags, but no prefixes, because only those can be checked at an append.

mod decisions;

use annals_client::{Position, Query, RecordedEvent};

use crate::schema::DomainEvent;

pub use decisions::{Decide, Decisions};

/// State that decisions depend on, built from the events that match a query.
///
/// ```
/// use annals_client::Query;
/// use annals_toolkit::{DecisionModel, DomainEvent, To};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// #[serde(tag = "type", content = "data")]
/// enum CourseEvent {
///     Defined { course: String, capacity: usize },
///     Subscribed { course: String, student: String },
/// }
///
/// impl DomainEvent for CourseEvent {
///     fn tags(&self) -> Vec<String> {
///         match self {
///             CourseEvent::Defined { course, .. } => vec![format!("course:{course}")],
///             CourseEvent::Subscribed { course, student } => {
///                 vec![format!("course:{course}"), format!("student:{student}")]
///             }
///         }
///     }
/// }
///
/// #[derive(Debug, Clone, Default)]
/// struct Seats {
///     course: String,
///     capacity: usize,
///     taken: usize,
/// }
///
/// impl DecisionModel for Seats {
///     type Event = CourseEvent;
///
///     fn query(&self) -> Query {
///         CourseEvent::query().tagged(format!("course:{}", self.course)).into()
///     }
///
///     fn apply(&mut self, event: &CourseEvent) {
///         match event {
///             CourseEvent::Defined { capacity, .. } => self.capacity = *capacity,
///             CourseEvent::Subscribed { .. } => self.taken += 1,
///         }
///     }
/// }
///
/// impl Seats {
///     fn subscribe(&self, student: &str) -> Result<Vec<To<CourseEvent>>, &'static str> {
///         if self.taken >= self.capacity {
///             return Err("the course is full");
///         }
///         let (course, student) = (self.course.clone(), student.to_owned());
///         let stream = format!("enrolment-{course}-{student}");
///         Ok(vec![To::new(stream, CourseEvent::Subscribed { course, student })])
///     }
/// }
/// ```
pub trait DecisionModel: Send + Sync {
    /// The events of the model.
    type Event: DomainEvent;

    /// The query for the events of the model. It must not change during the model's lifetime.
    fn query(&self) -> Query;

    /// Updates the model with an event. Can't fail, because the event has already been recorded.
    fn apply(&mut self, event: &Self::Event);

    /// Updates the model with an event, if the event matches its query. Only models that are composed of others
    /// override this.
    fn take(&mut self, event: &Self::Event, recorded: &RecordedEvent) {
        if self.query().matches(recorded) {
            self.apply(event);
        }
    }
}

macro_rules! tuple_of_models {
    ($first:ident $(, $more:ident)+) => {
        impl<$first: DecisionModel $(, $more: DecisionModel<Event = $first::Event>)+> DecisionModel
            for ($first, $($more),+)
        {
            type Event = $first::Event;

            fn query(&self) -> Query {
                #[allow(non_snake_case, reason = "the type names are also used for the fields")]
                let ($first, $($more),+) = self;
                let mut query = $first.query();
                $(query.extend($more.query().items);)+
                query
            }

            fn apply(&mut self, event: &Self::Event) {
                #[allow(non_snake_case, reason = "the type names are also used for the fields")]
                let ($first, $($more),+) = self;
                $first.apply(event);
                $($more.apply(event);)+
            }

            fn take(&mut self, event: &Self::Event, recorded: &RecordedEvent) {
                #[allow(non_snake_case, reason = "the type names are also used for the fields")]
                let ($first, $($more),+) = self;
                $first.take(event, recorded);
                $($more.take(event, recorded);)+
            }
        }
    };
}

tuple_of_models!(A, B);
tuple_of_models!(A, B, C);
tuple_of_models!(A, B, C, D);

/// An event, and the stream to append it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To<E> {
    /// The stream.
    pub stream: String,
    /// The event.
    pub event: E,
}

impl<E> To<E> {
    /// Creates an event for a stream.
    pub fn new(stream: impl Into<String>, event: E) -> Self {
        To {
            stream: stream.into(),
            event,
        }
    }
}

/// The result of a decision.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decided<M, E> {
    /// The models that the decision depends on, in their state before it.
    pub model: M,
    /// The events appended; empty if the decision was to append none.
    pub events: Vec<To<E>>,
    /// The position of the last event, for `wait_for` of a projection; `None` if there is none.
    pub position: Option<Position>,
    /// Whether the command had already been executed, so that it had no effect this time.
    pub already_executed: bool,
}
