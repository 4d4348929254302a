//! The sentence behind `STATUS=`.

use jiff::Timestamp;

use super::Roster;
use crate::execute::Outcome;

/// What the daemon does, as one sentence without contact data.
pub(super) fn sentence(roster: &Roster) -> String {
    let mut overview = Overview::default();
    for (name, account) in &roster.accounts {
        let standing = account.standing();
        if standing.warning.is_some() {
            overview.ending.push(name.to_string());
        }
        if !account.settings().enable {
            continue;
        }
        overview.accounts += 1;
        if standing.running_since.is_some() {
            overview.running.push(name.to_string());
        }
        overview.next = [overview.next, standing.next_run].into_iter().flatten().min();
        if standing.failures > 0 || account.settings().refused.is_some() {
            overview.failing.push(name.to_string());
        }
        let command = format!("dafater-contactsd authorize {name}");
        let error = standing.last.as_ref().and_then(|last| last.error.as_deref()).unwrap_or_default();
        if standing.failures > 0 && error.contains(&command) {
            overview.commands.push(command);
        }
        if let Some(last) = &standing.last {
            overview.conflicts += last.conflicts;
            overview.held += u32::from(last.outcome == Outcome::Held);
        }
    }
    let refused = roster.refused.as_ref().map(|failure| match failure.causes.first() {
        Some(cause) => cause.line(),
        None => failure.message.clone(),
    });
    overview.sentence(refused)
}

#[derive(Default)]
struct Overview {
    accounts: u32,
    running: Vec<String>,
    next: Option<Timestamp>,
    failing: Vec<String>,
    /// What must be run so that accounts work again.
    commands: Vec<String>,
    /// Accounts whose consent is going to end.
    ending: Vec<String>,
    conflicts: u32,
    held: u32,
}

impl Overview {
    fn sentence(self, refused: Option<String>) -> String {
        let mut parts = Vec::new();
        if let Some(reason) = refused {
            parts.push(format!("Reload refused, the previous configuration stays in force ({reason})"));
        }
        parts.push(match self.running.as_slice() {
            [] => "Idle".to_owned(),
            running => format!("Syncing {}", running.join(", ")),
        });
        parts.push(counted(self.accounts, "account"));
        if let Some(next) = self.next.filter(|_| self.running.is_empty()) {
            parts.push(format!("next run {} UTC", next.strftime("%H:%M")));
        }
        if !self.failing.is_empty() {
            parts.push(format!("failing: {}", self.failing.join(", ")));
        }
        if !self.commands.is_empty() {
            parts.push(format!("run `{}`", self.commands.join("`, `")));
        }
        if !self.ending.is_empty() {
            parts.push(format!("consent ends soon: {}", self.ending.join(", ")));
        }
        if self.conflicts > 0 {
            parts.push(format!("{} open", counted(self.conflicts, "conflict")));
        }
        if self.held > 0 {
            parts.push(format!("{} held", counted(self.held, "plan")));
        }
        // systemd takes the line as it is; a line break in a reason would start another field.
        parts.join("; ").replace(['\n', '\r'], " ")
    }
}

fn counted(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_daemon_says_when_it_works_again() {
        let overview = Overview {
            accounts: 2,
            conflicts: 1,
            next: "2026-03-01T14:05:00Z".parse().ok(),
            ..Overview::default()
        };
        assert_eq!(overview.sentence(None), "Idle; 2 accounts; next run 14:05 UTC; 1 conflict open");
    }

    #[test]
    fn a_consent_that_ended_or_is_going_to_is_told_with_the_command() {
        let overview = Overview {
            accounts: 2,
            failing: vec!["sales".to_owned()],
            commands: vec!["dafater-contactsd authorize sales".to_owned()],
            ending: vec!["support".to_owned()],
            ..Overview::default()
        };
        assert_eq!(
            overview.sentence(None),
            "Idle; 2 accounts; failing: sales; run `dafater-contactsd authorize sales`; consent ends soon: support"
        );
    }

    #[test]
    fn trouble_is_named() {
        let overview = Overview {
            accounts: 1,
            running: vec!["sales".to_owned()],
            failing: vec!["support".to_owned()],
            held: 2,
            ..Overview::default()
        };
        assert_eq!(
            overview.sentence(Some("a.toml:7:1: unknown key\nREADY=1".to_owned())),
            "Reload refused, the previous configuration stays in force (a.toml:7:1: unknown key READY=1); \
             Syncing sales; 1 account; failing: support; 2 plans held"
        );
    }
}
