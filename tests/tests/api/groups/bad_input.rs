//! Requests about groups that are refused: with the field, and without effect.

use annals_proto::v1::{
    self as pb, consume_response::Content, group_service_client::GroupServiceClient, nack::Action,
    parked_selection::Selection,
};
use annals_tests::{
    harness::{Refusal, Server, within_patience},
    on_every_engine,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

use super::append;

on_every_engine!(
    settings_that_are_not_valid_are_refused_by_field,
    names_pages_and_selections_that_are_not_valid_are_refused_by_field,
    groups_that_do_not_exist_are_refused_by_every_call,
    consumers_that_do_not_open_as_they_should_are_refused,
    settlements_that_are_not_valid_end_the_consumer,
    deliveries_of_another_consumer_are_unknown,
);

type Stub = GroupServiceClient<Channel>;

fn stub(server: &Server) -> Stub {
    GroupServiceClient::new(server.channel())
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

async fn create(stub: &mut Stub, name: &str) {
    let query = pb::Query {
        items: vec![pb::QueryItem {
            types: vec!["Placed".to_owned()],
            ..Default::default()
        }],
    };
    let settings = Some(pb::GroupSettings {
        query: Some(query),
        ..Default::default()
    });
    let request = pb::CreateGroupRequest {
        name: name.to_owned(),
        settings,
        start: None,
    };
    stub.create_group(request).await.unwrap();
}

async fn settings_that_are_not_valid_are_refused_by_field(server: Server) {
    type Wrong = fn(&mut pb::GroupSettings);
    let wrong: [(Wrong, &str); 16] = [
        (|settings| settings.mode = 77, "settings.mode"),
        (
            |settings| settings.order_by_tag_prefix = "t".repeat(257),
            "settings.order_by_tag_prefix",
        ),
        (
            |settings| settings.order_by_tag_prefix = "a\u{7}".to_owned(),
            "settings.order_by_tag_prefix",
        ),
        (
            |settings| {
                settings.mode = pb::GroupMode::Unordered.into();
                settings.order_by_tag_prefix = "a:".to_owned();
            },
            "settings.order_by_tag_prefix",
        ),
        (
            |settings| settings.ack_timeout = seconds(0),
            "settings.ack_timeout",
        ),
        (
            |settings| settings.ack_timeout = seconds(3_601),
            "settings.ack_timeout",
        ),
        (
            |settings| settings.ack_timeout = seconds(i64::MAX),
            "settings.ack_timeout",
        ),
        (
            |settings| settings.ack_timeout = seconds(-1),
            "settings.ack_timeout",
        ),
        (
            |settings| settings.max_attempts = Some(0),
            "settings.max_attempts",
        ),
        (
            |settings| settings.max_attempts = Some(1_001),
            "settings.max_attempts",
        ),
        (
            |settings| settings.max_attempts = Some(u32::MAX),
            "settings.max_attempts",
        ),
        (
            |settings| settings.retry_delay = seconds(3_601),
            "settings.retry_delay",
        ),
        (
            |settings| settings.max_retry_delay = seconds(0),
            "settings.max_retry_delay",
        ),
        (
            |settings| settings.max_retry_delay = seconds(86_401),
            "settings.max_retry_delay",
        ),
        (
            |settings| {
                settings.mode = pb::GroupMode::Exclusive.into();
                settings.park_following = true;
            },
            "settings.park_following",
        ),
        (
            |settings| {
                let item = pb::QueryItem {
                    types: vec![String::new()],
                    ..Default::default()
                };
                settings.query = Some(pb::Query { items: vec![item] });
            },
            "settings.query.items[0].types[0]",
        ),
    ];
    let mut stub = stub(&server);
    create(&mut stub, "there").await;
    for (change, field) in wrong {
        let mut settings = pb::GroupSettings::default();
        change(&mut settings);
        let request = pb::CreateGroupRequest {
            name: "g".to_owned(),
            settings: Some(settings.clone()),
            start: None,
        };
        let refusal = Refusal::of(stub.create_group(request).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field, "{settings:?}");
        let request = pb::UpdateGroupRequest {
            name: "there".to_owned(),
            settings: Some(settings.clone()),
            expected_version: None,
        };
        let refusal = Refusal::of(stub.update_group(request).await);
        let refusal = refusal.expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field, "{settings:?}");
    }
    let groups = stub.list_groups(pb::ListGroupsRequest::default()).await.unwrap();
    let groups: Vec<_> = groups.into_inner().groups;
    assert_eq!((groups.len(), groups[0].version), (1, 1), "nothing has changed");
}

async fn names_pages_and_selections_that_are_not_valid_are_refused_by_field(server: Server) {
    let mut stub = stub(&server);
    create(&mut stub, "g").await;
    let expect = |result: Result<(), Status>, field: &str| {
        let refusal = Refusal::of(result).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field);
    };
    for name in ["", "$g", "a\nb", "a\u{7f}", &"g".repeat(257)] {
        let name = name.to_owned();
        let request = pb::CreateGroupRequest {
            name: name.clone(),
            ..Default::default()
        };
        expect(stub.create_group(request).await.map(drop), "name");
        let request = pb::UpdateGroupRequest {
            name: name.clone(),
            ..Default::default()
        };
        expect(stub.update_group(request).await.map(drop), "name");
        let request = pb::DeleteGroupRequest { name: name.clone() };
        expect(stub.delete_group(request).await.map(drop), "name");
        let request = pb::DescribeGroupRequest { name: name.clone() };
        expect(stub.describe_group(request).await.map(drop), "name");
        let request = pb::ResetGroupRequest {
            name: name.clone(),
            start: None,
        };
        expect(stub.reset_group(request).await.map(drop), "name");
        let request = pb::ListParkedRequest {
            group: name.clone(),
            ..Default::default()
        };
        expect(stub.list_parked(request).await.map(drop), "group");
        let request = pb::ReplayParkedRequest {
            group: name.clone(),
            selection: selection(Selection::All(())),
            ..Default::default()
        };
        expect(stub.replay_parked(request).await.map(drop), "group");
        let request = pb::DiscardParkedRequest {
            group: name,
            selection: selection(Selection::All(())),
        };
        expect(stub.discard_parked(request).await.map(drop), "group");
    }
    for size in [0, 1_001, u32::MAX] {
        let request = pb::ListGroupsRequest {
            page_size: Some(size),
            ..Default::default()
        };
        expect(stub.list_groups(request).await.map(drop), "page_size");
        let request = pb::ListParkedRequest {
            group: "g".to_owned(),
            page_size: Some(size),
            ..Default::default()
        };
        expect(stub.list_parked(request).await.map(drop), "page_size");
    }
    let positions = |count| {
        Selection::Positions(pb::ParkedPositions {
            positions: vec![1; count],
        })
    };
    let selections = [
        (None, "selection"),
        (Some(pb::ParkedSelection::default()), "selection"),
        (selection(positions(0)), "selection.positions"),
        (selection(positions(1_001)), "selection.positions"),
        (selection(Selection::Stream(String::new())), "selection.stream"),
    ];
    for (selection, field) in selections {
        let request = pb::ReplayParkedRequest {
            group: "g".to_owned(),
            selection: selection.clone(),
            ..Default::default()
        };
        expect(stub.replay_parked(request).await.map(drop), field);
        let request = pb::DiscardParkedRequest {
            group: "g".to_owned(),
            selection,
        };
        expect(stub.discard_parked(request).await.map(drop), field);
    }
}

fn selection(selection: Selection) -> Option<pb::ParkedSelection> {
    Some(pb::ParkedSelection {
        selection: Some(selection),
    })
}

async fn groups_that_do_not_exist_are_refused_by_every_call(server: Server) {
    let mut stub = stub(&server);
    let missing = |result: Result<(), Status>| {
        let refusal = Refusal::of(result).expect(Code::NotFound, "GROUP_NOT_FOUND");
        assert_eq!(refusal.metadata["group"], "none");
    };
    let name = || "none".to_owned();
    let request = pb::UpdateGroupRequest {
        name: name(),
        ..Default::default()
    };
    missing(stub.update_group(request).await.map(drop));
    let request = pb::DescribeGroupRequest { name: name() };
    missing(stub.describe_group(request).await.map(drop));
    let request = pb::ResetGroupRequest {
        name: name(),
        start: None,
    };
    missing(stub.reset_group(request).await.map(drop));
    let request = pb::ListParkedRequest {
        group: name(),
        ..Default::default()
    };
    missing(stub.list_parked(request).await.map(drop));
    let all = || selection(Selection::All(()));
    let request = pb::ReplayParkedRequest {
        group: name(),
        selection: all(),
        ..Default::default()
    };
    missing(stub.replay_parked(request).await.map(drop));
    let request = pb::DiscardParkedRequest {
        group: name(),
        selection: all(),
    };
    missing(stub.discard_parked(request).await.map(drop));
    let refused = consume(&mut stub, [open("none", "c", 1)]).await;
    missing(refused.map(drop));
    create(&mut stub, "g").await;
    let request = pb::ReplayParkedRequest {
        group: "g".to_owned(),
        selection: all(),
        to_group: name(),
    };
    missing(stub.replay_parked(request).await.map(drop));
}

fn open(group: &str, consumer: &str, permits: u64) -> pb::ConsumeRequest {
    let open = pb::OpenConsumer {
        group: group.to_owned(),
        consumer: consumer.to_owned(),
        permits,
    };
    pb::ConsumeRequest {
        open: Some(open),
        ..Default::default()
    }
}

type Requests = mpsc::Sender<pb::ConsumeRequest>;

/// Opens a call with these messages, and keeps it open.
async fn consume(
    stub: &mut Stub,
    messages: impl IntoIterator<Item = pb::ConsumeRequest>,
) -> Result<(Requests, Streaming<pb::ConsumeResponse>), Status> {
    let (requests, sent) = mpsc::channel(16);
    for message in messages {
        requests.try_send(message).unwrap();
    }
    let responses = within_patience("an answer", stub.consume(ReceiverStream::new(sent))).await?;
    Ok((requests, responses.into_inner()))
}

/// Receives until there are deliveries, and returns their ids.
async fn delivered(responses: &mut Streaming<pb::ConsumeResponse>) -> Vec<u64> {
    loop {
        let response = within_patience("a delivery", responses.message()).await.unwrap();
        if let Some(Content::Deliveries(batch)) = response.unwrap().content {
            return batch.deliveries.iter().map(|delivery| delivery.id).collect();
        }
    }
}

/// Receives until the call ends with an error.
async fn end(mut responses: Streaming<pb::ConsumeResponse>) -> Refusal {
    loop {
        match within_patience("the end", responses.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without an error"),
            Err(status) => return Refusal::of_status(&status),
        }
    }
}

async fn consumers_that_do_not_open_as_they_should_are_refused(server: Server) {
    let mut stub = stub(&server);
    create(&mut stub, "g").await;
    let wrong = [
        (pb::ConsumeRequest::default(), "open"),
        (
            pb::ConsumeRequest {
                acks: vec![1],
                ..Default::default()
            },
            "open",
        ),
        (open("", "c", 1), "open.group"),
        (open("a\nb", "c", 1), "open.group"),
        (open("g", "", 1), "open.consumer"),
        (open("g", "a\u{1b}", 1), "open.consumer"),
        (open("g", &"c".repeat(257), 1), "open.consumer"),
        (open("g", "c", 0), "open.permits"),
        (open("g", "c", 4_097), "open.permits"),
        (open("g", "c", 1 << 32), "open.permits"),
        (open("g", "c", (1 << 32) + 1), "open.permits"),
        (open("g", "c", u64::MAX), "open.permits"),
    ];
    for (message, field) in wrong {
        let refused = consume(&mut stub, [message.clone()]).await.map(drop);
        let refusal = Refusal::of(refused).expect(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refusal.field(), field, "{message:?}");
    }
    let (_requests, twice) = consume(&mut stub, [open("g", "c", 1), open("g", "c", 1)])
        .await
        .unwrap();
    let refusal = end(twice).await.expect(Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(refusal.field(), "open");

    let (_first, replaced) = consume(&mut stub, [open("g", "c", 1)]).await.unwrap();
    let (_second, mut replaces) = consume(&mut stub, [open("g", "c", 1)]).await.unwrap();
    let refusal = end(replaced).await.expect(Code::Aborted, "CONSUMER_REPLACED");
    assert_eq!(refusal.metadata["consumer"], "c");
    append(&server.client(), "s", 1).await;
    assert_eq!(delivered(&mut replaces).await.len(), 1, "the other one works");
}

async fn settlements_that_are_not_valid_end_the_consumer(server: Server) {
    let mut stub = stub(&server);
    create(&mut stub, "g").await;
    append(&server.client(), "s", 1).await;
    type Message = pb::ConsumeRequest;
    let nack = |deliveries: &[u64], reason: &str, action| Message {
        nacks: vec![pb::Nack {
            deliveries: deliveries.to_vec(),
            reason: reason.to_owned(),
            action,
        }],
        ..Default::default()
    };
    let acks = |id| Message {
        acks: vec![id],
        ..Default::default()
    };
    let permits = |permits| Message {
        permits: Some(permits),
        ..Default::default()
    };
    let retry_after = |after| nack(&[1], "", Some(Action::RetryAfter(after)));
    let cases = [
        (acks(0), "UNKNOWN_DELIVERY", ""),
        (acks(u64::MAX), "UNKNOWN_DELIVERY", ""),
        (nack(&[7], "", None), "UNKNOWN_DELIVERY", ""),
        (
            Message {
                extensions: vec![9],
                ..Default::default()
            },
            "UNKNOWN_DELIVERY",
            "",
        ),
        (permits(0), "INVALID_FIELD", "permits"),
        (permits(4_097), "INVALID_FIELD", "permits"),
        (permits(1 << 32), "INVALID_FIELD", "permits"),
        (nack(&[], "", None), "INVALID_FIELD", "nacks[0].deliveries"),
        (
            nack(&[1], &"r".repeat(1_025), None),
            "INVALID_FIELD",
            "nacks[0].reason",
        ),
        (
            retry_after(seconds(86_401).unwrap()),
            "INVALID_FIELD",
            "nacks[0].retry_after",
        ),
        (
            retry_after(seconds(-1).unwrap()),
            "INVALID_FIELD",
            "nacks[0].retry_after",
        ),
    ];
    for (nth, (message, reason, field)) in cases.into_iter().enumerate() {
        // Another event each time: it counts as an attempt when a consumer ends with an error.
        append(&server.client(), &format!("s-{nth}"), 1).await;
        let (requests, mut responses) = consume(&mut stub, [open("g", &format!("c-{nth}"), 4)])
            .await
            .unwrap();
        delivered(&mut responses).await;
        requests.send(message.clone()).await.unwrap();
        let refusal = end(responses).await.expect(Code::InvalidArgument, reason);
        if !field.is_empty() {
            assert_eq!(refusal.field(), field, "{message:?}");
        }
    }
}

async fn deliveries_of_another_consumer_are_unknown(server: Server) {
    let mut stub = stub(&server);
    create(&mut stub, "g").await;
    append(&server.client(), "a", 1).await;
    append(&server.client(), "b", 1).await;
    let (of_first, mut first) = consume(&mut stub, [open("g", "first", 1)]).await.unwrap();
    let (of_second, mut second) = consume(&mut stub, [open("g", "second", 1)]).await.unwrap();
    let (held_by_first, held_by_second) = (delivered(&mut first).await, delivered(&mut second).await);
    let acks = |acks: &[u64]| pb::ConsumeRequest {
        acks: acks.to_vec(),
        ..Default::default()
    };
    of_second.send(acks(&held_by_first)).await.unwrap();
    let refusal = end(second)
        .await
        .expect(Code::InvalidArgument, "UNKNOWN_DELIVERY");
    assert_eq!(refusal.metadata["delivery"], held_by_first[0].to_string());
    drop(of_second);
    // The first one still holds its own, and gets what the other one had.
    of_first.send(acks(&held_by_first)).await.unwrap();
    let next = delivered(&mut first).await;
    assert_eq!(next.len(), 1);
    assert_ne!(next, held_by_second, "on another call it has another id");
    // Settling one a second time is no error.
    of_first.send(acks(&held_by_first)).await.unwrap();
    loop {
        let response = within_patience("a withdrawal", first.message()).await.unwrap();
        if let Some(Content::Withdrawal(withdrawal)) = response.unwrap().content {
            assert_eq!(withdrawal.reason(), pb::WithdrawalReason::TooLate);
            assert_eq!(withdrawal.deliveries, held_by_first);
            return;
        }
    }
}
