//! Runs of the program, and the table of what they did.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::{Narrator, Town, TownError};
use crate::remote::Clock as _;
use crate::sandbox::comparison::Comparison;

/// What one round of `sync` did.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) title: &'static str,
    /// One report an account.
    pub(super) reports: Vec<Value>,
    pub(super) took: Duration,
}

/// A number of a report, such as `/google/created`.
pub(super) fn number(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

impl Round {
    /// Records written on both sides.
    pub(super) fn writes(&self) -> u64 {
        let written = |report| WRITES.iter().map(|pointer| number(report, pointer)).sum::<u64>();
        self.reports.iter().map(written).sum()
    }

    /// Why accounts did not end well, as sentences. `settled`: whether nothing may wait for another try any more; accounts that
    /// write the same contacts at the same time may well get in each other's way once.
    pub(super) fn troubles(&self, settled: bool) -> Vec<String> {
        let text = |report: &Value, key: &str| {
            report.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let is_trouble =
            |report: &&Value| text(report, "outcome") != "ok" || settled && number(report, "/parked") > 0;
        let tell = |report: &Value| {
            let (account, outcome, error) =
                (text(report, "account"), text(report, "outcome"), text(report, "error"));
            let parked = number(report, "/parked");
            format!("{}: {account} ended as {outcome}, {parked} parked: {error}", self.title)
        };
        self.reports.iter().filter(is_trouble).map(tell).collect()
    }
}

const WRITES: [&str; 6] = [
    "/google/created",
    "/google/updated",
    "/google/deleted",
    "/dafater/created",
    "/dafater/updated",
    "/dafater/deleted",
];

impl Town {
    /// One cycle of every account, by the command that people use.
    pub(super) async fn sync(
        &self,
        title: &'static str,
        narrator: &mut dyn Narrator,
    ) -> Result<Round, TownError> {
        let started = self.clock.now();
        let mut asking = std::pin::pin!(self.program.ask_json(&["sync", "--json"]));
        let mut glance = tokio::time::interval(Duration::from_millis(200));
        let reports = loop {
            tokio::select! {
                reports = &mut asking => break reports?,
                _ = glance.tick() => narrator.status(&self.glance(title)),
            }
        };
        let took = Duration::try_from(self.clock.now().duration_since(started)).unwrap_or_default();
        Ok(Round { title, reports, took })
    }

    /// How full both sides are just now.
    fn glance(&self, title: &str) -> String {
        let mut sides: Vec<String> = Vec::new();
        {
            let google = self.google();
            for account in &self.accounts {
                let (count, writes) = (google.person_count(&account.email), google.writes(&account.email));
                if let (Ok(count), Ok(writes)) = (count, writes) {
                    sides.push(format!("{} {count} (+{} ~{})", account.name, writes.created, writes.updated));
                }
            }
        }
        let site = self.site();
        format!(
            "{title} … google {} · dafater {} ({} writes)",
            sides.join(", "),
            site.contact_count(),
            site.write_count()
        )
    }
}

/// The table of what was done.
pub(super) fn table(rounds: &[Round], comparisons: &[(String, Comparison)]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "run", "account", "side", "created", "updated", "deleted", "linked", "review", "withheld", "parked",
        "requests", "time",
    ]);
    for (index, round) in rounds.iter().enumerate() {
        let is_last = index + 1 == rounds.len();
        for report in &round.reports {
            let account = report.get("account").and_then(Value::as_str).unwrap_or_default();
            let comparison = comparisons.iter().find(|(name, _)| name == account).map(|(_, found)| found);
            for side in ["google", "dafater"] {
                let count = |what: &str| number(report, &format!("/{side}/{what}")).to_string();
                let once = |text: String| if side == "google" { text } else { String::new() };
                let withheld = comparison.filter(|_| is_last).map(|found| match side {
                    "google" => found.not_for_google.len(),
                    _ => found.not_for_dafater.len(),
                });
                table.add_row([
                    once(round.title.to_owned()),
                    once(account.to_owned()),
                    side.to_owned(),
                    count("created"),
                    count("updated"),
                    count("deleted"),
                    once(number(report, "/linked").to_string()),
                    once(number(report, "/review").to_string()),
                    withheld.map_or_else(String::new, |count| count.to_string()),
                    once(number(report, "/parked").to_string()),
                    number(report, &format!("/requests/{side}")).to_string(),
                    once(format!("{:.1} s", round.took.as_secs_f64())),
                ]);
            }
        }
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
