//! Appends at a fixed rate, each to a new stream. Measures the time until each is answered or reaches a subscriber.
//!
//! The loop is open: appends are due regardless of earlier ones, and the latency of an append that waits for a free
//! client counts from when it was due. One process runs both ends, so one clock measures.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Course, Outcome};
use crate::{
    Error, Result,
    load::{Latencies, Measured, Supply, Window, live::Schedule},
    stores::{Batch, Client, Store, Subscription},
};

const LOAD: &str = "appends at a fixed rate";
/// More clients than are busy at once for any store that keeps up.
const CLIENTS: usize = 256;
/// An event that is not delivered within this time is lost.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Measures the time to the reply, or to the delivery to one subscriber of the whole log.
pub(super) async fn run(
    store: &dyn Store,
    course: &Course,
    per_second: u32,
    delivered: bool,
) -> Result<Outcome> {
    let mut listener = store.clients(1, 1).await?;
    let subscription = match listener.first_mut().filter(|_| delivered) {
        Some(listener) => Some(listener.subscribe(false).await?),
        None => None,
    };
    let clients = store.clients(CLIENTS, course.clients_per_connection).await?;
    let window = course.window();
    let seconds = (course.warm_up + course.measured).as_secs_f64();
    let count = (seconds * f64::from(per_second)) as u32;
    let schedule = Arc::new(Schedule::new(course.supply.events(count), count, per_second));
    let latencies = Arc::new(Latencies::new());

    let (due, paced) = mpsc::unbounded_channel();
    let pacing = {
        let schedule = schedule.clone();
        std::thread::spawn(move || schedule.pace(&due))
    };
    let paced = Arc::new(Mutex::new(paced));
    let mut tasks = JoinSet::new();
    for client in clients {
        let answers = (!delivered).then(|| (schedule.clone(), latencies.clone(), window));
        tasks.spawn(append(client, paced.clone(), course.supply.clone(), answers));
    }
    let pids = store.processes();
    let appended = async {
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| Error::wrong(LOAD, error.to_string()))??;
        }
        Ok(())
    };
    let received = async {
        match subscription {
            Some(subscription) => {
                receive(subscription, &schedule, window, &latencies, u64::from(count)).await
            }
            None => Ok(()),
        }
    };
    // A failure ends all of them without waiting for events that will not arrive.
    let ended = tokio::try_join!(appended, received, async { Ok(window.watch(&pids).await) });
    schedule.stopped.store(true, Ordering::Relaxed);
    let late = pacing
        .join()
        .map_err(|_| Error::wrong(LOAD, "the pacing thread failed"))?;
    let ((), (), cpu) = ended?;
    let measured = Measured {
        late_ms_max: Some(late.as_secs_f64() * 1e3),
        ..Measured::new(latencies.count(), window.seconds(), cpu)
    };
    Ok(Outcome::latency(measured, &latencies, 0.99))
}

/// State needed to time replies.
type Answers = (Arc<Schedule>, Arc<Latencies>, Window);

/// Runs one client until no append is due any more.
async fn append(
    mut client: Box<dyn Client>,
    paced: Arc<Mutex<mpsc::UnboundedReceiver<u64>>>,
    supply: Arc<Supply>,
    answers: Option<Answers>,
) -> Result<()> {
    loop {
        let due = paced.lock().await.recv().await;
        let Some(first) = due else { return Ok(()) };
        let batch = Batch {
            stream: supply.stream(),
            revision: 0,
            mark: 0,
            first,
            events: 1,
            labelled: false,
        };
        client.append(batch).await?;
        if let Some((schedule, latencies, window)) = &answers
            && let Some(latency) = schedule.since_sent(first)
            && window.holds(Instant::now())
        {
            latencies.record(latency);
        }
    }
}

/// Receives events until all have arrived, each once.
async fn receive(
    mut subscription: Box<dyn Subscription>,
    schedule: &Schedule,
    window: Window,
    latencies: &Latencies,
    count: u64,
) -> Result<()> {
    let (mut left, mut numbers) = (count, Vec::new());
    while left > 0 {
        match timeout(DELIVERY_TIMEOUT, subscription.next(&mut numbers)).await {
            Ok(next) => next?,
            Err(_) => return Err(Error::wrong(LOAD, format!("{left} events were not delivered"))),
        }
        let now = Instant::now();
        for latency in numbers.drain(..).filter_map(|number| schedule.since_sent(number)) {
            left = left
                .checked_sub(1)
                .ok_or_else(|| Error::wrong(LOAD, "an event was delivered twice"))?;
            if window.holds(now) {
                latencies.record(latency);
            }
        }
    }
    Ok(())
}
