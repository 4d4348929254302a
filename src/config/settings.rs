//! The settings themselves. The doc comments are the manual: the example configuration is generated from them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::fields::{self, FieldSpec};
use super::kind::Kind;
use super::schema::section;
use super::values::{ScheduleSpec, Span, ZoneName};
use crate::contact::{PhoneContext, Region};
use crate::mapping::Mapping;
use crate::sync::{ConflictPolicy, DeletionPolicy, FirstSync, Links, PhotoPolicy, Policy, Scope};

section! {
    /// The Dafater site, and how it is read and written.
    pub struct Dafater = "dafater" {
        /// Address of the site. Plain http is accepted for loopback hosts only.
        url: Url = Kind::Address, required("\"https://erp.example.com\"");
        /// API key of the Dafater user that the daemon acts as.
        api_key: String = Kind::Token, required("\"0123456789abcde\"");
        /// API secret of that user. A configuration file that holds it must be readable by its owner only.
        ///
        /// Set exactly one of `api_secret`, `api_secret_file` and the systemd credential `dafater-api-secret`; a credential is
        /// what it was when the daemon started.
        api_secret: SecretString = Kind::Secret, optional("\"…\"");
        /// File that holds the API secret and nothing else. It is read again at each reload.
        api_secret_file = Kind::Path, usual("\"/etc/dafater-contactsd/credentials/api-secret\"");
        /// Whether each enabled record of the site's DocType "Google Contacts" is an account, too. Its `enable`, `email_id`, pull and
        /// push are followed, its `last_sync_on` is written; a consent that was given with the button of its form is taken over,
        /// together with the OAuth client of the site's Google Settings. A table `[accounts.NAME]` with the same `email_id` is the
        /// same account: what the table sets holds, the rest is the record's.
        ///
        /// The user of the API key must be System Manager for all of that; another one sees its own records only, and cannot take
        /// over a consent. A record that is disabled or deleted ends the sync of its account and deletes no contact.
        accounts_from_google_contacts: bool = Kind::Bool, default("false");
        /// Webhooks of the site that wake the daemon after a contact was saved, so that it does not wait for the schedule; usually written
        /// as the table `[dafater.webhook]`. What they carry is not looked at: they are a hint and nothing else, and the schedule stays.
        webhook: Option<Webhook> = Kind::Table(Webhook::SECTION.keys), optional("{ listen = \"127.0.0.1:8765\", secret_file = \"/etc/dafater-contactsd/credentials/webhook-secret\" }");
        /// How often those records are read.
        accounts_every: Span = Kind::Duration(1, HOUR), default("\"1m\"");
        /// How long one request may take, from connecting to the end of the answer.
        timeout: Span = Kind::Duration(1, 10 * MINUTE), default("\"60s\"");
        /// How many requests may be under way at the same time.
        connections: usize = Kind::Integer(1, 64), default("4");
        /// How many contacts are asked for in one request.
        page_size: u32 = Kind::Integer(1, 10_000), default("1000");
        /// How far each read reaches back behind the last one. It must be longer than the longest database transaction of the
        /// site, because a contact carries the time at which its transaction began, and appears when it ends.
        overlap: Span = Kind::Duration(0, DAY), default("\"5m\"");
        /// How long the daemon looks for a contact whose creation got no answer, before it sends the contact again.
        settle: Span = Kind::Duration(0, HOUR), default("\"2m\"");
        /// Distance between two complete sweeps over the names and times of all contacts, which find what a read by time misses.
        sweep: Span = Kind::Duration(MINUTE, 31 * DAY), default("\"24h\"");
    }
}

section! {
    /// Webhooks of the site, which wake the daemon.
    pub struct Webhook = "webhook" {
        /// Address and port at which the daemon listens. Behind a proxy that speaks TLS, one of this machine.
        listen: SocketAddr = Kind::Listen, required("\"127.0.0.1:8765\"");
        /// Address at which the site reaches that port, for `doctor --fix`, which makes the Webhook documents. Without it, `http://`
        /// and `listen`.
        url: Option<Url> = Kind::Address, optional("\"https://contactsd.example.com/webhook\"");
        /// Secret with which the site signs its webhooks (`Webhook Secret` of the documents).
        ///
        /// Set exactly one of `secret`, `secret_file` and the systemd credential `dafater-webhook-secret`; a credential is what it was
        /// when the daemon started.
        secret: SecretString = Kind::Secret, optional("\"…\"");
        /// File that holds the secret and nothing else. It is read again at each reload.
        secret_file = Kind::Path, usual("\"/etc/dafater-contactsd/credentials/webhook-secret\"");
    }
}

section! {
    /// The Google side: the OAuth client, and how People is read and written.
    pub struct Google = "google" {
        /// Who the daemon is towards Google.
        client: GoogleClient;
        /// Id of the OAuth client that the accounts give their consent to. It and its secret may be missing where accounts come from the
        /// desk (`accounts_from_google_contacts`) and their consents are given there.
        client_id = Kind::Token, usual("\"1234567890-example.apps.googleusercontent.com\"");
        /// Secret of the OAuth client. A configuration file that holds it must be readable by its owner only.
        ///
        /// Set exactly one of `client_secret`, `client_secret_file` and the systemd credential `google-client-secret`; a credential is
        /// what it was when the daemon started.
        client_secret = Kind::Secret, optional("\"…\"");
        /// File that holds the secret of the OAuth client and nothing else. It is read again at each reload.
        client_secret_file = Kind::Path, usual("\"/etc/dafater-contactsd/credentials/client-secret\"");
        /// Key file (JSON) of a service account with domain-wide delegation in Google Workspace, instead of an OAuth client: the
        /// accounts then need no consent of their own. It is read again at each reload.
        service_account_file = Kind::Path, optional("\"/etc/dafater-contactsd/credentials/service-account.json\"");
        /// Address of the People API. Changed only to point at a stand-in.
        api_url: Url = Kind::Address, default("\"https://people.googleapis.com/\"");
        /// Address that issues access tokens. Changed only to point at a stand-in.
        token_url: Url = Kind::Address, default("\"https://oauth2.googleapis.com/token\"");
        /// Address where a person gives consent. Changed only to point at a stand-in.
        auth_url: Url = Kind::Address, default("\"https://accounts.google.com/o/oauth2/v2/auth\"");
        /// How long one request may take, from connecting to the end of the answer.
        timeout: Span = Kind::Duration(1, 10 * MINUTE), default("\"60s\"");
        /// How long a write may stay invisible to reads. Within it, an old value that is read is not taken for an edit.
        propagation: Span = Kind::Duration(0, DAY), default("\"10m\"");
        /// Age at which the sync token is renewed by a complete read. Google lets it expire 7 days after the complete read.
        full_read_after: Span = Kind::Duration(MINUTE, 7 * DAY - HOUR), default("\"6d\"");
        /// How many contacts a Google account holds, its trash included. What would go beyond waits, and is said.
        max_contacts: usize = Kind::Integer(1, MOST), default("25000");
        /// What the daemon allows itself, in Google's classes and costs; usually written as the table `[google.quota]`. A call waits
        /// until it fits. The defaults lie below the smallest quotas that Google has been seen to give; the page "Quotas" of the People
        /// API in the Google Cloud console shows those of a project.
        quota: Quota = Kind::Table(Quota::SECTION.keys), default("{ critical_reads = 50, critical_writes = 25, reads = 75, writes = 25, photo_writes = 40, daily_writes = 80000, project = 10 }");
    }
}

section! {
    /// What the daemon allows itself with Google.
    pub struct Quota = "quota" {
        /// Reads of contacts that each account may make a minute ("Critical read requests"). A batch of writes costs 6.
        critical_reads: u32 = Kind::Integer(1, MOST), default("50");
        /// Creates and updates of contacts that each account may make a minute ("Critical write requests"). A batch costs 6.
        critical_writes: u32 = Kind::Integer(1, MOST), default("25");
        /// Reads of labels that each account may make a minute ("Read requests").
        reads: u32 = Kind::Integer(1, MOST), default("75");
        /// Deletes of contacts and writes of labels that each account may make a minute ("Write requests"). A batch of deletes costs
        /// 10.
        writes: u32 = Kind::Integer(1, MOST), default("25");
        /// Writes of photos that each account may make a minute ("Photo write requests").
        photo_writes: u32 = Kind::Integer(1, MOST), default("40");
        /// Contacts that all accounts together may write in 24 hours ("Daily Contact Writes"). A batch counts as 200.
        daily_writes: u32 = Kind::Integer(1, MOST), default("80000");
        /// All accounts together may spend so many times what one account may spend a minute. Where that is less than they want, who
        /// has spent least goes first.
        project: u32 = Kind::Integer(1, 10_000), default("10");
    }
}

/// More than any project has; as good as no limit.
const MOST: i64 = 1_000_000;

/// Who the daemon is towards Google.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoogleClient {
    /// An OAuth client, to which each account gives its consent.
    Consent {
        /// Id of the client.
        id: String,
        /// Secret of the client.
        secret: SecretString,
    },
    /// None: each account uses that of the site's Google Settings, to which its consent was given there.
    Site,
    /// A service account, to which a Workspace administrator delegated the accounts of the domain.
    ServiceAccount {
        /// The key file.
        file: PathBuf,
        /// What the key file holds: JSON with a private key.
        key: SecretString,
    },
}

section! {
    /// The state of the daemon.
    pub struct Store = "store" {
        /// Directory of the state; the database is its `db/`. The default is `$STATE_DIRECTORY` where systemd sets it.
        path: PathBuf = Kind::Path, default("\"/var/lib/dafater-contactsd\""), restart;
        /// Distance between two automatic exports into `export/`, from which a damaged database can be rebuilt.
        export_every: Span = Kind::Duration(MINUTE, 31 * DAY), default("\"24h\"");
        /// How many automatic exports are kept.
        export_keep: u32 = Kind::Integer(1, 1000), default("3");
    }
}

section! {
    /// What is logged, and how.
    pub struct Log = "log" {
        /// Level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or filter directives such as `info,dafater_contactsd=debug`.
        level: String = Kind::LogLevel, default("\"info\"");
        /// Format: `auto` (journald when under systemd, else text), `text`, `json` or `journald`.
        format: LogFormat = Kind::Choice(&["auto", "text", "json", "journald"]), default("\"auto\""), restart;
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// To the journal when the daemon runs under systemd, else as text.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// To the journal, with fields.
    Journald,
}

section! {
    /// One Google account that is kept in step with Dafater. Each key but `email_id` may also stand in `[defaults]`, for all
    /// accounts that do not set it themselves.
    pub struct Account = "accounts" {
        /// The address of the Google account.
        email_id: String = Kind::Email, identity("\"sales@example.com\"");
        /// Whether the account is synced.
        enable: bool = Kind::Bool, default("true");
        /// Google -> Dafater: changes in Google are written to Dafater.
        pull_from_google_contacts: bool = Kind::Bool, default("true");
        /// Dafater -> Google: changes in Dafater are written to Google.
        push_to_google_contacts: bool = Kind::Bool, default("true");
        /// When the account is synced: cron with seconds (five fields are taken too), or an interval such as `every 5m`.
        schedule: ScheduleSpec = Kind::Schedule, default("\"0 */5 * * * *\"");
        /// Time zone of the cron expression, by its IANA name.
        time_zone: ZoneName = Kind::TimeZone, default("\"UTC\"");
        /// Who wins when both sides changed the same field: `newest`, `dafater`, `google`, or `manual` (a person resolves it). A
        /// question that was asked once stays open until somebody answers it, also under another policy.
        conflict: ConflictPolicy = Kind::Choice(&["newest", "dafater", "google", "manual"]), default("\"newest\"");
        /// What a deletion on one side does to the other: `keep`, `created_by_sync` (deleted if the sync
        /// created it) or `propagate`.
        deletions: DeletionPolicy = Kind::Choice(&["keep", "created_by_sync", "propagate"]), default("\"created_by_sync\"");
        /// A run that would delete or empty more than this share of the contacts, in percent, is held until it is approved.
        max_deletes_percent: u8 = Kind::Integer(0, 100), default("10");
        /// The first run: `apply`, or `hold` (it is planned only, until approved).
        first_sync: FirstSync = Kind::Choice(&["apply", "hold"]), default("\"apply\"");
        /// Which contacts take part: `scope.linked_to = ["Customer"]` is customers only, `["Customer", "Supplier"]` customers and vendors. A
        /// list that is empty does not restrict. What stands outside is never written; a contact inside that seems to be the same person as
        /// one outside, on the other side, waits in `review` instead of being created a second time there. A contact that enters is matched
        /// or created; a pair of which a contact leaves is dissolved, both records stay, and nothing is deleted; if it comes back the two are
        /// a pair again. A contact that the sync made counts by the one that it was made from.
        scope: Scope = Kind::Table(SCOPE), default("{ linked_to = [], filters = \"\", google_labels = [], unlabel = true }");
        /// Which further fields travel: Google's field, and the field of Contact in Dafater that it stands for; usually written as the table
        /// `[accounts.NAME.fields]`. `birthday = "custom_birthday"` maps one, `notes = { dafater = "custom_notes", direction = "pull",
        /// wins = "google" }` says where it goes (`both`, `pull`, `push`, `off`) and who wins when both sides changed it (as `conflict`).
        /// Fields with a type or a key stand in quotes: `"url.work"`, `"event.anniversary"`, `"custom.Customer No"`. What travels by
        /// itself (`prefix`, `given`, `middle`, `family`, `company`, `title`, `department`, `gender`) may be given another field or another
        /// direction, `emails`, `phones` and `addresses` a direction and a winner. `docs/fields.md` lists all of Google's fields.
        fields: BTreeMap<String, FieldSpec> = Kind::Fields, default("{}");
        /// To whom contacts are linked that the sync creates in Dafater, or pairs for the first time where they are linked to nobody; usually
        /// written as the table `[accounts.NAME.links]`. Off by default. A link is never changed or removed; where several fit, none is made
        /// and `review` asks.
        links: Links = Kind::Table(LINKS), default("{ by = [], doctypes = [\"Customer\", \"Supplier\", \"Lead\"], free_mail = [\"gmail.com\", \"googlemail.com\", \"outlook.com\", \"hotmail.com\", \"live.com\", \"msn.com\", \"yahoo.com\", \"ymail.com\", \"icloud.com\", \"me.com\", \"aol.com\", \"gmx.com\", \"gmx.net\", \"proton.me\", \"protonmail.com\", \"mail.com\", \"mail.ru\", \"yandex.com\", \"zoho.com\", \"web.de\", \"qq.com\", \"163.com\"] }");
        /// The Google label put on contacts that the sync creates there; empty for none.
        label: String = Kind::Text, default("\"Dafater\"");
        /// Google labels for what a contact is linked to in Dafater: a table of DocTypes, such as `Customer = "Customers"`, usually
        /// written as `[accounts.NAME.labels]`; DocTypes in any case. With `push_to_google_contacts`, a contact that is linked to one gets the
        /// label, which is made where Google lacks it, and loses it with the link or the rule. What a person put on is never taken off, and
        /// what a person took off is not put on again until the link changes. A label keeps its role when it is renamed in Google; another
        /// name here is another label. An empty name is no rule.
        labels: std::collections::BTreeMap<String, String> = Kind::Texts, default("{}");
        /// In which directions photos are carried: `off`, `pull` (Google to Dafater), `push` (Dafater to Google) or `both`; each only where
        /// contacts are. JPEG and PNG up to 5 MiB, a few in each run. A side without a photo gets the other's. Where both have one of their
        /// own both stay until one of them changes, as nobody can tell which is newer, unless `conflict` names a side. A photo that goes takes its copy with it only if the sync had made that copy. The
        /// monogram that Google draws, and the gravatar that Dafater looks up, are no photos; an image that lies on another site is left alone.
        photos: PhotoPolicy = Kind::Choice(&["off", "pull", "push", "both"]), default("\"off\"");
        /// Country whose dialling rules apply to phone numbers without a country code; without it they are compared by digits.
        region: Option<Region> = Kind::Region, optional("\"SA\"");
        /// Whether postal addresses travel: the addresses of a Google contact <-> the Address documents that are linked to the Contact, under
        /// the directions and the conflict policy of the account. An Address that is linked to anything beside the one Contact (a Customer,
        /// another person) is shown in Google and neither changed nor deleted from there. An address without street, city or country, or
        /// with a country that the site does not know, stays in Google.
        addresses: bool = Kind::Bool, default("false");
        /// API key of the Dafater user that the daemon acts as for this account, instead of that of `[dafater]`: what that user may not
        /// see takes no part.
        api_key: Option<String> = Kind::Token, own("\"0123456789abcde\"");
        /// API secret of that user. A configuration file that holds it must be readable by its owner only.
        ///
        /// With `api_key`, set exactly one of `api_secret`, `api_secret_file` and the systemd credential `dafater-api-secret-NAME`.
        api_secret: Option<SecretString> = Kind::Secret, own("\"…\"");
        /// File that holds the API secret of that user and nothing else. It is read again at each reload.
        api_secret_file = Kind::Path, own("\"/etc/dafater-contactsd/credentials/layla-api-secret\"");
        /// The Unix user who is this account's Desk User; others see the account only as System Manager.
        owner: Option<String> = Kind::User, optional("\"layla\"");
    }
}

/// The keys of `scope`, as [`Scope`] reads them.
const SCOPE: &[super::schema::Key] = &[
    super::schema::Key {
        name: "linked_to",
        about: &[
            " DocTypes such as Customer: a Dafater contact takes part when it is linked to one of them.",
        ],
        kind: Kind::Names,
        need: super::schema::Need::Default("[]"),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `[]`. A reload applies it.",
    },
    super::schema::Key {
        name: "filters",
        about: &[
            " A filter of the site on Contact, as JSON, such as `[[\"status\", \"=\", \"Open\"]]` or `{\"department\": \"Sales\"}`: a Dafater contact takes part",
            " when the site lists it under this filter. Contacts that changed are asked for in each sync, all of them once an hour: a filter",
            " may look at more than the contact itself.",
        ],
        kind: Kind::Filters,
        need: super::schema::Need::Default("\"\""),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `\"\"`. A reload applies it.",
    },
    super::schema::Key {
        name: "google_labels",
        about: &[" Google labels: a Google contact takes part when it carries one of them."],
        kind: Kind::Names,
        need: super::schema::Need::Default("[]"),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `[]`. A reload applies it.",
    },
    super::schema::Key {
        name: "unlabel",
        about: &[" Whether a contact that leaves the scope loses the account's `label` in Google."],
        kind: Kind::Bool,
        need: super::schema::Need::Default("true"),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `true`. A reload applies it.",
    },
];

/// The keys of `links`, as [`Links`] reads them.
const LINKS: &[super::schema::Key] = &[
    super::schema::Key {
        name: "by",
        about: &[
            " By what the party is found: `organisation` (its name or title is the contact's organisation), `email_domain` (contacts of the same",
            " mail domain belong to it).",
        ],
        kind: Kind::Choices(&["organisation", "email_domain"]),
        need: super::schema::Need::Default("[]"),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `[]`. A reload applies it.",
    },
    super::schema::Key {
        name: "doctypes",
        about: &[
            " DocTypes of the parties; a contact is linked to one document of each at most. The site's user must be allowed to read them.",
        ],
        kind: Kind::Names,
        need: super::schema::Need::Default("[\"Customer\", \"Supplier\", \"Lead\"]"),
        applies: super::schema::Applies::Reload,
        conditions: "Default: `[\"Customer\", \"Supplier\", \"Lead\"]`. A reload applies it.",
    },
    super::schema::Key {
        name: "free_mail",
        about: &[" Mail domains that say nothing of the company."],
        kind: Kind::Names,
        need: super::schema::Need::Default(FREE_MAIL),
        applies: super::schema::Applies::Reload,
        conditions: "Default: the large providers of free mail. A reload applies it.",
    },
];

/// Providers whose domains tell nothing of a company.
const FREE_MAIL: &str = "[\"gmail.com\", \"googlemail.com\", \"outlook.com\", \"hotmail.com\", \"live.com\", \"msn.com\", \"yahoo.com\", \"ymail.com\", \"icloud.com\", \"me.com\", \"aol.com\", \"gmx.com\", \"gmx.net\", \"proton.me\", \"protonmail.com\", \"mail.com\", \"mail.ru\", \"yandex.com\", \"zoho.com\", \"web.de\", \"qq.com\", \"163.com\"]";

impl Account {
    /// The rules of the account, as the decisions know them.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let (texts, fields) = fields::meant(&self.fields);
        Policy {
            pull: self.pull_from_google_contacts,
            push: self.push_to_google_contacts,
            conflict: self.conflict,
            deletions: self.deletions,
            max_deletes_percent: self.max_deletes_percent,
            first_sync: self.first_sync,
            scope: self.scope.clone(),
            mapping: Mapping::new(PhoneContext { region: self.region }, &texts)
                .with_addresses(self.addresses),
            fields,
        }
    }

    /// The Google label of each DocType that a contact may be linked to; DocTypes in lower case.
    #[must_use]
    pub fn label_rules(&self) -> std::collections::BTreeMap<String, String> {
        let rules = self.labels.iter().map(|(doctype, label)| (doctype.trim().to_lowercase(), label.trim()));
        rules
            .filter(|(_, label)| !label.is_empty())
            .map(|(doctype, label)| (doctype, label.to_owned()))
            .collect()
    }

    /// The API key and secret with which the account is synced, if it has its own.
    #[must_use]
    pub fn api_keys(&self) -> Option<(&str, &SecretString)> {
        self.api_key.as_deref().zip(self.api_secret.as_ref())
    }

    /// The Google label put on contacts that the sync creates, if any.
    #[must_use]
    pub fn google_label(&self) -> Option<&str> {
        Some(self.label.trim()).filter(|label| !label.is_empty())
    }
}

section! {
    /// The socket through which commands reach the running daemon.
    pub struct Control = "control" {
        /// Path of the socket. The default is in `$RUNTIME_DIRECTORY` where systemd sets it.
        socket: PathBuf = Kind::Path, default("\"/run/dafater-contactsd/control.sock\""), restart;
        /// Unix users, and groups as `@group`, who may see and command every account, beside root.
        system_managers: Vec<String> = Kind::Users, default("[]");
    }
}

section! {
    /// The memory of what was changed, which `history` shows and `undo` takes back.
    pub struct History = "history" {
        /// How long a run is remembered. Older ones are forgotten after a sync, a piece at a time; what is forgotten cannot be
        /// put back.
        keep: Span = Kind::Duration(MINUTE, 3660 * DAY), default("\"90d\"");
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
