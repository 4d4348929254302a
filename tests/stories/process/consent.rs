//! How an account is given access, and what is said when it is lost.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dafater_contactsd::remote::{ReqwestTransport, Transport as _, TransportOptions};
use dafater_contactsd::sandbox::google::Consent;

use crate::house::House;
use crate::world::{EMAIL, person};

/// Opens an address as a browser would, and answers where it is sent.
fn browse(url: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ReqwestTransport::new(&TransportOptions::default()).unwrap();
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    let answer = runtime.block_on(transport.send(request)).unwrap();
    answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_browser_on_this_machine_or_at_the_end_of_a_tunnel_gives_consent() {
    for with_daemon in [false, true] {
        let house = House::new();
        let daemon = with_daemon.then(|| house.start());
        let port = free_port();
        let mut command = house.command(&["authorize", "sales", "--port", &port.to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        said.read_line(&mut url).unwrap();
        for part in [
            "code_challenge_method=S256",
            "code_challenge=",
            "state=",
            "access_type=offline",
            "prompt=consent",
            "login_hint=sales%40example.com",
            "openid",
            "email",
            "auth%2Fcontacts",
            "response_type=code",
            &format!("127.0.0.1%3A{port}"),
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
        assert_eq!(browse(&browse(url.trim()).unwrap()), None);
        assert!(child.wait().unwrap().success());
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("sales is authorized as sales@example.com"), "{rest}");
        let mut notes = String::new();
        child.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
        assert!(notes.contains(&format!("ssh -L {port}:127.0.0.1:{port}")), "{notes}");
        assert!(notes.contains("authorize sales --paste"), "{notes}");
        drop(daemon);
        house.settle();
    }
}

#[test]
fn without_a_browser_the_address_or_the_bare_code_is_pasted_through_the_daemon() {
    for bare in [false, true] {
        let house = House::new();
        let daemon = house.start();
        let mut command = house.command(&["authorize", "sales", "--paste"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let back = browse(url.trim()).unwrap();
        let code = back.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap();
        let answer = if bare { code } else { &back };
        writeln!(child.stdin.take().unwrap(), "{answer}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        daemon.wait_for("authorization.granted");
        assert!(!daemon.log().contains(code), "a code is stored and logged nowhere");
    }
}

#[test]
fn a_consent_without_contacts_or_without_the_address_is_refused_with_what_to_tick() {
    let scope = "https://www.googleapis.com/auth/contacts";
    for (kept, named) in
        [(vec!["openid", "email"], "contacts ticked"), (vec![scope, "openid"], "e-mail address")]
    {
        let house = House::new();
        house.google().options_mut().consent =
            Consent::Only(kept.iter().map(|scope| (*scope).to_owned()).collect());
        let mut command = house.command(&["authorize", "sales"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        browse(&browse(url.trim()).unwrap());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(77), "{told}");
        assert!(told.contains(named), "{told}");
        assert_eq!(house.sync().exit, 77, "nothing was stored");
    }
}

#[test]
fn a_lost_consent_is_told_in_four_places_with_the_command_and_google_is_asked_once() {
    let house = House::authorized("schedule = \"every 1s\"");
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    house.settle();
    let manager = UnixDatagram::bind(house.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    house.google().revoke_tokens(EMAIL).unwrap();
    house.google().reset_counters();
    let socket = house.path("notify");
    let daemon = house.start_with(&["--log-level", "info"], &[("NOTIFY_SOCKET", socket.to_str().unwrap())]);

    daemon.wait_for("CD0303");
    let command = "dafater-contactsd authorize sales";
    let log = daemon.log();
    assert!(log.lines().any(|line| line.contains("CD0303") && line.contains(command)), "the log: {log}");
    let status = house.run(&["status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains(command) && status.contains("not authorized"), "status: {status}");
    let patience = Instant::now() + Duration::from_secs(10);
    let mut heard = String::new();
    while !heard.contains(command) {
        assert!(Instant::now() < patience, "STATUS=: {heard}");
        let mut buffer = [0; 4096];
        if let Ok(length) = manager.recv(&mut buffer) {
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }
    for _ in 0..4 {
        let synced = house.sync();
        assert_eq!(synced.exit, 77);
        assert!(synced.report["error"].as_str().unwrap().contains(command), "sync: {}", synced.report);
    }
    drop(daemon);
    assert_eq!(house.sync().exit, 77, "another process");
    let asked = house.google().requests().filter(|request| request.api == "oauth.token").count();
    assert_eq!(asked, 1, "google is not asked in a loop");

    // A new consent mends it at once.
    let token = house
        .google()
        .issue_refresh_token(EMAIL, &["https://www.googleapis.com/auth/contacts", "openid", "email"]);
    house.write("refresh-token", &token.unwrap());
    let file = house.path("refresh-token");
    assert!(
        house.run(&["authorize", "sales", "--refresh-token-file", file.to_str().unwrap()]).status.success()
    );
    house.settle();
    assert_eq!(house.contacts().len(), 1);
}

#[test]
fn revoking_ends_the_consent_at_google_and_here() {
    let house = House::authorized("");
    house.settle();
    let revoked = house.run(&["revoke", "sales"]);
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    assert_eq!(house.google().requests().filter(|request| request.api == "oauth.revoke").count(), 1);
    assert_eq!(house.sync().exit, 77);
    let again = house.run(&[
        "authorize",
        "sales",
        "--refresh-token-file",
        house.path("refresh-token").to_str().unwrap(),
    ]);
    assert_eq!(again.status.code(), Some(77), "google no longer takes the token");
}

#[test]
fn a_consent_from_a_screen_in_testing_is_warned_of_from_the_first_minute() {
    let house = House::with("");
    house.google().options_mut().refresh_token_life = Some(jiff::SignedDuration::from_hours(7 * 24));
    house.write("refresh-token", &house.refresh_token);
    let file = house.path("refresh-token");
    let given = house.run(&["authorize", "sales", "--refresh-token-file", file.to_str().unwrap()]);
    assert!(given.status.success());
    let told = String::from_utf8_lossy(&given.stderr).into_owned();
    assert!(told.contains("In production") && told.contains("ends on"), "authorize: {told}");
    let manager = UnixDatagram::bind(house.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let socket = house.path("notify");
    let daemon = house.start_with(&["--log-level", "info"], &[("NOTIFY_SOCKET", socket.to_str().unwrap())]);
    daemon.wait_for("CD0306");
    let status = house.run(&["status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("In production"));
    let json = house.run(&["status", "--json"]);
    assert!(String::from_utf8_lossy(&json.stdout).contains("\"warning\""));
    let patience = Instant::now() + Duration::from_secs(10);
    let mut heard = String::new();
    while !heard.contains("consent ends soon: sales") {
        assert!(Instant::now() < patience, "STATUS=: {heard}");
        let mut buffer = [0; 4096];
        if let Ok(length) = manager.recv(&mut buffer) {
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }
    drop(daemon);
}

#[test]
fn a_lost_key_is_told_with_what_to_do_and_the_right_one_mends_it() {
    let house = House::authorized("");
    house.settle();
    let key = std::fs::read(house.path("state/vault.key")).unwrap();
    std::fs::write(house.path("state/vault.key"), [7; 32]).unwrap();
    let synced = house.sync();
    assert_eq!(synced.exit, 77);
    let told = synced.report["error"].as_str().unwrap();
    assert!(told.contains("another key") && told.contains("dafater-contactsd authorize sales"), "{told}");
    let status = house.run(&["status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.status.success() && said.contains("another key") && said.contains("not authorized"),
        "{said}"
    );

    std::fs::write(house.path("state/vault.key"), key).unwrap();
    house.settle();
    let rekeyed = house.run(&["store", "rekey"]);
    assert!(rekeyed.status.success(), "{}", String::from_utf8_lossy(&rekeyed.stderr));
    assert!(String::from_utf8_lossy(&rekeyed.stdout).contains("2 values are sealed with the new key"));
    house.settle();
    assert!(house.run(&["store", "verify"]).status.success());
}

#[test]
fn a_consent_that_is_over_stops_its_own_account_only() {
    let house = House::authorized("");
    let token = house.google().add_account("support@example.com");
    house.write(
        "conf.d/20-support.toml",
        "[accounts.support]\nemail_id = \"support@example.com\"\nlabel = \"\"\n",
    );
    house.write("support-token", &token);
    let file = house.path("support-token");
    assert!(
        house.run(&["authorize", "support", "--refresh-token-file", file.to_str().unwrap()]).status.success()
    );
    house.add_contact(crate::world::contact("Alan", "Turing", "alan@example.com", ""));
    house.google().revoke_tokens(EMAIL).unwrap();
    let output = house.run(&["sync", "--json"]);
    assert_eq!(output.status.code(), Some(77));
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| lines.iter().find(|line| line["account"] == name).unwrap();
    assert_eq!(
        (of("sales")["outcome"].as_str(), of("support")["outcome"].as_str()),
        (Some("failed"), Some("ok"))
    );
    assert_eq!(house.google().persons("support@example.com").unwrap().len(), 1);
}
