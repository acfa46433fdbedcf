//! Decodes the status of a refused call.

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
    /// The message for people.
    pub message: String,
    /// `ErrorInfo.reason`.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    details: Vec<Any>,
}

impl Refusal {
    /// The refusal of a call that must have been refused.
    ///
    /// # Panics
    /// If it was not refused, or the status does not follow the protocol.
    #[must_use]
    pub fn of<T: std::fmt::Debug>(result: Result<T, Status>) -> Self {
        Self::of_status(&result.expect_err("the call is refused"))
    }

    /// The refusal in a call's status.
    ///
    /// # Panics
    /// If the status does not follow the protocol.
    #[must_use]
    pub fn of_status(status: &Status) -> Self {
        let decoded = rpc::Status::decode(status.details()).expect("details are a google.rpc.Status");
        assert_eq!(Code::from(decoded.code), status.code(), "both codes are the same");
        assert_eq!(decoded.message, status.message(), "both messages are the same");
        Self::of_rpc(decoded)
    }

    /// The refusal in a result of a pipeline.
    ///
    /// # Panics
    /// If the status does not follow the protocol.
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
    /// If there is no detail of that type.
    #[must_use]
    pub fn detail<T: Message + Default>(&self, name: &str) -> T {
        let found = self
            .details
            .iter()
            .find(|any| any.type_url.ends_with(&format!("/{name}")));
        let found = found.unwrap_or_else(|| panic!("no {name} in {self:?}"));
        T::decode(&found.value[..]).expect("details decode")
    }

    /// The field that `google.rpc.BadRequest` names; it must name exactly one.
    ///
    /// # Panics
    /// If it names none, or several.
    #[must_use]
    pub fn field(&self) -> String {
        let bad: rpc::BadRequest = self.detail("google.rpc.BadRequest");
        assert_eq!(bad.field_violations.len(), 1, "{bad:?}");
        let violation = &bad.field_violations[0];
        assert!(!violation.description.is_empty(), "{bad:?}");
        violation.field.clone()
    }

    /// Checks the code and the reason.
    ///
    /// # Panics
    /// If they differ.
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
