//! A puller of a durable consumer.

use async_nats::jetstream::{
    Context,
    consumer::{AckPolicy, pull},
};
use futures::{FutureExt, StreamExt};

use super::{STORE, STREAM};
use crate::{
    Error, Result,
    stores::{Consumer, Work},
};

const NAME: &str = "bench";
/// Messages that a puller asks for at a time.
const BATCH: usize = 1_000;
/// Messages that all pullers hold at most.
const HELD_MAX: i64 = 20_000;

pub(super) struct NatsConsumer {
    messages: pull::Stream,
    context: Context,
}

impl NatsConsumer {
    pub(super) async fn open(context: Context) -> Result<Self> {
        let failed = || Error::peer(STORE, "consume");
        let stream = context
            .get_stream(STREAM)
            .await
            .map_err(Error::peer(STORE, "consume"))?;
        let config = pull::Config {
            durable_name: Some(NAME.to_owned()),
            ack_policy: AckPolicy::Explicit,
            max_ack_pending: HELD_MAX,
            ..Default::default()
        };
        let consumer = stream
            .get_or_create_consumer(NAME, config)
            .await
            .map_err(failed())?;
        let messages = consumer.stream().max_messages_per_batch(BATCH).messages().await;
        Ok(Self {
            messages: messages.map_err(Error::peer(STORE, "consume"))?,
            context,
        })
    }
}

impl Consumer for NatsConsumer {
    fn next(&mut self) -> Work<'_, u64> {
        async move {
            let Some(message) = self.messages.next().await else {
                return Err(Error::wrong("consume", "the messages have ended"));
            };
            let message = message.map_err(Error::peer(STORE, "consume"))?;
            message.ack().await.map_err(Error::peer(STORE, "ack"))?;
            Ok(1)
        }
        .boxed()
    }

    fn leave(self: Box<Self>) -> Work<'static, ()> {
        async move {
            let client = self.context.client();
            client.flush().await.map_err(Error::peer(STORE, "ack"))
        }
        .boxed()
    }
}
