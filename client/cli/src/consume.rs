//! `annals consume`.

use std::process::Stdio;

use annals_client::{Client, Delivery};
use tokio::{
    io::AsyncWriteExt,
    process::Command,
    signal::unix::{SignalKind, signal},
};

use crate::arguments::Consume;
use crate::failure::Failure;
use crate::record::Record;

/// Consumes events of a group with a command, until it is interrupted: then commands that run are finished.
pub async fn run(client: &Client, options: Consume) -> Result<(), Failure> {
    let command = options.exec;
    let handler = move |delivery: Delivery| {
        let command = command.clone();
        async move { process(&command, &delivery).await }
    };
    let mut terminated =
        signal(SignalKind::terminate()).map_err(|error| Failure::io("listening to signals", error))?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    };
    let mut consume = client
        .consume(options.group, handler)
        .concurrency(usize::from(options.concurrency))
        .stop_when(stop);
    if let Some(name) = options.consumer {
        consume = consume.consumer(name);
    }
    Ok(consume.await?)
}

/// Runs the command for an event. An error is the reason why the event is retried.
async fn process(command: &str, delivery: &Delivery) -> Result<(), String> {
    let event = serde_json::to_vec(&Record(&delivery.event)).map_err(|error| error.to_string())?;
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env("ANNALS_ATTEMPT", delivery.attempt.to_string())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        // A command of an event that the consumer no longer holds has no effect any more.
        .kill_on_drop(true)
        // Its own group, so that an interruption of this program does not interrupt it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("can't run the command: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input is not wrong.
        let _ = input.write_all(&event).await;
    }
    let ended = child.wait_with_output().await;
    let ended = ended.map_err(|error| format!("can't wait for the command: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    eprint!("{said}");
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(last.map_or_else(
        || format!("the command ended with {}", ended.status),
        str::to_owned,
    ))
}
