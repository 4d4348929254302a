use std::time::Duration;

use super::*;

#[test]
fn a_late_commit_is_missed_by_whoever_reads_from_its_stamp_on() {
    let mut world = World::new();
    world.site.switches.late_commit = Duration::from_secs(10);
    world.site.insert(json!({"first_name": "Slow"}), world.now).unwrap();
    world.site.switches.late_commit = Duration::ZERO;
    let quick = world.create(json!({"first_name": "Quick"}));
    let watermark = quick.data()["modified"].clone();
    assert_eq!(world.names(json!({})), ["Quick"]);
    world.now += SignedDuration::from_secs(10);
    // Recorded: 961 to 963.
    assert_eq!(world.names(json!({"filters": [["modified", ">=", watermark]]})), ["Quick"]);
    assert_eq!(world.names(json!({"order_by": "modified asc"})), ["Slow", "Quick"]);
}

#[test]
fn what_a_site_is_shipped_with_was_never_late() {
    let switches = Switches { late_commit: Duration::from_mins(1), ..Switches::default() };
    let site = World::with(SiteOptions { switches, ..SiteOptions::default() }).site;
    for (doctype, shipped) in [("Salutation", 9), ("Gender", 7), ("Country", 249), ("Scheduled Job Type", 1)]
    {
        assert_eq!(site.documents(doctype).len(), shipped, "{doctype}");
    }
    assert_eq!(site.switches.late_commit, Duration::from_mins(1));
}

#[test]
fn a_write_waits_for_the_open_transaction_on_its_row() {
    let mut world = World::new();
    world.create(json!({"first_name": "Omar"}));
    let read = world.get("/api/resource/Contact/Omar").data()["modified"].clone();
    world.site.switches.late_commit = Duration::from_mins(1);
    world.site.edit("Omar", json!({"designation": "desk"}), world.now).unwrap();
    assert!(world.get("/api/resource/Contact/Omar").data().get("designation").is_none());
    world
        .put("/api/resource/Contact/Omar", json!({"department": "x", "modified": read}))
        .is(417, "TimestampMismatchError");
    assert_eq!(world.get("/api/resource/Contact/Omar").data()["designation"], "desk");
}

#[test]
fn the_loser_of_a_race_for_a_name_is_a_duplicate() {
    let mut world = World::new();
    world.site.switches.late_commit = Duration::from_mins(1);
    world.site.insert(json!({"first_name": "Omar"}), world.now).unwrap();
    // Recorded: 960.
    world.create(json!({"first_name": "Omar"})).is(409, "DuplicateEntryError");
    assert_eq!(world.create(json!({"first_name": "Omar"})).name(), "Omar-1");
}

#[test]
fn maintenance_stops_everything_or_only_writes() {
    let mut world = World::new();
    world.site.switches.maintenance = Maintenance::Stopped;
    // Recorded: 910 to 919.
    let stopped = world.get("/api/method/ping");
    stopped.is(503, "SessionStopped");
    assert_eq!(stopped.body["exception"], "frappe.exceptions.SessionStopped: Session Stopped");
    assert!(!stopped.response.headers().contains_key("retry-after"));
    world.site.switches.maintenance = Maintenance::ReadOnly;
    assert_eq!(world.get("/api/resource/Contact").status, 200);
    world.create(json!({"first_name": "X"})).is(503, "InReadOnlyMode");
    world.site.switches.maintenance = Maintenance::Off;
    assert_eq!(world.create(json!({"first_name": "X"})).status, 200);
}

#[test]
fn the_rate_limit_refuses_until_its_window_ends() {
    let mut world = World::new();
    world.now = "2026-11-22T08:46:00Z".parse().unwrap();
    world.site.switches.rate_limit =
        Some(RateLimit { limit: 1_000_000, window: Duration::from_mins(1), cost: 600_000 });
    // Recorded: 901 to 906.
    let first = world.get("/api/resource/Contact");
    assert_eq!(first.response.headers()["x-ratelimit-used"], "600000");
    world.get("/api/resource/Contact");
    let refused =
        world.send_with("GET", "/api/resource/Contact", &Value::Null, &[("authorization", "token x:wrong")]);
    refused.is(429, "TooManyRequestsError");
    assert_eq!(refused.response.headers()["retry-after"], "57");
    let page = world.send_with("GET", "/api/resource/Contact", &Value::Null, &[("accept", "text/html")]);
    assert_eq!(page.body, "Too Many Requests");
    world.now += SignedDuration::from_mins(1);
    assert_eq!(world.get("/api/resource/Contact").status, 200);
}

#[test]
fn errors_are_bare_without_tracebacks_and_pages_for_browsers() {
    let mut world = World::new();
    world.site.switches.no_traceback = true;
    world.create(json!({"first_name": "TbOff"}));
    // Recorded: 1401, 1402, 453.
    let stale = json!({"modified": "2020-01-01 00:00:00"});
    let one = world.put("/api/resource/Contact/TbOff", stale.clone());
    one.is(417, "TimestampMismatchError");
    assert!(one.body.get("exception").is_none() && one.body.get("exc").is_none());
    assert_eq!(one.notices()[0]["raise_exception"], 1);
    let two = world.put("/api/v2/document/Contact/TbOff", stale);
    assert_eq!(two.body["errors"][0]["type"], "TimestampMismatchError");
    assert_eq!(two.body["errors"][0]["indicator"], "red");
    let page = world.send_with("GET", "/api/resource/Contact", &Value::Null, &[("accept", "text/html,*/*")]);
    assert_eq!(page.response.headers()["content-type"], "text/html; charset=utf-8");
}

#[test]
fn an_app_may_rewrite_numbers_and_names_on_save() {
    let mut world = World::new();
    world.site.switches.phone_format = PhoneFormat::Grouped;
    world.site.switches.text_format = TextFormat::Collapsed;
    let made = world.create(json!({"first_name": "  Layla   bint ", "phone_nos": [{"phone": "+966501234567", "is_primary_phone": 1}]}));
    assert_eq!(made.data()["first_name"], "Layla bint");
    assert_eq!(
        (&made.data()["phone"], &made.data()["phone_nos"][0]["phone"]),
        (&json!("+966 501 234 567"), &json!("+966 501 234 567"))
    );
}

#[test]
fn a_slow_save_says_how_long_it_took() {
    let mut world = World::new();
    world.site.switches.slow_save = Duration::from_secs(5);
    let took = |answer: &Answer| answer.response.extensions().get::<ProcessingTime>().unwrap().0;
    let slow = world.create(json!({"first_name": "S", "email_ids": [{"email_id": "s@x.example"}]}));
    assert_eq!(took(&slow), Duration::from_secs(5));
    assert_eq!(took(&world.get("/api/resource/Contact/S")), Duration::ZERO);
}

#[test]
fn requests_and_writes_are_counted_by_kind() {
    let mut world = World::new();
    world.create(json!({"first_name": "A"}));
    world.site.reset_counters();
    world.put("/api/resource/Contact/A", json!({"designation": "x"}));
    world.put("/api/resource/Contact/A", json!({"gender": "Martian"}));
    world.delete("/api/resource/Contact/A");
    world.list(json!({}));
    world.site.insert(json!({"first_name": "Desk"}), world.now).unwrap();
    let count = |method: &str, route: &str| world.site.requests()[&(method.to_owned(), route.to_owned())];
    assert_eq!(count("PUT", "/api/resource/Contact/{name}"), 2);
    assert_eq!(count("POST", "frappe.client.get_list"), 1);
    let writes: Vec<_> = world.site.writes().iter().map(|((_, kind), count)| (*kind, *count)).collect();
    assert_eq!(writes, [(WriteKind::Updated, 1), (WriteKind::Deleted, 1)]);
    let last = world.site.log().next_back().unwrap();
    assert_eq!((last.user.as_str(), last.status), ("sync@dafater.test", 200));
}

#[test]
fn no_request_makes_it_panic() {
    let mut world = World::new();
    world.create(json!({"first_name": "A"}));
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
        for path in [
            "/",
            "/api",
            "/api/",
            "/api/resource",
            "/api/resource/Contact/A/",
            "/api/method",
            "/api/method/",
            "/api/v2",
            "/api/v2/document/Contact/A",
            "/api/resource/%FF%00/%",
            "/api/method/frappe.client.get_list",
            "/api/method/frappe.client.set_value",
            "/api/resource/Contact%20Email/x",
        ] {
            for body in [
                Value::Null,
                json!({}),
                json!({"doctype": 5, "doc": [], "docs": 3, "fields": 7, "filters": [[1, 2]]}),
                json!({"doctype": "Contact", "filters": [["name", "between", []]], "order_by": ",", "group_by": "("}),
            ] {
                let answer = world.send(method, path, &body);
                assert!(answer.status >= 200);
            }
        }
    }
}
