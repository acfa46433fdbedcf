//! Invoice numbers (<https://dcb.events/examples/invoice-number/>): they are 1, 2, 3, … without gaps, whichever
//! client writes an invoice. Decided on all invoices so far, or on the last one only, which costs the same however
//! many there are.

use annals_client::{Query, QueryItem, RecordedEvent};
use annals_tests::{
    harness::{Server, within_patience},
    on_every_engine,
};
use futures::future::join_all;
use serde_json::{Value, json};

use super::store::{Fact, Store, fact};

on_every_engine!(
    the_first_invoice_has_number_1,
    the_next_invoice_has_the_next_number,
    a_hundred_invoices_at_once_are_numbered_without_gaps,
);

const CREATED: &str = "InvoiceCreated";

fn created(number: u64, invoice: &Value) -> Fact {
    let data = json!({"invoiceNumber": number, "invoiceData": invoice});
    fact(
        format!("invoice-{number}"),
        CREATED,
        &data,
        &[&format!("invoice:{number}")],
    )
}

fn next_number(events: &[RecordedEvent]) -> u64 {
    events.last().map_or(1, |event| {
        let data: Value = event.json().unwrap();
        data["invoiceNumber"].as_u64().unwrap() + 1
    })
}

fn invoices() -> Query {
    QueryItem::new().of_type(CREATED).into()
}

async fn create(store: &Store, invoice: Value) {
    let decide = |events: &[RecordedEvent]| Ok::<_, ()>(vec![created(next_number(events), &invoice)]);
    store.decide(invoices(), decide).await.unwrap();
}

/// Creates an invoice, decided on the last one.
async fn create_after_last(store: &Store, invoice: Value) {
    let creating = async {
        loop {
            let seen = store.read_last(invoices()).await;
            let next = created(next_number(&seen.events), &invoice);
            if store.try_to_append(vec![next], &invoices(), seen.head).await {
                return;
            }
        }
    };
    within_patience("an invoice", creating).await;
}

async fn the_first_invoice_has_number_1(server: Server) {
    let store = Store::of(&server);
    create(&store, json!({"foo": "bar"})).await;
    store
        .assert_last(
            CREATED,
            json!({"invoiceNumber": 1, "invoiceData": {"foo": "bar"}}),
        )
        .await;
}

async fn the_next_invoice_has_the_next_number(server: Server) {
    let store = Store::of(&server);
    store.given([created(1, &json!({"foo": "bar"}))]).await;
    create(&store, json!({"bar": "baz"})).await;
    store
        .assert_last(
            CREATED,
            json!({"invoiceNumber": 2, "invoiceData": {"bar": "baz"}}),
        )
        .await;
    create_after_last(&store, json!({})).await;
    store
        .assert_last(CREATED, json!({"invoiceNumber": 3, "invoiceData": {}}))
        .await;
}

async fn a_hundred_invoices_at_once_are_numbered_without_gaps(server: Server) {
    let store = Store::of(&server);
    join_all((0..100).map(|n| create_after_last(&store, json!({"n": n})))).await;
    let happened = store.happened().await;
    let numbers = happened
        .iter()
        .map(|(_, data)| data["invoiceNumber"].as_u64().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    assert!(store.conflicts() > 0, "no append came in between");
}
