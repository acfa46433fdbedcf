//! A consumer that processes events, and fails in every way.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use annals_proto::v1::{
    self as pb, consume_response::Content, group_service_client::GroupServiceClient, nack::Action,
};
use annals_tests::checker::groups::{GroupEvent, GroupHistory, Happened, Session, Settled};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

/// Drawn for a consumer that hangs.
const HANGS: u32 = 2_000;

/// What all consumers share.
pub(super) struct Shared {
    pub group: String,
    pub endpoints: Vec<String>,
    pub ack_timeout: Duration,
    /// A consumer hangs with one event in this many.
    pub hangs_one_in: u32,
    pub history: Mutex<GroupHistory>,
    pub began: Instant,
    pub settled: AtomicU64,
    pub is_calm: AtomicBool,
    pub is_over: AtomicBool,
    pub next_session: AtomicU64,
}

impl Shared {
    pub(super) fn note(&self, happened: Happened) {
        // The time is taken under the lock, so that it never decreases.
        let mut history = self.history.lock();
        let at = self.began.elapsed();
        history.happened.push((at, happened));
    }
}

/// Consumes until the scene is over.
pub(super) async fn consume(shared: Arc<Shared>, name: String, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    while !shared.is_over.load(Ordering::Relaxed) {
        let endpoint = shared.endpoints[random.random_range(0..shared.endpoints.len())].clone();
        let session = shared.next_session.fetch_add(1, Ordering::Relaxed);
        let visit = Visit {
            shared: &shared,
            name: &name,
            session,
            random: StdRng::seed_from_u64(random.random()),
        };
        let stored = visit.run(endpoint).await;
        shared.note(Happened::Ended { session, stored });
        tokio::time::sleep(Duration::from_millis(random.random_range(1..300))).await;
    }
}

/// What a consumer holds, by the ids of deliveries.
#[derive(Default)]
struct Held {
    events: BTreeMap<u64, (u64, String)>,
    /// The positions of what it has settled.
    settled: BTreeMap<u64, u64>,
    /// Streams of which it processes nothing until the server has answered the nack of this delivery.
    barred: BTreeMap<String, u64>,
}

impl Held {
    fn settle(&mut self, id: u64, position: u64) {
        self.settled.insert(id, position);
    }

    /// Returns the position of a delivery that was withdrawn.
    fn withdraw(&mut self, id: u64) -> Option<u64> {
        let held = self.events.remove(&id).map(|(position, _)| position);
        held.or_else(|| self.settled.remove(&id))
    }
}

/// One connection of a consumer.
struct Visit<'a> {
    shared: &'a Shared,
    name: &'a str,
    session: Session,
    random: StdRng,
}

impl Visit<'_> {
    /// Returns whether it ended gracefully, so that what was settled is stored.
    async fn run(mut self, endpoint: String) -> bool {
        let endpoint = Endpoint::from_shared(endpoint)
            .unwrap()
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(Duration::from_secs(2))
            .keep_alive_timeout(Duration::from_secs(3));
        let Ok(channel) = endpoint.connect().await else {
            return false;
        };
        let mut client = GroupServiceClient::new(channel).max_decoding_message_size(64 << 20);
        let (requests, sent) = mpsc::channel(64);
        let open = pb::ConsumeRequest {
            open: Some(pb::OpenConsumer {
                group: self.shared.group.clone(),
                consumer: self.name.to_owned(),
                permits: self.random.random_range(1..200),
            }),
            ..Default::default()
        };
        requests.send(open).await.unwrap();
        let Ok(responses) = client.consume(ReceiverStream::new(sent)).await else {
            return false;
        };
        let mut responses = responses.into_inner();
        let (mut queue, mut held) = (VecDeque::new(), Held::default());
        let calm = self.shared.is_calm.load(Ordering::Relaxed);
        // How many events it processes before it goes away, if it does.
        let goes_after = if calm {
            u64::MAX
        } else {
            self.random.random_range(50..3_000)
        };
        let mut processed = 0;
        let mut hangs_until = None;
        loop {
            if self.shared.is_over.load(Ordering::Relaxed) || processed >= goes_after {
                let graceful = self.shared.is_over.load(Ordering::Relaxed) || self.random.random_bool(0.5);
                if !graceful {
                    // Before the connection ends, because others may get its events at once.
                    let session = self.session;
                    self.shared.note(Happened::Ended {
                        session,
                        stored: false,
                    });
                    return false;
                }
                drop(requests);
                return self.until_end(&mut responses, &mut held).await;
            }
            let is_busy = hangs_until.is_some_and(|until| Instant::now() < until);
            tokio::select! {
                biased;
                response = responses.message() => match response {
                    Ok(Some(response)) => self.hear(response, &mut queue, &mut held),
                    _ => return false,
                },
                () = tokio::time::sleep(Duration::from_millis(if is_busy { 20 } else { 1 })), if is_busy => {}
                () = std::future::ready(()), if !is_busy && !queue.is_empty() => {
                    let (request, settled) = self.process(&mut queue, &mut held, &mut hangs_until);
                    if request == pb::ConsumeRequest::default() {
                        // All that it holds waits for the server.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        continue;
                    }
                    processed += settled;
                    if requests.send(request).await.is_err() {
                        return false;
                    }
                    self.shared.settled.fetch_add(settled, Ordering::Relaxed);
                }
                () = tokio::time::sleep(Duration::from_millis(50)), if !is_busy && queue.is_empty() => {}
            }
        }
    }

    /// Notes what the server says.
    fn hear(&self, response: pb::ConsumeResponse, queue: &mut VecDeque<u64>, held: &mut Held) {
        let session = self.session;
        match response.content {
            Some(Content::Deliveries(batch)) => {
                for delivery in batch.deliveries {
                    let event = delivery.event.unwrap();
                    held.events
                        .insert(delivery.id, (event.position, event.stream.clone()));
                    queue.push_back(delivery.id);
                    self.shared.note(Happened::Delivered {
                        session,
                        attempt: delivery.attempt,
                        event: GroupEvent {
                            position: event.position,
                            stream: event.stream,
                            revision: event.revision,
                        },
                    });
                }
            }
            Some(Content::Withdrawal(withdrawal)) => {
                let is_answer = withdrawal.reason() == pb::WithdrawalReason::Nacked;
                for id in withdrawal.deliveries {
                    let before = held.barred.len();
                    held.barred.retain(|_, nacked| *nacked != id);
                    if held.barred.len() < before && is_answer {
                        continue;
                    }
                    if let Some(position) = held.withdraw(id) {
                        self.shared.note(Happened::Withdrawn { session, position });
                    }
                }
            }
            _ => {}
        }
    }

    /// Processes some events of the queue, in order. Returns what is sent about them.
    fn process(
        &mut self,
        queue: &mut VecDeque<u64>,
        held: &mut Held,
        hangs_until: &mut Option<Instant>,
    ) -> (pb::ConsumeRequest, u64) {
        let calm = self.shared.is_calm.load(Ordering::Relaxed);
        let mut request = pb::ConsumeRequest::default();
        let mut settled = 0;
        let mut later = Vec::new();
        for _ in 0..self.random.random_range(1..50) {
            let Some(id) = queue.pop_front() else {
                break;
            };
            let Some((position, stream)) = held.events.remove(&id) else {
                continue;
            };
            if held.barred.contains_key(&stream) {
                held.events.insert(id, (position, stream));
                later.push(id);
                continue;
            }
            let drawn = match (calm, self.random.random_ratio(1, self.shared.hangs_one_in)) {
                (true, _) => 1_000,
                (false, true) => HANGS,
                (false, false) => self.random.random_range(0..1_000),
            };
            let (how, action) = match drawn {
                0..8 => (Settled::Returned, None),
                8..12 => (
                    Settled::Returned,
                    Some(Action::RetryAfter(prost_types::Duration {
                        seconds: 0,
                        nanos: 30_000_000,
                    })),
                ),
                12..14 => (Settled::Parked, Some(Action::Park(()))),
                14..16 => (Settled::Skipped, Some(Action::Skip(()))),
                16..20 => (Settled::Returned, Some(Action::Release(()))),
                HANGS => {
                    // Hangs with it and with all that it holds, beyond the ack timeout.
                    held.events.insert(id, (position, stream));
                    queue.push_front(id);
                    let factor = self.random.random_range(0.5..2.0);
                    *hangs_until = Some(Instant::now() + self.shared.ack_timeout.mul_f64(factor));
                    break;
                }
                20..24 => {
                    request.extensions.push(id);
                    held.events.insert(id, (position, stream));
                    queue.push_front(id);
                    break;
                }
                _ => (Settled::Acked, None),
            };
            settled += 1;
            let session = self.session;
            self.shared.note(Happened::Settled {
                session,
                position,
                how,
            });
            held.settle(id, position);
            if how == Settled::Acked {
                request.acks.push(id);
                continue;
            }
            request.nacks.push(pb::Nack {
                deliveries: vec![id],
                reason: "as drawn".to_owned(),
                action,
            });
            if how != Settled::Skipped {
                // The server withdraws the later ones of its stream, some of which may not have arrived.
                held.barred.insert(stream, id);
            }
            break;
        }
        for id in later.into_iter().rev() {
            queue.push_front(id);
        }
        (request, settled)
    }

    /// Waits for the end of a call whose requests have ended. What it still holds goes back to the group.
    async fn until_end(
        &self,
        responses: &mut tonic::Streaming<pb::ConsumeResponse>,
        held: &mut Held,
    ) -> bool {
        for (position, _) in std::mem::take(&mut held.events).into_values() {
            let session = self.session;
            self.shared.note(Happened::Withdrawn { session, position });
        }
        loop {
            // What still arrives is not processed.
            match responses.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}
