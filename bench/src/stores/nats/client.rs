//! One client of a JetStream stream.

use async_nats::{
    HeaderMap, Subscriber, header,
    jetstream::{
        Context,
        consumer::{DeliverPolicy, push},
    },
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use super::{STORE, STREAM};
use crate::{
    Error, Result,
    load::events::{category, content, id, number, stream_name},
    stores::{Batch, Client, Selection, Subscription, Work, lacking, text},
};

const KIND: &str = "Event-Type";
/// Maximum number of messages that the server sends in a batched get.
const GET_MAX: u32 = 1_000;

pub(super) struct NatsClient {
    context: Context,
    /// Inbox for the responses to gets, with its subject.
    gets: Option<(String, Subscriber)>,
}

impl NatsClient {
    pub(super) const fn new(context: Context) -> Self {
        Self { context, gets: None }
    }
}

impl Client for NatsClient {
    fn append(&mut self, batch: Batch) -> Work<'_, u64> {
        async move {
            let subject = subject(batch.stream);
            let client = self.context.client();
            let batch_id = (batch.events > 1).then(|| text(&id(batch.first)).to_owned());
            for (nth, number) in (1u32..).zip(batch.numbers()) {
                let mut headers = headers(number);
                if nth == 1 {
                    headers.insert(
                        header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE,
                        batch.mark.to_string(),
                    );
                }
                if let Some(batch_id) = &batch_id {
                    headers.insert(header::NATS_BATCH_ID, batch_id.as_str());
                    headers.insert(header::NATS_BATCH_SEQUENCE, nth.to_string());
                }
                let data = Bytes::from_static(&content(number).data);
                if nth < batch.events {
                    let sent = client.publish_with_headers(subject.clone(), headers, data).await;
                    sent.map_err(Error::peer(STORE, "append"))?;
                    continue;
                }
                if batch_id.is_some() {
                    headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
                }
                let sent = self.context.publish_with_headers(subject, headers, data).await;
                let answer = sent.map_err(Error::peer(STORE, "append"))?.await;
                let answer = answer.map_err(Error::peer(STORE, "append"))?;
                return if answer.duplicate {
                    Err(Error::wrong(
                        "append",
                        format!("event {number} was rejected as a duplicate"),
                    ))
                } else {
                    Ok(answer.sequence)
                };
            }
            Ok(batch.mark)
        }
        .boxed()
    }

    fn load(&mut self, stream: u64, events: u32) -> Work<'_, u64> {
        async move {
            let client = self.context.client();
            if self.gets.is_none() {
                let inbox = client.new_inbox();
                let answers = client
                    .subscribe(inbox.clone())
                    .await
                    .map_err(Error::peer(STORE, "load"))?;
                self.gets = Some((inbox, answers));
            }
            let Some((inbox, answers)) = &mut self.gets else {
                return lacking().await;
            };
            let batch = events.min(GET_MAX);
            let (mut count, mut from) = (0, 1);
            while count < u64::from(events) {
                let request = format!(
                    "{{\"seq\":{from},\"batch\":{batch},\"next_by_subj\":\"{}\"}}",
                    subject(stream)
                );
                let get = format!("$JS.API.DIRECT.GET.{STREAM}");
                let sent = client
                    .publish_with_reply(get, inbox.clone(), request.into())
                    .await;
                sent.map_err(Error::peer(STORE, "load"))?;
                let before = count;
                while let Some(message) = answers.next().await {
                    // Status 204 ends a batch; 404 means that there is no message.
                    if message
                        .status
                        .is_some_and(|status| !status.is_informational() && status.as_u16() != 200)
                    {
                        break;
                    }
                    let headers = message.headers.as_ref();
                    let sequence = headers.and_then(|headers| headers.get(header::NATS_SEQUENCE));
                    from = sequence
                        .and_then(|text| text.as_str().parse().ok())
                        .unwrap_or(from)
                        + 1;
                    count += 1;
                }
                if count == before {
                    break;
                }
            }
            Ok(count)
        }
        .boxed()
    }

    fn read(&mut self, selection: Selection, total: u64) -> Work<'_, u64> {
        async move {
            let filter = match selection {
                Selection::All => String::new(),
                Selection::Category(of) => format!("{}.*", category(of)),
                Selection::Kind(_) | Selection::Tag(_) => return lacking().await,
            };
            let mut messages = self.consume(DeliverPolicy::All, filter).await?;
            let mut count = 0;
            while count < total {
                let Some(message) = messages.next().await else {
                    break;
                };
                let message = message.map_err(Error::peer(STORE, "read"))?;
                count += 1;
                let info = message.info().map_err(Error::peer(STORE, "read"))?;
                if info.pending == 0 {
                    break;
                }
            }
            Ok(count)
        }
        .boxed()
    }

    fn subscribe(&mut self, all: bool) -> Work<'_, Box<dyn Subscription>> {
        async move {
            let from = if all {
                DeliverPolicy::All
            } else {
                DeliverPolicy::New
            };
            let messages = self.consume(from, String::new()).await?;
            let deliveries: Box<dyn Subscription> = Box::new(Deliveries(messages));
            Ok(deliveries)
        }
        .boxed()
    }
}

impl NatsClient {
    async fn consume(&self, from: DeliverPolicy, filter: String) -> Result<push::Ordered> {
        let config = push::OrderedConfig {
            deliver_subject: self.context.client().new_inbox(),
            deliver_policy: from,
            filter_subject: filter,
            ..Default::default()
        };
        let consumer = self.context.create_consumer_on_stream(config, STREAM).await;
        let consumer = consumer.map_err(Error::peer(STORE, "read"))?;
        consumer.messages().await.map_err(Error::peer(STORE, "read"))
    }
}

struct Deliveries(push::Ordered);

impl Subscription for Deliveries {
    fn next<'a>(&'a mut self, numbers: &'a mut Vec<u64>) -> Work<'a, ()> {
        async move {
            let message = self.0.next().await;
            let message = message.ok_or_else(|| Error::wrong("subscription", "the server ended it"))?;
            let message = message.map_err(Error::peer(STORE, "subscription"))?;
            let id = message
                .headers
                .as_ref()
                .and_then(|headers| headers.get(header::NATS_MESSAGE_ID));
            numbers.extend(id.and_then(|id| number(id.as_str())));
            Ok(())
        }
        .boxed()
    }
}

fn headers(number: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, text(&id(number)));
    headers.insert(KIND, content(number).kind);
    headers
}

/// Formats a subject, such as `order.0000000040`: the stream's name with a dot after the category.
fn subject(stream: u64) -> String {
    text(&stream_name(stream)).replacen('-', ".", 1)
}
