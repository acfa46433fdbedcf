//! Named positions of the log that consumers report.
