//! The domain of the tests: orders, and enrolment in courses.

use std::collections::BTreeSet;

use annals_client::Query;
use annals_toolkit::{Aggregate, DecisionModel, DomainEvent, Schema, To};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum OrderEvent {
    OrderCreated { customer: String, currency: String },
    ItemAdded { item: String, cents: u64 },
    OrderConfirmed {},
    ShipmentPrepared { order: String },
}

impl DomainEvent for OrderEvent {
    fn tags(&self) -> Vec<String> {
        match self {
            OrderEvent::OrderCreated { customer, .. } => vec![format!("customer:{customer}")],
            _ => vec![],
        }
    }

    fn schema(schema: Schema) -> Schema {
        schema.upcast(
            "OrderCreated",
            1,
            |data| json!({"customer": data["customerName"], "currency": "EUR"}),
        )
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub customer: Option<String>,
    pub items: Vec<String>,
    pub cents: u64,
    pub confirmed: bool,
    pub shipments: u64,
}

impl Aggregate for Order {
    type Event = OrderEvent;
    const CATEGORY: &'static str = "order";

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderCreated { customer, .. } => self.customer = Some(customer.clone()),
            OrderEvent::ItemAdded { item, cents } => {
                self.items.push(item.clone());
                self.cents += cents;
            }
            OrderEvent::OrderConfirmed {} => self.confirmed = true,
            OrderEvent::ShipmentPrepared { .. } => self.shipments += 1,
        }
    }
}

impl Order {
    pub fn create(customer: &str) -> OrderEvent {
        OrderEvent::OrderCreated {
            customer: customer.to_owned(),
            currency: "EUR".to_owned(),
        }
    }

    pub fn add(&self, item: &str) -> Result<[OrderEvent; 1], &'static str> {
        if self.confirmed {
            return Err("a confirmed order takes no items");
        }
        Ok([OrderEvent::ItemAdded {
            item: item.to_owned(),
            cents: 100,
        }])
    }

    pub fn confirm(&self) -> Result<Option<OrderEvent>, &'static str> {
        if self.items.is_empty() {
            return Err("an empty order can't be confirmed");
        }
        Ok((!self.confirmed).then_some(OrderEvent::OrderConfirmed {}))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum CourseEvent {
    CourseOffered { course: String, capacity: usize },
    StudentEnrolled { course: String, student: String },
}

impl CourseEvent {
    pub fn offered(course: &str, capacity: usize) -> To<CourseEvent> {
        let event = CourseEvent::CourseOffered {
            course: course.to_owned(),
            capacity,
        };
        To::new(format!("course-{course}"), event)
    }

    pub fn enrolled(course: &str, student: &str) -> To<CourseEvent> {
        let event = CourseEvent::StudentEnrolled {
            course: course.to_owned(),
            student: student.to_owned(),
        };
        To::new(format!("enrolment-{course}-{student}"), event)
    }
}

impl DomainEvent for CourseEvent {
    fn tags(&self) -> Vec<String> {
        match self {
            CourseEvent::CourseOffered { course, .. } => vec![format!("course:{course}")],
            CourseEvent::StudentEnrolled { course, student } => {
                vec![format!("course:{course}"), format!("student:{student}")]
            }
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    pub id: String,
    pub capacity: usize,
    pub students: BTreeSet<String>,
}

impl Course {
    pub fn new(id: &str) -> Self {
        Course {
            id: id.to_owned(),
            ..Course::default()
        }
    }
}

impl DecisionModel for Course {
    type Event = CourseEvent;

    fn query(&self) -> Query {
        CourseEvent::query().tagged(format!("course:{}", self.id)).into()
    }

    fn apply(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::CourseOffered { capacity, .. } => self.capacity = *capacity,
            CourseEvent::StudentEnrolled { student, .. } => {
                self.students.insert(student.clone());
            }
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Student {
    pub id: String,
    pub courses: usize,
}

impl Student {
    pub fn new(id: &str) -> Self {
        Student {
            id: id.to_owned(),
            ..Student::default()
        }
    }
}

impl DecisionModel for Student {
    type Event = CourseEvent;

    fn query(&self) -> Query {
        let enrolled = CourseEvent::query_of(["StudentEnrolled"]);
        enrolled.tagged(format!("student:{}", self.id)).into()
    }

    fn apply(&mut self, _: &CourseEvent) {
        self.courses += 1;
    }
}

/// A course has a limited number of places, and a student takes at most two courses.
pub fn enrol((course, student): &(Course, Student)) -> Result<Vec<To<CourseEvent>>, &'static str> {
    if course.students.contains(&student.id) {
        return Ok(vec![]);
    }
    if course.students.len() >= course.capacity {
        return Err("the course is full");
    }
    if student.courses >= 2 {
        return Err("the student has two courses");
    }
    Ok(vec![CourseEvent::enrolled(&course.id, &student.id)])
}
