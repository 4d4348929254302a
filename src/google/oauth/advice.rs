//! What to do about a refusal of Google's: which page, which client, which scope.
//!
//! Law: every error that Google's table names is one sentence; what it does not name gets the sentence that helps most often.

use super::CONTACTS_SCOPE;

/// Whom a service account acts for, and how Google's pages name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delegate<'a> {
    /// Address of the service account.
    pub(super) client_email: &'a str,
    /// Its numeric id; empty if the key file does not say.
    pub(super) client_id: &'a str,
    /// Id of the key that signs.
    pub(super) key_id: &'a str,
    /// The user.
    pub(super) email_id: &'a str,
}

const DELEGATION: &str = "https://admin.google.com/ac/owl/domainwidedelegation";
const APP_ACCESS: &str = "https://admin.google.com/ac/owl/list?tab=configuredApps";
const SERVICE_ACCOUNTS: &str = "https://console.cloud.google.com/iam-admin/serviceaccounts";
const CLIENTS: &str = "https://console.cloud.google.com/auth/clients";

impl Delegate<'_> {
    /// What to do when Google refuses an assertion with `reason` ("code: words").
    // API: codes and words as in "Using OAuth 2.0 for Server to Server Applications", table of errors.
    pub(super) fn advice(self, reason: &str) -> String {
        let Self { client_email, client_id, key_id, email_id } = self;
        let (code, words) = reason.split_once(": ").unwrap_or((reason, ""));
        let client = match client_id {
            "" => format!("the numeric client id of {client_email}"),
            id => format!("client id {id} (the number, not the address)"),
        };
        let says = |part: &str| words.to_ascii_lowercase().contains(part);
        match code {
            "unauthorized_client" => format!(
                "an administrator of the Workspace adds {client} with the scope {CONTACTS_SCOPE} at {DELEGATION}; a change \
                 there takes up to 24 hours"
            ),
            "access_denied" => format!(
                "an administrator of the Workspace edits {client} at {DELEGATION} and adds the scope {CONTACTS_SCOPE}; a \
                 change there takes up to 24 hours"
            ),
            "invalid_scope" => format!(
                "an administrator of the Workspace checks at {DELEGATION} that {client} has exactly the scope {CONTACTS_SCOPE}"
            ),
            "admin_policy_enforced" => format!(
                "an administrator of the Workspace sets {client} to \"Trusted\" at {APP_ACCESS}, or lifts the restriction of the \
                 contacts service there"
            ),
            "org_internal" => format!(
                "whoever owns the Google Cloud project sets its user type to \"External\", or uses a project of the organization \
                 that {email_id} belongs to (https://console.cloud.google.com/auth/audience)"
            ),
            "deleted_client" => format!(
                "whoever owns the Google Cloud project restores the service account {client_email} within 30 days at \
                 {SERVICE_ACCOUNTS}, or makes a new one and puts its key into `service_account_file`"
            ),
            "disabled_client" => format!(
                "whoever owns the Google Cloud project enables the service account {client_email} at {SERVICE_ACCOUNTS}"
            ),
            "invalid_client" => format!(
                "whoever owns the Google Cloud project checks at {SERVICE_ACCOUNTS} that {client_email} exists and is enabled, and \
                 that `service_account_file` is its key file"
            ),
            "invalid_grant" if says("email") || says("user id") => not_a_user(email_id),
            "invalid_request" if says("impersonation") || says("prn") => not_a_user(email_id),
            "invalid_grant" if says("short-lived") || says("iat") || says("timeframe") => {
                "set the clock of this machine: it is wrong by more than Google tolerates (`timedatectl` shows it, `timedatectl \
                 set-ntp true` keeps it right)"
                    .to_owned()
            }
            "invalid_grant" if says("signature") => format!(
                "the key {key_id} of {client_email} was deleted or disabled: make a new key at {SERVICE_ACCOUNTS}, put it into \
                 `service_account_file` and reload"
            ),
            "invalid_grant" if says("audience") => {
                "the key file names another `token_uri` than Google's: download it again, or correct `token_url` in [google]"
                    .to_owned()
            }
            "invalid_grant" if says("account not found") || says("issuer") || says("verifier") => format!(
                "the service account {client_email} does not exist any more: make another one at {SERVICE_ACCOUNTS} and put its \
                 key into `service_account_file`"
            ),
            _ => format!(
                "an administrator of the Workspace checks that {email_id} is a user there, that {client} has domain-wide \
                 delegation with the scope {CONTACTS_SCOPE} ({DELEGATION}), and that the clock of this machine is right; a \
                 change there takes up to 24 hours"
            ),
        }
    }
}

fn not_a_user(email_id: &str) -> String {
    format!(
        "{email_id} is no user of the Workspace: correct `email_id` of the account, or have the user created at \
         https://admin.google.com/ac/users; an alias or a group does not do"
    )
}

/// What to do when Google refuses the OAuth client with `reason` ("code: words").
pub(super) fn on_client(reason: &str) -> String {
    let code = reason.split(':').next().unwrap_or_default();
    match code {
        "invalid_client" => format!(
            "whoever owns the Google Cloud project compares id and secret of the client at {CLIENTS} with `client_id` and the \
             client secret in [google]"
        ),
        "deleted_client" => format!(
            "the OAuth client was deleted: restore it at {CLIENTS} within 30 days, or make one of the kind \"Desktop app\" and put its id \
             and secret into [google]; each account then consents again"
        ),
        "disabled_client" => {
            format!("whoever owns the Google Cloud project enables the OAuth client at {CLIENTS}")
        }
        "unauthorized_client" => format!(
            "the OAuth client may not do this: make one of the kind \"Desktop app\" at {CLIENTS} and put its id and secret into [google]"
        ),
        "admin_policy_enforced" | "access_denied" | "org_internal" => on_refused_page(code),
        "invalid_scope" => format!(
            "whoever owns the Google Cloud project adds the scope {CONTACTS_SCOPE} at https://console.cloud.google.com/auth/scopes"
        ),
        _ => format!(
            "whoever owns the Google Cloud project checks at {CLIENTS} that the OAuth client exists, is enabled, and has the id and \
             secret in [google]"
        ),
    }
}

/// What to do when the consent page came back with `error`.
pub(super) fn on_refused_page(error: &str) -> String {
    match error {
        "access_denied" => "the owner of the account presses \"Allow\" and leaves the box for contacts ticked; while the consent \
                            screen is in Testing, the address must be a test user (https://console.cloud.google.com/auth/audience)"
            .to_owned(),
        "admin_policy_enforced" => {
            format!("an administrator of the Workspace allows the client id in [google] at {APP_ACCESS}")
        }
        "org_internal" => "the consent screen is for the users of its organization only: set its user type to \"External\" at \
                           https://console.cloud.google.com/auth/audience, or consent with an account of the organization"
            .to_owned(),
        _ => "start again; if it comes back, look the word up in Google's list of authorization errors".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_googles_table_says_who_does_what_where() {
        let delegate = Delegate {
            client_email: "sync@project.iam.gserviceaccount.com",
            client_id: "1087",
            key_id: "k1",
            email_id: "sales@example.com",
        };
        let clock = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your 'iat' and 'exp' \
                     values and use a clock with skew to account for clock differences between systems.";
        let table: [(&str, &str, &[&str]); 16] = [
            (
                "unauthorized_client",
                "Unauthorized client or scope in request.",
                &["1087", CONTACTS_SCOPE, DELEGATION],
            ),
            (
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
                &["1087", "the number", DELEGATION],
            ),
            ("access_denied", "Requested client not authorized.", &["1087", CONTACTS_SCOPE, DELEGATION]),
            ("admin_policy_enforced", "", &["Trusted", APP_ACCESS]),
            ("invalid_client", "The OAuth client was not found.", &["sync@project", SERVICE_ACCOUNTS]),
            ("deleted_client", "", &["30 days", SERVICE_ACCOUNTS]),
            ("disabled_client", "The OAuth client was disabled.", &["enables", SERVICE_ACCOUNTS]),
            ("invalid_grant", "Not a valid email", &["sales@example.com", "email_id"]),
            ("invalid_grant", "Invalid email or User ID", &["sales@example.com", "email_id"]),
            (
                "invalid_request",
                "Invalid impersonation prn email address.",
                &["sales@example.com", "email_id"],
            ),
            ("invalid_grant", clock, &["clock", "timedatectl"]),
            ("invalid_grant", "Invalid JWT Signature.", &["k1", SERVICE_ACCOUNTS, "service_account_file"]),
            (
                "invalid_grant",
                "Invalid JWT: No valid verifier found for issuer",
                &["does not exist", SERVICE_ACCOUNTS],
            ),
            (
                "invalid_scope",
                "Invalid OAuth scope or ID token audience provided.",
                &[CONTACTS_SCOPE, DELEGATION],
            ),
            (
                "org_internal",
                "This client is restricted to users within its organization.",
                &["organization", "audience"],
            ),
            ("something_new", "", &["domain-wide delegation", "1087"]),
        ];
        let mut sentences = std::collections::BTreeSet::new();
        for (code, words, named) in table {
            let advice = delegate.advice(&format!("{code}: {words}"));
            for part in named {
                assert!(advice.contains(part), "{code} {words}: {advice}");
            }
            sentences.insert(advice);
        }
        assert_eq!(
            sentences.len(),
            13,
            "two say that delegation is missing, three that there is no such user"
        );
    }

    #[test]
    fn a_refused_client_and_a_refused_page_name_the_page_that_mends_it() {
        for code in
            ["invalid_client", "deleted_client", "disabled_client", "unauthorized_client", "unheard_of"]
        {
            assert!(on_client(&format!("{code}: words")).contains(CLIENTS), "{code}");
        }
        assert!(on_client("invalid_scope").contains(CONTACTS_SCOPE));
        assert!(on_refused_page("admin_policy_enforced").contains("admin.google.com"));
        assert!(on_refused_page("access_denied").contains("test user"));
        assert!(on_refused_page("org_internal").contains("External"));
    }
}
