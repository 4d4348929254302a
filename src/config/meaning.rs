//! Checks what the layers say together: what is missing, what contradicts itself, what does nothing.

use std::collections::BTreeMap;

use super::fields;
use super::finding::Finding;
use super::kind::Kind;
use super::layers::Layers;
use super::layout::{ACCOUNTS, SECTIONS, account_keys};
use super::place::Place;
use super::schema::{Key, Need};
use super::secrets::{self, API_SECRET, CLIENT_SECRET, Found, SecretKey, WEBHOOK};
use super::sources::Sources;
use super::tree::{Entry, KeyPath, Table, Value};

/// What the checks found on their way, and the typed configuration needs.
#[derive(Default)]
pub(super) struct Credentials {
    /// The secret of the Dafater user.
    pub(super) api_secret: Option<Found>,
    /// Who the daemon is towards Google.
    pub(super) google: Option<GoogleCredentials>,
    /// The secret of the webhook, if there is one.
    pub(super) webhook: Option<Found>,
    /// The secrets of accounts that have a Dafater user of their own.
    pub(super) accounts: BTreeMap<String, Found>,
}

/// Who the daemon is towards Google, and where that stands.
pub(super) enum GoogleCredentials {
    Consent { id: String, secret: Found },
    Site,
    ServiceAccount { file: std::path::PathBuf, key: Found },
}

impl GoogleCredentials {
    /// The fields of [`GoogleClient`](super::GoogleClient), as its section reads them.
    pub(super) fn value(&self) -> Value {
        let table = |keys: &[(&str, Value)]| {
            let entry = |(key, value): &(&str, Value)| {
                ((*key).to_owned(), Entry { place: Place::Default, value: value.clone() })
            };
            Value::Table(keys.iter().map(entry).collect())
        };
        match self {
            Self::Consent { id, secret } => {
                table(&[("consent", table(&[("id", Value::Text(id.clone())), ("secret", secret.value())]))])
            }
            Self::Site => Value::Text("site".to_owned()),
            Self::ServiceAccount { file, key } => {
                let file = Value::Text(file.display().to_string());
                table(&[("service_account", table(&[("file", file), ("key", key.value())]))])
            }
        }
    }
}

/// Checks the settings that hold; `settings` has its accounts completed.
pub(super) fn check(
    settings: &Table,
    layers: &Layers,
    sources: &Sources,
    findings: &mut Vec<Finding>,
) -> Credentials {
    let mut meaning = Meaning { settings, sources, complete: layers.complete, findings };
    if layers.complete && meaning.configures_nothing() {
        meaning.nothing_configured();
        return Credentials::default();
    }
    let mut credentials = Credentials {
        api_secret: meaning.dafater(),
        google: meaning.google(),
        webhook: meaning.webhook(),
        accounts: BTreeMap::new(),
    };
    meaning.accounts(&mut credentials.accounts);
    credentials
}

struct Meaning<'a> {
    settings: &'a Table,
    sources: &'a Sources,
    /// Whether all layers were read. If not, what is missing may stand in one that was not.
    complete: bool,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Meaning<'a> {
    fn configures_nothing(&self) -> bool {
        self.settings.values().all(|entry| entry.place == Place::Default)
    }

    fn nothing_configured(&mut self) {
        let main = self.sources.main_file();
        let message = if main.exists() {
            format!("{} configures nothing: [dafater] is set nowhere", main.display())
        } else {
            format!(
                "there is no configuration: {} does not exist, and [dafater] is set nowhere",
                main.display()
            )
        };
        let finding = Finding::error(&Place::whole(&main), &KeyPath::new(["dafater"]), message);
        self.findings.push(finding.hint(
            "write [dafater], [google] and a table [accounts.NAME] for each Google account, or give --config FILE",
        ));
    }

    fn dafater(&mut self) -> Option<Found> {
        let (table, place) = self.section("dafater")?;
        self.required(table, &KeyPath::new(["dafater"]), &place);
        let missing_at = self.complete.then_some(&place);
        SecretKey::api().resolve(table, self.sources, missing_at, self.findings)
    }

    /// The webhook, if there is one, is whole.
    fn webhook(&mut self) -> Option<Found> {
        let dafater = self.settings.get("dafater")?.value.as_table()?;
        let Entry { place, value } = dafater.get(WEBHOOK)?;
        let table = value.as_table()?;
        let key = SecretKey::webhook();
        if !table.contains_key("listen") && self.complete {
            let message = format!("`listen` is not set{}", key.table.within());
            let finding = Finding::error(place, &key.table.join("listen"), message);
            self.findings.push(finding.hint("write listen = \"127.0.0.1:8765\""));
        }
        key.resolve(table, self.sources, self.complete.then_some(place), self.findings)
    }

    /// The secret of an account that has a Dafater user of its own.
    fn account_secret(&mut self, name: &str, table: &Table, place: &Place) -> Option<Found> {
        let key = SecretKey::of_account(name);
        let api_key = table.get("api_key");
        let missing_at = api_key.map(|entry| &entry.place).filter(|_| self.complete);
        let found = key.resolve(table, self.sources, missing_at, self.findings)?;
        if api_key.is_none() && self.complete {
            let message = format!("`{API_SECRET}`{} is set and `api_key` is not", key.table.within());
            let finding = Finding::error(place, &key.table.join("api_key"), message);
            self.findings
                .push(finding.hint("write the API key that belongs to the secret, or remove the secret"));
            return None;
        }
        Some(found)
    }

    /// Whether accounts may come from the desk.
    fn has_desk(&self) -> bool {
        let dafater = self.settings.get("dafater").and_then(|entry| entry.value.as_table());
        let key = dafater.and_then(|table| table.get("accounts_from_google_contacts"));
        key.is_some_and(|entry| entry.value == Value::Bool(true))
    }

    fn google(&mut self) -> Option<GoogleCredentials> {
        let silent =
            self.settings.get("google").and_then(|entry| entry.value.as_table()).is_none_or(|table| {
                let keys = ["client_id", "client_secret", "client_secret_file", "service_account_file"];
                keys.iter().all(|key| !table.contains_key(*key))
                    && !SecretKey::client().is_credential(self.sources)
            });
        if silent && self.has_desk() {
            return Some(GoogleCredentials::Site);
        }
        let (table, place) = self.section("google")?;
        let id = table.get("client_id");
        if let Some(service_account) = table.get("service_account_file") {
            let client_keys = ["client_id", CLIENT_SECRET, "client_secret_file"];
            for key in client_keys {
                if let Some(entry) = table.get(key) {
                    self.contradiction(key, entry, service_account);
                }
            }
            let (file, key) = secrets::service_account(service_account, self.findings)?;
            let key = Found { secret: key, place: service_account.place.clone() };
            return Some(GoogleCredentials::ServiceAccount { file, key });
        }
        if id.is_none() && self.complete {
            let message = "`client_id` is not set in [google]";
            let finding = Finding::error(&place, &KeyPath::new(["google", "client_id"]), message);
            self.findings.push(finding.hint(
                "set `client_id` and `client_secret_file` of the OAuth client, or `service_account_file`",
            ));
        }
        let missing_at = (self.complete && id.is_some()).then_some(&place);
        let secret = SecretKey::client().resolve(table, self.sources, missing_at, self.findings)?;
        let id = id?.value.as_text()?.to_owned();
        Some(GoogleCredentials::Consent { id, secret })
    }

    fn contradiction(&mut self, key: &str, entry: &Entry, service_account: &Entry) {
        let message = format!(
            "`{key}` in [google] contradicts `service_account_file` ({}): the daemon is either an OAuth client or a service account",
            service_account.place
        );
        let path = KeyPath::new(["google", key]);
        self.findings.push(Finding::error(&entry.place, &path, message).hint("keep one of the two"));
    }

    fn accounts(&mut self, secrets: &mut BTreeMap<String, Found>) {
        let Some(accounts) = self.settings.get(ACCOUNTS).and_then(|entry| entry.value.as_table()) else {
            return;
        };
        if accounts.is_empty() {
            if self.complete && !self.has_desk() {
                let place = Place::whole(&self.sources.main_file());
                let finding = Finding::error(&place, &KeyPath::new([ACCOUNTS]), "no account is configured");
                let hint = "write a table [accounts.NAME] with an `email_id` for each Google account";
                self.findings.push(finding.hint(hint));
            }
            return;
        }
        let mut seen: BTreeMap<String, (&str, &Place)> = BTreeMap::new();
        let mut enabled = 0;
        for (name, account) in accounts {
            let Value::Table(table) = &account.value else { continue };
            let path = KeyPath::new([ACCOUNTS, name.as_str()]);
            self.required(table, &path, &account.place);
            self.idle(table, &path, &account.place);
            if let Some(specs) = table.get("fields").and_then(|entry| entry.value.as_table()) {
                self.findings.extend(fields::check_together(specs, &path.join("fields")));
            }
            secrets
                .extend(self.account_secret(name, table, &account.place).map(|found| (name.clone(), found)));
            enabled += usize::from(!is_false(table, "enable"));
            if let Some((email, place)) = text_at(table, "email_id") {
                match seen.get(&email.to_lowercase()) {
                    None => drop(seen.insert(email.to_lowercase(), (name, place))),
                    Some((first, first_place)) => {
                        let message = format!(
                            "`email_id`{} is also that of {} ({first_place})",
                            path.within(),
                            KeyPath::new([ACCOUNTS, *first]).heading()
                        );
                        let finding = Finding::error(place, &path.join("email_id"), message);
                        self.findings
                            .push(finding.hint("a Google account is synced once; remove one of the two"));
                    }
                }
            }
        }
        if enabled == 0 && !self.has_desk() {
            let place = self.table_place(ACCOUNTS);
            let message = "no account is enabled: nothing will be synced";
            self.findings.push(Finding::warning(&place, &KeyPath::new([ACCOUNTS]), message));
        }
    }

    /// An account that reads both sides and may write neither.
    fn idle(&mut self, table: &Table, path: &KeyPath, place: &Place) {
        let [pull, push] = ["pull_from_google_contacts", "push_to_google_contacts"];
        if is_false(table, pull) && is_false(table, push) && !is_false(table, "enable") {
            let message =
                format!("`{pull}` and `{push}`{} are both off: nothing will be synced", path.within());
            let finding = Finding::warning(place, &path.join(push), message);
            self.findings.push(finding.hint("turn one on, or write `enable = false`"));
        }
    }

    /// Keys that must be set and are not.
    fn required(&mut self, table: &Table, path: &KeyPath, place: &Place) {
        if !self.complete {
            return;
        }
        let keys = match path.names() {
            [section] => section_keys(section),
            _ => account_keys(),
        };
        for key in keys {
            if let Need::Required(sample) | Need::Identity(sample) = key.need
                && !table.contains_key(key.name)
            {
                let message = format!("`{}` is not set{}", key.name, path.within());
                let finding = Finding::error(place, &path.join(key.name), message);
                self.findings.push(finding.hint(format!("write {}", sample_line(key, sample))));
            }
        }
    }

    /// A section and its place. A section that nothing sets is one finding, not one for each of its keys.
    fn section(&mut self, name: &'static str) -> Option<(&'a Table, Place)> {
        let place = self.table_place(name);
        let entry = self.settings.get(name)?;
        if self.complete && entry.place == Place::Default {
            let finding =
                Finding::error(&place, &KeyPath::new([name]), format!("the table [{name}] is set nowhere"));
            let keys: Vec<String> = section_keys(name)
                .iter()
                .filter(|key| matches!(key.need, Need::Required(_) | Need::Usual(_)))
                .map(|key| format!("`{}`", key.name))
                .collect();
            self.findings.push(finding.hint(format!("write it with {}", keys.join(", "))));
            return None;
        }
        Some((entry.value.as_table()?, place))
    }

    fn table_place(&self, name: &str) -> Place {
        match self.settings.get(name).map(|entry| &entry.place) {
            None | Some(Place::Default) => Place::whole(&self.sources.main_file()),
            Some(place) => place.clone(),
        }
    }
}

fn section_keys(name: &str) -> &'static [Key] {
    SECTIONS.iter().find(|section| section.name == name).map_or(&[], |section| section.keys)
}

fn sample_line(key: &Key, sample: &str) -> String {
    let sample = if matches!(key.kind, Kind::Token) { "\"…\"" } else { sample };
    format!("{} = {sample}", key.name)
}

fn is_false(table: &Table, key: &str) -> bool {
    table.get(key).is_some_and(|entry| entry.value == Value::Bool(false))
}

fn text_at<'a>(table: &'a Table, key: &str) -> Option<(&'a str, &'a Place)> {
    let entry = table.get(key)?;
    Some((entry.value.as_text()?, &entry.place))
}
