use annals_toolkit::testing::{Given, given};

use super::{Decision, Order};
use crate::event::OrderEvent;

/// An order after this many steps of the usual lifecycle.
fn after(steps: usize) -> Given<Order> {
    let story = [
        created(),
        item("tea", 2, 450),
        confirmed(900),
        shipped(),
        delivered(),
    ];
    given(story.into_iter().take(steps))
}

fn cancelled_after(steps: usize) -> Given<Order> {
    let mut order = after(steps);
    annals_toolkit::Aggregate::apply(&mut order.state, &cancelled());
    order
}

fn created() -> OrderEvent {
    OrderEvent::OrderCreated {
        order_id: "o1".to_owned(),
        customer_id: "ada".to_owned(),
    }
}

fn item(sku: &str, quantity: u64, unit_price_cents: u64) -> OrderEvent {
    OrderEvent::OrderItemAdded {
        sku: sku.to_owned(),
        quantity,
        unit_price_cents,
    }
}

fn confirmed(total_cents: u64) -> OrderEvent {
    OrderEvent::OrderConfirmed { total_cents }
}

fn shipped() -> OrderEvent {
    OrderEvent::OrderShipped {
        carrier: "post".to_owned(),
        tracking_number: "T-1".to_owned(),
    }
}

fn delivered() -> OrderEvent {
    OrderEvent::OrderDelivered {}
}

fn cancelled() -> OrderEvent {
    OrderEvent::OrderCancelled {
        reason: "changed my mind".to_owned(),
    }
}

#[test]
fn the_usual_story_is_allowed() {
    after(0).when(|order| order.create("o1", "ada")).then([created()]);
    after(1)
        .when(|order| order.add_item("tea", 2, 450))
        .then([item("tea", 2, 450)]);
    after(2).when(Order::confirm).then([confirmed(900)]);
    after(3).when(|order| order.ship("post", "T-1")).then([shipped()]);
    after(4).when(Order::deliver).then([delivered()]);
    for steps in 1..=4 {
        after(steps)
            .when(|order| order.cancel("changed my mind"))
            .then([cancelled()]);
    }
}

#[test]
fn what_the_rules_do_not_allow_is_refused_with_their_codes() {
    type Command = fn(&Order) -> Decision;
    let create: Command = |order| order.create("o1", "ada");
    let add: Command = |order| order.add_item("cup", 1, 500);
    let ship: Command = |order| order.ship("post", "T-1");
    let cancel: Command = |order| order.cancel("no");
    let cases: [(usize, Command, &str); 20] = [
        (1, create, "order_exists"),
        (5, create, "order_exists"),
        (0, add, "order_not_found"),
        (3, add, "order_not_open"),
        (4, add, "order_not_open"),
        (0, Order::confirm, "order_not_found"),
        (1, Order::confirm, "order_empty"),
        (3, Order::confirm, "order_already_confirmed"),
        (4, Order::confirm, "order_already_confirmed"),
        (0, ship, "order_not_found"),
        (2, ship, "order_not_confirmed"),
        (4, ship, "order_already_shipped"),
        (5, ship, "order_already_shipped"),
        (0, Order::deliver, "order_not_found"),
        (2, Order::deliver, "order_not_shipped"),
        (3, Order::deliver, "order_not_shipped"),
        (5, Order::deliver, "order_delivered"),
        (0, cancel, "order_not_found"),
        (5, cancel, "order_delivered"),
        (5, add, "order_not_open"),
    ];
    for (steps, command, code) in cases {
        let refused = after(steps).when(command).decided.unwrap_err();
        assert_eq!(refused.code(), code, "after {steps}: {refused}");
    }
    for command in [add, Order::confirm, ship, Order::deliver, cancel] {
        let refused = cancelled_after(3).when(command).decided.unwrap_err();
        assert_eq!(refused.code(), "order_cancelled");
    }
    let again = cancelled_after(3).when(create).decided.unwrap_err();
    assert_eq!(again.code(), "order_exists");
}

#[test]
fn quantities_and_prices_have_limits() {
    let add = |quantity, price| {
        let outcome = after(1).when(|order| order.add_item("tea", quantity, price));
        outcome.decided.map_err(|refused| refused.code())
    };
    for quantity in [0, -1, 1_001, i64::MIN, i64::MAX] {
        assert_eq!(add(quantity, 1), Err("invalid_quantity"), "{quantity}");
    }
    for price in [-1, 100_000_001, i64::MIN, i64::MAX] {
        assert_eq!(add(1, price), Err("invalid_price"), "{price}");
    }
    assert!(add(1, 0).is_ok() && add(1_000, 100_000_000).is_ok());
}
