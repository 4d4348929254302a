//! `sandbox`: the town stays open, and whoever sits before it may edit.

use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use super::runs::table;
use super::{Narrator, Town, TownError, TownOptions};
use crate::remote::Clock as _;

/// How often the daemon syncs while the town is open.
const SCHEDULE: &str = "every 5s";

/// Syncs once, tells what was done and what can be tried, and stays until `stopped` is ready.
///
/// # Errors
/// Something broke.
pub async fn stay(
    options: &TownOptions,
    stopped: impl Future<Output = ()> + Send,
    narrator: &mut dyn Narrator,
) -> Result<(), TownError> {
    let mut stopped = std::pin::pin!(stopped);
    let (town, mut daemon) = tokio::select! {
        () = &mut stopped => return Ok(()),
        opened = open(options, narrator) => opened?,
    };
    narrator.say(&town.invitation()?);
    let mut glance = tokio::time::interval(Duration::from_secs(1));
    let outcome = loop {
        tokio::select! {
            () = &mut stopped => break Ok(()),
            _ = glance.tick() => {
                if let Some(error) = daemon.ended() {
                    break Err(error);
                }
                narrator.status(&town.activity());
            }
        }
    };
    outcome?;
    narrator.say("stopping");
    daemon.stop().await
}

async fn open(
    options: &TownOptions,
    narrator: &mut dyn Narrator,
) -> Result<(Town, super::program::Daemon), TownError> {
    let town = Town::build(options, narrator).await?;
    let daemon = town.program.start().await?;
    let round = town.sync("first sync", narrator).await?;
    town.configure(SCHEDULE)?;
    town.program.ask(&["reload"]).await?;
    let comparisons = town.compare(&std::collections::BTreeSet::new()).await?;
    narrator.say(&table(std::slice::from_ref(&round), &comparisons));
    for trouble in round.troubles(town.accounts.len() == 1) {
        narrator.say(&trouble);
    }
    town.google().reset_counters();
    town.site().reset_counters();
    Ok((town, daemon))
}

impl Town {
    /// What happens while the town is open.
    fn activity(&self) -> String {
        let writes = self.google().counters().writes;
        format!(
            "syncing {SCHEDULE}; the daemon has written {} records to Google and {} to Dafater since · Ctrl-C ends it",
            writes.total(),
            self.site().write_count()
        )
    }

    /// Where everything is, and lines to paste.
    fn invitation(&self) -> Result<String, TownError> {
        let (google, dafater) = (self.google_url(), self.site_url());
        let (google, dafater) = (google.trim_end_matches('/'), dafater.trim_end_matches('/'));
        let mut text = format!("\nGoogle   {google}\nDafater  {dafater}\n");
        let keys = format!("{}:{}", self.keys.api_key, self.keys.api_secret);
        if let (Some(account), Some((resource, document))) = (self.accounts.first(), self.somebody()) {
            let token = self.google().issue_access_token(&account.email, self.clock.now())?;
            let in_google = format!("{google}/v1/{resource}");
            let in_dafater = format!("{dafater}/api/resource/Contact/{}", encoded(&document));
            let who =
                self.site().contact(&document).map(|contact| crate::sandbox::comparison::title(&contact));
            let who = who.unwrap_or_default();
            // The whole story is four lines; the variables keep them short.
            let _ = write!(
                text,
                "\nPaste into another terminal. {who} stands on both sides; within five seconds each edit is on the other one.\n\n\
                 GOOGLE='{in_google}'\nTOKEN='Authorization: Bearer {token}'\n\
                 DAFATER='{in_dafater}'\nKEYS='Authorization: token {keys}'\n\n\
                 # edit in Dafater, watch it arrive in Google\n\
                 curl -s -X PUT \"$DAFATER\" -H \"$KEYS\" -H 'Content-Type: application/json' -d '{{\"designation\":\"Tea Taster\"}}' >/dev/null\n\
                 sleep 7; curl -s \"$GOOGLE?personFields=organizations\" -H \"$TOKEN\" | grep -o '\"title\":\"[^\"]*\"'\n\n\
                 # edit in Google (its update needs the etag that a get answers), watch it arrive in Dafater\n\
                 ETAG=$(curl -s \"$GOOGLE?personFields=metadata\" -H \"$TOKEN\" | sed 's/.*\"etag\" *: *\"\\(%[^\"]*\\)\".*/\\1/;q')\n\
                 curl -s -X PATCH \"$GOOGLE:updateContact?updatePersonFields=names\" -H \"$TOKEN\" -H 'Content-Type: application/json' \
                 -d \"{{\\\"etag\\\":\\\"$ETAG\\\",\\\"names\\\":[{{\\\"givenName\\\":\\\"Rosalind\\\",\\\"familyName\\\":\\\"Edited\\\"}}]}}\" >/dev/null\n\
                 sleep 7; curl -s \"$DAFATER\" -H \"$KEYS\" | grep -o '\"full_name\":\"[^\"]*\"'\n"
            );
        }
        let program = &self.program;
        let command = format!("{} --config {}", quoted(&program.executable), quoted(&program.config));
        let account = self.accounts.first().map(|account| account.name.as_str()).unwrap_or_default();
        let _ = write!(
            text,
            "\n# ask the daemon\n{command} status\n{command} plan {account}\n{command} history {account} --contact Rosalind\n"
        );
        let _ = write!(text, "{command} review\n\nThe daemon's log is {}\n", program.log.display());
        Ok(text)
    }

    /// A named contact of the first account that stands on both sides and is easy to type.
    fn somebody(&self) -> Option<(String, String)> {
        let is_plain_text = |text: &str| text.is_ascii() && !text.contains(['\'', '/', '%']);
        let pairs = self.households.iter().filter(|household| household.is_plain).filter_map(|household| {
            let (_, resource) = household.google.iter().find(|(account, _)| *account == 0)?;
            Some((resource.clone(), household.dafater.first()?.clone()))
        });
        let pairs: Vec<(String, String)> = pairs.collect();
        let site = self.site();
        let is_named = |name: &str| {
            let contact = site.contact(name).unwrap_or_default();
            contact.get("first_name").and_then(Value::as_str).is_some_and(|first| !first.is_empty())
        };
        pairs.iter().find(|(_, name)| is_plain_text(name) && is_named(name)).or(pairs.first()).cloned()
    }
}

/// A name as a path holds it.
fn encoded(name: &str) -> String {
    let mut path = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(is_plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_pasted() {
        assert_eq!(encoded("Ada Ünal/1-Acme"), "Ada%20%C3%9Cnal%2F1-Acme");
        assert_eq!(quoted("/tmp/a b/it's".as_ref()), r"'/tmp/a b/it'\''s'");
        assert_eq!(quoted("/tmp/x-1".as_ref()), "/tmp/x-1");
    }
}
