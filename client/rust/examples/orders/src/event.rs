//! What can happen to an order. The names and fields are those that every language stores and reads.

use annals_toolkit::DomainEvent;
use serde::{Deserialize, Serialize};

/// What happened to an order.
#[allow(clippy::enum_variant_names, reason = "they are called as the event types are")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum OrderEvent {
    /// A customer began it.
    OrderCreated { order_id: String, customer_id: String },
    /// Something was put on it.
    OrderItemAdded {
        sku: String,
        quantity: u64,
        unit_price_cents: u64,
    },
    /// The customer ordered what is on it.
    OrderConfirmed { total_cents: u64 },
    /// It left the house.
    OrderShipped {
        carrier: String,
        tracking_number: String,
    },
    /// It arrived.
    OrderDelivered {},
    /// It is not wanted any more.
    OrderCancelled { reason: String },
}

impl DomainEvent for OrderEvent {
    fn tags(&self) -> Vec<String> {
        match self {
            OrderEvent::OrderCreated { customer_id, .. } => vec![format!("customer:{customer_id}")],
            _ => vec![],
        }
    }
}
