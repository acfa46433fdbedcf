//! Decision models: decisions on whatever events matter to them, in any streams, also known as
//! [dynamic consistency boundaries](https://dcb.events).
//!
//! A decision is appended only if no event that its models' queries match has come since they were read; else it is made
//! again, a bounded number of times. Several models may be given together, as a tuple: each sees the events of its own query.
//!
//! The queries name types, streams and tags, not prefixes: that is what the store can check at an append.

mod decisions;

use annals_client::{Query, RecordedEvent};

use crate::schema::DomainEvent;

pub use decisions::{Decide, Decisions};

/// A fact that decisions rest on, made of the events that match a query.
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
    /// The events.
    type Event: DomainEvent;

    /// The events that matter to it. The same for as long as it lives.
    fn query(&self) -> Query;

    /// Takes over what happened. Can't fail: it has happened.
    fn apply(&mut self, event: &Self::Event);

    /// Takes over what happened, if it matters to it. As it is, except for models that are made of others.
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
                #[allow(non_snake_case, reason = "the names of the types serve for the fields")]
                let ($first, $($more),+) = self;
                let mut query = $first.query();
                $(query.extend($more.query().items);)+
                query
            }

            fn apply(&mut self, event: &Self::Event) {
                #[allow(non_snake_case, reason = "the names of the types serve for the fields")]
                let ($first, $($more),+) = self;
                $first.apply(event);
                $($more.apply(event);)+
            }

            fn take(&mut self, event: &Self::Event, recorded: &RecordedEvent) {
                #[allow(non_snake_case, reason = "the names of the types serve for the fields")]
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

/// An event, and the stream that it is to stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To<E> {
    /// The stream.
    pub stream: String,
    /// The event.
    pub event: E,
}

impl<E> To<E> {
    /// An event for a stream.
    pub fn new(stream: impl Into<String>, event: E) -> Self {
        To {
            stream: stream.into(),
            event,
        }
    }
}

/// What a decision led to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decided<M, E> {
    /// The models that it rests on, as they were before it.
    pub model: M,
    /// What was decided; empty if nothing was to be done.
    pub events: Vec<To<E>>,
    /// The position of the last event, for `wait_for` of a projection; `None` if there is none.
    pub position: Option<u64>,
    /// Whether the command had its effect before, and this time had none.
    pub already_executed: bool,
}
