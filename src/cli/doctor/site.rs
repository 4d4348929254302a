//! The Dafater site: who the daemon is there, what it may do, and what the site offers.

use std::collections::BTreeSet;

use super::Check;
use crate::account::AccountRecord;
use crate::cli::context::Context;
use crate::cli::words::counted;
use crate::config::Account;
use crate::control::{Exit, Failure};
use crate::daemon::{Settings, site_client};
use crate::dafater::{
    BuiltInJob, DafaterError, KEY_FIELD, Measure, Permissions, ROLE, Right, SiteClient, SiteZone,
};
use crate::execute::EngineError;

/// Everything about the site; where it does not let us in, just that.
pub(super) async fn examine(_context: &Context, settings: &Settings, checks: &mut Vec<Check>) {
    let client = match site_client(&settings.config) {
        Ok(client) => client,
        Err(failure) => return checks.push(Check::fail("site", &failure)),
    };
    match who(&client).await {
        Ok(check) => checks.push(check),
        Err(error) => return checks.push(failed("site", &error)),
    }
    checks.push(zone(&client).await);
    match client.permissions().await {
        Ok(permissions) => checks.extend(judge(&permissions)),
        Err(error) => checks.push(failed("rights", &error)),
    }
    if let Ok(Some(true)) = client.is_system_manager().await {
        let message = "the user is a System Manager, who may do far more than the daemon needs";
        let next = format!(
            "give the daemon a user of its own with the role \"{ROLE}\": `dafater-contactsd doctor --fix` makes the role"
        );
        checks.push(Check::ok("rights", message).next(next));
    }
    checks.push(list("salutations", client.salutations().await));
    checks.push(list("genders", client.genders().await));
    checks.extend(filters(&client, settings).await);
    checks.push(key_field(&client).await);
    checks.push(built_in_job(&client, settings).await);
    checks.push(built_in(&client).await);
}

/// What the site's user may not do.
pub(super) async fn rights(settings: &Settings) -> Result<Vec<Check>, Failure> {
    let client = site_client(&settings.config)?;
    let permissions = client.permissions().await.map_err(failure)?;
    let mut checks = judge(&permissions);
    checks.extend(filters(&client, settings).await);
    Ok(checks)
}

/// Whether the site takes the filter of each account's scope.
async fn filters(client: &SiteClient, settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, account) in &settings.config.accounts {
        let Ok(filters) = serde_json::from_str(&account.scope.filters) else { continue };
        let check = format!("scope of {name}");
        checks.push(match client.try_filters(&filters).await {
            Ok(()) => Check::ok(check, "the site takes its filter"),
            Err(error) => failed(&check, &error),
        });
    }
    checks
}

async fn who(client: &SiteClient) -> Result<Check, DafaterError> {
    let user = client.logged_user().await?;
    let version = client.version().await?;
    let message = format!("Frappe {} answers, as the user {user}", version.frappe);
    Ok(match version.major() {
        Some(major) if major < OLDEST => Check::warn("site", message).next(format!(
            "update the site: Frappe {OLDEST} is the oldest version that the sync was made for"
        )),
        Some(_) | None => Check::ok("site", message),
    })
}

async fn zone(client: &SiteClient) -> Check {
    let measured =
        "let the user read System Settings: then the zone is known exactly, also where clocks change";
    match client.site_time().await {
        Ok(SiteZone::Named(zone)) => {
            let name = zone.iana_name().unwrap_or("a zone without a name").to_owned();
            Check::ok("time zone", format!("{name}, read from the System Settings"))
        }
        Ok(SiteZone::Measured { offset, by }) => {
            let by = match by {
                Measure::OwnWrite => "a contact that was just written",
                Measure::NewestContact => "the newest contact",
            };
            Check::warn("time zone", format!("UTC{offset} now, measured by {by}")).next(measured)
        }
        Ok(SiteZone::Assumed) => {
            let message =
                "not known, UTC stands in for it: `newest` is decided by what may be the wrong hour";
            Check::warn("time zone", message).next(measured)
        }
        Err(error) => failed("time zone", &error),
    }
}

/// A line for each right, and for each hidden field.
fn judge(permissions: &Permissions) -> Vec<Check> {
    let fix = "`dafater-contactsd doctor --fix` makes a role with just the rights that are needed";
    let mut checks = Vec::new();
    for right in Right::ALL {
        let check = format!("right to {right}");
        checks.push(match permissions.of(right) {
            Some(true) => Check::ok(check, "granted"),
            None => Check::warn(check, "the site does not tell"),
            Some(false) if right.is_vital() => {
                let failure =
                    Failure::new(Exit::Unauthorized, format!("missing: {}", right.degrades())).hint(fix);
                Check::fail(check, &failure)
            }
            Some(false) => Check::warn(check, format!("missing: {}", right.degrades())).next(fix),
        });
    }
    for field in &permissions.hidden_fields {
        let message =
            "hidden from the user: what it says is not seen, and nothing that is written to it stays";
        checks.push(
            Check::warn(format!("field {field}"), message)
                .next("let the role read and write the field's permission level of Contact"),
        );
    }
    checks
}

fn list(check: &str, names: Result<Option<BTreeSet<String>>, DafaterError>) -> Check {
    match names {
        Ok(Some(names)) => {
            let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
            Check::ok(check, format!("{} can be read", counted(count, "name")))
        }
        Ok(None) => Check::warn(check, "they cannot be read: what Google says there stays in Google")
            .next("let the user read them"),
        Err(error) => failed(check, &error),
    }
}

async fn key_field(client: &SiteClient) -> Check {
    match client.has_key_field().await {
        Ok(true) => Check::ok("safe creates", format!("contacts have the unique field {KEY_FIELD}")),
        Ok(false) => {
            let message = "contacts have no unique field of the sync: if an answer is lost and the site stores the contact minutes later, it may be made twice";
            Check::warn("safe creates", message).next("`dafater-contactsd doctor --fix` makes the field")
        }
        Err(error) => failed("safe creates", &error),
    }
}

/// The site's own integration: whether it works on an account of ours.
async fn built_in_job(client: &SiteClient, settings: &Settings) -> Check {
    const CHECK: &str = "built-in job";
    let looked = async { Ok((client.built_in_job().await?, client.account_records().await?)) };
    match looked.await {
        Ok((BuiltInJob::Scheduled { name }, records)) => {
            let ours = records.iter().filter(|record| record.enable && is_ours(record, settings)).count();
            if ours == 0 {
                return Check::ok(CHECK, "the site's own integration works on none of the accounts");
            }
            let count = u32::try_from(ours).unwrap_or(u32::MAX);
            let message = format!(
                "the site's own integration is scheduled (`{name}`), and doubles contacts of {}",
                counted(count, "account")
            );
            Check::warn(CHECK, message).next(format!(
                "tick Stopped on the Scheduled Job Type `{name}`; `dafater-contactsd doctor --fix` does it"
            ))
        }
        Ok((BuiltInJob::Stopped, _)) => Check::ok(CHECK, "the site's own integration is not scheduled"),
        Ok((BuiltInJob::Unknown, _)) | Err(DafaterError::Forbidden(_)) => {
            Check::ok(CHECK, "whether the site's own integration is scheduled, only a System Manager sees")
        }
        Err(error) => failed(CHECK, &error),
    }
}

/// Whether the record of the site is one of our accounts.
pub(super) fn is_ours(record: &AccountRecord, settings: &Settings) -> bool {
    let dafater = &settings.config.dafater;
    let is_address = |account: &Account| account.email_id.eq_ignore_ascii_case(&record.email_id);
    dafater.accounts_from_google_contacts || settings.config.accounts.values().any(is_address)
}

/// The site's own integration: the contacts that it looks after.
async fn built_in(client: &SiteClient) -> Check {
    const CHECK: &str = "built-in integration";
    match client.contacts_of_built_in_integration().await {
        Ok(contacts) if contacts.is_empty() => {
            Check::ok(CHECK, "no contact carries `sync_with_google_contacts`, which is never set here")
        }
        Ok(contacts) => {
            let count = u32::try_from(contacts.len()).unwrap_or(u32::MAX);
            let some: Vec<&str> = contacts.iter().take(SHOWN).map(|name| name.0.as_str()).collect();
            let more = if contacts.len() > SHOWN { ", …" } else { "" };
            let message = format!(
                "{} with `sync_with_google_contacts` set: the site itself writes to Google at each save of {}{more}",
                counted(count, "contact"),
                some.join(", ")
            );
            Check::warn(CHECK, message).next("clear \"Sync with Google Contacts\" on them")
        }
        Err(error) => failed(CHECK, &error),
    }
}

fn failed(check: &str, error: &DafaterError) -> Check {
    let mut failure = Failure::from(EngineError::from(error));
    if failure.exit == Exit::Ok {
        failure.exit = Exit::Unavailable;
    }
    Check::fail(check, &failure)
}

fn failure(error: DafaterError) -> Failure {
    EngineError::from(error).into()
}

/// The oldest version of Frappe that the sync was made for.
const OLDEST: u32 = 14;
/// Names that are shown of a longer list.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Grade;

    #[test]
    fn a_missing_right_warns_and_only_the_vital_one_fails() {
        let permissions = Permissions { read: Some(true), delete: Some(false), ..Permissions::default() };
        let grades: Vec<Grade> = judge(&permissions).into_iter().map(|check| check.grade).collect();
        assert_eq!(grades.iter().filter(|grade| **grade == Grade::Ok).count(), 1);
        assert!(!grades.contains(&Grade::Fail));
        let blind = Permissions { read: Some(false), ..Permissions::default() };
        assert_eq!(judge(&blind)[0].exit, Exit::Unauthorized);
    }
}
