//! Events of orders. The names and fields are the same in every language.

use annals_toolkit::DomainEvent;
use serde::{Deserialize, Serialize};

/// An event of an order.
#[allow(
    clippy::enum_variant_names,
    reason = "the variants are named after the event types"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum OrderEvent {
    /// A customer created the order.
    OrderCreated { order_id: String, customer_id: String },
    /// An item was added.
    OrderItemAdded {
        sku: String,
        quantity: u64,
        unit_price_cents: u64,
    },
    /// The customer confirmed the order.
    OrderConfirmed { total_cents: u64 },
    /// The order was shipped.
    OrderShipped {
        carrier: String,
        tracking_number: String,
    },
    /// The order was delivered.
    OrderDelivered {},
    /// The order was cancelled.
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
