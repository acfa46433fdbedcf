//! The mapping of FoundationDB's errors.

use annals_engine::Error;
use foundationdb::FdbError;

use crate::fault::{self, Outcome};

fn read(code: i32) -> (String, bool) {
    let refusal = fault::of_read("testing", FdbError::from_code(code));
    (kind(&refusal.error).to_owned(), refusal.passing)
}

fn commit(code: i32) -> (String, bool) {
    match fault::of_commit(FdbError::from_code(code)) {
        Outcome::Refused(refusal) => (kind(&refusal.error).to_owned(), refusal.passing),
        Outcome::Unknown(_) => ("unknown".to_owned(), false),
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Conflict => "conflict",
        Error::MaybeCommitted(_) => "maybe committed",
        Error::TooOld => "too old",
        Error::TooLarge(_) => "too large",
        Error::Unavailable(_) => "unavailable",
        Error::Corrupt(_) => "corrupt",
        Error::Failed(_) => "failed",
    }
}

#[test]
fn errors_of_commits_are_refusals_only_if_nothing_can_have_been_written() {
    for (code, expected, passing, name) in [
        (1_020, "conflict", false, "not_committed"),
        (1_007, "unavailable", true, "transaction_too_old"),
        (1_009, "unavailable", true, "future_version"),
        (1_037, "unavailable", true, "process_behind"),
        (1_038, "unavailable", true, "database_locked"),
        (1_042, "unavailable", true, "commit_proxy_memory_limit_exceeded"),
        (1_051, "unavailable", true, "batch_transaction_throttled"),
        (1_078, "unavailable", true, "grv_proxy_memory_limit_exceeded"),
        (1_213, "unavailable", true, "tag_throttled"),
        (2_101, "too large", false, "transaction_too_large"),
        (2_102, "too large", false, "key_too_large"),
        (2_103, "too large", false, "value_too_large"),
        (2_004, "unavailable", false, "key_outside_legal_range"),
        (2_023, "unavailable", false, "transaction_read_only"),
        (6_000, "unavailable", false, "permission_denied"),
        (1_000, "unknown", false, "operation_failed"),
        (1_004, "unknown", false, "timed_out"),
        (1_021, "unknown", false, "commit_unknown_result"),
        (1_022, "unknown", false, "commit_unknown_result_fatal"),
        (1_025, "unknown", false, "transaction_cancelled"),
        (1_026, "unknown", false, "connection_failed"),
        (1_031, "unknown", false, "transaction_timed_out"),
        (1_039, "unknown", false, "cluster_version_changed"),
        (1_100, "unknown", false, "broken_promise"),
        (1_101, "unknown", false, "operation_cancelled"),
        (1_500, "unknown", false, "platform_error"),
        (4_000, "unknown", false, "unknown_error"),
        (4_100, "unknown", false, "internal_error"),
    ] {
        assert_eq!(commit(code), (expected.to_owned(), passing), "{code} {name}");
    }
}

#[test]
fn errors_of_reads_change_nothing_and_may_pass() {
    for (code, expected, passing, name) in [
        (1_007, "too old", false, "transaction_too_old"),
        (1_009, "unavailable", true, "future_version"),
        (1_037, "unavailable", true, "process_behind"),
        (1_039, "unavailable", true, "cluster_version_changed"),
        (1_213, "unavailable", true, "tag_throttled"),
        (1_031, "unavailable", false, "transaction_timed_out"),
        (1_032, "unavailable", false, "too_many_watches"),
        (2_102, "too large", false, "key_too_large"),
        (4_100, "unavailable", false, "internal_error"),
    ] {
        assert_eq!(read(code), (expected.to_owned(), passing), "{code} {name}");
    }
}

#[test]
fn texts_have_the_code_and_the_words_of_foundationdb() {
    let Outcome::Unknown(text) = fault::of_commit(FdbError::from_code(1_021)) else {
        panic!("1021 is not known");
    };
    assert_eq!(
        text,
        "FoundationDB's error 1021 while committing: Transaction may or may not have committed"
    );
}
