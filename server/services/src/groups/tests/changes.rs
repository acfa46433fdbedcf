//! Changes of a group while it is consumed.

use super::*;

#[tokio::test(start_paused = true)]
async fn groups_are_changed_reset_and_deleted() {
    let fixture = Fixture::new().await;
    fixture.append("a", 3).await;
    let group = fixture.create("g", GroupSettings::default()).await;
    let settings = fixture.groups.get("g").await.unwrap().settings;
    assert_eq!(
        fixture.groups.create("g", quick(), Start::End).await,
        Err(Error::Exists("g".into()))
    );
    let mut consumer = group.join("c", 10).await.unwrap();
    let given = deliveries(&mut consumer).await;
    let changed = GroupSettings {
        attempts_max: 7,
        ..settings
    };
    let conflict = Error::VersionConflict {
        name: "g".into(),
        expected: 5,
        actual: 1,
    };
    assert_eq!(group.update(changed.clone(), Some(5)).await, Err(conflict));
    assert_eq!(group.update(changed.clone(), Some(1)).await.unwrap().version, 2);
    assert_eq!(
        group.update(changed, Some(1)).await.unwrap().version,
        2,
        "a retry"
    );
    let told = consumer.next().await.unwrap();
    let ConsumerMessage::Withdrawn(WithdrawalReason::GroupChanged, mut ids) = told else {
        panic!("{told:?}");
    };
    ids.sort_unstable();
    assert_eq!(ids, given.iter().map(|delivery| delivery.0).collect::<Vec<_>>());
    let again = deliveries(&mut consumer).await;
    assert_eq!(again[0].1, 2);
    consumer
        .settler()
        .settle(acks(again.iter().map(|delivery| delivery.0)))
        .await
        .unwrap();
    assert_eq!(group.reset(Start::Beginning).await.unwrap(), 0);
    assert_eq!(deliveries(&mut consumer).await.len(), 3);
    assert!(matches!(
        group.reset(Start::After(annals_store::Position(1_000))).await,
        Err(Error::PositionBeyondHead { .. })
    ));
    assert!(group.delete().await.unwrap());
    while let Ok(message) = consumer.next().await {
        assert!(matches!(message, ConsumerMessage::Withdrawn(..)));
    }
    assert_eq!(fixture.groups.get("g").await, Err(Error::NotFound("g".into())));
}
