//! Secrets are planted everywhere, and then everything that the daemon leaves behind is searched for them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::house::House;
use crate::world::{contact, person};

const CLIENT_SECRET: &str = "GOCSPX-planted-client-secret";
const HOOK_SECRET: &str = "planted-webhook-secret";
/// Every library speaks that can be made to.
const EVERYTHING: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,mio=trace,want=trace,\
                          tokio_cron_scheduler=trace";

/// What is searched for: a name, and every form in which it could show.
struct Planted(Vec<(String, Vec<u8>)>);

impl Planted {
    fn new() -> Self {
        // What Google's tokens begin with: none of them may show anywhere, whichever it is.
        Self(vec![("an access token".to_owned(), b"ya29.".to_vec())])
    }

    fn add(&mut self, name: &str, secret: &[u8]) {
        let hex = secret
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| b"0123456789abcdef"[usize::from(digit)]);
        let forms = [
            secret.to_vec(),
            hex.collect(),
            STANDARD.encode(secret).trim_end_matches('=').as_bytes().to_vec(),
            URL_SAFE_NO_PAD.encode(secret).into_bytes(),
            url::form_urlencoded::byte_serialize(secret).collect::<String>().into_bytes(),
        ];
        self.0.extend(forms.into_iter().map(|form| (name.to_owned(), form)));
    }

    fn search(&self, place: &str, bytes: &[u8]) {
        for (name, secret) in &self.0 {
            let found = bytes.windows(secret.len()).position(|window| window == secret.as_slice());
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(80)..(at + secret.len()).min(bytes.len())];
                panic!("{name} in {place}: …{}", String::from_utf8_lossy(around));
            }
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All lines that the daemon answers to one request.
fn traffic(house: &House, request: &serde_json::Value) -> Vec<u8> {
    let mut stream = UnixStream::connect(house.path("control.sock")).unwrap();
    let mut request = request.clone();
    request["v"] = json!(1);
    writeln!(stream, "{request}").unwrap();
    let mut answer = Vec::new();
    for line in BufReader::new(stream).split(b'\n') {
        let line = line.unwrap();
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
        answer.extend_from_slice(&line);
        answer.push(b'\n');
        if value.get("done").is_some() || value.get("error").is_some() {
            break;
        }
    }
    answer
}

/// What a client may ask, with secrets that went astray.
fn requests() -> Vec<serde_json::Value> {
    vec![
        json!({ "command": "authorize", "account": "sales", "paste": true }),
        json!({ "command": "authorize-finish", "account": "sales", "answer": "4/0Aastray-planted-code" }),
        json!({ "command": "authorize-adopt", "account": "sales", "refresh_token": "4/0Aastray-planted-code" }),
        json!({ "command": "authorize-adopt", "account": "sales", "refresh_token": ["4/0Aastray-planted-code"] }),
        json!({ "command": "store-rekey" }),
        json!({ "command": "store-rekey", "key": "4/0Aastray-planted-code" }),
        json!({ "command": "sync", "full": true }),
        json!({ "command": "status" }),
        json!({ "command": "accounts" }),
        json!({ "command": "plan", "account": "sales" }),
        json!({ "command": "history" }),
        json!({ "command": "conflicts" }),
        json!({ "command": "reviews" }),
        json!({ "command": "daemon" }),
        json!({ "command": "reload" }),
        json!({ "command": "store-verify" }),
        json!({ "command": "store-export" }),
    ]
}

#[test]
fn no_secret_is_in_the_store_the_logs_the_exports_or_the_control_traffic() {
    let house = House::with("schedule = \"every 1s\"");
    house.google().options_mut().client_secret = CLIENT_SECRET.to_owned();
    house.write("conf.d/10-secret.toml", &format!("[google]\nclient_secret = \"{CLIENT_SECRET}\"\n"));
    house.write("token", &house.refresh_token);
    let token_file = house.path("token");
    let config = fs::read_to_string(house.path("config.toml")).unwrap();
    let of = |key: &str| {
        let line = config.lines().find_map(|line| line.strip_prefix(&format!("{key} = \""))).unwrap();
        line.trim_end_matches('"').to_owned()
    };

    let mut planted = Planted::new();
    planted.add("the client secret", CLIENT_SECRET.as_bytes());
    planted.add("the refresh token", house.refresh_token.as_bytes());
    planted.add("the API secret", of("api_secret").as_bytes());
    planted.add("the API key", of("api_key").as_bytes());
    planted.add("both, as they are sent", format!("{}:{}", of("api_key"), of("api_secret")).as_bytes());
    // A webhook, and an account that has a Dafater user of its own.
    planted.add("the secret of the webhook", HOOK_SECRET.as_bytes());
    let layla = house.site().add_user("layla@example.com", &[]);
    planted.add("the API secret of an account", layla.api_secret.as_bytes());
    house.write(
        "conf.d/20-more.toml",
        &format!(
            "[dafater.webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"{HOOK_SECRET}\"\n[accounts.layla]\nemail_id = \"layla@example.com\"\n\
             api_key = \"{}\"\napi_secret = \"{}\"\nenable = false\n",
            layla.api_key, layla.api_secret
        ),
    );
    planted.add("a code that went astray", b"4/0Aastray-planted-code");

    let mut said = Vec::new();
    let alone = [
        "authorize",
        "sales",
        "--log-level",
        EVERYTHING,
        "--refresh-token-file",
        token_file.to_str().unwrap(),
    ];
    let output = house.run(&alone);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    said.extend([output.stdout, output.stderr].concat());
    planted.add("the first key of the vault", &fs::read(house.path("state/vault.key")).unwrap());

    house.add_person(person("Grace", "Hopper", "grace@example.com", "+966501112222"));
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    let daemon = house.start_with(&["--log-level", EVERYTHING], &[]);
    daemon.wait_for("sync.finished");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dump can be left: {core}");

    let mut answers = Vec::new();
    for request in requests() {
        answers.extend(traffic(&house, &request));
    }
    let text = String::from_utf8_lossy(&answers).into_owned();
    // The consent's two halves; the request with a wrong key is refused.
    assert_eq!(text.matches("2 values are sealed with the new key").count(), 1, "{text}");
    planted.add("the second key of the vault", &fs::read(house.path("state/vault.key")).unwrap());
    planted.search("the control traffic", &answers);

    for command in [
        vec!["config", "show", "--origin"],
        vec!["config", "show", "--json"],
        vec!["check-config"],
        vec!["history"],
        vec!["store", "export"],
    ] {
        let output = house.run(&command);
        said.extend([output.stdout, output.stderr].concat());
    }
    // The key is no secret without its other half, and the configuration is shown as it stands.
    let shown = String::from_utf8_lossy(&said).replace(&format!("\"{}\"", of("api_key")), "");
    planted.search("what commands say", shown.as_bytes());

    // Google refuses, the site refuses: errors are logged too.
    house.google().revoke_tokens(crate::world::EMAIL).unwrap();
    daemon.wait_for("CD0303");
    daemon.signal("TERM");
    let mut daemon = daemon;
    assert_eq!(daemon.wait().1, Some(0));
    let log = daemon.log();
    for speaker in ["\"TRACE\"", "\"DEBUG\"", "CD0303"] {
        assert!(log.contains(speaker), "the log is silent: {speaker}");
    }
    planted.search("the log", log.as_bytes());

    let mut searched = 0;
    for file in files(&house.path("state")) {
        if file.file_name().is_some_and(|name| name == "vault.key") {
            continue;
        }
        planted.search(&file.display().to_string(), &fs::read(&file).unwrap());
        searched += 1;
    }
    assert!(searched >= 4, "database, export, marks: {searched}");
    assert!(house.path("state/export").is_dir(), "exports are among them");
}
