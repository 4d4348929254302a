//! A town to try the daemon in: both stand-ins on loopback, full of sample contacts, and the real daemon between them.
//!
//! ```text
//!  people ─> stand-in for Google  <──http──┐
//!       └──> stand-in for Dafater <──http──┴── dafater-contactsd run   (a process of its own)
//!  edits, comparison ──(in process)──┘                └── sync, status, review … through its control socket
//! ```
//!
//! Law: the program is used as a user would use it: its configuration, its commands, its exit codes, and nothing else of it.

mod edits;
mod error;
mod home;
mod program;
mod rehearsal;
mod runs;
mod stay;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use error::TownError;
pub use rehearsal::rehearse;
pub use stay::stay;

use super::comparison::{Comparison, Knowledge, Sides};
use super::dafater::{Keys, Site, SiteOptions};
use super::faults::Faults;
use super::google::{Google, GoogleOptions, Quotas};
use super::people::{Labels, Population, Size};
use super::serve::Stand;
use crate::remote::{Clock, SystemClock};
use home::Home;
use program::Program;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct TownOptions {
    /// Contacts on each side.
    pub contacts: usize,
    /// Google accounts.
    pub accounts: usize,
    /// Where the stand-ins listen: Google on this port, Dafater on the next one. Port 0: any free ones.
    pub listen: SocketAddr,
    /// Whether the stand-in for Google counts quotas and the daemon keeps below them; else neither does.
    pub quotas: bool,
    /// The binary.
    pub executable: PathBuf,
    /// Where the private directory is made.
    pub temporary: PathBuf,
}

/// Who is told how things go.
pub trait Narrator {
    /// A line that stays.
    fn say(&mut self, line: &str);
    /// A line that the next one replaces; not shown where nobody watches.
    fn status(&mut self, line: &str);
}

/// A Google account of the town.
#[derive(Debug, Clone)]
struct Account {
    name: String,
    email: String,
    token_file: PathBuf,
}

/// Somebody known from the start, as both sides name the records.
#[derive(Debug, Clone, Default)]
struct Household {
    /// Account and resource name.
    google: Vec<(usize, String)>,
    /// Names of documents.
    dafater: Vec<String>,
    is_plain: bool,
}

/// Both stand-ins with their people, and the program with its configuration.
struct Town {
    google: Arc<Mutex<Google>>,
    site: Arc<Mutex<Site>>,
    google_stand: Stand,
    site_stand: Stand,
    keys: Keys,
    accounts: Vec<Account>,
    households: Vec<Household>,
    program: Program,
    clock: SystemClock,
    home: Home,
    has_quotas: bool,
}

/// The schedule while the town decides itself when a cycle runs.
const NEVER: &str = "0 0 0 1 1 *";

impl Town {
    /// Builds the town and gives the program its accounts' tokens.
    async fn build(options: &TownOptions, narrator: &mut dyn Narrator) -> Result<Self, TownError> {
        let (google_address, site_address) = addresses(options.listen)?;
        let clock = SystemClock;
        let home = Home::new(&options.temporary)?;
        let mut google = Google::new(GoogleOptions {
            region: "SA".to_owned(),
            // The account of a large trial holds both sides' people.
            max_contacts: (options.contacts * (options.accounts + 1)).max(25_000),
            quotas: options.quotas.then(Quotas::observed),
            ..GoogleOptions::default()
        });
        let mut site = Site::new(SiteOptions::default());
        let accounts = open_accounts(options.accounts, &mut google, &home)?;
        let keys = site.add_user("contacts@dafater.example", &["System Manager"]);
        narrator.status("inventing people …");
        let households = settle(options, &accounts, &mut google, &mut site, clock.now())?;

        let (google, site) = (Arc::new(Mutex::new(google)), Arc::new(Mutex::new(site)));
        let listening = |what: &str| error::io(format!("listening for {what}"));
        let shared: Arc<dyn Clock> = Arc::new(clock);
        let no_faults = || Arc::new(Mutex::new(Faults::none()));
        let google_stand =
            Stand::start(google_address, Arc::clone(&google), no_faults(), Arc::clone(&shared))
                .await
                .map_err(listening("Google"))?;
        let site_stand = Stand::start(site_address, Arc::clone(&site), no_faults(), shared)
            .await
            .map_err(listening("Dafater"))?;
        let program = Program {
            executable: options.executable.clone(),
            config: home.path("config.toml"),
            log: home.path("daemon.log"),
            socket: home.path("control.sock"),
        };
        let town = Self {
            google,
            site,
            google_stand,
            site_stand,
            keys,
            accounts,
            households,
            program,
            clock,
            home,
            has_quotas: options.quotas,
        };
        town.configure(NEVER)?;
        for account in &town.accounts {
            let file = account.token_file.to_string_lossy();
            town.program.ask(&["authorize", &account.name, "--refresh-token-file", &file]).await?;
        }
        Ok(town)
    }

    /// Writes the configuration, with this schedule for all accounts.
    fn configure(&self, schedule: &str) -> Result<(), TownError> {
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let path = |name: &str| text(&self.home.path(name).to_string_lossy());
        let (google, site) = (self.google_url(), self.site_url());
        let (client_id, client_secret) = {
            let google = self.google();
            (google.options().client_id.clone(), google.options().client_secret.clone())
        };
        let mut config = format!(
            "[dafater]\nurl = {}\napi_key = {}\napi_secret = {}\n# The stand-in commits at once.\noverlap = \"1s\"\n\n\
             [google]\nclient_id = {}\nclient_secret = {}\napi_url = {}\ntoken_url = {}\nauth_url = {}\n\
             # The stand-in shows each write at once.\npropagation = \"0s\"\n\n\
             [google.quota]\n{}\n\
             [store]\npath = {}\n\n[control]\nsocket = {}\n\n[log]\nlevel = \"info\"\nformat = \"text\"\n\n\
             [defaults]\nregion = \"SA\"\nschedule = {}\n",
            text(&site),
            text(&self.keys.api_key),
            text(&self.keys.api_secret),
            text(&client_id),
            text(&client_secret),
            text(&google),
            text(&format!("{google}token")),
            text(&format!("{google}o/oauth2/v2/auth")),
            if self.has_quotas { QUOTAS } else { NO_QUOTAS },
            path("state"),
            path("control.sock"),
            text(schedule),
        );
        if self.households.len() < SMALL {
            config +=
                "# Two deletions are more than a tenth of so few contacts.\nmax_deletes_percent = 100\n";
        }
        for account in &self.accounts {
            let table = format!("\n[accounts.{}]\nemail_id = {}\n", account.name, text(&account.email));
            config.push_str(&table);
        }
        self.home.write("config.toml", &config).map(drop)
    }

    fn google(&self) -> MutexGuard<'_, Google> {
        self.google.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn google_url(&self) -> String {
        reachable(&self.google_stand)
    }

    fn site_url(&self) -> String {
        reachable(&self.site_stand)
    }

    fn persons(&self, account: &Account) -> Result<Vec<Value>, TownError> {
        Ok(self.google().persons(&account.email)?)
    }

    /// Compares every account with Dafater.
    async fn compare(&self, left_alone: &BTreeSet<String>) -> Result<Vec<(String, Comparison)>, TownError> {
        let reviews = self.program.ask_json(&["review", "list", "--json"]).await?;
        let (contacts, salutations) = {
            let site = self.site();
            (site.contacts(), site.documents("Salutation"))
        };
        let mut comparisons = Vec::new();
        for (index, account) in self.accounts.iter().enumerate() {
            let persons = self.persons(account)?;
            let knowledge = Knowledge {
                same: self.same_people(index),
                reviewed: reviewed(&reviews, &account.name),
                left_alone: left_alone.clone(),
            };
            let sides = Sides { google: &persons, dafater: &contacts, salutations: &salutations };
            comparisons.push((account.name.clone(), Comparison::new(sides, &knowledge)));
        }
        Ok(comparisons)
    }

    /// Who stood on both sides from the start: of a document, the resource names in this account.
    fn same_people(&self, account: usize) -> BTreeMap<String, BTreeSet<String>> {
        let mut same: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for household in &self.households {
            let here = household.google.iter().filter(|(of, _)| *of == account);
            let here: BTreeSet<String> = here.map(|(_, resource)| resource.clone()).collect();
            for document in household.dafater.iter().filter(|_| !here.is_empty()) {
                same.entry(document.clone()).or_default().extend(here.iter().cloned());
            }
        }
        same
    }
}

/// Records of an account that wait for a person, as the program shows them.
fn reviewed(reviews: &[Value], account: &str) -> BTreeSet<String> {
    let of_account = |review: &&Value| review.get("account").and_then(Value::as_str) == Some(account);
    let id = |review: &Value| {
        let (side, id) = review.get("record")?.as_object()?.iter().next()?;
        Some(format!("{side}:{}", id.as_str()?))
    };
    reviews.iter().filter(of_account).filter_map(id).collect()
}

fn open_accounts(count: usize, google: &mut Google, home: &Home) -> Result<Vec<Account>, TownError> {
    const NAMES: [&str; 4] = ["sales", "purchasing", "service", "workshop"];
    let mut accounts = Vec::new();
    for index in 0..count {
        let name =
            NAMES.get(index).map_or_else(|| format!("branch-{}", index + 1), |name| (*name).to_owned());
        let email = format!("{name}@dafater.example");
        let token = google.add_account(&email);
        let token_file = home.write(&format!("{name}.token"), &token)?;
        accounts.push(Account { name, email, token_file });
    }
    Ok(accounts)
}

/// Lets everybody move in over the last two years.
fn settle(
    options: &TownOptions,
    accounts: &[Account],
    google: &mut Google,
    dafater: &mut Site,
    now: Timestamp,
) -> Result<Vec<Household>, TownError> {
    let mut at = now - SignedDuration::from_hours(2 * 365 * 24);
    let mut labels = Vec::new();
    for account in accounts {
        labels.push(Labels {
            customers: google.add_group(&account.email, "Customers", at)?,
            suppliers: google.add_group(&account.email, "Suppliers", at)?,
            partners: google.add_group(&account.email, "Partners", at)?,
        });
    }
    dafater.insert_into("Salutation", json!({ "salutation": "Eng" }), at)?;
    let size = Size { contacts: options.contacts, accounts: options.accounts };
    let population = Population::new(SEED, size, &labels);
    for (doctype, business) in population.businesses {
        dafater.insert_into(doctype, business, at)?;
    }
    let residents = i32::try_from(population.residents.len().max(1)).unwrap_or(i32::MAX);
    let step = SignedDuration::from_hours(700 * 24) / residents;
    let mut households = Vec::new();
    for resident in population.residents {
        let mut household = Household { is_plain: resident.is_plain, ..Household::default() };
        for (index, person) in resident.google {
            let Some(account) = accounts.get(index) else { continue };
            household.google.push((index, google.add_person(&account.email, person, at)?));
        }
        for contact in resident.dafater {
            // Either side may have been the last to write.
            household.dafater.push(dafater.insert(contact, at + SignedDuration::from_millis(37))?);
        }
        households.push(household);
        at += step;
    }
    Ok(households)
}

/// The daemon's own defaults.
const QUOTAS: &str =
    "# The stand-in counts as Google does; the daemon allows itself what it does by default.";
/// As good as no limit.
const NO_QUOTAS: &str = "# The stand-in counts nothing.\ncritical_reads = 1000000\ncritical_writes = 1000000\nreads = 1000000\n\
                         writes = 1000000\nphoto_writes = 1000000\ndaily_writes = 1000000";

/// Fewer people than these make a small town.
const SMALL: usize = 50;

/// Where chance begins: each sandbox is the same town.
const SEED: u64 = 20_261_123;

/// Where the two stand-ins listen.
fn addresses(listen: SocketAddr) -> Result<(SocketAddr, SocketAddr), TownError> {
    if !listen.ip().is_loopback() && !listen.ip().is_unspecified() {
        return Err(TownError::NotLoopback { address: listen.ip().to_string() });
    }
    let next = if listen.port() == 0 { 0 } else { listen.port().saturating_add(1) };
    Ok((listen, SocketAddr::new(listen.ip(), next)))
}

/// The address by which the program reaches a stand-in.
fn reachable(stand: &Stand) -> String {
    let address = stand.address();
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}/", SocketAddr::new(ip, address.port()))
}
