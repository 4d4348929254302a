//! A Google on a port, with the client that asks it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use dafater_contactsd::remote::{Clock as _, SystemClock};
use dafater_contactsd::sandbox::faults::Faults;
use dafater_contactsd::sandbox::google::{Google, GoogleOptions};
use dafater_contactsd::sandbox::serve::Stand;
use google_people1::api::{Name, Person};
use google_people1::common::Body;
use google_people1::{Error, FieldMask, PeopleService};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const ME: &str = "people/me";

pub(crate) type Hub = PeopleService<HttpConnector>;

/// One account of a Google, and a client that was let in.
pub(crate) struct Office {
    google: Arc<Mutex<Google>>,
    pub(crate) hub: Hub,
    _stand: Stand,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let mut google = Google::new(GoogleOptions::default());
        google.add_account(EMAIL);
        let token = google.issue_access_token(EMAIL, SystemClock.now()).unwrap();
        let google = Arc::new(Mutex::new(google));
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let faults = Arc::new(Mutex::new(Faults::default()));
        let stand = Stand::start(anywhere, Arc::clone(&google), faults, Arc::new(SystemClock)).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build::<_, Body>(HttpConnector::new());
        let mut hub = PeopleService::new(client, token);
        hub.base_url(stand.url());
        hub.root_url(stand.url());
        Self { google, hub, _stand: stand }
    }

    /// Google itself, for what its users do by hand.
    pub(crate) fn google(&self) -> MutexGuard<'_, Google> {
        self.google.lock().unwrap()
    }

    /// A user adds a contact.
    pub(crate) fn add(&self, given: &str) -> String {
        let person = serde_json::json!({"names": [{"givenName": given}]});
        self.google().add_person(EMAIL, person, SystemClock.now()).unwrap()
    }
}

/// The fields that the tests read.
pub(crate) fn fields() -> FieldMask {
    mask(&["names", "emailAddresses", "memberships", "metadata", "photos"])
}

pub(crate) fn mask(fields: &[&str]) -> FieldMask {
    FieldMask::new(fields)
}

/// A person of that name, and nothing else.
pub(crate) fn named(given: &str) -> Person {
    Person {
        names: Some(vec![Name { given_name: Some(given.to_owned()), ..Name::default() }]),
        ..Person::default()
    }
}

pub(crate) fn given_name(person: &Person) -> &str {
    person.names.as_ref().unwrap()[0].given_name.as_deref().unwrap()
}

/// Google's canonical status, and the reason in its details, of a refused call.
pub(crate) fn refusal(error: Error) -> (String, Option<String>) {
    let Error::BadRequest(body) = error else { panic!("no error that Google explains: {error}") };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (text(&body["error"]["status"]).unwrap(), text(&body["error"]["details"][0]["reason"]))
}
