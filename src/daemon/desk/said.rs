//! What the desk said last, and which of its accounts must wait.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::AccountRecord;
use crate::dafater::BuiltInJob;

/// The records of the site, and what its own integration is about to do with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// The records, disabled ones too.
    pub records: Vec<AccountRecord>,
    /// The job of the site's own integration.
    pub job: BuiltInJob,
    /// Contacts that the site's own integration pushes, by the name of their record.
    pub pushed: BTreeMap<String, u64>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { records: Vec::new(), job: BuiltInJob::Unknown, pushed: BTreeMap::new() }
    }
}

/// Why the account of `record` must not be synced for now: the site's own integration works on it, too.
#[must_use]
pub(in crate::daemon) fn refusal(desk: &Desk, record: &AccountRecord) -> Option<String> {
    if let (BuiltInJob::Scheduled { name }, true) = (&desk.job, record.enable && record.pull) {
        return Some(format!(
            "the site's own integration (Scheduled Job Type `{name}`) is scheduled too, and inserts every Google contact that changes once \
             more; stop it with `dafater-contactsd doctor --fix`, or tick Stopped on that record"
        ));
    }
    let pushed = desk.pushed.get(&record.name).copied().unwrap_or_default();
    (pushed > 0 && record.push).then(|| {
        format!(
            "the site's own integration pushes {pushed} contacts to this Google account whenever they are saved, and overwrites what it \
             does not know; take `Sync with Google Contacts` off them with `dafater-contactsd doctor --fix`"
        )
    })
}

/// The records that were known and that `listed` does not show: each must be asked for by its name before it counts as gone.
pub(in crate::daemon) fn known_but_not_listed<'a>(
    known: &'a [AccountRecord],
    listed: &'a [AccountRecord],
) -> impl Iterator<Item = &'a AccountRecord> {
    known.iter().filter(|known| {
        !listed.iter().any(|listed| listed.name == known.name || listed.creation == known.creation)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> AccountRecord {
        AccountRecord {
            name: name.to_owned(),
            creation: format!("2026-01-01 00:00:00 {name}"),
            email_id: "sales@example.com".to_owned(),
            enable: true,
            pull: true,
            push: true,
            has_consent: false,
        }
    }

    fn desk(job: BuiltInJob, pushed: u64) -> Desk {
        Desk { records: Vec::new(), job, pushed: BTreeMap::from([("GC-sales".to_owned(), pushed)]) }
    }

    #[test]
    fn an_account_waits_while_the_built_in_job_would_pull_it() {
        let scheduled = BuiltInJob::Scheduled { name: "google_contacts.sync".to_owned() };
        let reason = refusal(&desk(scheduled.clone(), 0), &record("GC-sales")).unwrap();
        assert!(reason.contains("google_contacts.sync") && reason.contains("doctor --fix"), "{reason}");
        let pushing = AccountRecord { pull: false, ..record("GC-sales") };
        assert_eq!(refusal(&desk(scheduled, 0), &pushing), None);
        for job in [BuiltInJob::Stopped, BuiltInJob::Unknown] {
            assert_eq!(refusal(&desk(job, 0), &record("GC-sales")), None);
        }
    }

    #[test]
    fn an_account_waits_while_the_built_in_hooks_push_its_contacts() {
        let reason = refusal(&desk(BuiltInJob::Stopped, 3), &record("GC-sales")).unwrap();
        assert!(reason.contains("3 contacts"), "{reason}");
        let pulling = AccountRecord { push: false, ..record("GC-sales") };
        assert_eq!(refusal(&desk(BuiltInJob::Stopped, 3), &pulling), None);
        assert_eq!(refusal(&desk(BuiltInJob::Stopped, 3), &record("GC-support")), None);
    }

    #[test]
    fn a_renamed_record_is_listed_under_its_new_name() {
        let known = [record("GC-sales"), record("GC-gone")];
        let listed = [AccountRecord { name: "Sales".to_owned(), ..record("GC-sales") }];
        let missing: Vec<&str> =
            known_but_not_listed(&known, &listed).map(|record| record.name.as_str()).collect();
        assert_eq!(missing, ["GC-gone"]);
    }
}
