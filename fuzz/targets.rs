//! What must hold for any bytes: each function takes some and panics if it does not.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/stories/fuzz.rs` replays the corpus and mutations of it on every run of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use dafater_contactsd::config::{Sources, check_config, load, show};
use dafater_contactsd::contact::{Contact, Field, PhoneContext, Region, TextField};
use dafater_contactsd::control::{MAX_LINE, Reply, Request};
use dafater_contactsd::dafater::{self, SiteClient};
use dafater_contactsd::google::oauth::{AccessTokens, AuthorizationError};
use dafater_contactsd::google::{ListConnections, PeopleClient, SyncToken, UpdateMask, UpdatePath};
use dafater_contactsd::mapping::{
    Document, DocumentName, Mapping, Person, PersonPatch, ResourceName, SiteRules, SiteStamp,
};
use dafater_contactsd::remote::{Transport, TransportError};
use dafater_contactsd::state::AccountState;
use dafater_contactsd::store::{
    Batch, ImportOptions, MemoryStore, OpenOptions, SledStore, Store, Tree, import_from,
};
use dafater_contactsd::sync::{Both, ConflictPolicy, FieldRules, MergeRules, Side, merge, rebase};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

/// More than this makes nothing new; a remote's body is cut off long before it could fill the memory.
const LONGEST: usize = 256 << 10;

/// A Person of Google's, and an answer that holds one.
pub fn person(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    for status in [200, 400, 429] {
        ask_google(data, status);
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(person) = Person::parse(value) else { return };
    let contact = person.contact(&mapping());
    stable(&contact);
    let patch = PersonPatch::new(Some(&person), &contact, &all(), &mapping());
    assert!(patch.mask.is_empty(), "a contact that says what it says already would be written: {patch:?}");
    meet(&contact, &other_contact());

    // Carried to a contact that says something else, it says the same there.
    let written = patched(&blank_person(), &PersonPatch::new(None, &taken(&contact), &all(), &mapping()));
    let (read, taken) = (written.contact(&mapping()), taken(&contact));
    for field in all().iter().filter(|field| matches!(field, Field::Text(_))) {
        assert!(read.agrees_on(field, &taken), "{field}: {read:?} is not {contact:?}");
    }
    let keys = |contact: &Contact| contact.emails.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&read), keys(&taken));
    // API: Google always shows one as primary, also where the one that led could not be sent.
    assert!(taken.emails.primary().is_none() || read.emails.primary() == taken.emails.primary());
    assert_eq!(read.phones.len(), taken.phones.len());
    drop(Person::anew(&person.fields, &contact, |_| true, &mapping()));
    let marker = person.marker("erp.example.com");
    assert!(marker.is_none_or(|marker| marker.site == "erp.example.com"));
}

/// A document of the site's, and an answer that holds one.
pub fn document(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    for status in [200, 403, 404, 417, 500] {
        ask_site(data, status);
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(document) = Document::parse(value) else { return };
    let contact = document.contact(&mapping());
    stable(&contact);
    let body = Document::body(Some(&document), &contact, &all(), &mapping());
    assert!(body.is_empty(), "a document that says what it says already would be written: {body:?}");
    meet(&other_contact(), &contact);

    // API: the site escapes a text with a tag once more as it stores it; that cannot be seen here.
    let is_escaped = |text: &String| text.contains('<') && text.contains('&');
    if !contact.texts.values().any(is_escaped) {
        let mut fresh = Document::body(None, &contact, &all(), &mapping());
        stamp(&mut fresh);
        let read = Document::parse(Value::Object(fresh)).unwrap().contact(&mapping());
        for field in &all() {
            assert!(read.agrees_on(field, &contact), "{field}: {read:?} is not {contact:?}");
        }
    }
    let again = Document::parse(document.to_json()).unwrap();
    assert_eq!(again.contact(&mapping()), contact, "a before-image says something else");
    if let Value::Object(image) = document.to_json() {
        let mut anew = Document::anew(&image, &contact, &mapping());
        stamp(&mut anew);
        assert_eq!(Document::parse(Value::Object(anew)).unwrap().contact(&mapping()), contact);
    }
}

/// A configuration: a main file and, behind a line of `---`, a drop-in.
pub fn config(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    let cut = data.windows(5).position(|window| window == b"\n---\n");
    let (main, drop_in) = cut.map_or((data, [].as_slice()), |cut| (&data[..=cut], &data[cut + 5..]));
    std::fs::write(&file, main).unwrap();
    std::fs::create_dir(directory.path().join("conf.d")).unwrap();
    std::fs::write(directory.path().join("conf.d/10.toml"), drop_in).unwrap();
    let argument =
        String::from_utf8_lossy(main.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    for set in [Vec::new(), vec![argument]] {
        let sources = Sources::new([], Some(file.clone()), set);
        match load(&sources) {
            Ok(_) => assert!(!show(&sources, true, false).text.is_empty()),
            Err(refused) => {
                assert!(!refused.to_string().trim().is_empty());
                assert!(!check_config(&sources, false).text.is_empty());
            }
        }
    }
}

/// A line of the control protocol, as a request and as a reply.
pub fn control(data: &[u8]) {
    match Request::from_line(data) {
        Err(failure) => assert!(!failure.message.is_empty() && !failure.message.contains('\n')),
        Ok(request) => {
            // Written once more it may be longer than it was, and too long then.
            if let Ok(line) = request.to_line() {
                assert!(line.len() <= MAX_LINE);
                let again = Request::from_line(&line).unwrap();
                assert_eq!(again.to_line().unwrap(), line);
                assert_eq!((again.name(), again.account()), (request.name(), request.account()));
            }
        }
    }
    if let Ok(reply) = serde_json::from_slice::<Reply>(data) {
        let line = reply.to_line();
        let again: Reply = serde_json::from_slice(&line).unwrap();
        assert_eq!(again.to_line(), line);
    }
}

/// An entry of the store: the tree's number, the length of the key, the key, the value. And the bytes as an export, and as a file of
/// the database.
pub fn stored(data: &[u8]) {
    if data.len() > 64 << 10 {
        return;
    }
    if let [tree, length, rest @ ..] = data {
        let tree = Tree::ALL[usize::from(*tree) % Tree::ALL.len()];
        let (key, value) = rest.split_at(rest.len().min(usize::from(*length)));
        drop(AccountState::check_entry(tree, key, value));
        read_everything(tree, key, value);
    }
    let directory = tempfile::tempdir().unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let mut lines = std::io::BufReader::new(data);
    if let Err(error) = import_from(directory.path(), &mut lines, &ImportOptions::new(now)) {
        assert!(!error.to_string().is_empty());
    }
}

/// A store one of whose files holds `data` from `at` on: it opens and can be read, or is refused with a reason.
pub fn damaged(state: &std::path::Path, file: &std::path::Path, at: usize, data: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = at % (bytes.len() + 1);
    let end = (at + data.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&data[..end - at]);
    std::fs::write(file, bytes).unwrap();
    match SledStore::open(state, &OpenOptions::new(Timestamp::UNIX_EPOCH)) {
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
        Ok((store, _)) => {
            drop(store.verify(&|tree, key, value| AccountState::check_entry(tree, key, value)));
            drop(store.close(std::time::Duration::from_secs(5)));
        }
    }
}

fn mapping() -> Mapping {
    PhoneContext { region: Region::try_from("SA".to_owned()).ok() }.into()
}

fn all() -> BTreeSet<Field> {
    TextField::ALL.into_iter().map(Field::Text).chain([Field::Emails, Field::Phones]).collect()
}

/// Reading is canonical: what is stored of a contact is what it says.
fn stable(contact: &Contact) {
    let bytes = dafater_contactsd::store::encode(1, contact);
    assert_eq!(dafater_contactsd::store::decode::<Contact>(1, &bytes).as_ref(), Ok(contact));
    drop((contact.title(), contact.folded_name(), contact.folded_company()));
}

/// The contact as Google can take it.
fn taken(contact: &Contact) -> Contact {
    let nobody = Contact::default();
    let now = Both { google: &nobody, dafater: contact };
    merge(Both { google: &nobody, dafater: &nobody }, now, &rules(&SiteRules::default())).google.contact
}

fn rules(site: &SiteRules) -> MergeRules<'_> {
    MergeRules {
        conflict: ConflictPolicy::Newest,
        newer: Side::Dafater,
        pull: true,
        push: true,
        fields: FieldRules::default(),
        site,
        resolutions: BTreeMap::new(),
        aliases: &[],
        shared: std::collections::BTreeSet::new(),
    }
}

/// The two are found to be one person: what is merged is quiet afterwards.
fn meet(google: &Contact, dafater: &Contact) {
    let (nobody, site) = (Contact::default(), SiteRules::default());
    let rules = rules(&site);
    let base = Both { google: &nobody, dafater: &nobody };
    let merged = merge(base, Both { google, dafater }, &rules);
    let after = Both { google: &merged.google.contact, dafater: &merged.dafater.contact };
    let (base_google, base_dafater) = rebase(base, &merged, after, |_| true, &[]);
    let quiet = merge(Both { google: &base_google, dafater: &base_dafater }, after, &rules);
    assert!(quiet.google.fields.is_empty() && quiet.dafater.fields.is_empty(), "{quiet:?}\nafter {merged:?}");
}

fn other_contact() -> Contact {
    let other = json!({"name": "Ada", "creation": "2026-01-01 00:00:00.000001", "modified": "2026-01-01 00:00:00.000001",
        "first_name": "Ada", "last_name": "Lovelace", "email_ids": [{"email_id": "ada@example.com", "is_primary": 1}],
        "phone_nos": [{"phone": "+966501234567", "is_primary_mobile_no": 1}]});
    Document::parse(other).unwrap().contact(&mapping())
}

fn stamp(document: &mut Map<String, Value>) {
    document.insert("name".to_owned(), json!("X"));
    for stamp in ["creation", "modified"] {
        document.insert(stamp.to_owned(), json!("2026-01-01 00:00:00.000001"));
    }
}

fn blank_person() -> Value {
    json!({"resourceName": "people/c1", "metadata": {"sources": [{"type": "CONTACT", "id": "1", "etag": "#1"}]}})
}

fn patched(person: &Value, patch: &PersonPatch) -> Person {
    let mut person = person.clone();
    for field in &patch.mask {
        let mut items = patch.body.get(field.path()).cloned().unwrap_or_default();
        for item in items.as_array_mut().into_iter().flatten() {
            // API: what a client marks as the source's primary is shown as primary.
            let is_marked = item["metadata"]["sourcePrimary"] == json!(true);
            item["metadata"] = json!({ "primary": is_marked });
        }
        person[field.path()] = items;
    }
    Person::parse(person).unwrap()
}

/// A remote that answers everything with the same bytes.
struct Echo(Bytes, u16);

impl Transport for Echo {
    fn send(&self, _: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let response = http::Response::builder().status(self.1).header("content-type", "application/json");
        let response = response.body(self.0.clone()).unwrap();
        Box::pin(std::future::ready(Ok(response)))
    }
}

struct Token;

impl AccessTokens for Token {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        Box::pin(std::future::ready(Ok(SecretString::from("token".to_owned()))))
    }

    fn refused(&self, _: &SecretString) {}
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn said<T, E: std::error::Error>(answer: Result<T, E>) {
    if let Err(error) = answer {
        assert!(!error.to_string().is_empty());
    }
}

fn ask_google(data: &[u8], status: u16) {
    let transport = Arc::new(Echo(Bytes::copy_from_slice(data), status));
    let client =
        PeopleClient::new(transport, "https://people.googleapis.com/".parse().unwrap(), Arc::new(Token));
    let name = ResourceName("people/c1".to_owned());
    let mask: UpdateMask = [UpdatePath::Names].into_iter().collect();
    block_on(async {
        said(client.get(&name).await);
        said(client.batch_get(std::slice::from_ref(&name)).await);
        let list = ListConnections { sync_token: None, page_token: None, request_sync_token: true };
        said(client.list_connections(&list).await);
        said(client.list_groups(None::<&SyncToken>).await);
        said(client.create_contact(Map::new()).await);
        said(client.batch_create(vec![Map::new(), Map::new()]).await);
        said(client.batch_update(&mask, vec![(name.clone(), Map::new())]).await);
        said(client.delete_contact(&name).await);
    });
}

fn ask_site(data: &[u8], status: u16) {
    let transport = Arc::new(Echo(Bytes::copy_from_slice(data), status));
    let (key, secret) = ("key".to_owned(), SecretString::from("secret".to_owned()));
    let options = dafater::SiteOptions::new("https://erp.example.com".parse().unwrap(), key, secret);
    let client = SiteClient::new(transport, options).unwrap();
    let name = DocumentName("X".to_owned());
    let lock = SiteStamp("2026-01-01 00:00:00.000001".to_owned());
    block_on(async {
        said(client.get_contact(&name).await);
        said(client.contacts_by_name(std::slice::from_ref(&name)).await);
        said(client.changed_contacts(Some(&lock), None, |_, _| false).await);
        said(client.deleted_contacts(&lock).await);
        said(client.sweep(None).await);
        said(client.salutations().await);
        said(client.site_time().await);
        said(client.version().await);
        said(client.create_contact(Map::new()).await);
        said(client.update_contact(&name, &lock, Map::new()).await);
    });
}

/// Reads every table of an account whose store holds this entry.
fn read_everything(tree: Tree, key: &[u8], value: &[u8]) {
    let store = Arc::new(MemoryStore::new());
    let mut batch = Batch::default();
    batch.put(tree, key, value.to_vec());
    if block_on(store.commit(batch)).is_err() {
        return;
    }
    let state = AccountState::new(store, "sales".parse().unwrap());
    drop((state.cursors(), state.progress(), state.intents(), state.parked(), state.reviews()));
    drop((state.conflicts(), state.links(), state.hold(), state.undo_hold(), state.apart()));
    assert!(state.pairs().count() + state.all_loose().count() <= 1);
    assert!(state.tombstones().count() + state.history(None).count() <= 1);
}
