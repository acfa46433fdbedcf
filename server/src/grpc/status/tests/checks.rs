//! The status of failed checks.

use annals_proto::v1::{self as pb, failed_check::Found};
use annals_store::{Error, Expected, FailedCheck, Position, Rejection, Revision, StreamName};
use prost::Message;
use tonic::{Code, Status};

use super::{read, stream};
use crate::grpc::status::{Refusal, any};

fn of_stream(index: usize, stream: StreamName) -> FailedCheck {
    FailedCheck::Stream {
        index: Some(index),
        stream,
        expected: Expected::Exactly(Revision(u64::MAX)),
        actual: Some(Revision(u64::MAX)),
    }
}

fn status(failed: Vec<FailedCheck>, unlisted: usize) -> Status {
    let error = Error::Rejected(Rejection::ChecksFailed { failed, unlisted });
    Refusal::from(error).into()
}

#[test]
fn they_are_told_with_what_was_found() {
    let matched = FailedCheck::Match {
        index: 3,
        after: Position(17),
        position: Position(19),
    };
    let status = status(vec![of_stream(0, stream()), matched], 0);
    let told = read(&status);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::Aborted, "CHECKS_FAILED")
    );
    assert_eq!(told.metadata, [("count".to_owned(), "2".to_owned())]);
    let conflict = pb::RevisionConflict {
        stream: "order-1".into(),
        expected: Some(pb::ExpectedRevision {
            expected: Some(pb::expected_revision::Expected::Revision(u64::MAX)),
        }),
        actual_revision: Some(u64::MAX),
    };
    let detail = pb::ChecksFailed {
        failed: vec![
            pb::FailedCheck {
                index: 0,
                found: Some(Found::Stream(conflict)),
            },
            pb::FailedCheck {
                index: 3,
                found: Some(Found::Match(pb::MatchFound {
                    after: 17,
                    position: 19,
                })),
            },
        ],
        count: 2,
    };
    assert_eq!(told.detail, Some(any("annals.v1.ChecksFailed", &detail)));
    assert!(
        status
            .message()
            .contains("allows no match after position 17, but the event at 19"),
        "{}",
        status.message()
    );
}

#[test]
fn however_many_they_are_and_however_long_their_names_they_fit_into_a_trailer() {
    let named = |name: &str, n: usize| {
        let failed = (0..n).map(|index| of_stream(index, StreamName::new(name).unwrap()));
        failed.collect::<Vec<_>>()
    };
    let longest = [
        "\u{10FFFF}".repeat(128),
        "\u{200B}".repeat(170),
        "\"".repeat(512),
        "{".repeat(512),
        "é".repeat(256),
        "s".repeat(512),
        "s".repeat(20),
    ];
    for name in longest {
        for count in [1, 2, 16, 64] {
            let status = status(named(&name, count), 0);
            let detail = read(&status).detail.unwrap();
            let detail = pb::ChecksFailed::decode(&*detail.value).unwrap();
            assert_eq!(detail.count as usize, count);
            assert!((1..=16).contains(&detail.failed.len()));
            if name.len() == 20 {
                assert_eq!(
                    detail.failed.len(),
                    count.min(16),
                    "checks with short names are all listed"
                );
            }
            let headers = status.into_http::<()>();
            let bytes: usize = headers
                .headers()
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len())
                .sum();
            assert!(bytes < 8_192, "{bytes} bytes of trailers for {count} of {name:?}");
        }
    }
}

#[test]
fn those_that_another_server_did_not_list_are_counted() {
    let told = read(&status(vec![of_stream(0, stream())], 40));
    let detail = pb::ChecksFailed::decode(&*told.detail.unwrap().value).unwrap();
    assert_eq!((detail.failed.len(), detail.count), (1, 41));
}
