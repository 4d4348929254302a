//! Quotas per user and minute, and the throttle of the contacts backend.

use jiff::Timestamp;
use serde_json::json;

use super::options::{Burst, Quotas};
use super::refusal::Refusal;

/// What one request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// Reads contacts.
    CriticalRead,
    /// First page of a full read of contacts.
    FullRead,
    /// Creates or updates one contact.
    CriticalWrite,
    /// Creates or updates many.
    CriticalBatch,
    /// Reads groups.
    Read,
    /// Deletes, or writes groups.
    Write(u32),
    /// Writes a photo.
    PhotoWrite,
}

/// What a user has used up.
#[derive(Debug, Default)]
pub(super) struct Usage {
    minute: i64,
    day: i64,
    used: [u32; 6],
    daily: u32,
    burst_began: Option<Timestamp>,
    burst: u32,
}

/// Places in [`Usage::used`], with the words Google's body has for them.
const METERS: [(&str, &str, &str); 6] = [
    (
        "Critical read requests (Contact and Profile Reads)",
        "CriticalReadsPerMinutePerProjectPerUser",
        "critical_read_requests",
    ),
    (
        "Critical write requests (Contact Creates and Updates)",
        "CriticalWritesPerMinutePerProjectPerUser",
        "critical_write_requests",
    ),
    ("Read requests (Contact Group Reads)", "ReadsPerMinutePerProjectPerUser", "read_requests"),
    (
        "Write requests (Contact Deletes and Contact Group Writes)",
        "WritesPerMinutePerProjectPerUser",
        "write_requests",
    ),
    ("Photo write requests (Photo Updates)", "PhotoWritesPerMinutePerProjectPerUser", "photo_write_requests"),
    ("Full sync requests (First Page)", "FullSyncRequestsPerMinutePerProjectPerUser", "full_sync_requests"),
];

impl Usage {
    /// Takes `cost` from what is left, or refuses.
    pub(super) fn charge(&mut self, cost: Cost, quotas: &Quotas, now: Timestamp) -> Result<(), Refusal> {
        let minute = now.as_second().div_euclid(60);
        if minute != self.minute {
            self.minute = minute;
            self.used = [0; 6];
        }
        let day = now.as_second().div_euclid(86_400);
        if day != self.day {
            self.day = day;
            self.daily = 0;
        }
        let limits = [
            quotas.critical_reads,
            quotas.critical_writes,
            quotas.reads,
            quotas.writes,
            quotas.photo_writes,
            quotas.full_reads,
        ];
        let (units, daily) = match cost {
            Cost::CriticalRead => ([1, 0, 0, 0, 0, 0], 0),
            Cost::FullRead => ([1, 0, 0, 0, 0, 1], 0),
            Cost::CriticalWrite => ([1, 1, 0, 0, 0, 0], 1),
            Cost::CriticalBatch => ([6, 6, 0, 0, 0, 0], 200),
            Cost::Read => ([0, 0, 1, 0, 0, 0], 0),
            Cost::Write(units) => ([0, 0, 0, units, 0, 0], 0),
            Cost::PhotoWrite => ([0, 0, 0, 0, 1, 0], 0),
        };
        for (((used, units), limit), words) in self.used.iter().zip(units).zip(limits).zip(METERS) {
            if units > 0 && used + units > limit {
                return Err(exceeded(words, "minute"));
            }
        }
        if daily > 0 && self.daily + daily > quotas.daily_writes {
            let words = (
                "Daily Contact Writes (Total)",
                "DailyContactWritesPerDayPerProjectPerUser",
                "daily_contact_writes",
            );
            return Err(exceeded(words, "day"));
        }
        self.used.iter_mut().zip(units).for_each(|(used, units)| *used += units);
        self.daily += daily;
        Ok(())
    }

    /// Counts a write of contacts against the backend's throttle.
    pub(super) fn write(&mut self, burst: Burst, now: Timestamp) -> Result<(), Refusal> {
        if self.burst_began.is_none_or(|began| now.duration_since(began) >= burst.within) {
            self.burst_began = Some(now);
            self.burst = 0;
        }
        self.burst += 1;
        if self.burst <= burst.writes {
            return Ok(());
        }
        // A client that goes on trying keeps the throttle closed.
        self.burst_began = Some(now);
        let mut refusal =
            Refusal::new(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).");
        refusal.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"subject": "QUOTA_EXCEEDED", "description": "FBS quota limit exceeded"}],
        }));
        Err(refusal)
    }
}

fn exceeded((name, limit, metric): (&str, &str, &str), span: &str) -> Refusal {
    let message = format!(
        "Quota exceeded for quota metric '{name}' and limit '{name} per {span} per user' of service \
         'people.googleapis.com' for consumer 'project_number:{PROJECT}'."
    );
    Refusal::new(429, "RESOURCE_EXHAUSTED", message).with_info(
        "RATE_LIMIT_EXCEEDED",
        "googleapis.com",
        json!({
            "quota_limit": limit,
            "service": "people.googleapis.com",
            "quota_metric": format!("people.googleapis.com/{metric}"),
            "consumer": format!("projects/{PROJECT}"),
        }),
    )
}

const PROJECT: &str = "100200300400";

#[cfg(test)]
mod tests {
    use super::*;

    fn second(at: i64) -> Timestamp {
        Timestamp::from_second(at).unwrap()
    }

    #[test]
    fn a_minutes_quota_is_refused_with_googles_body_and_comes_back_with_the_next_minute() {
        let mut usage = Usage::default();
        let quotas = Quotas { critical_reads: 7, ..Quotas::observed() };
        usage.charge(Cost::CriticalBatch, &quotas, second(60)).unwrap();
        usage.charge(Cost::CriticalRead, &quotas, second(61)).unwrap();
        let refused = usage.charge(Cost::CriticalRead, &quotas, second(119)).unwrap_err();
        assert_eq!((refused.code, refused.status), (429, "RESOURCE_EXHAUSTED"));
        assert!(refused.message.starts_with(
            "Quota exceeded for quota metric 'Critical read requests (Contact and Profile Reads)' and limit 'Critical read \
             requests (Contact and Profile Reads) per minute per user' of service 'people.googleapis.com' for consumer "
        ));
        assert_eq!(refused.details[0]["reason"], "RATE_LIMIT_EXCEEDED");
        assert_eq!(
            refused.details[0]["metadata"]["quota_metric"],
            "people.googleapis.com/critical_read_requests"
        );
        usage.charge(Cost::CriticalRead, &quotas, second(120)).unwrap();
    }

    #[test]
    fn a_batch_costs_two_hundred_daily_writes_whatever_its_size() {
        let mut usage = Usage::default();
        let quotas = Quotas { daily_writes: 399, ..Quotas::observed() };
        usage.charge(Cost::CriticalBatch, &quotas, second(0)).unwrap();
        let refused = usage.charge(Cost::CriticalBatch, &quotas, second(3600)).unwrap_err();
        assert!(refused.message.contains("Daily Contact Writes (Total)"));
        usage.charge(Cost::CriticalBatch, &quotas, second(86_400)).unwrap();
    }

    #[test]
    fn the_backends_throttle_stays_closed_while_a_client_goes_on_trying() {
        let mut usage = Usage::default();
        let burst = Burst { writes: 1, within: jiff::SignedDuration::from_mins(10) };
        usage.write(burst, second(0)).unwrap();
        let refused = usage.write(burst, second(500)).unwrap_err();
        assert_eq!(refused.details[0]["violations"][0]["description"], "FBS quota limit exceeded");
        usage.write(burst, second(900)).unwrap_err();
        usage.write(burst, second(1500)).unwrap();
    }
}
