use secrecy::ExposeSecret;

use super::*;
use crate::config::{GoogleClient, check_config, show};

const SECRET: &str = "s3cr3t-that-nobody-may-see";

fn api_secret(etc: &Etc) -> String {
    etc.loaded().config.dafater.api_secret.expose_secret().to_owned()
}

/// `VALID` without an API secret, and more in `[dafater]`.
fn with_api_secret(line: &str) -> Etc {
    let etc = Etc::empty();
    etc.write("config.toml", &VALID.replacen("api_secret_file = \"DIR/secret\"", line, 1));
    etc
}

#[test]
fn a_secret_is_found_in_the_file_beside_it_or_as_a_credential() {
    assert_eq!(api_secret(&Etc::valid()), "s3cr3t-in-a-file", "without the end of the line");
    assert_eq!(api_secret(&with_api_secret(&format!("api_secret = \"{SECRET}\""))), SECRET);
    let etc = with_api_secret("");
    etc.write("credentials/dafater-api-secret", "from-systemd");
    let directory = etc.path("credentials");
    assert_eq!(api_secret(&etc.variable("CREDENTIALS_DIRECTORY", directory)), "from-systemd");
}

#[test]
fn a_secret_is_given_exactly_once() {
    let etc = with_api_secret("api_secret = \"x\"\napi_secret_file = \"DIR/secret\"");
    assert_eq!(
        etc.errors(),
        [
            "config.toml:6:1: dafater.api_secret: the API secret is given 2 times: `api_secret` (config.toml:5:1), `api_secret_file` (config.toml:6:1)"
        ]
    );
    etc.write("credentials/dafater-api-secret", "y");
    etc.write("credentials/google-client-secret", "y");
    let directory = etc.path("credentials");
    let errors = etc.variable("CREDENTIALS_DIRECTORY", directory).errors();
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0].contains("given 3 times") && errors[1].contains("the client secret is given 2 times"),
        "{errors:?}"
    );
    assert_eq!(
        with_api_secret("").errors(),
        ["config.toml:2:2: dafater.api_secret: the API secret is set nowhere"]
    );
}

#[test]
fn a_file_with_a_secret_in_it_must_be_its_owner_s_alone() {
    let etc = with_api_secret(&format!("api_secret = \"{SECRET}\""));
    for mode in [0o600, 0o400, 0o700] {
        etc.permit("config.toml", mode);
        assert_eq!(api_secret(&etc), SECRET);
    }
    for mode in [0o644, 0o640, 0o604] {
        etc.permit("config.toml", mode);
        let expected = format!(
            "config.toml:5:1: dafater.api_secret: the file holds the secret `dafater.api_secret`, and others may read it (mode {mode:04o})"
        );
        assert_eq!(etc.errors(), [expected]);
    }
    let valid = Etc::valid();
    valid.permit("config.toml", 0o644);
    assert_eq!(valid.warnings(), Vec::<String>::new(), "a file without a secret may be read by anybody");
}

#[test]
fn a_secret_that_a_higher_layer_overrides_is_exposed_all_the_same() {
    let etc = with_api_secret(&format!("api_secret = \"{SECRET}\""));
    etc.permit("config.toml", 0o644);
    etc.write("conf.d/a.toml", "dafater.api_secret = \"other\"");
    assert_eq!(etc.errors().len(), 1);
}

#[test]
fn a_secret_s_own_file_that_everybody_may_read_is_a_warning() {
    let etc = Etc::valid();
    etc.permit("secret", 0o640);
    assert_eq!(etc.warnings(), Vec::<String>::new(), "the group may be the service's own");
    etc.permit("secret", 0o644);
    let warnings = etc.warnings();
    assert_eq!(warnings.len(), 2);
    assert_eq!(
        warnings[0],
        "config.toml:5:1: dafater.api_secret_file: everybody may read the secret in secret (mode 0644)"
    );
}

#[test]
fn a_secret_in_the_environment_or_on_the_command_line_works_with_a_warning() {
    let etc = with_api_secret("").variable("DAFATER_CONTACTSD_DAFATER__API_SECRET", "0123");
    assert_eq!(api_secret(&etc), "0123");
    assert!(etc.warnings()[0].contains("can be seen by whoever may look at the process"));
    let etc = with_api_secret("").set("dafater.api_secret=0x10");
    assert_eq!(api_secret(&etc), "0x10");
    assert_eq!(etc.warnings().len(), 1);
}

#[test]
fn a_secret_file_that_holds_no_secret_is_told_at_the_key_that_names_it() {
    let etc = Etc::valid();
    for (bytes, message) in [
        (&b" \n"[..], "secret holds no secret: it is empty"),
        (b"one\ntwo\n", "secret does not hold the API secret"),
        (b"caf\xE9", "cannot read the API secret from secret: "),
        ("x".repeat(70_000).as_bytes(), "cannot read the API secret from secret: file too large"),
    ] {
        etc.write_bytes("secret", bytes);
        assert!(
            etc.errors()[0].starts_with("config.toml:5:1: dafater.api_secret_file: "),
            "{:?}",
            etc.errors()
        );
        assert!(etc.errors()[0].contains(message), "{:?}", etc.errors());
    }
    fs::remove_file(etc.path("secret")).unwrap();
    assert!(etc.errors()[0].ends_with("cannot read the API secret from secret: there is no such file"));
}

#[test]
fn a_service_account_stands_instead_of_a_client() {
    let etc = Etc::empty();
    let service = VALID
        .replace("client_id = \"1.apps.googleusercontent.com\"\n", "")
        .replace("client_secret_file = \"DIR/secret\"", "service_account_file = \"DIR/key.json\"");
    etc.write("config.toml", &service);
    assert!(etc.errors()[0].contains("cannot read the service account"));
    etc.write("key.json", "{\"type\": \"service_account\"}");
    assert!(etc.errors()[0].contains("is not the key file of a service account"));
    etc.write("key.json", "{\"client_email\": \"d@x.iam.gserviceaccount.com\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n\"}");
    let client = etc.loaded().config.google.client;
    assert!(matches!(client, GoogleClient::ServiceAccount { file, .. } if file == etc.path("key.json")));
    etc.write("conf.d/a.toml", "google.client_id = \"1\"");
    assert!(
        etc.errors()[0].contains("`client_id` in [google] contradicts `service_account_file`"),
        "{:?}",
        etc.errors()
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let etc = with_api_secret(&format!("api_secret = \"{SECRET}\""));
    let everything = |etc: &Etc| {
        let sources = etc.sources();
        let mut shown = format!("{:?} {sources:?}", etc.load());
        for json in [false, true] {
            shown += &check_config(&sources, json).text;
            shown += &show(&sources, false, json).text;
            shown += &show(&sources, true, json).text;
        }
        shown
    };
    let shown = everything(&etc);
    assert!(shown.contains("***") && !shown.contains("s3cr3t"), "{shown}");

    for mistake in
        ["", "\"\"\"", "x", " = 1", "\\q\"", "\u{1}\"", " \"", "\"\napi_secret = \"twice\"", "\"\nurl = 1"]
    {
        etc.write("conf.d/a.toml", &format!("[dafater]\napi_secret = \"{SECRET}{mistake}\n"));
        assert!(!etc.errors().is_empty());
        assert!(!everything(&etc).contains("s3cr3t"), "{mistake:?} shows it");
    }
    etc.write("conf.d/a.toml", "");
    for argument in [
        "api_secret=s3cr3t",
        "dafater.api_secert=s3cr3t",
        "s3cr3t",
        "dafater.api_secret= s3cr3t x",
        "[=s3cr3t",
    ] {
        let mut sources = etc.sources();
        sources.set = vec![argument.to_owned()];
        assert!(!check_config(&sources, true).text.contains("s3cr3t"), "{argument}");
    }
    let misplaced = with_api_secret("api_secret_file = \"s3cr3t\"");
    assert!(!misplaced.errors().is_empty() && !everything(&misplaced).contains("s3cr3t"));
    let etc = etc.variable("DAFATER_CONTACTSD_DAFATER__API_SECRET", "s3cr3t x");
    assert!(!etc.errors().is_empty() && !everything(&etc).contains("s3cr3t"));
}

#[test]
fn an_account_may_have_a_dafater_user_of_its_own() {
    let keys = |etc: &Etc| {
        let account = etc.loaded().config.accounts.into_values().next().unwrap();
        account.api_keys().map(|(key, secret)| (key.to_owned(), secret.expose_secret().to_owned()))
    };
    let own = |secret: &str| Some(("layla".to_owned(), secret.to_owned()));
    assert_eq!(keys(&Etc::valid()), None);
    let etc = Etc::valid_and(&format!("api_key = \"layla\"\napi_secret = \"{SECRET}\"\n"));
    assert_eq!(keys(&etc), own(SECRET));
    assert!(!show(&etc.sources(), true, true).text.contains(SECRET));
    assert!(!format!("{:?}", etc.loaded().config).contains(SECRET));
    assert_eq!(
        keys(&Etc::valid_and("api_key = \"layla\"\napi_secret_file = \"DIR/secret\"\n")),
        own("s3cr3t-in-a-file")
    );
    let etc = Etc::valid_and("api_key = \"layla\"\n");
    etc.write("credentials/dafater-api-secret-sales", "from-systemd");
    let directory = etc.path("credentials");
    assert_eq!(keys(&etc.variable("CREDENTIALS_DIRECTORY", directory)), own("from-systemd"));
}

#[test]
fn half_a_key_of_an_account_is_refused_and_defaults_give_none() {
    for (lines, told) in [
        (
            "api_key = \"layla\"\n",
            "accounts.sales.api_secret: the API secret of account sales is set nowhere",
        ),
        (
            "api_secret_file = \"DIR/secret\"\n",
            "accounts.sales.api_key: `api_secret` in [accounts.sales] is set and `api_key` is not",
        ),
        (
            "[defaults]\napi_key = \"layla\"\n",
            "defaults.api_key: `api_key` belongs to one account and cannot stand in [defaults]",
        ),
    ] {
        let errors = Etc::valid_and(lines).errors();
        assert!(errors.len() == 1 && errors[0].contains(told), "{errors:?}");
    }
}

#[test]
fn another_secret_of_an_account_or_of_the_webhook_is_a_change_of_just_that() {
    let etc = Etc::valid_and(
        "api_key = \"layla\"\napi_secret_file = \"DIR/own\"\n[dafater.webhook]\nlisten = \"127.0.0.1:8765\"\nsecret_file = \"DIR/hook\"\n",
    );
    etc.write("own", "one");
    etc.write("hook", "one");
    let config = |etc: &Etc| etc.loaded().config;
    let before = config(&etc);
    assert_eq!(before.dafater.webhook.as_ref().unwrap().secret.expose_secret(), "one");
    let keys = |before, after: &crate::config::Config| -> Vec<String> {
        let changes = crate::config::Config::diff(before, after);
        changes.into_iter().map(|change| change.key.to_string()).collect()
    };
    assert_eq!(keys(&before, &before.with_desk(&[]).config), [] as [String; 0]);
    etc.write("own", "two");
    let second = config(&etc);
    assert_eq!(keys(&before, &second), ["accounts.sales.api_secret"]);
    etc.write("hook", "two");
    assert_eq!(keys(&second, &config(&etc)), ["dafater.webhook.secret"]);
}

#[test]
fn a_webhook_without_a_port_or_a_secret_is_refused() {
    let errors = Etc::valid_and("[dafater.webhook]\nurl = \"https://x.example.com/\"\n").errors();
    assert_eq!(
        errors,
        [
            "config.toml:13:10: dafater.webhook.listen: `listen` is not set in [dafater.webhook]",
            "config.toml:13:10: dafater.webhook.secret: the secret of the webhook is set nowhere",
        ]
    );
    let etc = Etc::valid_and("[dafater.webhook]\nlisten = \"8765\"\nsecret_file = \"DIR/secret\"\n");
    assert!(etc.errors()[0].contains("is not an address with a port"), "{:?}", etc.errors());
}
