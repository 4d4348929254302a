//! Shapes that several methods' answers share.

use serde::Deserialize;
use serde_json::Value;

use super::error::RpcStatus;
use crate::mapping::Person;

/// `PersonResponse`: one contact's part of a batch answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonResponse {
    #[serde(default)]
    pub(super) requested_resource_name: String,
    pub(super) person: Option<Value>,
    #[serde(default)]
    status: Value,
    http_status_code: Option<i64>,
}

impl PersonResponse {
    /// The verdict; success when nothing else is said.
    pub(super) fn status(&self) -> RpcStatus {
        let mut status = RpcStatus::read(&self.status);
        // API: the status object is the newer form; with only the deprecated HTTP code, 404 is the one that matters.
        if status.code == 0 && self.http_status_code == Some(404) {
            status.code = NOT_FOUND;
        }
        status
    }

    /// The contact, if there is one that can be read.
    pub(super) fn person(self) -> Option<Person> {
        Person::parse(self.person?).ok()
    }
}

/// `google.rpc.Code.NOT_FOUND`.
pub(super) const NOT_FOUND: i64 = 5;

/// An empty token means the same as none.
pub(super) fn non_empty(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}
