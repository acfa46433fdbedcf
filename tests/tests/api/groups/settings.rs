//! Creating, changing, listing and deleting groups.

use std::time::Duration;

use annals_client::{Error, Group, GroupMode, GroupSettings, GroupStart, Position, QueryItem};
use annals_tests::{harness::Server, on_every_engine};

use super::append;

on_every_engine!(
    groups_are_created_once_and_changed_by_version,
    groups_are_listed_in_order_and_deleted,
    groups_start_where_they_are_told_to,
);

async fn groups_are_created_once_and_changed_by_version(server: Server) {
    let client = server.client();
    let wanted = GroupSettings::new()
        .query(QueryItem::new().in_stream_prefix("order-").of_type("Placed"))
        .order_by_tag_prefix("customer:")
        .ack_timeout(Duration::from_millis(1_500))
        .max_attempts(3);
    let created = client
        .create_group("g", wanted.clone(), GroupStart::End)
        .await
        .unwrap();
    assert_eq!((created.name.as_str(), created.version), ("g", 1));
    let filled = wanted
        .clone()
        .retry_delay(Duration::from_secs(1))
        .max_retry_delay(Duration::from_secs(60));
    assert_eq!(created.settings, filled, "with the defaults");
    let again = client.create_group("g", wanted.clone(), GroupStart::End).await;
    assert_eq!(again.unwrap(), created);
    let other = client
        .create_group("g", GroupSettings::new(), GroupStart::End)
        .await;
    assert!(
        matches!(&other, Err(Error::GroupExists { group }) if group == "g"),
        "{other:?}"
    );

    let exclusive = GroupSettings::new().mode(GroupMode::Exclusive);
    let updated = client.update_group("g", exclusive.clone(), 1).await.unwrap();
    assert_eq!(
        (updated.version, updated.settings.mode),
        (2, GroupMode::Exclusive)
    );
    let late = client.update_group("g", wanted, 1).await.unwrap_err();
    assert!(late.is_conflict());
    let Error::GroupVersionConflict {
        group,
        expected: 1,
        actual: 2,
    } = &late
    else {
        panic!("{late:?}");
    };
    assert_eq!(group, "g");
    let missing = client.update_group("h", exclusive, None).await;
    assert!(matches!(missing, Err(Error::GroupNotFound { .. })), "{missing:?}");
    assert_eq!(client.describe_group("g").await.unwrap().group, updated);
}

async fn groups_are_listed_in_order_and_deleted(server: Server) {
    let client = server.client();
    for name in ["b-2", "a", "b-1", "b-3"] {
        let settings = GroupSettings::new();
        client
            .create_group(name, settings, GroupStart::Beginning)
            .await
            .unwrap();
    }
    let names = async |prefix: &str| {
        let mut groups = client.list_groups(prefix);
        let mut names = Vec::new();
        while let Some(group) = groups.next().await {
            let Group { name, .. } = group.unwrap();
            names.push(name);
        }
        names
    };
    assert_eq!(names("").await, ["a", "b-1", "b-2", "b-3"]);
    assert_eq!(names("b-").await, ["b-1", "b-2", "b-3"]);
    assert!(client.delete_group("b-2").await.unwrap());
    assert!(!client.delete_group("b-2").await.unwrap());
    assert_eq!(names("b-").await, ["b-1", "b-3"]);
}

async fn groups_start_where_they_are_told_to(server: Server) {
    let client = server.client();
    append(&client, "s", 3).await;
    let begun = async |name: &str, start| {
        client
            .create_group(name, GroupSettings::new(), start)
            .await
            .unwrap();
        let status = client.describe_group(name).await.unwrap();
        // The group's own events are at the end of the log.
        assert_eq!(status.lag_events, status.head.0 - status.done_position.0);
        status.done_position
    };
    assert_eq!(begun("end", GroupStart::End).await, 3);
    assert_eq!(begun("beginning", GroupStart::Beginning).await, 0);
    assert_eq!(begun("after", GroupStart::After(Position(2))).await, 2);
    let first = client.read_all().await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(begun("time", GroupStart::Time(first.recorded_at)).await, 0);
    let beyond = client.reset_group("end", GroupStart::After(Position(999))).await;
    assert!(
        matches!(beyond, Err(Error::PositionBeyondHead { .. })),
        "{beyond:?}"
    );
    let again = client.reset_group("end", GroupStart::After(Position(1))).await;
    assert_eq!(again.unwrap(), 1);
    assert_eq!(client.describe_group("end").await.unwrap().done_position, 1);
}
