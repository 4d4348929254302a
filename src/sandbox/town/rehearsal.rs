//! `sandbox --once`: first sync, edits on both sides, second sync, a quiet third one, and the comparison.

use std::collections::BTreeSet;
use std::time::Duration;

use super::edits::Edits;
use super::error::io;
use super::runs::{Round, number, table};
use super::{Narrator, Town, TownError, TownOptions, reviewed};
use crate::sandbox::comparison::{Comparison, Crowd, Untouched};

/// Rehearses the whole story. The result says whether both sides agree; what differs has been told.
///
/// # Errors
/// Something broke before the comparison.
pub async fn rehearse(options: &TownOptions, narrator: &mut dyn Narrator) -> Result<bool, TownError> {
    let town = Town::build(options, narrator).await?;
    narrator.say(&format!(
        "{} contacts in Dafater and in {}, half of them shared; the daemon between them",
        options.contacts,
        match options.accounts {
            1 => "one Google account".to_owned(),
            accounts => format!("each of {accounts} Google accounts"),
        }
    ));
    let daemon = town.program.start().await?;
    let mut rehearsal = Rehearsal::new(&town)?;
    rehearsal.first(narrator).await?;
    let edits = rehearsal.edit(narrator).await?;
    rehearsal.second(&edits, narrator).await?;
    rehearsal.quiet(narrator).await?;
    let comparisons = town.compare(&edits.left_alone).await?;
    daemon.stop().await?;
    rehearsal.conclude(&edits, &comparisons, narrator)
}

/// What is known so far.
struct Rehearsal<'a> {
    town: &'a Town,
    rounds: Vec<Round>,
    failures: Vec<String>,
    untouched: Vec<Untouched>,
    /// How often people themselves wrote somebody down.
    written: Crowd,
}

impl<'a> Rehearsal<'a> {
    fn new(town: &'a Town) -> Result<Self, TownError> {
        let mut rehearsal = Self {
            town,
            rounds: Vec::new(),
            failures: Vec::new(),
            untouched: Vec::new(),
            written: Crowd::default(),
        };
        rehearsal.remember()?;
        Ok(rehearsal)
    }

    /// Takes both sides as people have just left them.
    fn remember(&mut self) -> Result<(), TownError> {
        let contacts = self.town.site().contacts();
        self.written.allow(&Crowd::of_dafater(&contacts));
        self.untouched = vec![Untouched::of_dafater(&contacts)];
        for account in &self.town.accounts {
            let persons = self.town.persons(account)?;
            self.written.allow(&Crowd::of_google(&persons));
            self.untouched.push(Untouched::of_google(&persons));
        }
        Ok(())
    }

    /// Holds both sides against the memory.
    fn check_memory(&mut self, when: &str) -> Result<(), TownError> {
        let contacts = self.town.site().contacts();
        let mut later = vec![Untouched::of_dafater(&contacts)];
        self.failures.extend(self.written.doubled(&Crowd::of_dafater(&contacts), "Dafater"));
        for account in &self.town.accounts {
            let persons = self.town.persons(account)?;
            later.push(Untouched::of_google(&persons));
            self.failures.extend(self.written.doubled(&Crowd::of_google(&persons), &account.email));
        }
        for (before, after) in self.untouched.iter().zip(&later) {
            let changes = before.changes(after);
            self.failures.extend(
                changes.into_iter().map(|change| format!("{when} touched what is not synced: {change}")),
            );
        }
        Ok(())
    }

    /// Syncs; with several accounts until what one of them brought has reached the others.
    async fn sync(&mut self, title: &'static str, narrator: &mut dyn Narrator) -> Result<(), TownError> {
        let most = if self.town.accounts.len() == 1 { 1 } else { self.town.accounts.len() + 2 };
        for _ in 0..most {
            let round = self.town.sync(title, narrator).await?;
            narrator.say(&format!(
                "{title}: {} records written in {:.1} s",
                round.writes(),
                round.took.as_secs_f64()
            ));
            self.failures.extend(round.troubles(self.town.accounts.len() == 1));
            let is_quiet = round.writes() == 0;
            self.rounds.push(round);
            if is_quiet {
                break;
            }
        }
        Ok(())
    }

    async fn first(&mut self, narrator: &mut dyn Narrator) -> Result<(), TownError> {
        self.sync("first sync", narrator).await?;
        self.check_memory("the first sync")
    }

    async fn edit(&mut self, narrator: &mut dyn Narrator) -> Result<Edits, TownError> {
        let reviews = self.town.program.ask_json(&["review", "list", "--json"]).await?;
        let mut waiting = BTreeSet::new();
        for account in &self.town.accounts {
            waiting.extend(reviewed(&reviews, &account.name));
        }
        let edits = self.town.edit(&waiting).await?;
        narrator.say(&format!("people made {} edits on both sides", edits.done.len()));
        if edits.left_out > 0 {
            narrator.say(&format!(
                "{} more edits found nobody who could be edited so: the town is small",
                edits.left_out
            ));
        }
        self.remember()?;
        Ok(edits)
    }

    async fn second(&mut self, edits: &Edits, narrator: &mut dyn Narrator) -> Result<(), TownError> {
        self.sync("after edits", narrator).await?;
        self.check_memory("the second sync")?;
        self.failures.extend(self.town.unmet(edits)?);
        Ok(())
    }

    /// Nothing happened since: nothing may be written, and hardly anything asked.
    async fn quiet(&mut self, narrator: &mut dyn Narrator) -> Result<(), TownError> {
        // What was written last is read once more while it could have been committed late.
        tokio::time::sleep(OVERLAP).await;
        self.town.google().reset_counters();
        self.town.site().reset_counters();
        let commits = self.town.commits()?;
        let round = self.town.sync("quiet sync", narrator).await?;
        let accounts = self.town.accounts.len() as u64;
        let asked = {
            let (google, site) = (self.town.google(), self.town.site());
            let counters = google.counters();
            [
                ("records written to Google", counters.writes.total(), 0),
                ("records written to Dafater", site.write_count(), 0),
                ("requests to Google", counters.api_requests(), accounts),
                ("requests to Dafater", site.request_count(), 2 * accounts),
                ("writes reported", round.writes(), 0),
                ("commits to the store", self.town.commits()?.saturating_sub(commits), 0),
            ]
        };
        for (what, found, allowed) in asked {
            if found > allowed {
                self.failures.push(format!("the quiet sync: {found} {what}, at most {allowed} allowed"));
            }
        }
        let requests: u64 = round
            .reports
            .iter()
            .map(|report| number(report, "/requests/google") + number(report, "/requests/dafater"))
            .sum();
        narrator.say(&format!("quiet sync: {} records written, {requests} requests", round.writes()));
        self.failures.extend(round.troubles(true));
        self.rounds.push(round);
        Ok(())
    }

    fn conclude(
        mut self,
        edits: &Edits,
        comparisons: &[(String, Comparison)],
        narrator: &mut dyn Narrator,
    ) -> Result<bool, TownError> {
        self.check_memory("the quiet sync")?;
        narrator.say("");
        narrator.say(&table(&self.rounds, comparisons));
        for (account, comparison) in comparisons {
            let reported = self.rounds.last().and_then(|round| {
                let of_account = |report: &&serde_json::Value| {
                    report.get("account").and_then(serde_json::Value::as_str) == Some(account)
                };
                Some(number(round.reports.iter().find(of_account)?, "/review"))
            });
            let listed = comparison.in_review.len() as u64;
            if reported != Some(listed) {
                self.failures.push(format!(
                    "{account}: {listed} contacts in review were found, {reported:?} reported"
                ));
            }
            for (what, list) in [
                ("withheld from Dafater, which cannot hold them", &comparison.not_for_dafater),
                ("withheld from Google, which cannot hold them", &comparison.not_for_google),
                ("in review", &comparison.in_review),
                ("left alone by the policy on deletions", &comparison.left_alone),
            ] {
                tell(narrator, &format!("{account}: {} {what}", list.len()), list, 12);
            }
            let differences = comparison.differences.iter().map(|what| format!("{account}: {what}"));
            self.failures.extend(differences);
        }
        narrator.say("");
        let compared: usize = comparisons.iter().map(|(_, comparison)| comparison.compared).sum();
        let edited = edits.done.len();
        if self.failures.is_empty() {
            narrator.say(&format!(
                "both sides agree: {compared} contacts compared field by field, {edited} edits arrived, nobody doubled, nothing else touched"
            ));
        } else {
            tell(
                narrator,
                &format!("both sides do not agree; {} findings", self.failures.len()),
                &self.failures,
                40,
            );
        }
        Ok(self.failures.is_empty())
    }
}

fn tell(narrator: &mut dyn Narrator, title: &str, list: &[String], most: usize) {
    if list.is_empty() {
        return;
    }
    narrator.say(title);
    list.iter().take(most).for_each(|what| narrator.say(&format!("  {what}")));
    if list.len() > most {
        narrator.say(&format!("  … and {} more", list.len() - most));
    }
}

impl Town {
    /// How many commits the program's store has seen, by the file beside the database.
    fn commits(&self) -> Result<u64, TownError> {
        let path = self.home.path("state").join("generation");
        let text = std::fs::read(&path).map_err(io(format!("reading {}", path.display())))?;
        let mark: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        Ok(number(&mark, "/generation"))
    }
}

/// Longer than the overlap of the configuration.
const OVERLAP: Duration = Duration::from_millis(1_300);
