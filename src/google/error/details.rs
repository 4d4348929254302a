//! The typed details of an error body (`google.rpc.*` and the batch methods' own), read leniently.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::mapping::ResourceName;
use crate::remote::Disposition;

/// `google.rpc.ErrorInfo`, or an item of the older `errors[]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorInfo {
    /// A constant such as `EXPIRED_SYNC_TOKEN`, or `rateLimitExceeded` in the older form.
    pub reason: String,
    /// Who coined the reason.
    pub domain: String,
    /// `quota_limit`, `service`, `activationUrl`, …
    pub metadata: BTreeMap<String, String>,
}

/// An item of `google.rpc.QuotaFailure`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaViolation {
    /// What is limited.
    pub subject: String,
    /// Which limit.
    pub description: String,
}

/// An item of `google.rpc.BadRequest`. The description may quote a value, so `Debug` leaves it out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the refused field.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl fmt::Debug for FieldViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldViolation").field("field", &self.field).finish_non_exhaustive()
    }
}

/// `google.rpc.Status`: the verdict on one contact of a batch. The message may quote a value, so `Debug` leaves it out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RpcStatus {
    /// A `google.rpc.Code`; 0 is success.
    pub code: i64,
    /// What is wrong, in Google's words.
    pub message: String,
}

impl RpcStatus {
    /// Reads a status; absent parts are proto3 defaults.
    #[must_use]
    pub(crate) fn read(value: &Value) -> Self {
        Self { code: value.get("code").and_then(Value::as_i64).unwrap_or(0), message: text(value, "message") }
    }

    /// What the verdict means for its contact.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        if speaks_of_stale_lock(&self.message) {
            return Disposition::Stale;
        }
        match self.code {
            5 => Disposition::Gone,
            7 => Disposition::Forbidden,
            8 if !speaks_of_full_account(&self.message) => Disposition::Throttled { retry_after: None },
            10 => Disposition::Stale,
            13 | 14 => Disposition::Unavailable,
            16 => Disposition::Unauthorized,
            _ => Disposition::Refused,
        }
    }
}

impl fmt::Debug for RpcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcStatus").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Which contacts made a batch fail. Contacts that are not listed would have succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactErrors {
    /// Of a batch of creates, by position in the request.
    Created(BTreeMap<usize, RpcStatus>),
    /// Of a batch of updates, by name.
    Updated(BTreeMap<ResourceName, RpcStatus>),
}

/// All details of one error body.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) infos: Vec<ErrorInfo>,
    pub(super) retry_delay: Option<Duration>,
    pub(super) quota_violations: Vec<QuotaViolation>,
    pub(super) field_violations: Vec<FieldViolation>,
    pub(super) contact_errors: Option<ContactErrors>,
    pub(super) help_urls: Vec<String>,
}

impl Details {
    /// Reads the `error` object. Unknown types and misshapen members are passed over.
    pub(super) fn read(error: &Value) -> Self {
        let mut details = Self::default();
        for detail in items(error, "details") {
            details.add(detail);
        }
        // API: the older form repeats the reason in `errors[]`; it comes with `$.xgafv=1` and from some front-ends.
        for item in items(error, "errors") {
            details.infos.push(ErrorInfo {
                reason: text(item, "reason"),
                domain: text(item, "domain"),
                metadata: BTreeMap::new(),
            });
        }
        details
    }

    fn add(&mut self, detail: &Value) {
        let kind = text(detail, "@type");
        match kind.rsplit('.').next().unwrap_or_default() {
            "ErrorInfo" => self.infos.push(ErrorInfo {
                reason: text(detail, "reason"),
                domain: text(detail, "domain"),
                metadata: texts(detail.get("metadata")),
            }),
            "RetryInfo" => self.retry_delay = proto_duration(&text(detail, "retryDelay")),
            "QuotaFailure" => {
                self.quota_violations.extend(items(detail, "violations").map(|item| QuotaViolation {
                    subject: text(item, "subject"),
                    description: text(item, "description"),
                }));
            }
            "BadRequest" => {
                self.field_violations.extend(items(detail, "fieldViolations").map(|item| FieldViolation {
                    field: text(item, "field"),
                    description: text(item, "description"),
                }));
            }
            "Help" => self.help_urls.extend(items(detail, "links").map(|item| text(item, "url"))),
            "BatchCreateContactsErrorDetails" => {
                self.contact_errors =
                    Some(ContactErrors::Created(contact_errors(detail, |key| key.parse().ok())));
            }
            "BatchUpdateContactsErrorDetails" => {
                self.contact_errors = Some(ContactErrors::Updated(contact_errors(detail, |key| {
                    Some(ResourceName(key.to_owned()))
                })));
            }
            _ => {}
        }
    }
}

/// The texts by which Google says that the revision we sent is missing or not the current one.
pub(super) fn speaks_of_stale_lock(message: &str) -> bool {
    // API: seen as "Request person.etag is different than the current person.etag. …", the same with
    // "person.metadata.sources.etag", and "Contact group etag is outdated". A missing lock is cured by reading again, too.
    message.contains("etag is different than the current")
        || message.contains("etag is outdated")
        || message.starts_with("Request must set person.etag")
}

/// The code by which Google says that the account holds as many contacts as it may.
pub(super) fn speaks_of_full_account(message: &str) -> bool {
    message.contains("MY_CONTACTS_OVERFLOW_COUNT")
}

/// `"3.5s"` as protobuf's JSON prints a duration; at most a day, so that no answer can stop an account for good.
fn proto_duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|delay| delay.min(LONGEST_DELAY))
}

/// The longest wait that an answer may ask for.
pub(super) const LONGEST_DELAY: Duration = Duration::from_hours(24);

fn contact_errors<K: Ord>(detail: &Value, key: impl Fn(&str) -> Option<K>) -> BTreeMap<K, RpcStatus> {
    detail
        .get("contactErrors")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, status)| Some((key(name)?, RpcStatus::read(status))))
        .collect()
}

pub(super) fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}
