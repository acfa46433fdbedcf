//! Orders across languages: one order, of which each step is performed by the application of another language, and
//! which all of them show, list and give the history of identically, byte for byte.

use std::thread;

use annals_tests::{
    harness::{Engine, Finished, Server},
    interop::{Language, Orders},
};
use serde_json::Value;

/// The steps of an order, without its id: a command, and its arguments.
const STORY: [(&str, &[&str]); 7] = [
    ("create", &["--customer", CUSTOMER]),
    ("add-item", &["tea", "2", "450"]),
    // The most expensive item allowed, so that sums exceed 32 bits.
    ("add-item", &[SKU, "1000", "100000000"]),
    ("confirm", &[]),
    (
        "ship",
        &[
            "--carrier",
            "Post / Überland",
            "--tracking",
            "1Z \t\u{7f}\u{1f375}",
        ],
    ),
    ("deliver", &[]),
    // Too late.
    ("cancel", &["--reason", "changed my mind"]),
];

/// Characters that JSON must escape, need not escape, and that are often escaped needlessly.
const CUSTOMER: &str = "zoë \"7\" \\ / <&>";
const SKU: &str = "th\u{e9} \u{2028}\u{301}";

/// The applications, all on one server.
fn applications(server: &Server) -> Vec<Orders> {
    let applications: Vec<_> = Language::taking_part()
        .into_iter()
        .map(|language| Orders::new(language, server.endpoint(), server.folder()))
        .collect();
    let names: Vec<_> = applications.iter().map(|orders| orders.language.name()).collect();
    println!("Orders in {}", names.join(", "));
    applications
}

/// The output of all applications, which must be the same.
fn all_say(applications: &[Orders], arguments: &[&str]) -> String {
    let said: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = applications
            .iter()
            .map(|orders| scope.spawn(|| orders.say(arguments)))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (orders, one) in applications.iter().zip(&said) {
        let (name, first) = (orders.language.name(), applications[0].language.name());
        assert_eq!(one, &said[0], "{arguments:?} in {name} differs from {first}");
    }
    said[0].clone()
}

/// A command with the order's id after its name.
fn command<'a>(id: &'a str, (name, rest): (&'a str, &[&'a str])) -> Vec<&'a str> {
    [name, id].into_iter().chain(rest.iter().copied()).collect()
}

fn assert_refused(finished: &Finished, code: &str, who: &str) {
    assert_eq!(finished.code, 2, "{who}: {}{}", finished.stdout, finished.stderr);
    let said = finished.stderr.trim_end();
    let told = said.starts_with("error: ") && said.ends_with(&format!("({code})"));
    assert!(told, "{who} refuses with {code}: {said}");
    assert_eq!(finished.stdout, "", "{who} prints nothing of what was refused");
}

#[test]
fn an_order_goes_from_language_to_language() {
    let server = Server::start(Engine::Embedded);
    let applications = applications(&server);
    let count = applications.len();
    // Each language performs each step once.
    for first in 0..count {
        let id = format!("o{first}-ä");
        let mut recorded = Vec::new();
        let (refused, steps) = STORY.split_last().unwrap();
        for (number, step) in steps.iter().enumerate() {
            let orders = &applications[(first + number) % count];
            let said = orders.say(&command(&id, *step));
            let done: Value = serde_json::from_str(&said).unwrap();
            let position = first * steps.len() + number + 1;
            assert_eq!(
                said,
                format!("{{\"orderId\":\"{id}\",\"revision\":{number},\"position\":{position}}}\n"),
                "{} reports where {done} is stored",
                orders.language.name()
            );
            recorded.push(all_say(&applications, &["show", &id]));
        }
        for orders in &applications {
            assert_refused(
                &orders.run(&command(&id, *refused)),
                "order_delivered",
                orders.language.name(),
            );
        }
        assert_the_end_is_right(&applications, &id, &recorded);
    }
    let listed = all_say(&applications, &["list"]);
    assert_eq!(listed.lines().count(), count, "{listed}");
    let none = all_say(&applications, &["list", "--status", "open"]);
    assert_eq!(none, "");
    assert_eq!(all_say(&applications, &["list", "--status", "delivered"]), listed);
}

/// Checks the final state of the order, and its state at the time of each of its events.
fn assert_the_end_is_right(applications: &[Orders], id: &str, shown_after_each: &[String]) {
    let shown = all_say(applications, &["show", id]);
    let order: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(order["orderId"], id);
    assert_eq!(order["customerId"], CUSTOMER);
    assert_eq!(order["status"], "delivered");
    assert_eq!(order["totalCents"], 100_000_000_900_u64);
    assert_eq!(order["items"][1]["sku"], SKU);
    let keys: Vec<_> = order.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["orderId", "customerId", "status", "items", "totalCents"]);

    let history = all_say(applications, &["history", id]);
    let events: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    let expected = [
        "OrderCreated",
        "OrderItemAdded",
        "OrderItemAdded",
        "OrderConfirmed",
        "OrderShipped",
        "OrderDelivered",
    ];
    assert_eq!(types, expected);
    for (event, shown_then) in events.iter().zip(shown_after_each) {
        let then = event["recordedAt"].as_str().unwrap();
        assert_eq!(&all_say(applications, &["show", id, "--as-of", then]), shown_then);
    }
    let then = events[2]["recordedAt"].as_str().unwrap();
    let past = all_say(applications, &["history", id, "--as-of", then]);
    assert_eq!(past.lines().count(), 3, "{past}");
}

#[test]
fn the_rules_are_the_same_in_every_language() {
    let server = Server::start(Engine::Memory);
    for orders in applications(&server) {
        let name = orders.language.name();
        let id = format!("rules-{name}");
        let id = id.as_str();
        let refused =
            |step: (&str, &[&str]), code: &str| assert_refused(&orders.run(&command(id, step)), code, name);
        let done = |step: (&str, &[&str])| drop(orders.say(&command(id, step)));
        let item: (&str, &[&str]) = ("add-item", &["tea", "1", "5"]);
        let ship: (&str, &[&str]) = ("ship", &["--carrier", "Post", "--tracking", "7"]);
        let cancel: (&str, &[&str]) = ("cancel", &["--reason", "none"]);
        let create: (&str, &[&str]) = ("create", &["--customer", "c"]);

        refused(item, "order_not_found");
        assert_refused(&orders.run(&["show", id]), "order_not_found", name);
        done(create);
        refused(create, "order_exists");
        refused(("confirm", &[]), "order_empty");
        done(item);
        refused(ship, "order_not_confirmed");
        done(("confirm", &[]));
        refused(item, "order_not_open");
        refused(("confirm", &[]), "order_already_confirmed");
        refused(("deliver", &[]), "order_not_shipped");
        done(ship);
        refused(ship, "order_already_shipped");
        done(cancel);
        refused(item, "order_cancelled");
        refused(cancel, "order_cancelled");
    }
}
