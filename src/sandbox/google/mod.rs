//! The stand-in for Google: the People API and the OAuth endpoints.
//!
//! Models what Google was seen to do: field masks, two-level etags, sync tokens and tombstones, atomic batches, groups, quotas,
//! consent. Several accounts live in one model; the access token says which one a request is for. People's own edits are made
//! through the methods in `hand`; where Google's behaviour is unknown or varies, [`GoogleOptions`] has a switch.
//!
//! Law: what Google refuses is refused. A client that passes here has not been spared anything.

mod account;
mod assertion;
mod batch;
mod call;
mod connections;
mod derive;
mod edit;
mod etag;
mod groups;
mod hand;
mod journal;
mod mask;
mod members;
mod oauth;
mod options;
mod people;
mod photos;
mod quota;
mod random;
mod record;
mod refusal;
mod routes;
mod schema;
mod shape;
mod token;
mod view;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use serde_json::json;

pub use hand::{HandError, PersonVersion};
pub use journal::{Counters, LoggedRequest, Writes};
pub use options::{Burst, Consent, GoogleOptions, Lenience, Quotas, ServiceAccount, V1Errors};

use account::{Account, Turn};
use call::Call;
use journal::Journal;
use oauth::{CONTACTS, CONTACTS_READONLY, Desk, OAuth};
use random::Random;
use refusal::{Answer, Refusal, json_response, unknown_address};
use routes::{Facts, Route};

use super::Model;

/// Google, as far as contacts go.
#[derive(Debug)]
pub struct Google {
    options: GoogleOptions,
    random: Random,
    accounts: Vec<Account>,
    oauth: OAuth,
    journal: Journal,
}

impl Google {
    /// A Google without accounts.
    #[must_use]
    pub fn new(options: GoogleOptions) -> Self {
        Self {
            random: Random::new(options.seed),
            options,
            accounts: Vec::new(),
            oauth: OAuth::default(),
            journal: Journal::default(),
        }
    }

    /// The switches.
    #[must_use]
    pub fn options(&self) -> &GoogleOptions {
        &self.options
    }

    /// The switches, to be changed while it runs. The seed may not be: tokens are sealed with it.
    pub fn options_mut(&mut self) -> &mut GoogleOptions {
        &mut self.options
    }

    /// What was asked and written since the last reset, in all accounts.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters { requests: self.journal.requests.clone(), writes: Writes::default() };
        self.accounts.iter().for_each(|account| counters.writes.add(&account.writes));
        counters
    }

    /// What clients wrote in one account since the last reset.
    ///
    /// # Errors
    /// There is no such account.
    pub fn writes(&self, email: &str) -> Result<Writes, HandError> {
        Ok(self.account(email)?.writes)
    }

    /// The last requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &LoggedRequest> {
        self.journal.log.iter()
    }

    /// Forgets requests and counters; contacts and quotas stay.
    pub fn reset_counters(&mut self) {
        self.journal = Journal::default();
        self.accounts.iter_mut().for_each(|account| account.writes = Writes::default());
    }

    /// Answers, and names the method and the account for the journal.
    fn dispatch(
        &mut self,
        call: &Call<'_>,
        now: Timestamp,
    ) -> (&'static str, Option<usize>, Response<Bytes>) {
        if let Some(route) = Route::of(call) {
            let facts = route.facts(call);
            let mut account = None;
            let answer = self.api(call, &route, &facts, &mut account, now);
            let response = match answer {
                Ok(body) => json_response(200, body),
                Err(refusal) => refusal.to_response(match self.options.v1_errors {
                    V1Errors::Never => false,
                    V1Errors::WhenAsked => call.asks_for_v1_errors(),
                    V1Errors::Always => true,
                }),
            };
            return (facts.name, account, response);
        }
        if call.method == Method::GET && call.path.starts_with(PHOTOS) {
            return ("photo", None, self.serve_photo(&call.path));
        }
        let mut desk = Desk {
            oauth: &mut self.oauth,
            accounts: &self.accounts,
            options: &self.options,
            random: &mut self.random,
            now,
        };
        let (name, response) = match (call.method, call.path.as_str()) {
            (&Method::POST, "/token") => ("oauth.token", desk.token(call)),
            (&Method::POST, "/revoke") => ("oauth.revoke", desk.revoke(call)),
            (&Method::GET, "/o/oauth2/v2/auth") => ("oauth.auth", desk.authorize(&call.query)),
            (_, path) => ("unknown", unknown_address(path)),
        };
        (name, None, response)
    }

    /// What lies at the address of a photo: anybody may see it.
    fn serve_photo(&self, path: &str) -> Response<Bytes> {
        let name = path.strip_prefix(PHOTOS).unwrap_or_default().split('=').next().unwrap_or_default();
        let mark = u64::from_str_radix(name, 16).ok();
        let photo = mark.and_then(|mark| self.accounts.iter().find_map(|account| account.photos.get(&mark)));
        let (status, body) = photo.map_or((404, Bytes::new()), |photo| (200, photo.clone()));
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        response
    }

    fn api(
        &mut self,
        call: &Call<'_>,
        route: &Route,
        facts: &Facts,
        caller: &mut Option<usize>,
        now: Timestamp,
    ) -> Answer {
        let index = self.authenticate(call, facts.writes, now)?;
        *caller = Some(index);
        call.check_parameters(facts.parameters)?;
        let account = self.accounts.get_mut(index).ok_or_else(Refusal::not_found)?;
        if let Some(quotas) = &self.options.quotas {
            account.usage.charge(facts.cost, quotas, now)?;
        }
        if facts.writes {
            let closed = account.closed_until.is_some_and(|until| now < until);
            let burst = self.options.burst.filter(|_| !closed);
            let burst =
                if closed { Some(Burst { writes: 0, within: jiff::SignedDuration::ZERO }) } else { burst };
            burst.map_or(Ok(()), |burst| account.usage.write(burst, now))?;
        }
        let mut turn = Turn { account, options: &self.options, random: &mut self.random, now };
        match route {
            Route::ListConnections(owner) => turn.list_connections(call, owner),
            Route::GetPerson(name) => turn.get_person(call, name),
            Route::BatchGetPeople => turn.batch_get_people(call),
            Route::CreateContact => turn.create_contact(call),
            Route::UpdateContact(name) => turn.update_contact(call, name),
            Route::DeleteContact(name) => turn.delete_contact(name),
            Route::BatchCreateContacts => turn.batch_create_contacts(call),
            Route::BatchUpdateContacts => turn.batch_update_contacts(call),
            Route::BatchDeleteContacts => turn.batch_delete_contacts(call),
            Route::UpdatePhoto(name) => turn.update_photo(call, name),
            Route::DeletePhoto(name) => turn.delete_photo(call, name),
            Route::ListGroups => turn.list_groups(call),
            Route::BatchGetGroups => turn.batch_get_groups(call),
            Route::CreateGroup => turn.create_group(call),
            Route::GetGroup(name) => turn.get_group(call, name),
            Route::UpdateGroup(name) => turn.update_group(call, name),
            Route::DeleteGroup(name) => turn.delete_group(call, name),
            Route::ModifyMembers(name) => turn.modify_members(call, name),
            Route::NotModelled(method) => Err(Refusal::not_modelled(method)),
        }
    }

    /// The account whose access token came with the request.
    fn authenticate(&self, call: &Call<'_>, writes: bool, now: Timestamp) -> Result<usize, Refusal> {
        let grant = call.token.as_deref().and_then(|token| self.oauth.grant(token, now));
        let Some(grant) = grant else {
            let reason = if call.token.is_some() { "ACCESS_TOKEN_EXPIRED" } else { "CREDENTIALS_MISSING" };
            let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                           other valid authentication credential. See \
                           https://developers.google.com/identity/sign-in/web/devconsole-project.";
            let metadata = json!({"service": "people.googleapis.com"});
            return Err(Refusal::new(401, "UNAUTHENTICATED", message).with_info(
                reason,
                "googleapis.com",
                metadata,
            ));
        };
        if grant.scopes.contains(CONTACTS) || !writes && grant.scopes.contains(CONTACTS_READONLY) {
            return Ok(grant.account);
        }
        let message = "Request had insufficient authentication scopes.";
        Err(Refusal::new(403, "PERMISSION_DENIED", message).with_info(
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "googleapis.com",
            json!({"service": "people.googleapis.com"}),
        ))
    }
}

/// Where photos lie.
const PHOTOS: &str = "/contacts/";
/// The site that keeps photos, with the slash behind it.
const PHOTO_SITE: &str = "https://lh3.googleusercontent.com/";

/// Photos lie where whoever asks can fetch them: asked under another name than Google's, the stand-in keeps them itself.
fn nearby(response: Response<Bytes>, request: &Request<Bytes>) -> Response<Bytes> {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| !host.ends_with("googleapis.com")) else { return response };
    response.map(|body| match std::str::from_utf8(&body) {
        Ok(text) if text.contains(PHOTO_SITE) => {
            text.replace(PHOTO_SITE, &format!("http://{host}/")).into_bytes().into()
        }
        Ok(_) | Err(_) => body,
    })
}

impl Model for Google {
    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        let call = Call::new(request);
        let (api, account, response) = self.dispatch(&call, now);
        let response = nearby(response, request);
        let account = account.and_then(|index| self.accounts.get(index)).map(|account| account.email.clone());
        let logged = LoggedRequest {
            at: now,
            api,
            method: request.method().clone(),
            uri: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
            account,
            body: request.body().clone(),
            status: response.status().as_u16(),
        };
        self.journal.record(logged, self.options.remembered_requests);
        response
    }
}
