//! Conditional appends, one after the other.

use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use serde::Serialize;
use tokio::time::Instant;
use tonic::{Code, transport::Channel};
use uuid::Uuid;

use super::filling::{RARE_TAGS, RARE_TYPE, last_rare, rare_tag};
use crate::{
    Error, Result,
    load::{connect, content},
    statistics::Summary,
};

const LOAD: &str = "conditional appends";

/// The condition of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    /// No condition; the baseline.
    Unconditional,
    /// No match after a recent head.
    Recent,
    /// No match after the last of ten matches, which is far back in the log.
    BehindTheLast,
    /// No event of a frequent type among the ten events with the tag, none of which has that type.
    NoneOfTen,
    /// No match at all, although there are ten: the append is refused.
    Refused,
}

impl Case {
    pub(super) const ALL: [Self; 5] = [
        Self::Unconditional,
        Self::Recent,
        Self::BehindTheLast,
        Self::NoneOfTen,
        Self::Refused,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unconditional => "without a condition",
            Self::Recent => "10 matches, after the head",
            Self::BehindTheLast => "10 matches, after the last of them",
            Self::NoneOfTen => "10 candidates, none matches, after 0",
            Self::Refused => "10 matches, after 0: refused",
        }
    }
}

/// A client of one server.
pub(super) struct Probe {
    client: EventStoreServiceClient<Channel>,
    /// Number of events that the log was filled with.
    log_events: u64,
    head: u64,
    sent: u64,
}

impl Probe {
    pub(super) async fn new(endpoint: &str, log_events: u64) -> Result<Self> {
        Ok(Self {
            client: EventStoreServiceClient::new(connect(endpoint).await?),
            log_events,
            head: log_events,
            sent: 0,
        })
    }

    /// Returns the median latency of `appends` appends.
    pub(super) async fn median_micros(&mut self, case: Case, appends: u32) -> Result<f64> {
        let mut micros = Vec::with_capacity(appends as usize);
        for _ in 0..appends {
            let request = self.request(case);
            let sent = Instant::now();
            let answer = self.client.append_to_many(request).await;
            micros.push(sent.elapsed().as_secs_f64() * 1e6);
            match answer {
                Ok(answer) if case != Case::Refused => self.head = answer.into_inner().last_position,
                Err(status) if case == Case::Refused && status.code() == Code::Aborted => {}
                Ok(_) => {
                    return Err(Error::wrong(
                        LOAD,
                        format!("the append was not refused: {case:?}"),
                    ));
                }
                Err(status) => return Err(Error::call(LOAD)(status)),
            }
        }
        Summary::of(&micros)
            .map(|summary| summary.median)
            .ok_or_else(|| Error::wrong(LOAD, "nothing was sent"))
    }

    fn request(&mut self, case: Case) -> pb::AppendToManyRequest {
        self.sent += 1;
        // The tags take turns, so that no lookup repeats the one before it.
        let nth = self.sent % RARE_TAGS;
        let content = content(self.sent);
        let event = pb::NewEvent {
            id: Uuid::now_v7().to_string(),
            r#type: content.kind.to_owned(),
            data: bytes::Bytes::from_static(&content.data),
            metadata: bytes::Bytes::new(),
            tags: vec![],
            ..Default::default()
        };
        let item = pb::QueryItem {
            types: match case {
                Case::NoneOfTen => vec![content.kind.to_owned()],
                _ => vec![RARE_TYPE.to_owned()],
            },
            tags: vec![rare_tag(nth)],
            ..pb::QueryItem::default()
        };
        let after = match case {
            Case::Unconditional | Case::Recent => self.head,
            Case::BehindTheLast => last_rare(self.log_events, nth),
            Case::NoneOfTen | Case::Refused => 0,
        };
        let check = pb::Check {
            check: Some(pb::check::Check::NoMatch(pb::NoMatchCheck {
                query: Some(pb::Query { items: vec![item] }),
                after,
            })),
        };
        pb::AppendToManyRequest {
            writes: vec![pb::Write {
                stream: format!("probe-{}", self.sent),
                events: vec![event],
                expected: None,
            }],
            checks: if case == Case::Unconditional {
                vec![]
            } else {
                vec![check]
            },
            ..pb::AppendToManyRequest::default()
        }
    }
}
