//! The switches: where Google's behaviour is unknown, differs over time, or has to be provoked.

use jiff::SignedDuration;

/// How the stand-in for Google behaves. Fields may be changed while it runs.
#[derive(Debug, Clone)]
pub struct GoogleOptions {
    /// Where chance begins: ids, etags, tokens.
    pub seed: u64,
    /// The OAuth client that is known.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Service accounts that may act in the users' names.
    pub service_accounts: Vec<ServiceAccount>,
    /// Country of the accounts (ISO 3166), whose dialling rules `canonicalForm` follows.
    pub region: String,
    /// Age at which a sync token expires, counted from the full read it descends from.
    pub sync_token_age: SignedDuration,
    /// Canonical status of an expired sync token: `INVALID_ARGUMENT` or `FAILED_PRECONDITION`.
    pub expired_token_status: &'static str,
    /// HTTP status of an expired sync token: 400 or 410.
    pub expired_token_code: u16,
    /// How long a change takes to show in lists and deltas.
    pub list_delay: SignedDuration,
    /// How long a change takes to show in get and batchGet.
    pub get_delay: SignedDuration,
    /// How long reads show the etag from before the last write, though they show its content.
    pub stale_etag: SignedDuration,
    /// When an error carries the older `errors` list.
    pub v1_errors: V1Errors,
    /// Quotas per user; `None` counts nothing.
    pub quotas: Option<Quotas>,
    /// Writes that the contacts backend takes in a row: more within the time are refused with its own 429.
    pub burst: Option<Burst>,
    /// HTTP and canonical status of a contact too many.
    pub overflow: (u16, &'static str),
    /// Contacts that an account may hold, the trash included.
    pub max_contacts: usize,
    /// What happens to a page size above 1,000.
    pub oversized_page: Lenience,
    /// What happens to a sort order in a request that syncs.
    pub sort_while_syncing: Lenience,
    /// Whether a contact still answers to the name it had before a rename.
    pub old_names_answer: bool,
    /// What the user does on the consent page.
    pub consent: Consent,
    /// Whether each refresh brings a new refresh token and voids the old one.
    pub rotate_refresh_tokens: bool,
    /// How long a refresh token lives, as the token endpoint says: a consent screen in Testing says 7 days. `None` says nothing.
    pub refresh_token_life: Option<SignedDuration>,
    /// Requests that are remembered for assertions; older ones are forgotten.
    pub remembered_requests: usize,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            client_id: "sandbox.apps.googleusercontent.com".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            service_accounts: Vec::new(),
            region: "US".to_owned(),
            sync_token_age: SignedDuration::from_hours(7 * 24),
            expired_token_status: "INVALID_ARGUMENT",
            expired_token_code: 400,
            list_delay: SignedDuration::ZERO,
            get_delay: SignedDuration::ZERO,
            stale_etag: SignedDuration::ZERO,
            v1_errors: V1Errors::WhenAsked,
            quotas: None,
            burst: None,
            overflow: (429, "RESOURCE_EXHAUSTED"),
            max_contacts: 25_000,
            oversized_page: Lenience::Lenient,
            sort_while_syncing: Lenience::Strict,
            old_names_answer: true,
            consent: Consent::Everything,
            rotate_refresh_tokens: false,
            refresh_token_life: None,
            remembered_requests: 1_000,
        }
    }
}

/// When an error carries the older `errors` list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V1Errors {
    /// Never.
    Never,
    /// When the request says `$.xgafv=1`.
    WhenAsked,
    /// Always.
    Always,
}

/// Whether the model bends a request or refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lenience {
    /// Caps or ignores the value.
    Lenient,
    /// Answers 400.
    Strict,
}

/// What the user does on the consent page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Grants all that is asked for.
    Everything,
    /// Unticks all scopes but these.
    Only(Vec<String>),
    /// Presses "Cancel".
    Nothing,
}

/// A service account with domain-wide delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its address: the issuer of its assertions.
    pub email: String,
    /// The scopes that the domain's administrator gave it.
    pub delegated_scopes: Vec<String>,
}

/// Units that each user has per minute, and per day where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Reads of contacts.
    pub critical_reads: u32,
    /// Creates and updates of contacts.
    pub critical_writes: u32,
    /// Reads of groups.
    pub reads: u32,
    /// Deletes of contacts; all writes of groups.
    pub writes: u32,
    /// Writes of photos.
    pub photo_writes: u32,
    /// Contacts written, per day.
    pub daily_writes: u32,
    /// First pages of full reads. Google publishes no number.
    pub full_reads: u32,
}

impl Quotas {
    /// The table that a project's console showed in 2026.
    #[must_use]
    pub const fn observed() -> Self {
        Self {
            critical_reads: 60,
            critical_writes: 30,
            reads: 90,
            writes: 30,
            photo_writes: 50,
            daily_writes: 100_000,
            full_reads: 10,
        }
    }
}

/// A throttle of the contacts backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// Writes that are taken.
    pub writes: u32,
    /// Within this time; a refused write counts as well.
    pub within: SignedDuration,
}
