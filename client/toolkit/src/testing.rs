//! Testing applications: rules without a server, and a real server in a separate process. Enable the cargo feature
//! `testing` in `[dev-dependencies]`.
//!
//! ```
//! # use annals_toolkit::{Aggregate, DomainEvent};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
//! # #[serde(tag = "type", content = "data")]
//! # enum OrderEvent { ItemAdded { sku: String }, OrderConfirmed {} }
//! # impl DomainEvent for OrderEvent {}
//! # #[derive(Debug, Default)]
//! # struct Order { items: usize }
//! # impl Aggregate for Order {
//! #     type Event = OrderEvent;
//! #     const CATEGORY: &'static str = "order";
//! #     fn apply(&mut self, event: &OrderEvent) {
//! #         if let OrderEvent::ItemAdded { .. } = event { self.items += 1; }
//! #     }
//! # }
//! # impl Order {
//! #     fn confirm(&self) -> Result<Vec<OrderEvent>, &'static str> {
//! #         if self.items == 0 { Err("empty") } else { Ok(vec![OrderEvent::OrderConfirmed {}]) }
//! #     }
//! # }
//! use annals_toolkit::testing::given;
//!
//! let tea = OrderEvent::ItemAdded { sku: "tea".to_owned() };
//! given::<Order>([tea]).when(Order::confirm).then([OrderEvent::OrderConfirmed {}]);
//! given::<Order>([]).when(Order::confirm).then_rejected("empty");
//! ```
//!
//! Events are encoded to their stored form and decoded, as in production, and models get only the events that match
//! their queries.

mod given;
mod server;

pub use given::{Given, Outcome, given, given_model, record};
pub use server::{Server, ServerBuilder, find_server};
