//! Prometheus metrics of a server.

use super::{Server, http};

/// The metrics at one moment.
#[derive(Clone, Debug)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// Reads the metrics of a server.
    ///
    /// # Panics
    /// If the server does not return them.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        let (status, text) = http::get(server.http_address(), "/metrics");
        assert_eq!(status, 200, "{text}");
        Self { text }
    }

    /// The sum of all values of a metric whose labels contain all of these parts; `None` if there is none.
    #[must_use]
    pub fn get(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let values = self
            .text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (key, value) = line.rsplit_once(' ')?;
                let (found, found_labels) = key.split_once('{').unwrap_or((key, ""));
                let wanted = found == name && labels.iter().all(|label| found_labels.contains(label));
                wanted.then(|| value.parse::<f64>().ok()).flatten()
            });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// The value of a metric that must exist.
    ///
    /// # Panics
    /// If it does not exist.
    #[must_use]
    pub fn value(&self, name: &str) -> f64 {
        self.get(name, &[])
            .unwrap_or_else(|| panic!("there is no metric {name}:\n{}", self.text))
    }

    /// The full text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
