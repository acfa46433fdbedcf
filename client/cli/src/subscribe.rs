//! `annals subscribe`.

use std::io::IsTerminal;
use std::time::Duration;

use annals_client::{Client, Subscribe, SubscriptionItem};
use futures::FutureExt;

use crate::arguments::{Filters, Format, Subscribe as Options};
use crate::failure::Failure;
use crate::output::{Events, Output};

/// How long the command tries to reconnect before it fails.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Prints the stored events of a stream or of the log, then new ones until it is interrupted.
pub async fn run(client: &Client, options: Options, output: Output) -> Result<(), Failure> {
    let mut subscription = match options.target.stream {
        Some(stream) => {
            let mut subscribe = client.subscribe_stream(stream);
            if let Some(revision) = options.after {
                subscribe = subscribe.after_revision(revision);
            }
            with(subscribe, options.filters, options.from_end).await?
        }
        None => {
            let mut subscribe = client.subscribe_all();
            if let Some(position) = options.after {
                subscribe = subscribe.after(position);
            }
            with(subscribe, options.filters, options.from_end).await?
        }
    };
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

/// Adds the options that a stream and the log have in common.
fn with<To>(subscribe: Subscribe<To>, filters: Filters, from_end: bool) -> Subscribe<To> {
    let subscribe = subscribe.query(filters).reconnect_timeout(GIVE_UP_AFTER);
    match from_end {
        true => subscribe.from_end(),
        false => subscribe,
    }
}
