//! One request to the site.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use http::{Method, Request};
use jiff::Timestamp;
use jiff::tz::Offset;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::answer;
use super::document::CONTACT_FIELDS;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use crate::remote::Transport;

/// What a client needs to know about its site.
#[derive(Debug, Clone)]
pub struct SiteOptions {
    /// Address of the site; a path before `/api` is kept.
    pub url: Url,
    /// The API key of the site's user.
    pub api_key: String,
    /// The secret that belongs to it.
    pub api_secret: SecretString,
    /// Contacts in one page.
    pub page_size: u32,
    /// Further scalar fields of Contact to read, such as a unique custom field that carries our marker.
    pub extra_fields: Vec<String>,
    /// Whether contacts are read with the Address documents that are linked to them.
    pub addresses: bool,
}

impl SiteOptions {
    /// Pages of 1000 contacts and no extra fields.
    #[must_use]
    pub fn new(url: Url, api_key: String, api_secret: SecretString) -> Self {
        Self { url, api_key, api_secret, page_size: 1000, extra_fields: Vec::new(), addresses: false }
    }
}

/// Speaks to one Dafater site as one of its users.
pub struct SiteClient {
    transport: Arc<dyn Transport>,
    base: String,
    authorization: HeaderValue,
    pub(super) page_size: u32,
    extra_fields: Vec<String>,
    fields: Mutex<Arc<[String]>>,
    pub(super) addresses: bool,
    /// Whether the site's user may not read addresses, as the last read of them showed.
    pub(super) addresses_hidden: std::sync::atomic::AtomicBool,
    shown: Mutex<Arc<[String]>>,
    /// The site's distance from UTC, as our own latest write showed it.
    pub(super) offset: Mutex<Option<Offset>>,
}

/// A success.
pub(super) struct Reply {
    pub(super) body: Map<String, Value>,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    status: u16,
}

impl SiteClient {
    /// A client that sends its requests over `transport`.
    ///
    /// # Errors
    /// The key or the secret holds characters that a header cannot carry.
    pub fn new(transport: Arc<dyn Transport>, options: SiteOptions) -> Result<Self, DafaterError> {
        let token = format!("token {}:{}", options.api_key, options.api_secret.expose_secret());
        let mut authorization =
            HeaderValue::from_str(&token).map_err(|_| DafaterError::UnsendableCredentials)?;
        authorization.set_sensitive(true);
        let mut base = options.url;
        base.set_query(None);
        base.set_fragment(None);
        let fields =
            CONTACT_FIELDS.into_iter().map(str::to_owned).chain(options.extra_fields.iter().cloned());
        let fields = fields.collect::<Vec<_>>().into();
        Ok(Self {
            transport,
            base: base.as_str().trim_end_matches('/').to_owned(),
            authorization,
            page_size: options.page_size.max(1),
            extra_fields: options.extra_fields,
            fields: Mutex::new(fields),
            addresses: options.addresses,
            addresses_hidden: false.into(),
            shown: Mutex::new(Arc::new([])),
            offset: Mutex::new(None),
        })
    }

    /// Reads these scalar fields of a contact from now on, beside those that are always read. A list that leaves out one of those that
    /// `must_show` is an error: what is not shown is not empty.
    ///
    /// API: an older site refuses a whole list for one field that it does not have.
    pub fn read_also<'c>(
        &self,
        columns: impl IntoIterator<Item = &'c str>,
        must_show: impl IntoIterator<Item = &'c str>,
    ) {
        let mut fields: Vec<String> = CONTACT_FIELDS.map(str::to_owned).to_vec();
        let more = self.extra_fields.iter().cloned().chain(columns.into_iter().map(str::to_owned));
        for column in more {
            if !fields.contains(&column) {
                fields.push(column);
            }
        }
        *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = fields.into();
        let shown: Vec<String> = must_show.into_iter().map(str::to_owned).collect();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown.into();
    }

    /// The fields that each row of a list must show.
    pub(super) fn shown(&self) -> Arc<[String]> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The scalar fields of a contact that are read.
    pub(super) fn fields(&self) -> Arc<[String]> {
        Arc::clone(&self.fields.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends one request to `path` (which begins with `/api/`) and reads the answer.
    pub(super) async fn request(
        &self,
        call: Call,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, DafaterError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            // API: without it a proxy or the site may answer in HTML.
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, self.authorization.clone());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = request.body(body).map_err(|_| DafaterError::Protocol {
            call,
            status: 0,
            what: "no request can be made of it",
        })?;
        let response =
            self.transport.send(request).await.map_err(|source| DafaterError::Transport { call, source })?;
        let body = answer::object(call, &response)?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        Ok(Reply { body, date, status: response.status().as_u16() })
    }

    /// Sends one request to `path` and returns the answer as it came.
    pub(super) async fn raw(
        &self,
        call: Call,
        method: Method,
        path: &str,
    ) -> Result<http::Response<Bytes>, DafaterError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.authorization.clone())
            .body(Bytes::new());
        let request = request.map_err(|_| DafaterError::Protocol {
            call,
            status: 0,
            what: "no request can be made of it",
        })?;
        self.transport.send(request).await.map_err(|source| DafaterError::Transport { call, source })
    }

    /// Calls a whitelisted method with arguments in the body.
    pub(super) async fn post_method(
        &self,
        call: Call,
        method: &str,
        arguments: &Value,
    ) -> Result<Reply, DafaterError> {
        self.request(call, Method::POST, &format!("/api/method/{method}"), Some(arguments)).await
    }

    /// Calls a whitelisted method with arguments in the query.
    pub(super) async fn get_method(
        &self,
        call: Call,
        method: &str,
        arguments: &[(&str, &str)],
    ) -> Result<Reply, DafaterError> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(arguments).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        self.request(call, Method::GET, &format!("/api/method/{method}{mark}{query}"), None).await
    }

    /// Rows of a list, each as it came.
    pub(super) async fn list(&self, call: Call, query: &ListQuery) -> Result<Vec<Value>, DafaterError> {
        self.list_with_date(call, query).await.map(|(rows, _)| rows)
    }

    pub(super) async fn list_with_date(
        &self,
        call: Call,
        query: &ListQuery,
    ) -> Result<(Vec<Value>, Option<Timestamp>), DafaterError> {
        let arguments = serde_json::to_value(query).map_err(|_| DafaterError::Protocol {
            call,
            status: 0,
            what: "no request can be made of it",
        })?;
        let mut reply = self.post_method(call, "frappe.client.get_list", &arguments).await?;
        match reply.body.remove("message") {
            Some(Value::Array(rows)) => Ok((rows, reply.date)),
            _ => Err(reply.misunderstood(call, "it holds no list")),
        }
    }

    /// Remembers the site's distance from UTC.
    pub(super) fn learn_offset(&self, offset: Offset) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
    }

    /// What the latest write taught about the site's distance from UTC.
    pub(super) fn learnt_offset(&self) -> Option<Offset> {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reply {
    /// The error for a success whose content is not as promised.
    pub(super) fn misunderstood(&self, call: Call, what: &'static str) -> DafaterError {
        DafaterError::Protocol { call, status: self.status, what }
    }
}

impl fmt::Debug for SiteClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteClient").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dafater::testing::Script;
    use crate::mapping::{DocumentName, SiteStamp};

    #[test]
    fn every_call_can_run_on_any_thread() {
        fn travels(_call: impl Send) {}
        let (site, _) = Script::site([]);
        let (name, stamp) = (DocumentName("Omar".to_owned()), SiteStamp("2026-11-22 11:33:48".to_owned()));
        let known = BTreeSet::from([name.clone()]);
        travels(site.changed_contacts(None, None, |name, _| known.contains(name)));
        travels(site.contacts_by_name(&[]));
        travels(site.find_by_creation(&[]));
        travels(site.find_by_google_id(&[]));
        travels(site.sweep(None));
        travels(site.deleted_contacts(&stamp));
        travels(site.create_contact(Map::new()));
        travels(site.update_contact(&name, &stamp, Map::new()));
        travels(site.delete_contact(&name, &stamp));
        travels(site.site_time());
        travels(site.permissions());
    }

    #[tokio::test]
    async fn a_site_below_a_path_keeps_it_and_the_configured_query_goes() {
        let url = "https://erp.example/site/?x=1#top".parse().expect("a URL");
        let answer = crate::dafater::testing::message(Value::from("sync@dafater.test"));
        let (site, script) = Script::site_with([answer], |options| options.url = url);
        site.logged_user().await.expect("a user");
        assert_eq!(script.lines(), ["GET /site/api/method/frappe.auth.get_logged_user"]);
    }
}
