//! How the site says no: status by exception class, and the body in version 1, version 2 and HTML.
//!
//! Law: `exc_type` is always there; `exception` and `exc` only when tracebacks are allowed, and never with a 404.

use serde_json::{Map, Value, json};

/// An exception of the site.
#[derive(Debug, Clone)]
pub(super) struct Refusal(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: u16,
    exc_type: &'static str,
    /// Module of the class, for `exception`.
    module: &'static str,
    /// What `str(exception)` gives.
    message: String,
    notices: Vec<Notice>,
    error_message: Option<String>,
}

/// One entry of `_server_messages`.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    message: String,
    title: &'static str,
    indicator: Option<&'static str>,
    raised: bool,
    alert: bool,
}

impl Notice {
    /// `frappe.msgprint(message)`.
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), title: "Message", indicator: None, raised: false, alert: false }
    }

    /// `frappe.msgprint(message, alert=True, indicator="green")`.
    pub(super) fn alert(message: impl Into<String>) -> Self {
        Self { indicator: Some("green"), alert: true, ..Self::plain(message) }
    }

    /// The same, shown for a moment only.
    pub(super) fn alerting(mut self) -> Self {
        self.alert = true;
        self
    }

    fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    fn red(mut self) -> Self {
        self.indicator = Some("red");
        self
    }

    fn raised(mut self) -> Self {
        self.raised = true;
        self.red()
    }

    fn to_json(&self, nonce: u64) -> String {
        let mut json = json!({"message": self.message, "title": self.title});
        if let Some(fields) = json.as_object_mut() {
            if let Some(indicator) = self.indicator {
                fields.insert("indicator".to_owned(), indicator.into());
            }
            if self.alert {
                fields.insert("alert".to_owned(), 1.into());
            }
            if self.raised {
                fields.insert("raise_exception".to_owned(), 1.into());
                fields.insert("__frappe_exc_id".to_owned(), format!("{nonce:056x}").into());
            }
        }
        json.to_string()
    }
}

/// `_server_messages`: a JSON text that holds a list of JSON texts.
pub(super) fn server_messages(notices: &[Notice], nonce: u64) -> String {
    Value::from(notices.iter().map(|notice| notice.to_json(nonce)).collect::<Vec<_>>()).to_string()
}

const FRAPPE: &str = "frappe.exceptions.";

impl Refusal {
    fn new(status: u16, exc_type: &'static str, module: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Parts { status, exc_type, module, message, notices: Vec::new(), error_message: None }))
    }

    /// `frappe.throw(message, exception)`: the message is also shown to the user.
    fn thrown(status: u16, exc_type: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let notice = Notice::plain(message.clone()).raised();
        Self::new(status, exc_type, FRAPPE, message).notice(notice)
    }

    pub(super) fn notice(mut self, notice: Notice) -> Self {
        self.0.notices.push(notice);
        self
    }

    fn error_message(mut self, message: impl Into<String>) -> Self {
        self.0.error_message = Some(message.into());
        self
    }

    /// 417 of the class `ValidationError` or one below it.
    pub(super) fn invalid(exc_type: &'static str, message: impl Into<String>) -> Self {
        Self::thrown(417, exc_type, message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::invalid("ValidationError", message)
    }

    pub(super) fn mandatory(doctype: &str, name: &str, fields: &[String], notices: Vec<Notice>) -> Self {
        let mut refusal =
            Self::new(417, "MandatoryError", FRAPPE, format!("[{doctype}, {name}]: {}", fields.join(", ")));
        refusal.0.notices = notices;
        refusal
    }

    pub(super) fn too_long(who: &str, label: &str, value: &str) -> Self {
        let message = format!(
            "{who}: '<strong>{label}</strong>' ({value}) will get truncated, as max characters allowed is 140"
        );
        Self::new(417, "CharacterLengthExceededError", FRAPPE, message.clone())
            .notice(Notice::plain(message).titled("Value too big").raised())
    }

    pub(super) fn stale(stored: &str, now: &str) -> Self {
        Self::invalid(
            "TimestampMismatchError",
            format!(
                "Error: Document has been modified after you have opened it ({stored}, {now}). Please refresh to get the latest \
                 document."
            ),
        )
    }

    pub(super) fn unique(doctype: &str, name: &str, field: &str, label: &str, value: &str) -> Self {
        let (name, value) = (escaped(name), escaped(value));
        let message = format!(
            "('{doctype}', '{name}', IntegrityError(1062, \"Duplicate entry '{value}' for key '{field}'\"))"
        );
        Self::new(417, "UniqueValidationError", FRAPPE, message)
            .notice(Notice::plain(format!("{label} must be unique")))
    }

    pub(super) fn duplicate(doctype: &str, name: &str) -> Self {
        let raw = escaped(name);
        let message = format!(
            "('{doctype}', '{raw}', IntegrityError(1062, \"Duplicate entry '{raw}' for key 'PRIMARY'\"))"
        );
        Self::new(409, "DuplicateEntryError", FRAPPE, message).notice(
            Notice::plain(format!("{doctype} <strong>{name}</strong> already exists"))
                .titled("Duplicate Name")
                .red(),
        )
    }

    pub(super) fn bad_name(message: impl Into<String>) -> Self {
        Self::thrown(409, "NameError", message)
    }

    /// 404 with the sentence that names the document.
    pub(super) fn missing(doctype: &str, name: &str) -> Self {
        Self::thrown(404, "DoesNotExistError", format!("{doctype} {name} not found"))
    }

    /// 404 without a sentence: no such route, or a deletion of what is not there.
    pub(super) fn nothing_here() -> Self {
        Self::new(404, "DoesNotExistError", FRAPPE, "")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "AuthenticationError", FRAPPE, "")
    }

    pub(super) fn no_password(doctype: &str, name: &str, field: &str) -> Self {
        Self::thrown(401, "AuthenticationError", format!("Password not found for {doctype} {name} {field}"))
    }

    /// 403 without a sentence.
    pub(super) fn forbidden() -> Self {
        Self::new(403, "PermissionError", FRAPPE, "")
    }

    /// 403 with what the permission check said, and the summary of the page.
    pub(super) fn forbidden_because(reason: String, summary: Option<String>) -> Self {
        let refusal = Self::forbidden().notice(Notice::plain(reason));
        match summary {
            Some(summary) => refusal.error_message(summary),
            None => refusal,
        }
    }

    pub(super) fn delete_forbidden(reason: String, doctype: &str, name: &str) -> Self {
        let message = format!("User not allowed to delete {doctype}: {name}");
        Self::new(403, "PermissionError", FRAPPE, message.clone())
            .notice(Notice::plain(reason))
            .notice(Notice::plain(message).raised())
    }

    pub(super) fn not_permitted(message: impl Into<String>) -> Self {
        Self::thrown(403, "PermissionError", message)
    }

    pub(super) fn not_whitelisted(method: &str) -> Self {
        let message = format!(
            "<details><summary>You are not permitted to access this resource.</summary>Function <strong>{method}</strong> is not \
             whitelisted.</details>"
        );
        Self::new(403, "PermissionError", FRAPPE, message.clone())
            .notice(Notice::plain(message).titled("Method Not Allowed").raised())
    }

    /// 500: an exception that nobody catches.
    pub(super) fn crash(module: &'static str, exc_type: &'static str, message: impl Into<String>) -> Self {
        Self::new(500, exc_type, module, message)
    }

    pub(super) fn bad_json(text: &str) -> Self {
        let column = match serde_json::from_str::<Value>(text) {
            Err(error) if error.is_eof() => text.chars().count() + 1,
            Err(error) => error.column().max(1),
            Ok(_) => 1,
        };
        let message = format!("Expecting value: line 1 column {column} (char {})", column - 1);
        Self::crash("json.decoder.", "JSONDecodeError", message)
    }

    pub(super) fn too_many_requests() -> Self {
        Self::new(429, "TooManyRequestsError", FRAPPE, "")
    }

    pub(super) fn stopped() -> Self {
        Self::new(503, "SessionStopped", FRAPPE, "Session Stopped")
    }

    pub(super) fn read_only() -> Self {
        let message = "Site is running in read only mode for maintenance or site update, this action can not be performed right now. \
                       Please try again later.";
        Self::new(503, "InReadOnlyMode", FRAPPE, message)
            .notice(Notice::plain(message).titled("In Read Only Mode").raised())
    }

    pub(super) fn status(&self) -> u16 {
        self.0.status
    }

    pub(super) fn exc_type(&self) -> &'static str {
        self.0.exc_type
    }

    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    pub(super) fn notices(&self) -> &[Notice] {
        &self.0.notices
    }

    /// `frappe.exceptions.ValidationError: …`.
    pub(super) fn exception(&self) -> String {
        let Parts { module, exc_type, message, .. } = &*self.0;
        if message.is_empty() {
            format!("{module}{exc_type}")
        } else {
            format!("{module}{exc_type}: {message}")
        }
    }

    pub(super) fn traceback(&self) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"apps/frappe/frappe/app.py\", line 1\n{}\n",
            self.exception()
        )
    }

    /// The body of version 1.
    pub(super) fn to_v1(&self, traceback: bool, nonce: u64) -> Map<String, Value> {
        let parts = &*self.0;
        let mut body = Map::new();
        body.insert("exc_type".to_owned(), parts.exc_type.into());
        if traceback && parts.status != 404 {
            body.insert("exception".to_owned(), self.exception().into());
            body.insert("exc".to_owned(), json!([self.traceback()]).to_string().into());
        }
        if !parts.notices.is_empty() {
            body.insert("_server_messages".to_owned(), server_messages(&parts.notices, nonce).into());
        }
        if let Some(message) = &parts.error_message {
            body.insert("_error_message".to_owned(), message.as_str().into());
        }
        body
    }

    /// The body of version 2.
    pub(super) fn to_v2(&self, traceback: bool) -> Map<String, Value> {
        let parts = &*self.0;
        let mut error = Map::new();
        error.insert("type".to_owned(), parts.exc_type.into());
        if traceback && parts.status != 404 {
            error.insert("exception".to_owned(), self.traceback().into());
        }
        if let Some(notice) = parts.notices.last() {
            error.insert("message".to_owned(), notice.message.as_str().into());
            error.insert("title".to_owned(), notice.title.into());
            if let Some(indicator) = notice.indicator {
                error.insert("indicator".to_owned(), indicator.into());
            }
        }
        Map::from_iter([("errors".to_owned(), json!([error]))])
    }

    /// The page for a browser.
    pub(super) fn to_html(&self) -> String {
        let Parts { status, exc_type, .. } = &*self.0;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<title>{exc_type}</title>\n<h1>{status} {exc_type}</h1>\n</html>\n"
        )
    }
}

/// `text` as Python's `repr` writes it, where what cannot be seen is escaped.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{a0}' | '\u{ad}' => format!("\\x{:02x}", u32::from(character)),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
            format!("\\u{:04x}", u32::from(character))
        }
        _ if character.is_control() => format!("\\x{:02x}", u32::from(character)),
        _ => character.to_string(),
    };
    text.chars().map(escape).collect()
}
