//! The site is away, closed, overloaded or behind a proxy that answers in its place: each has its reaction, and afterwards everything
//! is as if nothing had been.

use std::time::Duration;

use dafater_contactsd::execute::RunReport;
use dafater_contactsd::sandbox::dafater::{Maintenance, RateLimit};
use dafater_contactsd::sync::DeletionPolicy;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{Strike, World, contact, once, person, writes};

/// What stands between the daemon and the site.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outage {
    Stopped,
    ReadOnly,
    RateLimit,
    /// Connections are reset before anything arrives.
    Reset,
    /// What a proxy or the server in front of the site says, with its status.
    Proxy(u16, &'static str),
}

const OUTAGES: [(Outage, &str); 8] = [
    (Outage::Stopped, "closed for maintenance"),
    (Outage::ReadOnly, "closed for maintenance"),
    (Outage::RateLimit, "asks to slow down"),
    (Outage::Reset, "no complete answer"),
    (Outage::Proxy(502, "<html><head><title>502 Bad Gateway</title></head></html>"), "502"),
    (Outage::Proxy(504, "<html><head><title>504 Gateway Time-out</title></head></html>"), "504"),
    (
        Outage::Proxy(414, "<html><head><title>414 Request-URI Too Large</title></head></html>"),
        "large_client_header_buffers",
    ),
    (
        Outage::Proxy(
            400,
            "<html><head><title>Bad Request</title></head><body>Request Line is too large (6616 &gt; 4094)</body></html>",
        ),
        "--limit-request-line",
    ),
];

impl Outage {
    /// Begins; with `writes_only`, what only reads gets through where it can.
    fn begin(self, world: &World, writes_only: bool) {
        let strike = match self {
            Self::Stopped => {
                world.site().switches.maintenance = Maintenance::Stopped;
                return;
            }
            Self::ReadOnly => {
                world.site().switches.maintenance = Maintenance::ReadOnly;
                return;
            }
            Self::RateLimit => {
                world.site().switches.rate_limit =
                    Some(RateLimit { limit: 10, window: Duration::from_hours(1), cost: 20 });
                return;
            }
            Self::Reset => Strike::LoseRequest,
            Self::Proxy(status, page) => Strike::Answer(status, "text/html", page),
        };
        world.site_weather(move |line, _| {
            (!writes_only || line.contains("/api/resource/Contact")).then(|| strike.clone())
        });
    }

    fn end(world: &World) {
        world.calm();
        world.site().switches.maintenance = Maintenance::Off;
        world.site().switches.rate_limit = None;
    }
}

/// Ada stands on both sides and was edited on both; Grace is new in Google, Alan on the site.
async fn busy() -> World {
    let mut world = World::new();
    let resource = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    world.settle().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    world
}

async fn is_whole(world: &mut World, outage: Outage) {
    // Whoever waits for the site does so for at most an hour.
    world.clock.advance(SignedDuration::from_hours(2));
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3), "{outage:?}\n{}", world.picture());
    assert_eq!(
        world.lines(),
        [
            "Ada Lovelace Analytical Countess ada@example.com +966501234567",
            "Alan Turing alan@example.com",
            "Grace Hopper grace@example.com",
        ],
        "{outage:?}"
    );
}

fn error(report: &RunReport) -> &str {
    report.error.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn a_site_that_does_not_answer_ends_the_run_with_its_reason_and_costs_nothing_else() {
    for (outage, reason) in OUTAGES {
        let mut world = busy().await;
        outage.begin(&world, false);
        let report = world.sync().await;
        assert!(error(&report).contains(reason), "{outage:?}: {report:?}");
        // Read-only, the site is read, and Google may hear the news.
        let is_read = outage == Outage::ReadOnly;
        assert!(is_read || writes(&report) == 0, "{outage:?}: {report:?}");
        assert_eq!(report.dafater.created + report.dafater.updated, 0, "{outage:?}: {report:?}");
        Outage::end(&world);
        is_whole(&mut world, outage).await;
    }
}

#[tokio::test]
async fn a_site_that_goes_away_before_the_first_write_ends_the_run_and_the_next_one_finishes_it() {
    for (outage, _) in OUTAGES {
        if matches!(outage, Outage::Stopped | Outage::RateLimit) {
            continue;
        }
        let mut world = busy().await;
        outage.begin(&world, true);
        let report = world.sync().await;
        assert_eq!(report.dafater.created + report.dafater.updated, 0, "{outage:?}: {report:?}");
        assert!(
            report.error.is_some() || report.parked > 0,
            "{outage:?} is told, as an error or of the contact: {report:?}"
        );
        Outage::end(&world);
        is_whole(&mut world, outage).await;
    }
}

#[tokio::test]
async fn a_limit_of_the_site_says_when_it_goes_on() {
    let mut world = busy().await;
    Outage::RateLimit.begin(&world, false);
    let report = world.sync().await;
    let wait = report.retry_after_seconds.expect("the site said how long");
    assert!((1..=3600).contains(&wait), "{report:?}");
}

/// The run that could tell ended before it noted anything.
#[tokio::test]
async fn who_was_deleted_before_its_copy_was_known_stays_so_when_the_site_closes_meanwhile() {
    let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Propagate);
    let ada = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.google_weather(once(":createContact", Strike::LoseAnswer));
    assert_eq!(world.sync().await.parked, 1);
    world.calm();
    world.clock.advance(SignedDuration::from_hours(1));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.delete_contact(&ada);
    world.site().switches.maintenance = Maintenance::ReadOnly;
    world.sync().await;
    world.site().switches.maintenance = Maintenance::Off;
    world.clock.advance(SignedDuration::from_hours(1));
    world.converge().await;
    assert_eq!((world.contacts().len(), world.persons().len()), (1, 2), "{}", world.picture());
}
