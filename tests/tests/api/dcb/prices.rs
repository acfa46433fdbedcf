//! Prices that change (<https://dcb.events/examples/dynamic-product-price/>): a customer pays the displayed price, if
//! that is the current price, or was until a short while ago. An order of several products is decided on the prices
//! of all.

use std::collections::HashMap;

use annals_client::{Query, QueryItem, RecordedEvent, Timestamp};
use annals_tests::{harness::Server, on_every_engine};
use futures::future::join_all;
use serde_json::{Value, json};

use super::store::{Fact, Store, fact, with_a_past};

on_every_engine!(
    a_price_that_is_not_the_products_is_refused,
    a_price_that_was_never_valid_is_refused,
    the_price_of_a_product_is_taken,
    a_price_that_was_changed_long_ago_is_refused,
    a_price_that_was_changed_a_moment_ago_is_taken_and_so_is_the_new_one,
    several_products_are_ordered_at_once_or_none,
    every_order_bears_the_price_of_its_place_in_the_log,
);

const DEFINED: &str = "ProductDefined";
const CHANGED: &str = "ProductPriceChanged";
const ORDERED: &str = "ProductsOrdered";
/// How long a price is accepted after it was changed.
const GRACE_MINUTES: i64 = 10;

#[derive(Debug, PartialEq, Eq)]
struct InvalidPrice(String);

fn tag(product: &str) -> String {
    format!("product:{product}")
}

fn defined(product: &str, price: u64) -> Fact {
    let data = json!({"productId": product, "price": price});
    fact(format!("product-{product}"), DEFINED, &data, &[&tag(product)])
}

fn changed(product: &str, price: u64) -> Fact {
    let data = json!({"productId": product, "newPrice": price});
    fact(format!("product-{product}"), CHANGED, &data, &[&tag(product)])
}

fn ordered(items: &[(&str, u64)]) -> Fact {
    let item = |(product, price): &(&str, u64)| json!({"productId": product, "price": price});
    let data = json!({"items": items.iter().map(item).collect::<Vec<_>>()});
    let tags: Vec<String> = items.iter().map(|(product, _)| tag(product)).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    fact("orders", ORDERED, &data, &tags)
}

/// The prices that are accepted for a product: the last one that is older than the grace period, and all later ones.
fn taken(product: &str, events: &[RecordedEvent], now: Timestamp, grace_minutes: i64) -> Vec<u64> {
    let mut taken = Vec::new();
    for event in events
        .iter()
        .filter(|event| event.event_type != ORDERED && event.tags.contains(&tag(product)))
    {
        let data: Value = event.json().unwrap();
        let price = data["price"].as_u64().or(data["newPrice"].as_u64());
        let minutes = (now.as_second() - event.recorded_at.as_second()).div_euclid(60);
        if minutes > grace_minutes {
            taken.clear();
        }
        taken.extend(price);
    }
    taken
}

/// Orders at the displayed prices.
async fn order_within(store: &Store, items: &[(&str, u64)], grace_minutes: i64) -> Result<(), InvalidPrice> {
    let of_product = |(product, _): &(&str, u64)| {
        QueryItem::new()
            .of_type(DEFINED)
            .of_type(CHANGED)
            .tagged(tag(product))
    };
    let query = Query {
        items: items.iter().map(of_product).collect(),
    };
    let decide = |events: &[RecordedEvent]| {
        let now = Timestamp::now();
        let invalid = items
            .iter()
            .find(|(product, shown)| !taken(product, events, now, grace_minutes).contains(shown));
        match invalid {
            Some((product, _)) => Err(InvalidPrice((*product).to_owned())),
            None => Ok(vec![ordered(items)]),
        }
    };
    store.decide(query, decide).await
}

async fn order(store: &Store, items: &[(&str, u64)]) -> Result<(), InvalidPrice> {
    order_within(store, items, GRACE_MINUTES).await
}

/// The price that a customer sees.
async fn shown(store: &Store, product: &str) -> u64 {
    let prices = QueryItem::new()
        .of_type(DEFINED)
        .of_type(CHANGED)
        .tagged(tag(product));
    let seen = store.read_last(prices).await;
    let data: Value = seen.events[0].json().unwrap();
    data["price"].as_u64().or(data["newPrice"].as_u64()).unwrap()
}

fn invalid(product: &str) -> Result<(), InvalidPrice> {
    Err(InvalidPrice(product.to_owned()))
}

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() - minutes * 60).expect("minutes ago was a time")
}

async fn a_price_that_is_not_the_products_is_refused(server: Server) {
    let store = Store::of(&server);
    store.given([defined("p1", 123), defined("p2", 100)]).await;
    assert_eq!(order(&store, &[("p1", 100)]).await, invalid("p1"));
    assert_eq!(order(&store, &[("p3", 100)]).await, invalid("p3"));
    store.assert_nothing_after(2).await;
}

async fn a_price_that_was_never_valid_is_refused(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    store.given_at(minutes_ago(20), [defined("p1", 123)]).await;
    assert_eq!(order(&store, &[("p1", 100)]).await, invalid("p1"));
    store.assert_nothing_after(1).await;
}

async fn the_price_of_a_product_is_taken(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    store.given_at(minutes_ago(20), [defined("p1", 123)]).await;
    store.given_at(minutes_ago(0), [defined("p2", 77)]).await;
    order(&store, &[("p1", 123)]).await.unwrap();
    store
        .assert_last(ORDERED, json!({"items": [{"productId": "p1", "price": 123}]}))
        .await;
    order(&store, &[("p2", 77)]).await.unwrap();
}

async fn a_price_that_was_changed_long_ago_is_refused(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    store
        .given_at(minutes_ago(20), [defined("p1", 123), changed("p1", 134)])
        .await;
    assert_eq!(order(&store, &[("p1", 123)]).await, invalid("p1"));
    store.assert_nothing_after(2).await;
    order(&store, &[("p1", 134)]).await.unwrap();
}

async fn a_price_that_was_changed_a_moment_ago_is_taken_and_so_is_the_new_one(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    store.given_at(minutes_ago(20), [defined("p1", 123)]).await;
    store.given_at(minutes_ago(9), [changed("p1", 134)]).await;
    order(&store, &[("p1", 123)]).await.unwrap();
    order(&store, &[("p1", 134)]).await.unwrap();
    assert_eq!(order(&store, &[("p1", 135)]).await, invalid("p1"));
    store.assert_nothing_after(4).await;
}

async fn several_products_are_ordered_at_once_or_none(server: Server) {
    let server = with_a_past(server);
    let store = Store::of(&server);
    store.given_at(minutes_ago(20), [defined("p1", 123)]).await;
    store.given_at(minutes_ago(9), [changed("p1", 134)]).await;
    store.given_at(minutes_ago(8), [defined("p2", 321)]).await;
    order(&store, &[("p1", 123), ("p2", 321)]).await.unwrap();
    let items = json!([{"productId": "p1", "price": 123}, {"productId": "p2", "price": 321}]);
    store.assert_last(ORDERED, json!({"items": items})).await;
    assert_eq!(order(&store, &[("p1", 134), ("p2", 320)]).await, invalid("p2"));
    store.assert_nothing_after(4).await;
}

/// Without a grace period, so that every order depends on the last change before it.
async fn every_order_bears_the_price_of_its_place_in_the_log(server: Server) {
    let store = Store::of(&server);
    let products = ["p1", "p2"];
    store.given(products.map(|product| defined(product, 1))).await;
    let merchants = products.iter().map(|product| async {
        for price in 2..=20 {
            store.given([changed(product, price)]).await;
        }
    });
    let customers = (0..10).map(|_| async {
        let mut bought = 0_u32;
        // The number of price changes is limited, so that orders succeed in the end.
        while bought < 5 {
            let shown = join_all(products.map(|product| shown(&store, product))).await;
            let items: Vec<(&str, u64)> = products.into_iter().zip(shown).collect();
            // A grace period that is over before it begins.
            bought += u32::from(order_within(&store, &items, -1).await.is_ok());
        }
        bought
    });
    let (_, bought) = tokio::join!(join_all(merchants), join_all(customers));
    let mut prices: HashMap<String, u64> = HashMap::new();
    let mut orders = 0;
    for (kind, data) in store.happened().await {
        if kind == ORDERED {
            orders += 1;
            for item in data["items"].as_array().unwrap() {
                let product = item["productId"].as_str().unwrap();
                assert_eq!(item["price"].as_u64(), Some(prices[product]), "{data}");
            }
        } else {
            let price = data["price"].as_u64().or(data["newPrice"].as_u64());
            prices.insert(data["productId"].as_str().unwrap().to_owned(), price.unwrap());
        }
    }
    assert_eq!(orders, bought.iter().sum::<u32>());
}
