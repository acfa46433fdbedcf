//! Tests which requests are refused, for which field, and how valid ones are parsed.

mod append;
mod many;
mod plain;
mod query;
mod read;
mod snapshot;
mod streams;
mod subscribe;

use annals_proto::v1 as pb;
use annals_store::Limits;

use crate::grpc::status::{Fault, Invalid};

const ID: &str = "0190a3c2-7d5e-7b3a-9c1f-2e4d6f8a0b1c";

fn event() -> pb::NewEvent {
    pb::NewEvent {
        r#type: "Placed".into(),
        ..pb::NewEvent::default()
    }
}

fn queried(change: impl FnOnce(&mut pb::QueryItem)) -> Option<pb::Query> {
    let mut item = pb::QueryItem {
        types: vec!["Placed".into()],
        ..pb::QueryItem::default()
    };
    change(&mut item);
    Some(pb::Query {
        items: vec![pb::QueryItem::default(), item],
    })
}

fn limits() -> Limits {
    Limits {
        event_bytes_max: 1_000,
        append_bytes_max: 2_000,
        ..Limits::default()
    }
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, Invalid>, field: &str, fault: Fault) {
    let invalid = result.expect_err(field);
    assert_eq!(
        (invalid.field.as_str(), invalid.fault),
        (field, fault),
        "{invalid}"
    );
    assert!(
        !invalid.problem.is_empty() && invalid.to_string().len() < 500,
        "{invalid}"
    );
}
