//! Process managers: every reaction takes effect once, and propagates metadata.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use annals_client::{QueryItem, RecordedEvent};
use annals_toolkit::metadata::Context;
use annals_toolkit::projection::{Definition, ProjectionPolicy};
use annals_toolkit::store::BoxError;
use annals_toolkit::store::memory::MemoryStore;
use annals_toolkit::testing::Server;
use annals_toolkit::{ProcessManager, Projections, Repository};
use serde_json::Value;

use crate::domain::{Order, OrderEvent};
use crate::places::{Place, on_every_store};

on_every_store! {
    a_reaction_has_its_effect_once
}

/// Prepares a shipment for each confirmed order, and fails a few times afterwards.
struct Shipping {
    shipments: Repository<Order>,
    failures: AtomicU32,
    reactions: Arc<AtomicU32>,
}

impl ProcessManager for Shipping {
    fn definition(&self) -> Definition {
        let confirmed = QueryItem::new()
            .of_type("OrderConfirmed")
            .in_stream_prefix("order-");
        Definition::new("shipping").query(confirmed)
    }

    async fn react(&self, event: &RecordedEvent) -> Result<(), BoxError> {
        self.reactions.fetch_add(1, Ordering::Relaxed);
        let order = event.stream.clone();
        let prepare = |_: &Order| Ok::<_, String>([OrderEvent::ShipmentPrepared { order: order.clone() }]);
        self.shipments.execute(&event.stream, prepare).await?;
        let fails = |left: u32| left.checked_sub(1);
        if self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails)
            .is_ok()
        {
            return Err("after its command, but before its checkpoint".into());
        }
        Ok(())
    }
}

async fn a_reaction_has_its_effect_once<P: Place>(place: P) {
    let server = Server::start().unwrap();
    let client = server.client().unwrap();
    let orders: Repository<Order> = Repository::new(client.clone());
    let shipments = Repository::without_snapshots(client.clone()).category("shipment");
    let reactions = Arc::new(AtomicU32::new(0));
    let shipping = |failures| Shipping {
        shipments: shipments.clone(),
        failures: AtomicU32::new(failures),
        reactions: reactions.clone(),
    };
    let request = Context::current().user_id("ada").correlation_id("request");
    let done = request.scope(async {
        let mut last = None;
        for id in 0..3 {
            orders
                .execute(id, |order: &Order| order.add("book"))
                .await
                .unwrap();
            last = orders.execute(id, Order::confirm).await.unwrap().position;
        }
        last
    });
    let done = done.await;
    let fast = ProjectionPolicy {
        pause_first: Duration::from_millis(10),
        ..ProjectionPolicy::default()
    };
    let running = Projections::new(client.clone()).policy(fast);
    let running = running.add_process(place.store(), shipping(2)).start();
    running.wait_for(done).await.unwrap();
    assert!(reactions.load(Ordering::Relaxed) >= 5);
    // Process all events again, from the beginning.
    let again = Projections::new(client.clone()).policy(fast);
    let again = again.add_process(&MemoryStore::<()>::new(), shipping(0)).start();
    again.wait_for(done).await.unwrap();
    for id in 0..3 {
        let read = async |stream: String| client.read_stream(stream).await.unwrap().collect().await.unwrap();
        let events = read(format!("shipment-order-{id}")).await;
        assert_eq!(events.len(), 1);
        let said: Value = events[0].json_metadata().unwrap();
        assert_eq!(
            (&said["userId"], &said["correlationId"]),
            (&"ada".into(), &"request".into())
        );
        assert_eq!(
            said["causationId"],
            read(format!("order-{id}")).await[1].id.to_string()
        );
        let shipment = shipments.load(format!("order-{id}")).await.unwrap();
        assert_eq!(shipment.state.shipments, 1);
    }
}
