//! The client: from a method's parameters to a typed answer.
//!
//! Law: a refused access token is refreshed once and the call repeated once; nothing else is repeated here, because only the
//! engine knows whether a write may be sent again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use super::error::Quota;
use super::error::{ApiError, GoogleError};
use super::governor::{Detained, Governor};
use super::mask::FieldMask;
use super::method::Method;
use super::oauth::AccessTokens;
use crate::account::AccountName;
use crate::mapping::ResourceName;
use crate::remote::Transport;

/// The People API on behalf of one Google account.
pub struct PeopleClient {
    transport: Arc<dyn Transport>,
    api_url: Url,
    tokens: Arc<dyn AccessTokens>,
    // API: "Mutate requests for the same user should be sent sequentially" (People API reference, every mutate method).
    mutations: Mutex<()>,
    sent: AtomicU64,
    governed: Option<Governed>,
    mask: FieldMask,
}

/// Who lets the calls through, on whose account, and until when they wait.
struct Governed {
    governor: Arc<Governor>,
    account: AccountName,
    cancel: CancellationToken,
}

impl PeopleClient {
    /// A client for the account whose consent `tokens` stands for.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, api_url: Url, tokens: Arc<dyn AccessTokens>) -> Self {
        Self {
            transport,
            api_url,
            tokens,
            mutations: Mutex::new(()),
            sent: AtomicU64::new(0),
            governed: None,
            mask: FieldMask::READ,
        }
    }

    /// Reads photos with everything else.
    #[must_use]
    pub fn with_photos(self) -> Self {
        self.reading(["photos"])
    }

    /// Makes each call wait until `governor` lets it through for `account`, or until `cancel` is cancelled. Dropping a call that
    /// waits is safe: nothing was sent.
    #[must_use]
    pub fn governed(
        mut self,
        governor: Arc<Governor>,
        account: AccountName,
        cancel: CancellationToken,
    ) -> Self {
        self.governed = Some(Governed { governor, account, cancel });
        self
    }

    /// Reads these person fields too.
    #[must_use]
    pub fn reading<'f>(mut self, fields: impl IntoIterator<Item = &'f str>) -> Self {
        self.mask = self.mask.with(fields);
        self
    }

    /// The mask of every read but those of before-images.
    #[must_use]
    pub fn mask(&self) -> &FieldMask {
        &self.mask
    }

    /// Requests sent to the People API so far, repeated ones included, token refreshes not.
    #[must_use]
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Calls a method and reads its answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, GoogleError> {
        let sequential = if call.method.is_mutation() { Some(self.mutations.lock().await) } else { None };
        let response = self.exchange(&call).await?;
        drop(sequential);
        if !response.status().is_success() {
            let error = ApiError::read(call.method, call.incremental, &response);
            if let (Some(Quota::Minute), Some(governed)) = (error.quota(), &self.governed) {
                governed.governor.refused(&governed.account, call.method);
            }
            return Err(GoogleError::Api(Box::new(error)));
        }
        serde_json::from_slice(response.body()).map_err(|error| GoogleError::Unintelligible {
            method: call.method,
            reason: describe(&error, response.status()),
        })
    }

    async fn exchange(&self, call: &Call) -> Result<Response<Bytes>, GoogleError> {
        self.admit(call.method).await?;
        let token = self.tokens.access_token().await?;
        let response = self.send(call, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.tokens.refused(&token);
        let fresh = self.tokens.access_token().await?;
        self.admit(call.method).await?;
        let response = self.send(call, &fresh).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.tokens.refused(&fresh);
        }
        Ok(response)
    }

    async fn admit(&self, method: Method) -> Result<(), GoogleError> {
        let Some(Governed { governor, account, cancel }) = &self.governed else { return Ok(()) };
        governor.admit(account, method, cancel).await.map_err(|detained| match detained {
            Detained::Until(wait) => GoogleError::Detained { method, wait },
            Detained::Stopped => GoogleError::Stopped { method },
        })
    }

    /// Whether `url` is a place where Google keeps photos.
    pub(super) fn is_googles(&self, url: &Url) -> bool {
        let is_google = url.scheme() == "https"
            && url.host_str().is_some_and(|host| {
                host == "googleusercontent.com" || host.ends_with(".googleusercontent.com")
            });
        // A stand-in keeps them itself.
        is_google || url.origin() == self.api_url.origin()
    }

    /// Fetches what lies at `url`, as anybody could: photos need no consent.
    pub(super) async fn fetch(&self, method: Method, url: &str) -> Result<Response<Bytes>, GoogleError> {
        let request = Request::builder().method(http::Method::GET).uri(url).body(Bytes::new());
        let request = request.map_err(|_| GoogleError::Unsendable {
            method,
            reason: "the address is not one that HTTP can carry".to_owned(),
        })?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.transport.send(request).await.map_err(|source| GoogleError::Transport { method, source })
    }

    async fn send(&self, call: &Call, token: &SecretString) -> Result<Response<Bytes>, GoogleError> {
        let request = call.request(&self.api_url, token)?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.transport
            .send(request)
            .await
            .map_err(|source| GoogleError::Transport { method: call.method, source })
    }
}

impl fmt::Debug for PeopleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeopleClient").field("api_url", &self.api_url.as_str()).finish_non_exhaustive()
    }
}

/// One call: a method with its parameters.
pub(super) struct Call {
    method: Method,
    verb: http::Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    incremental: bool,
}

impl Call {
    /// A call of `method` at `/v1/` followed by `path`, whose segments are encoded here.
    pub(super) fn new<S: Into<String>>(
        method: Method,
        verb: http::Method,
        path: impl IntoIterator<Item = S>,
    ) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        Self { method, verb, path, query: Vec::new(), body: None, incremental: false }
    }

    /// Adds a query parameter; a name may be repeated.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Sends `body` as JSON.
    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Some(Bytes::from(body.to_string()));
        self
    }

    /// Continues from a sync token, so that a 400 speaks of the token.
    pub(super) fn since(mut self, sync_token: Option<&str>) -> Self {
        if let Some(token) = sync_token {
            self.incremental = true;
            self.query.push(("syncToken", token.to_owned()));
        }
        self
    }

    fn request(&self, base: &Url, token: &SecretString) -> Result<Request<Bytes>, GoogleError> {
        let unsendable =
            |reason: &str| GoogleError::Unsendable { method: self.method, reason: reason.to_owned() };
        let url = self.url(base).ok_or_else(|| unsendable("the API address cannot carry a path"))?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| unsendable("the access token holds characters that no header can carry"))?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.verb.clone())
            .uri(url.as_str())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, bearer);
        if let Some(body) = &self.body {
            request = request.header(CONTENT_TYPE, "application/json").header(CONTENT_LENGTH, body.len());
        }
        request
            .body(self.body.clone().unwrap_or_default())
            .map_err(|_| unsendable("the address is not one that HTTP can carry"))
    }

    fn url(&self, base: &Url) -> Option<Url> {
        let mut url = base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().push("v1").extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Some(url)
    }
}

/// The path segments of a resource name, with `verb` (`:updateContact`) behind the last.
pub(super) fn record_path(
    method: Method,
    collection: &'static str,
    name: &str,
    verb: &str,
) -> Result<[String; 2], GoogleError> {
    let id = name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.is_empty() || !id.chars().all(fits) {
        return Err(GoogleError::Unaddressable { method, name: name.to_owned(), collection });
    }
    Ok([collection.to_owned(), format!("{id}{verb}")])
}

/// The path of a person.
pub(super) fn person_path(
    method: Method,
    name: &ResourceName,
    verb: &str,
) -> Result<[String; 2], GoogleError> {
    record_path(method, "people", &name.0, verb)
}

/// A call that cannot succeed is not sent.
pub(super) fn at_most(method: Method, limit: usize, count: usize) -> Result<(), GoogleError> {
    if count <= limit {
        return Ok(());
    }
    Err(GoogleError::Unsendable {
        method,
        reason: format!("{count} contacts in one request, where {limit} are allowed"),
    })
}

/// Says what is wrong with a body without quoting it: serde's own message repeats values.
fn describe(error: &serde_json::Error, status: StatusCode) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Io | Category::Syntax => "no valid JSON",
        Category::Eof => "truncated JSON",
        Category::Data => "JSON of another shape",
    };
    format!("{what} at line {} column {} of a {} answer", error.line(), error.column(), status.as_u16())
}
