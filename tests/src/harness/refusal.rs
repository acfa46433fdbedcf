//! What a status says, decoded.

use std::collections::HashMap;

use annals_proto::ERROR_DOMAIN;
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb as rpc;

/// A refusal by an Annals server.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// What people are told.
    pub message: String,
    /// `ErrorInfo.reason`.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    details: Vec<Any>,
}

impl Refusal {
    /// Of a call that must have been refused.
    ///
    /// # Panics
    /// If it was not, or not in the terms of the protocol.
    #[must_use]
    pub fn of<T: std::fmt::Debug>(result: Result<T, Status>) -> Self {
        Self::of_status(&result.expect_err("the call is refused"))
    }

    /// Of a call's status.
    ///
    /// # Panics
    /// If it is not in the terms of the protocol.
    #[must_use]
    pub fn of_status(status: &Status) -> Self {
        let decoded = rpc::Status::decode(status.details()).expect("details are a google.rpc.Status");
        assert_eq!(Code::from(decoded.code), status.code(), "both codes are the same");
        assert_eq!(decoded.message, status.message(), "both messages are the same");
        Self::of_rpc(decoded)
    }

    /// Of a result of a session.
    ///
    /// # Panics
    /// If it is not in the terms of the protocol.
    #[must_use]
    pub fn of_rpc(status: rpc::Status) -> Self {
        let info = status
            .details
            .iter()
            .find(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"));
        let info = info.unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        let info = rpc::ErrorInfo::decode(&info.value[..]).expect("ErrorInfo decodes");
        assert_eq!(info.domain, ERROR_DOMAIN);
        Self {
            code: status.code.into(),
            message: status.message,
            reason: info.reason,
            metadata: info.metadata,
            details: status.details,
        }
    }

    /// The typed detail.
    ///
    /// # Panics
    /// If there is none of that type.
    #[must_use]
    pub fn detail<T: Message + Default>(&self, name: &str) -> T {
        let found = self
            .details
            .iter()
            .find(|any| any.type_url.ends_with(&format!("/{name}")));
        let found = found.unwrap_or_else(|| panic!("no {name} in {self:?}"));
        T::decode(&found.value[..]).expect("details decode")
    }

    /// The field that `google.rpc.BadRequest` names; there is exactly one.
    ///
    /// # Panics
    /// If there is none, or several.
    #[must_use]
    pub fn field(&self) -> String {
        let bad: rpc::BadRequest = self.detail("google.rpc.BadRequest");
        assert_eq!(bad.field_violations.len(), 1, "{bad:?}");
        let violation = &bad.field_violations[0];
        assert!(!violation.description.is_empty(), "{bad:?}");
        violation.field.clone()
    }

    /// The same, if it has this code and this reason.
    ///
    /// # Panics
    /// Otherwise.
    #[must_use]
    pub fn expect(self, code: Code, reason: &str) -> Self {
        assert_eq!(
            (self.code, self.reason.as_str()),
            (code, reason),
            "{}",
            self.message
        );
        self
    }
}
