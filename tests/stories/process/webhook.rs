//! The site says that somebody saved a contact.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::house::House;
use crate::world::contact;

/// What signs in these stories, and its signature of `{}` as Python's `hmac` makes it.
const SECRET: &str = "hook-s3cret-planted";
const SIGNATURE: &str = "+wAOivJw0HS2h4729FAMgBP/UFv6qexEv8kfMC9JmEs=";

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn listen(house: &House, port: u16) {
    house.write("hook", SECRET);
    let table = format!(
        "[dafater.webhook]\nlisten = \"127.0.0.1:{port}\"\nsecret_file = \"{}\"\n",
        house.path("hook").display()
    );
    house.write("conf.d/hook.toml", &table);
}

fn hint(port: u16, signature: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: x\r\nX-Frappe-Webhook-Signature: {signature}\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok();
    answer
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_save_arrives_within_seconds_and_a_burst_of_hints_is_one_cycle() {
    let house = House::authorized("schedule = \"every 1h\"");
    let port = free_port();
    listen(&house, port);
    let daemon = house.start();
    daemon.wait_for("webhook.listening");
    daemon.wait_for("sync.quiet");
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    assert!(hint(port, "bm8gc2lnbmF0dXJl").contains(" 403 "));
    daemon.wait_for("CD0702");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(house.persons().len(), 0, "a wrong signature wakes nobody");
    for _ in 0..20 {
        assert!(hint(port, SIGNATURE).contains(" 200 "));
    }
    until("the contact in Google", || house.persons().len() == 1);
    std::thread::sleep(Duration::from_secs(8));
    let cycles = daemon.log().matches("sync.started").count();
    assert!((2..=3).contains(&cycles), "{cycles}: {}", daemon.log());
}

#[test]
fn a_port_in_use_is_told_once_and_another_one_is_taken_at_the_next_reload() {
    let house = House::authorized("schedule = \"every 1s\"");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    listen(&house, taken.local_addr().unwrap().port());
    let daemon = house.start();
    daemon.wait_for("CD0701");
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    until("the contact in Google, by the schedule", || house.persons().len() == 1);
    let port = free_port();
    listen(&house, port);
    assert!(house.run(&["reload"]).status.success());
    until("the other port", || hint(port, SIGNATURE).contains(" 200 "));
    assert_eq!(daemon.log().matches("CD0701").count(), 1);
}
