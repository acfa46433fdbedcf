//! Metrics of checkpoints: how far each is behind the end of the log.
//!
//! A scrape must not wait for the storage, so the lags are read in the background, and a scrape reports those that were
//! read last. While there are no checkpoints, each time costs one small read.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use annals_services::checkpoints::{CHECKPOINTS_PAGE_MAX, Checkpoints, ListCheckpoints};
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use tracing::debug;

use super::collected::signed;

/// Time between two reads of the lags.
const INTERVAL: Duration = Duration::from_secs(10);

/// The lags of the first checkpoints by name, at most one page; more would overload the scraper. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckpointLags(Arc<Mutex<Vec<Lag>>>);

#[derive(Clone, Debug, PartialEq)]
struct Lag {
    name: String,
    events: u64,
    seconds: f64,
}

#[derive(Debug, EncodeLabelSet)]
struct Labels {
    checkpoint: String,
}

impl CheckpointLags {
    /// Reads the lags of a store's checkpoints, repeatedly. Never returns.
    pub(crate) async fn follow(&self, checkpoints: &Checkpoints) -> Infallible {
        loop {
            self.read(checkpoints).await;
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn read(&self, checkpoints: &Checkpoints) {
        let first = ListCheckpoints {
            prefix: String::new(),
            after: None,
            limit: CHECKPOINTS_PAGE_MAX,
        };
        let lags = match checkpoints.list(first).await {
            Ok(page) => page.statuses.into_iter().map(|status| Lag {
                name: status.checkpoint.name.to_string(),
                events: status.lag_events,
                seconds: status.lag.as_secs_f64(),
            }),
            Err(error) => {
                // Health reports a storage that does not answer. No lags are better than those of some other time.
                debug!(%error, "cannot read the lags of checkpoints");
                self.0.lock().clear();
                return;
            }
        };
        let lags = lags.collect();
        *self.0.lock() = lags;
    }
}

impl Collector for CheckpointLags {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let lags = self.0.lock().clone();
        if lags.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "checkpoint_lag_events",
            "Positions between a checkpoint and the head; the first 1,000 checkpoints by name, read every 10 seconds.",
            None,
            MetricType::Gauge,
        )?;
        for lag in &lags {
            ConstGauge::new(signed(lag.events)).encode(family.encode_family(&labels(lag))?)?;
        }
        let mut family = encoder.encode_descriptor(
            "checkpoint_lag_seconds",
            "Age of the first event after a checkpoint; 0 if there is none.",
            None,
            MetricType::Gauge,
        )?;
        for lag in &lags {
            ConstGauge::new(lag.seconds).encode(family.encode_family(&labels(lag))?)?;
        }
        Ok(())
    }
}

fn labels(lag: &Lag) -> Labels {
    Labels {
        checkpoint: lag.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::{CheckpointLags, Lag};

    fn shown(lags: Vec<Lag>) -> String {
        let collected = CheckpointLags::default();
        *collected.0.lock() = lags;
        let mut registry = Registry::with_prefix("annals");
        registry.register_collector(Box::new(collected));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn lags_are_shown_by_name() {
        let lag = |name: &str, events, seconds| Lag {
            name: name.to_owned(),
            events,
            seconds,
        };
        let text = shown(vec![lag("orders", 7, 1.5), lag("a \"b\" \\c", 0, 0.0)]);
        for line in [
            "annals_checkpoint_lag_events{checkpoint=\"orders\"} 7",
            "annals_checkpoint_lag_seconds{checkpoint=\"orders\"} 1.5",
            "annals_checkpoint_lag_events{checkpoint=\"a \\\"b\\\" \\\\c\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in:\n{text}");
        }
    }

    #[test]
    fn nothing_is_shown_without_checkpoints() {
        assert_eq!(shown(Vec::new()), "# EOF\n");
    }
}
