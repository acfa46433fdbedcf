//! Metrics that are computed when they are scraped: where the log ends, whether its times agree with the clock, and
//! how far each subscription is behind.

use std::fmt;

use annals_store::Store;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

/// The most subscriptions that are listed individually: those furthest behind. More would overload the scraper.
const SHOWN_MAX: usize = 1_000;

/// Collects metrics of a store.
pub(super) struct Collected(pub Store);

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
        for kind in ["all", "stream"] {
            let open = places.iter().filter(|(_, of, _)| *of == kind).count();
            ConstGauge::new(signed(open as u64)).encode(family.encode_family(&Kind { kind })?)?;
        }

        let mut behind: Vec<_> = places
            .into_iter()
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

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let metric = ConstGauge::new(signed(value));
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// The library's gauges are signed; positions stay far below the limit.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
