use super::*;
use crate::config::{KeyPath, ScheduleSpec};

fn level(etc: &Etc) -> (String, String) {
    let loaded = etc.loaded();
    let place = loaded.origins.get(&KeyPath::new(["log", "level"])).unwrap().place.to_string();
    (loaded.config.log.level, etc.without_directory(&place))
}

fn told(level: &str, place: &str) -> (String, String) {
    (level.to_owned(), place.to_owned())
}

#[test]
fn each_layer_wins_over_the_ones_below_it() {
    let etc = Etc::valid();
    assert_eq!(level(&etc), told("info", "compiled-in default"));
    etc.write("config.toml", &format!("{VALID}\n[log]\nlevel = \"warn\"\n"));
    assert_eq!(level(&etc), told("warn", "config.toml:15:1"));
    etc.write("conf.d/10-a.toml", "log.level = \"error\"");
    assert_eq!(level(&etc), told("error", "conf.d/10-a.toml:1:5"));
    etc.write("conf.d/9-b.toml", "[log]\nlevel = \"debug\"");
    assert_eq!(level(&etc), told("debug", "conf.d/9-b.toml:2:1"), "byte order: 1 comes before 9");
    let etc = etc.variable("DAFATER_CONTACTSD_LOG__LEVEL", "trace");
    assert_eq!(level(&etc), told("trace", "environment variable DAFATER_CONTACTSD_LOG__LEVEL"));
    let etc = etc.set("log.level=off");
    assert_eq!(level(&etc), told("off", "--set log.level"));
    let etc = etc.set("log.level=\"info,dafater_contactsd=debug\"");
    assert_eq!(level(&etc), told("info,dafater_contactsd=debug", "--set log.level"), "the last one wins");
}

#[test]
fn tables_merge_and_lists_are_replaced() {
    let etc = Etc::valid_and("scope = { linked_to = [\"Customer\"], google_labels = [\"Business\"] }\n");
    etc.write("conf.d/20.toml", "[accounts.sales]\nscope.linked_to = [\"Supplier\", \"Lead\"]\n[accounts.support]\nemail_id = \"support@example.com\"");
    let config = etc.loaded().config;
    assert_eq!(config.accounts.keys().map(ToString::to_string).collect::<Vec<_>>(), ["sales", "support"]);
    let sales = config.accounts.values().next().unwrap();
    assert_eq!(sales.scope.linked_to, ["Supplier", "Lead"]);
    assert_eq!(sales.scope.google_labels, ["Business"]);
}

#[test]
fn an_account_s_own_key_wins_over_any_default() {
    let etc = Etc::valid_and("schedule = \"every 1h\"\n[defaults]\nowner = \"layla\"\nlabel = \"\"\n")
        .set("defaults.schedule=every 2h")
        .set("defaults.conflict=manual");
    let loaded = etc.loaded();
    let sales = loaded.config.accounts.values().next().unwrap();
    assert_eq!(sales.schedule, "every 1h".parse::<ScheduleSpec>().unwrap());
    assert_eq!((sales.owner.as_deref(), sales.google_label()), (Some("layla"), None));
    assert_eq!(sales.conflict, crate::sync::ConflictPolicy::Manual);
    let origin = loaded.origins.get(&KeyPath::new(["accounts", "sales", "owner"])).unwrap();
    assert_eq!(etc.without_directory(&origin.place.to_string()), "config.toml:15:1");
}

#[test]
fn variables_and_arguments_are_read_as_the_key_wants_them() {
    let etc = Etc::valid()
        .variable("DAFATER_CONTACTSD_DAFATER__API_KEY", "0123")
        .variable("DAFATER_CONTACTSD_DAFATER__CONNECTIONS", "8")
        .variable("DAFATER_CONTACTSD_DEFAULTS__ENABLE", "false")
        .variable("DAFATER_CONTACTSD_ACCOUNTS__SALES__ENABLE", "true")
        .variable("DAFATER_CONTACTSD_ACCOUNTS__SALES__SCOPE__LINKED_TO", "Customer, Supplier")
        .variable("DAFATER_CONTACTSD_LOG__LEVEL", "\"warn\"")
        .variable("SOMETHING_ELSE", "1")
        .set("google.client_id=1e5")
        .set("control.system_managers=[\"layla\", \"@adm\"]")
        .set("defaults.region = DE")
        .set("accounts.\"a.b\".email_id=ab=c@example.com");
    let config = etc.loaded().config;
    assert_eq!((config.dafater.api_key.as_str(), config.dafater.connections), ("0123", 8));
    assert!(matches!(&config.google.client, crate::config::GoogleClient::Consent { id, .. } if id == "1e5"));
    assert_eq!((config.log.level.as_str(), config.control.system_managers.len()), ("warn", 2));
    let accounts: Vec<_> = config.accounts.iter().map(|(name, account)| (name.as_str(), account)).collect();
    let [("a.b", dotted), ("sales", sales)] = accounts[..] else { panic!("{:?}", config.accounts.keys()) };
    assert_eq!((dotted.email_id.as_str(), dotted.enable), ("ab=c@example.com", false));
    assert!(sales.enable);
    assert_eq!(sales.scope.linked_to, ["Customer", "Supplier"]);
    assert_eq!(sales.region.map(String::from).as_deref(), Some("DE"));
}

#[test]
fn a_variable_finds_an_account_whose_name_has_capitals() {
    let etc = Etc::valid_and("[accounts.Berlin-1]\nemail_id = \"berlin@example.com\"\n")
        .variable("DAFATER_CONTACTSD_ACCOUNTS__BERLIN-1__LABEL", "B");
    let config = etc.loaded().config;
    assert_eq!(
        config.accounts.values().map(|account| account.label.as_str()).collect::<Vec<_>>(),
        ["B", "Dafater"]
    );
}

#[test]
fn a_named_main_file_brings_its_own_drop_ins_and_must_exist() {
    let etc = Etc::valid();
    etc.write("other/mine.toml", VALID);
    etc.write("other/conf.d/a.toml", "[log]\nlevel = \"debug\"");
    etc.write("conf.d/a.toml", "[log]\nlevel = \"trace\"");
    let mut sources = etc.sources();
    sources.config = Some(etc.path("other/mine.toml"));
    assert_eq!(load(&sources).unwrap().config.log.level, "debug");
    sources.config = Some(etc.path("other/none.toml"));
    let findings = load(&sources).unwrap_err().findings;
    assert_eq!(
        etc.line(&findings[0]),
        "other/none.toml: : cannot read the configuration: there is no such file"
    );
    assert_eq!(findings.len(), 1, "what is missing may stand in the file that is");
}

#[test]
fn systemd_s_directories_are_defaults() {
    let etc =
        Etc::valid().variable("STATE_DIRECTORY", "/state/a:/state/b").variable("RUNTIME_DIRECTORY", "/r");
    let loaded = etc.loaded();
    assert_eq!(loaded.config.store.path, Path::new("/state/a"));
    assert_eq!(loaded.config.control.socket, Path::new("/r/control.sock"));
    assert_eq!(etc.set("store.path=/mine").loaded().config.store.path, Path::new("/mine"));
    let config = Etc::valid().loaded().config;
    assert_eq!(config.store.path, Path::new("/var/lib/dafater-contactsd"));
    assert_eq!(config.control.socket, Path::new("/run/dafater-contactsd/control.sock"));
}

#[test]
fn hidden_files_and_backups_are_no_drop_ins() {
    let etc = Etc::valid();
    for file in [".hidden.toml", "10-a.toml~", "10-a.toml.bak", "#10-a.toml#", ".#10-a.toml", "README"] {
        etc.write(&format!("conf.d/{file}"), "nonsense");
    }
    etc.write("conf.d/10-a.toml", "");
    let loaded = etc.loaded();
    assert_eq!(loaded.files.iter().map(|file| name(file)).collect::<Vec<_>>(), ["config.toml", "10-a.toml"]);
    assert_eq!(loaded.skipped.len(), 6);
}
