//! Runs the application as a process against a real server.

#![allow(clippy::unwrap_used, reason = "a failing test should show where it failed")]

use std::process::{Command, Output};

use annals_toolkit::testing::Server;
use tempfile::TempDir;

struct Application {
    server: Server,
    folder: TempDir,
}

impl Application {
    fn start() -> Self {
        Application {
            server: Server::start().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_annals-orders"))
            .args(arguments)
            .env("ANNALS_ENDPOINT", self.server.endpoint())
            .env("ORDERS_DATABASE", self.folder.path().join("orders.db"))
            .output()
            .unwrap()
    }

    /// Returns the output of a command that succeeds.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), told.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the exit code and the error text of a command that fails.
    fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(arguments);
        assert_eq!(output.stdout, b"", "{arguments:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn an_order_is_followed_through_its_life() {
    let orders = Application::start();
    let done = |revision: u64| {
        let position = revision + 1;
        format!("{{\"orderId\":\"o1\",\"revision\":{revision},\"position\":{position}}}\n")
    };
    assert_eq!(orders.said(&["create", "o1", "--customer", "c1"]), done(0));
    assert_eq!(orders.said(&["add-item", "o1", "tea", "2", "450"]), done(1));
    let open = "{\"orderId\":\"o1\",\"customerId\":\"c1\",\"status\":\"open\",\
                \"items\":[{\"sku\":\"tea\",\"quantity\":2,\"unitPriceCents\":450}],\"totalCents\":900}\n";
    assert_eq!(orders.said(&["show", "o1"]), open);
    assert_eq!(orders.said(&["confirm", "o1"]), done(2));
    assert_eq!(
        orders.said(&["ship", "o1", "--carrier", "post", "--tracking", "T-1"]),
        done(3)
    );
    assert_eq!(orders.said(&["deliver", "o1"]), done(4));
    let history = orders.said(&["history", "o1"]);
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[4].starts_with("{\"revision\":4,\"type\":\"OrderDelivered\",\"recordedAt\":\""),
        "{}",
        lines[4]
    );
    assert!(lines[4].ends_with("Z\",\"data\":{}}"), "{}", lines[4]);
    let added: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    let then = added["recordedAt"].as_str().unwrap();
    assert_eq!(orders.said(&["show", "o1", "--as-of", then]), open);
    assert_eq!(
        orders.said(&["history", "o1", "--as-of", then]).lines().count(),
        2
    );
}

#[test]
fn the_list_sees_what_was_written_before_it_was_asked() {
    let orders = Application::start();
    let item = |id: &str, status: &str, items: u32, cents: u32| {
        format!(
            "{{\"orderId\":\"{id}\",\"customerId\":\"c1\",\"status\":\"{status}\",\"itemCount\":{items},\"totalCents\":{cents}}}\n"
        )
    };
    assert_eq!(orders.said(&["list"]), "");
    for id in ["o2", "o1"] {
        orders.said(&["create", id, "--customer", "c1"]);
        orders.said(&["add-item", id, "tea", "2", "450"]);
    }
    assert_eq!(
        orders.said(&["list"]),
        item("o1", "open", 1, 900) + &item("o2", "open", 1, 900)
    );
    orders.said(&["cancel", "o2", "--reason", "no"]);
    orders.said(&["confirm", "o1"]);
    assert_eq!(
        orders.said(&["list", "--status", "cancelled"]),
        item("o2", "cancelled", 1, 900)
    );
    assert_eq!(orders.said(&["list", "--status", "open"]), "");
}

#[test]
fn what_is_refused_and_what_fails_have_codes_of_their_own() {
    let mut orders = Application::start();
    for arguments in [&["show", "o1"][..], &["history", "o1"], &["confirm", "o1"]] {
        let expected = "error: there is no such order; create it first (order_not_found)\n";
        assert_eq!(orders.refused(arguments), (Some(2), expected.to_owned()));
    }
    orders.said(&["create", "o1", "--customer", "c1"]);
    let quantity = "error: quantity -1 is not between 1 and 1000 (invalid_quantity)\n";
    assert_eq!(
        orders.refused(&["add-item", "o1", "tea", "-1", "450"]),
        (Some(2), quantity.to_owned())
    );
    let empty = "error: order o1 has no items, and can't be confirmed (order_empty)\n";
    assert_eq!(orders.refused(&["confirm", "o1"]), (Some(2), empty.to_owned()));
    orders.server.kill();
    let (code, told) = orders.refused(&["show", "o1"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.starts_with("error: "), "{told}");
}

#[test]
fn long_orders_are_loaded_from_snapshots_of_a_form_of_their_own() {
    let orders = Application::start();
    orders.said(&["create", "o1", "--customer", "c1"]);
    for _ in 0..50 {
        orders.said(&["add-item", "o1", "tea", "1", "1"]);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = orders.server.client().unwrap();
    let snapshot = runtime
        .block_on(client.load_snapshot("order-o1").into_future())
        .unwrap()
        .expect("a snapshot of 50 events");
    assert_eq!((snapshot.schema_version, snapshot.revision.0), (3, 49));
    let shown = orders.said(&["show", "o1"]);
    assert!(shown.ends_with("\"totalCents\":50}\n"), "{shown}");
}

#[test]
fn the_demonstration_tells_a_whole_story() {
    let orders = Application::start();
    let told = orders.said(&["demo"]);
    assert!(
        told.contains("add a cup after that: refused, order demo-"),
        "{told}"
    );
    assert!(
        told.contains("is confirmed, and takes no more items (order_not_open)"),
        "{told}"
    );
    assert!(
        told.lines()
            .last()
            .unwrap()
            .starts_with("in the list: {\"orderId\":\"demo-"),
        "{told}"
    );
    assert!(
        told.contains("\"status\":\"delivered\",\"itemCount\":2,\"totalCents\":2800}"),
        "{told}"
    );
}
