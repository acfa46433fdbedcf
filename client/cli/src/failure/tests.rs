use std::time::Duration;

use annals_client::{Error, ExpectedRevision, Position, Revision, Unavailability, Uuid};

use super::Failure;

#[test]
fn every_failure_has_the_exit_code_that_the_help_promises() {
    let text = String::new;
    let table = [
        (
            Error::InvalidEndpoint {
                endpoint: text(),
                reason: text(),
            },
            2,
        ),
        (Error::NotGrpc { endpoint: text() }, 2),
        (Error::InvalidField(Vec::new()), 2),
        (Error::StreamNotFound { stream: text() }, 3),
        (
            Error::PositionBeyondHead {
                position: Position(2),
                head: Position(1),
            },
            3,
        ),
        (
            Error::RevisionBeyondEnd {
                stream: text(),
                revision: Revision(2),
                last_revision: None,
            },
            3,
        ),
        (
            Error::RevisionConflict {
                stream: text(),
                expected: ExpectedRevision::NoStream,
                actual: Some(Revision(0)),
            },
            4,
        ),
        (
            Error::EventIdConflict {
                id: Uuid::nil(),
                stream: text(),
                revision: Some(Revision(0)),
                position: Position(1),
            },
            4,
        ),
        (
            Error::Unreachable {
                endpoint: text(),
                message: text(),
            },
            5,
        ),
        (
            Error::Unavailable {
                reason: Unavailability::ShuttingDown,
                message: text(),
            },
            5,
        ),
        (
            Error::DeadlineExceeded {
                after: Duration::ZERO,
                last: None,
            },
            5,
        ),
        (Error::TooLarge(Vec::new()), 1),
        (Error::Overloaded { message: text() }, 1),
        (Error::Internal { message: text() }, 1),
    ];
    for (error, code) in table {
        assert_eq!(Failure::from(error.clone()).exit_code(), code, "{error:?}");
    }
    assert_eq!(Failure::Usage(text()).exit_code(), 2);
    assert_eq!(Failure::BadLines(3).exit_code(), 1);
}

#[test]
fn a_conflict_names_the_expected_and_the_actual_revision() {
    let expected = ExpectedRevision::Exactly(Revision(3));
    let conflict = Error::RevisionConflict {
        stream: "order-1".into(),
        expected,
        actual: Some(Revision(7)),
    };
    let told = Failure::from(conflict).to_string();
    assert_eq!(
        told,
        "stream \"order-1\" is not as expected: expected revision 3, but it is at revision 7"
    );
}
