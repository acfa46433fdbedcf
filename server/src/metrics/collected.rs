//! Metrics that are computed when they are scraped: where the log ends, whether its times agree with the clock, and
//! how far each subscription is behind.

use std::fmt;

use annals_services::groups::{GroupFigures, Groups};
use annals_store::Store;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

/// The most subscriptions that are listed individually: those furthest behind. More would overload the scraper.
const SHOWN_MAX: usize = 1_000;

/// Collects metrics of a store.
pub(super) struct Collected(pub Store);

/// Collects metrics of the consumer groups that this server leads.
pub(super) struct CollectedGroups {
    pub groups: Groups,
    pub store: Store,
}

impl fmt::Debug for CollectedGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CollectedGroups").finish()
    }
}

#[derive(Debug, EncodeLabelSet)]
struct Group {
    group: String,
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collected").field(&self.0.info()).finish()
    }
}

#[derive(Debug, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Subscription {
    subscription: u64,
    kind: &'static str,
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let info = self.0.info();
        gauge(
            &mut encoder,
            "head_position",
            "Position of the log's last event.",
            info.head.0,
        )?;
        gauge(
            &mut encoder,
            "indexed_position",
            "Position up to which the indexes are on disk.",
            info.indexed.0,
        )?;
        let clock = self.0.clock();
        gauge(
            &mut encoder,
            "recorded_time_ahead_seconds",
            "How far the log's last recorded time is ahead of this server's clock.",
            clock.log_ahead.as_secs(),
        )?;
        gauge(
            &mut encoder,
            "expiry_suspended",
            "1 while no event is removed by age, because the log's last recorded time is ahead of the clock.",
            u64::from(clock.expiry_suspended()),
        )?;

        let places = self.0.subscriptions().places();
        let mut family =
            encoder.encode_descriptor("subscriptions", "Open subscriptions.", None, MetricType::Gauge)?;
        for kind in ["all", "stream", "state"] {
            let open = places.iter().filter(|(_, of, _)| *of == kind).count();
            ConstGauge::new(signed(open as u64)).encode(family.encode_family(&Kind { kind })?)?;
        }

        // Subscriptions to state have no position in the log.
        let of_log = places.into_iter().filter(|(_, kind, _)| *kind != "state");
        let mut behind: Vec<_> = of_log
            .map(|(id, kind, place)| {
                (
                    info.head.0.saturating_sub(place.0),
                    Subscription {
                        subscription: id,
                        kind,
                    },
                )
            })
            .collect();
        behind.sort_by_key(|(events, _)| std::cmp::Reverse(*events));
        let furthest = behind.first().map_or(0, |(events, _)| *events);
        gauge(
            &mut encoder,
            "subscription_behind_events_max",
            "Positions between the head and the subscription that is furthest behind.",
            furthest,
        )?;
        let mut family = encoder.encode_descriptor(
            "subscription_behind_events",
            "Positions between the head and the position that a subscription has read; the 1,000 furthest behind.",
            None,
            MetricType::Gauge,
        )?;
        for (events, subscription) in behind.iter().take(SHOWN_MAX) {
            ConstGauge::new(signed(*events)).encode(family.encode_family(subscription)?)?;
        }
        Ok(())
    }
}

impl Collector for CollectedGroups {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let head = self.store.info().head.0;
        let mut groups = self.groups.figures();
        groups.sort_by_key(|(_, figures)| std::cmp::Reverse(head.saturating_sub(figures.done_to)));
        groups.truncate(SHOWN_MAX);
        let behind = |figures: &GroupFigures| head.saturating_sub(figures.done_to);
        type Value<'a> = &'a dyn Fn(&GroupFigures) -> u64;
        let gauges: [(&str, &str, Value<'_>); 5] = [
            (
                "group_consumers",
                "Connected consumers of a group that this server leads.",
                &|figures| figures.consumers,
            ),
            (
                "group_in_flight_events",
                "Events of a group that consumers hold.",
                &|figures| figures.in_flight,
            ),
            (
                "group_retrying_events",
                "Events of a group that have failed and wait.",
                &|figures| figures.retrying,
            ),
            ("group_parked_events", "Parked events of a group.", &|figures| {
                figures.parked
            }),
            (
                "group_behind_events",
                "Positions between the head and the position up to which a group is done; the 1,000 furthest behind.",
                &behind,
            ),
        ];
        for (name, help, value) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (group, figures) in &groups {
                let label = Group { group: group.clone() };
                ConstGauge::new(signed(value(figures))).encode(family.encode_family(&label)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "group_deliveries",
            "Deliveries of a group since this server leads it.",
            None,
            MetricType::Counter,
        )?;
        for (group, figures) in &groups {
            let label = Group { group: group.clone() };
            ConstCounter::new(figures.delivered).encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let metric = ConstGauge::new(signed(value));
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// The library's gauges are signed; positions stay far below the limit.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
