//! Progress of long commands, on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over `length` bytes, or a spinner if the length is not known.
pub fn bytes(length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{bar:32} {bytes}/{total_bytes}  {binary_bytes_per_sec}  eta {eta}  {msg}",
        None => "{spinner} {bytes}  {binary_bytes_per_sec}  {msg}",
    };
    bar(length, template)
}

/// A bar over `length` positions.
pub fn positions(length: u64) -> ProgressBar {
    bar(
        Some(length),
        "{bar:32} {human_pos}/{human_len}  {per_sec}  eta {eta}",
    )
}

/// A bar over `length` streams, and a message.
pub fn streams(length: u64) -> ProgressBar {
    bar(Some(length), "{bar:32} {human_pos}/{human_len} streams  {msg}")
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let target = match console::Term::stderr().is_term() {
        true => ProgressDrawTarget::stderr_with_hz(8),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(length, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if length.is_none() {
        bar.enable_steady_tick(Duration::from_millis(125));
    }
    bar
}
