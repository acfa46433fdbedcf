//! An order and its rules: which commands are allowed in which state. This module does no I/O.
//!
//!     nothing -> open -> confirmed -> shipped -> delivered
//!                 |          |           |
//!                 `------> cancelled <---'

use std::fmt;

use annals_toolkit::Aggregate;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::event::OrderEvent;

const QUANTITY_MAX: i64 = 1_000;
const PRICE_CENTS_MAX: i64 = 100_000_000;

/// Why a rule rejects a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("order {0} exists already")]
    Exists(String),
    #[error("there is no such order; create it first")]
    NotFound,
    #[error("order {0} is {1}, and takes no more items")]
    NotOpen(String, Status),
    #[error("order {0} has no items, and can't be confirmed")]
    Empty(String),
    #[error("order {0} is {1} already")]
    AlreadyConfirmed(String, Status),
    #[error("order {0} is not confirmed, and can't be shipped")]
    NotConfirmed(String),
    #[error("order {0} is {1} already")]
    AlreadyShipped(String, Status),
    #[error("order {0} is {1}, and was not shipped")]
    NotShipped(String, Status),
    #[error("order {0} is delivered already")]
    Delivered(String),
    #[error("order {0} is delivered, and can't be cancelled")]
    NotCancellable(String),
    #[error("order {0} is cancelled")]
    Cancelled(String),
    #[error("quantity {0} is not between 1 and {QUANTITY_MAX}")]
    InvalidQuantity(i64),
    #[error("unit price {0} is not between 0 and {PRICE_CENTS_MAX} cents")]
    InvalidPrice(i64),
}

impl Refused {
    /// The code of the rule, the same in every language.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Exists(_) => "order_exists",
            Refused::NotFound => "order_not_found",
            Refused::NotOpen(..) => "order_not_open",
            Refused::Empty(_) => "order_empty",
            Refused::AlreadyConfirmed(..) => "order_already_confirmed",
            Refused::NotConfirmed(_) => "order_not_confirmed",
            Refused::AlreadyShipped(..) => "order_already_shipped",
            Refused::NotShipped(..) => "order_not_shipped",
            Refused::Delivered(_) | Refused::NotCancellable(_) => "order_delivered",
            Refused::Cancelled(_) => "order_cancelled",
            Refused::InvalidQuantity(_) => "invalid_quantity",
            Refused::InvalidPrice(_) => "invalid_price",
        }
    }
}

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Open,
    Confirmed,
    Shipped,
    Delivered,
    Cancelled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Confirmed => "confirmed",
            Status::Shipped => "shipped",
            Status::Delivered => "delivered",
            Status::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An item of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub sku: String,
    pub quantity: u64,
    pub unit_price_cents: u64,
}

/// The state of an order after its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub order_id: String,
    pub customer_id: String,
    /// `None` before the first event.
    pub status: Option<Status>,
    pub items: Vec<Item>,
    pub total_cents: u64,
}

impl Aggregate for Order {
    type Event = OrderEvent;
    const CATEGORY: &'static str = "order";

    fn apply(&mut self, event: &OrderEvent) {
        match event.clone() {
            OrderEvent::OrderCreated {
                order_id,
                customer_id,
            } => {
                (self.order_id, self.customer_id) = (order_id, customer_id);
                self.status = Some(Status::Open);
            }
            OrderEvent::OrderItemAdded {
                sku,
                quantity,
                unit_price_cents,
            } => {
                // Saturating, because events stored by other programs may exceed the limits of the current rules.
                let cents = quantity.saturating_mul(unit_price_cents);
                self.total_cents = self.total_cents.saturating_add(cents);
                self.items.push(Item {
                    sku,
                    quantity,
                    unit_price_cents,
                });
            }
            OrderEvent::OrderConfirmed { .. } => self.status = Some(Status::Confirmed),
            OrderEvent::OrderShipped { .. } => self.status = Some(Status::Shipped),
            OrderEvent::OrderDelivered {} => self.status = Some(Status::Delivered),
            OrderEvent::OrderCancelled { .. } => self.status = Some(Status::Cancelled),
        }
    }
}

/// The outcome of a command: an event, or the rule that rejects it.
pub type Decision = Result<[OrderEvent; 1], Refused>;

impl Order {
    /// Creates the order.
    pub fn create(&self, order_id: &str, customer_id: &str) -> Decision {
        if self.status.is_some() {
            return Err(Refused::Exists(order_id.to_owned()));
        }
        Ok([OrderEvent::OrderCreated {
            order_id: order_id.to_owned(),
            customer_id: customer_id.to_owned(),
        }])
    }

    /// Adds an item, while the order is open.
    pub fn add_item(&self, sku: &str, quantity: i64, unit_price_cents: i64) -> Decision {
        let within = |value: i64, least: i64, most: i64| {
            let whole = u64::try_from(value).ok();
            whole.filter(|_| (least..=most).contains(&value))
        };
        let item = OrderEvent::OrderItemAdded {
            sku: sku.to_owned(),
            quantity: within(quantity, 1, QUANTITY_MAX).ok_or(Refused::InvalidQuantity(quantity))?,
            unit_price_cents: within(unit_price_cents, 0, PRICE_CENTS_MAX)
                .ok_or(Refused::InvalidPrice(unit_price_cents))?,
        };
        match self.alive()? {
            Status::Open => Ok([item]),
            status => Err(Refused::NotOpen(self.id(), status)),
        }
    }

    /// Confirms the order.
    pub fn confirm(&self) -> Decision {
        match self.alive()? {
            Status::Open if self.items.is_empty() => Err(Refused::Empty(self.id())),
            Status::Open => Ok([OrderEvent::OrderConfirmed {
                total_cents: self.total_cents,
            }]),
            status => Err(Refused::AlreadyConfirmed(self.id(), status)),
        }
    }

    /// Ships the order.
    pub fn ship(&self, carrier: &str, tracking_number: &str) -> Decision {
        match self.alive()? {
            Status::Confirmed => Ok([OrderEvent::OrderShipped {
                carrier: carrier.to_owned(),
                tracking_number: tracking_number.to_owned(),
            }]),
            Status::Open => Err(Refused::NotConfirmed(self.id())),
            status => Err(Refused::AlreadyShipped(self.id(), status)),
        }
    }

    /// Marks the order as delivered.
    pub fn deliver(&self) -> Decision {
        match self.alive()? {
            Status::Shipped => Ok([OrderEvent::OrderDelivered {}]),
            Status::Delivered => Err(Refused::Delivered(self.id())),
            status => Err(Refused::NotShipped(self.id(), status)),
        }
    }

    /// Cancels the order, unless it has been delivered.
    pub fn cancel(&self, reason: &str) -> Decision {
        match self.alive()? {
            Status::Delivered => Err(Refused::NotCancellable(self.id())),
            _ => Ok([OrderEvent::OrderCancelled {
                reason: reason.to_owned(),
            }]),
        }
    }

    /// Returns the status, if the order was created and not cancelled.
    fn alive(&self) -> Result<Status, Refused> {
        match self.status {
            None => Err(Refused::NotFound),
            Some(Status::Cancelled) => Err(Refused::Cancelled(self.id())),
            Some(status) => Ok(status),
        }
    }

    fn id(&self) -> String {
        self.order_id.clone()
    }
}

#[cfg(test)]
mod tests;
