//! `annals subscribe`.

use std::io::IsTerminal;
use std::time::Duration;

use annals_client::{Client, SubscriptionItem};
use futures::FutureExt;

use crate::arguments::{Format, Subscribe};
use crate::failure::Failure;
use crate::output::{Events, Output};

/// How long the command tries to reconnect before it fails.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Prints the stored events of a stream or of the log, then new ones until it is interrupted.
pub async fn run(client: &Client, options: Subscribe, output: Output) -> Result<(), Failure> {
    let mut subscribe = match options.target.stream {
        Some(stream) => client.subscribe_stream(stream),
        None => client.subscribe_all(),
    };
    subscribe = subscribe.query(options.filters).reconnect_timeout(GIVE_UP_AFTER);
    if let Some(after) = options.after {
        subscribe = subscribe.after(after);
    }
    if options.from_end {
        subscribe = subscribe.from_end();
    }
    let mut subscription = subscribe.await?;
    let talkative = output.format == Format::Table && std::io::stderr().is_terminal();
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut events = Events::new(output);
    while left > 0 {
        // Events that have arrived are written in one batch; output is flushed before waiting.
        let ready = subscription.next().now_or_never();
        let item = match ready {
            Some(item) => item,
            None => {
                events.flush()?;
                subscription.next().await
            }
        };
        match item {
            None => break,
            Some(Ok(SubscriptionItem::Event(event))) => {
                events.write(&event)?;
                left -= 1;
            }
            Some(Ok(SubscriptionItem::CaughtUp { .. })) if options.until_caught_up => break,
            Some(Ok(SubscriptionItem::CaughtUp { position, .. })) if talkative => {
                events.flush()?;
                eprintln!("-- caught up at position {position}; waiting for more, press ctrl-c to stop");
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                events.flush()?;
                return Err(error.into());
            }
        }
    }
    events.flush()
}
