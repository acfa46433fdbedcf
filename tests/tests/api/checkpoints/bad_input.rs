//! Requests about checkpoints that are refused: with the field, and without effect.

use annals_proto::v1 as pb;
use annals_tests::{
    harness::{Refusal, Server},
    on_every_engine,
};
use tonic::Code;

use super::{listed, set, stub};

on_every_engine!(fields_that_are_not_valid_are_refused_by_name);

/// Refuses names that are not valid, whatever the call.
const NAMES: [&str; 5] = ["", "$orders", "a\n", "\0", "\u{85}"];

async fn fields_that_are_not_valid_are_refused_by_name(server: Server) {
    let mut stub = stub(&server);
    let long = "n".repeat(257);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        let name = || name.to_owned();
        let get = pb::GetCheckpointRequest { name: name() };
        let delete = pb::DeleteCheckpointRequest { name: name() };
        for refusal in [
            Refusal::of(stub.set_checkpoint(set(&name(), 0)).await),
            Refusal::of(stub.get_checkpoint(get).await),
            Refusal::of(stub.delete_checkpoint(delete).await),
        ] {
            let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(refusal.field(), "name");
        }
    }

    type Set = pb::SetCheckpointRequest;
    type Wrong<T> = fn(&mut T);
    let wrong: [(Wrong<Set>, &str); 4] = [
        (|set| set.consumer = "c".repeat(257), "consumer"),
        (|set| set.consumer = "a\u{7}".to_owned(), "consumer"),
        (|set| set.instance = "i".repeat(257), "instance"),
        (|set| set.instance = "\u{7f}".to_owned(), "instance"),
    ];
    for (change, field) in wrong {
        let mut request = set("orders", 0);
        change(&mut request);
        let refusal = Refusal::of(stub.set_checkpoint(request).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    }

    type List = pb::ListCheckpointsRequest;
    let wrong: [(Wrong<List>, &str); 7] = [
        (|list| list.name_prefix = "$".to_owned(), "name_prefix"),
        (|list| list.name_prefix = "\u{1}".to_owned(), "name_prefix"),
        (|list| list.name_prefix = "n".repeat(257), "name_prefix"),
        (|list| list.after_name = "$".to_owned(), "after_name"),
        (|list| list.after_name = "n".repeat(257), "after_name"),
        (|list| list.page_size = Some(0), "page_size"),
        (|list| list.page_size = Some(1_001), "page_size"),
    ];
    for (change, field) in wrong {
        let mut request = List::default();
        change(&mut request);
        let refusal = Refusal::of(stub.list_checkpoints(request).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    }
    let all = listed(&mut stub, List::default()).await;
    assert_eq!((all.statuses.len(), all.head), (0, 0), "nothing was written");

    // The limits themselves are accepted.
    let largest = Set {
        name: "n".repeat(256),
        consumer: "c".repeat(256),
        instance: "i".repeat(256),
        ..Set::default()
    };
    stub.set_checkpoint(largest).await.unwrap();
    stub.set_checkpoint(Set {
        consumer: String::new(),
        instance: String::new(),
        ..set("orders", 0)
    })
    .await
    .unwrap();
    let request = List {
        page_size: Some(1_000),
        after_name: "n".repeat(256),
        name_prefix: "n".repeat(256),
    };
    assert!(listed(&mut stub, request).await.statuses.is_empty());
}
