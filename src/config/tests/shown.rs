use super::*;
use crate::config::{Config, check_config, show};

#[test]
fn a_check_ends_with_its_verdict() {
    let etc = Etc::valid();
    assert_eq!(
        check_config(&etc.sources(), false).text,
        "The configuration is valid: 1 account from 1 file.\n"
    );
    etc.write("conf.d/a.toml", "[store]\npath = \"x\"");
    let answer = check_config(&etc.sources(), false);
    assert!(
        answer.accepted
            && answer.text.ends_with("\n\nThe configuration is valid: 1 account from 2 files, 1 warning.\n")
    );
    etc.write("conf.d/b.toml", "[log]\nx = 1\ny = 2");
    let answer = check_config(&etc.sources(), false);
    assert!(
        !answer.accepted && answer.text.ends_with("\n\nThe configuration is refused: 2 errors, 1 warning.\n")
    );
    let json: serde_json::Value = serde_json::from_str(&check_config(&etc.sources(), true).text).unwrap();
    assert_eq!((&json["valid"], &json["errors"], &json["warnings"]), (&false.into(), &2.into(), &1.into()));
    assert_eq!(json["findings"].as_array().unwrap().len(), 3);
    assert_eq!(json["files"].as_array().unwrap().len(), 3);
    assert_eq!(
        show(&etc.sources(), false, false),
        check_config(&etc.sources(), false),
        "nothing holds, so nothing is shown"
    );
}

#[test]
fn what_is_shown_is_a_configuration_that_means_the_same() {
    let etc = Etc::valid_and(
        "scope.linked_to = [\"Customer\"]\nlabel = \"a \\\"b\\\"\"\n[accounts.\"x.y\"]\nemail_id = \"x@y.z\"\n\
         [accounts.\"x.y\".fields]\nnotes = { dafater = \"custom_notes\", direction = \"pull\" }\n\"custom.No\" = \"custom_no\"\n",
    );
    let shown = show(&etc.sources(), false, false);
    assert!(shown.accepted);
    let again = Etc::empty();
    again.write("config.toml", &shown.text);
    let (first, second) = (etc.loaded().config, again.loaded().config);
    assert_eq!(Config::diff(&first, &second), []);
    assert_eq!(show(&again.sources(), false, false), shown);
}

#[test]
fn with_origins_each_line_tells_where_it_was_set() {
    let etc = Etc::valid().set("log.level=warn").variable("DAFATER_CONTACTSD_HISTORY__KEEP", "30d");
    let shown = etc.without_directory(&show(&etc.sources(), true, false).text);
    let shown: Vec<_> = shown.lines().collect();
    for line in [
        "[dafater]",
        "url = \"https://erp.example.com\"  # config.toml:3:1",
        "timeout = \"60s\"  # compiled-in default",
        "level = \"warn\"  # --set log.level",
        "keep = \"30d\"  # environment variable DAFATER_CONTACTSD_HISTORY__KEEP",
        "[accounts.sales]",
        "scope.linked_to = []  # compiled-in default",
    ] {
        assert!(shown.contains(&line), "{line} is not in\n{}", shown.join("\n"));
    }
    let json: serde_json::Value = serde_json::from_str(&show(&etc.sources(), true, true).text).unwrap();
    let url = json.as_array().unwrap().iter().find(|setting| setting["key"] == "dafater.url").unwrap();
    assert_eq!(
        (&url["layer"], &url["line"], &url["value"]),
        (&"file".into(), &3.into(), &"https://erp.example.com".into())
    );
    let json: serde_json::Value = serde_json::from_str(&show(&etc.sources(), false, true).text).unwrap();
    assert_eq!(json["accounts"]["sales"]["max_deletes_percent"], 10);
}

#[test]
fn a_credential_is_shown_as_a_comment() {
    let etc = Etc::valid();
    etc.write("config.toml", &VALID.replacen("api_secret_file = \"DIR/secret\"", "", 1));
    etc.write("credentials/dafater-api-secret", "from-systemd");
    let directory = etc.path("credentials");
    let etc = etc.variable("CREDENTIALS_DIRECTORY", directory);
    let shown = etc.without_directory(&show(&etc.sources(), false, false).text);
    assert!(
        shown.contains("\n# api_secret = \"***\"  # credential credentials/dafater-api-secret\n"),
        "{shown}"
    );
}

/// What changes when `change` is added to the drop-ins, as `key` or `key!` where a restart is needed.
fn changes(etc: &Etc, change: impl FnOnce(&Etc)) -> Vec<String> {
    let old = etc.loaded().config;
    change(etc);
    let told = Config::diff(&old, &etc.loaded().config);
    told.iter()
        .map(|change| format!("{}{}", change.key, if change.needs_restart { "!" } else { "" }))
        .collect()
}

#[test]
fn a_reload_tells_what_changed_and_what_waits_for_a_restart() {
    let etc = Etc::valid();
    assert_eq!(changes(&etc, |_| ()), Vec::<String>::new());
    let drop_in = "[store]\npath = \"/x\"\n[control]\nsocket = \"/y\"\n[log]\nlevel = \"warn\"\n[defaults]\nlabel = \"L\"\n";
    assert_eq!(
        changes(&etc, |etc| etc.write("conf.d/a.toml", drop_in)),
        ["accounts.sales.label", "control.socket!", "log.level", "store.path!"]
    );
    let account = "[accounts.new]\nemail_id = \"new@example.com\"";
    assert_eq!(changes(&etc, |etc| etc.write("conf.d/b.toml", account)), ["accounts.new"]);
    assert_eq!(changes(&etc, |etc| etc.write("conf.d/b.toml", "")), ["accounts.new"]);
    assert_eq!(
        changes(&etc, |etc| etc.write("secret", "another")),
        ["dafater.api_secret", "google.client_secret"],
        "the files have the same names and other contents"
    );
}
