//! A scripted remote for the tests of this module: answers in order, remembers what was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::oauth::{AccessTokens, AuthorizationError, ClientCredentials, TokenVault, VaultKey};
use super::{GoogleEndpoints, PeopleClient};
use crate::account::AccountName;
use crate::remote::{Clock, Transport, TransportError};
use crate::store::{Batch, Entry, Store, StoreError, Tree};

type Answer = Result<Response<Bytes>, TransportError>;

/// Answers in order; a request too many fails the test.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Request<Bytes>>>,
    /// Requests under way, and the most there ever were.
    under_way: Mutex<(usize, usize)>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, ..Self::default() })
    }

    /// The most requests that were under way at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.under_way.lock().unwrap().1
    }

    fn count_under_way(&self, change: impl Fn(usize) -> usize) {
        let mut under_way = self.under_way.lock().unwrap();
        under_way.0 = change(under_way.0);
        under_way.1 = under_way.1.max(under_way.0);
    }

    /// What was asked so far, as "VERB path?query" with the query decoded.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(line).collect()
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Body of the request number `index`.
    pub(crate) fn body(&self, index: usize) -> String {
        String::from_utf8(self.asked.lock().unwrap()[index].body().to_vec()).unwrap()
    }

    /// JSON body of the request number `index`.
    pub(crate) fn json(&self, index: usize) -> Value {
        serde_json::from_str(&self.body(index)).unwrap()
    }

    /// A header of the request number `index`.
    pub(crate) fn header(&self, index: usize, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        asked[index].headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        async move {
            self.asked.lock().unwrap().push(request);
            self.count_under_way(|now| now + 1);
            // Lets the others run, so that tests of concurrency mean something.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            self.count_under_way(|now| now - 1);
            self.answers.lock().unwrap().pop_front().expect("a request that the script does not foresee")
        }
        .boxed()
    }
}

fn line(request: &Request<Bytes>) -> String {
    let url = Url::parse(&request.uri().to_string()).unwrap();
    let query: Vec<String> = url.query_pairs().map(|(key, value)| format!("{key}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{} {}{mark}{}", request.method(), url.path(), query.join("&"))
}

/// A JSON answer.
pub(crate) fn answer(status: u16, body: &Value) -> Answer {
    raw(status, "application/json; charset=UTF-8", body.to_string())
}

/// Any answer.
#[expect(clippy::unnecessary_wraps, reason = "a script is a list of answers, and this is one")]
pub(crate) fn raw(status: u16, kind: &str, body: impl Into<Bytes>) -> Answer {
    Ok(Response::builder().status(status).header("content-type", kind).body(body.into()).unwrap())
}

/// A front-end's page.
pub(crate) fn page(status: u16) -> Answer {
    raw(status, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Error</title><p>That’s an error.")
}

/// No answer, though the request may have arrived.
pub(crate) fn no_answer() -> Answer {
    Err(TransportError::NoAnswer { host: "people.googleapis.com".to_owned(), reason: "timed out".to_owned() })
}

/// No connection.
pub(crate) fn not_sent() -> Answer {
    Err(TransportError::NotSent { host: "people.googleapis.com".to_owned(), reason: "refused".to_owned() })
}

/// A person as Google sends it.
pub(crate) fn person(id: u64, given_name: &str) -> Value {
    let source = format!("{id:x}");
    json!({
        "resourceName": format!("people/c{id}"),
        "etag": "%EgcBAj0uNz4=",
        "metadata": {
            "sources": [{"type": "CONTACT", "id": source, "etag": format!("#etag{id}="), "updateTime": "2026-01-04T22:44:04.913Z"}],
            "objectType": "PERSON",
        },
        "names": [{"metadata": {"primary": true, "source": {"type": "CONTACT", "id": source}}, "givenName": given_name}],
    })
}

/// An unsigned id token with these claims.
pub(crate) fn id_token(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.sig", encode(&json!({"alg": "RS256"})), encode(claims))
}

/// Access tokens "token-1", "token-2", …: a new one after each refusal.
#[derive(Default)]
pub(crate) struct CountingTokens(Mutex<u32>);

impl AccessTokens for CountingTokens {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        let token = SecretString::from(format!("token-{}", *self.0.lock().unwrap() + 1));
        async move { Ok(token) }.boxed()
    }

    fn refused(&self, token: &SecretString) {
        let mut refused = self.0.lock().unwrap();
        assert_eq!(
            token.expose_secret(),
            format!("token-{}", *refused + 1),
            "only the current token is refused"
        );
        *refused += 1;
    }
}

/// A client that plays against `script`.
pub(crate) fn client(script: &Arc<Script>) -> PeopleClient {
    PeopleClient::new(script.clone(), endpoints().api, Arc::new(CountingTokens::default()))
}

pub(crate) fn endpoints() -> GoogleEndpoints {
    GoogleEndpoints {
        api: Url::parse("https://people.googleapis.com/").unwrap(),
        token: Url::parse("https://oauth2.googleapis.com/token").unwrap(),
        auth: Url::parse("https://accounts.google.com/o/oauth2/v2/auth").unwrap(),
    }
}

pub(crate) fn credentials() -> ClientCredentials {
    ClientCredentials {
        id: "us.apps.googleusercontent.com".to_owned(),
        secret: SecretString::from("GOCSPX-hush"),
    }
}

pub(crate) fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

/// A clock that moves when told.
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-11-23T08:00:00Z".parse().unwrap())))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(duration);
        async {}.boxed()
    }
}

type Entries = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

/// A store in memory that counts its commits.
#[derive(Default)]
pub(crate) struct MemoryStore {
    entries: Mutex<Entries>,
    commits: Mutex<usize>,
}

impl MemoryStore {
    pub(crate) fn commits(&self) -> usize {
        *self.commits.lock().unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().iter().map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }

    pub(crate) fn set(&self, key: &[u8], value: Vec<u8>) {
        self.entries.lock().unwrap().insert((Tree::Accounts, key.to_vec()), value);
    }
}

impl Store for MemoryStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries.lock().unwrap().get(&(tree, key.to_vec())).cloned())
    }

    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a> {
        let entries = self.entries.lock().unwrap();
        let found: Vec<_> = entries
            .iter()
            .filter(|((t, key), _)| *t == tree && key.starts_with(prefix))
            .map(|((_, key), value)| Ok((key.clone(), value.clone())))
            .collect();
        Box::new(found.into_iter())
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut entries = self.entries.lock().unwrap();
        *self.commits.lock().unwrap() += 1;
        for (tree, key, value) in batch.into_operations() {
            match value {
                Some(value) => entries.insert((tree, key), value),
                None => entries.remove(&(tree, key)),
            };
        }
        async { Ok(()) }.boxed()
    }
}

/// A vault over `store`.
pub(crate) fn vault(store: &Arc<MemoryStore>) -> Arc<TokenVault> {
    Arc::new(TokenVault::new(store.clone(), &VaultKey::from_bytes(&[7; 32]).unwrap()))
}
