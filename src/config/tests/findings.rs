use super::*;

/// The errors of a drop-in beside a valid main file.
fn errors_of(drop_in: &str) -> Vec<String> {
    let etc = Etc::valid();
    etc.write("conf.d/x.toml", drop_in);
    etc.errors().into_iter().map(|error| error.replace("conf.d/x.toml:", "")).collect()
}

#[test]
fn a_finding_reads_as_the_operator_needs_it() {
    let etc = Etc::valid();
    etc.write(
        "conf.d/20-sales.toml",
        "[defaults]\nlabel = \"x\"\n\n\n[accounts.sales]\n\nmax_deletes_procent = 5\n",
    );
    let refused = etc.load().unwrap_err();
    assert_eq!(
        etc.without_directory(&refused.to_string()),
        "error: unknown key `max_deletes_procent` in [accounts.sales]\n  --> conf.d/20-sales.toml:7:1\n  hint: did you mean `max_deletes_percent`?"
    );
    let json = serde_json::to_value(&refused.findings[0]).unwrap();
    assert_eq!(json["severity"], "error");
    assert_eq!(json["key"], "accounts.sales.max_deletes_procent");
    assert_eq!((&json["line"], &json["column"]), (&7.into(), &1.into()));
    assert!(json["file"].as_str().unwrap().ends_with("/conf.d/20-sales.toml"));
}

#[test]
fn all_mistakes_of_all_layers_are_told_in_one_pass_in_their_order() {
    let etc = Etc::valid_and("enabel = true\nschedule = \"61 * * * *\"\n[stroe]\npath = \"/x\"\n")
        .variable("DAFATER_CONTACTSD_LOG__COLOUR", "yes")
        .variable("DAFATER_CONTACTSD_STORE__EXPORT_KEEP", "many")
        .set("history.keep=a while")
        .set("nonsense");
    etc.write("conf.d/1.toml", "[dafater]\nurl = 5\n[dafater\n");
    etc.write("conf.d/2.toml", "[google]\ntimeout = \"1 month\"\ntimeuot = \"1s\"\n");
    let told: Vec<_> =
        etc.errors().iter().map(|error| error.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        told,
        [
            "config.toml:13:1 accounts.sales.enabel",
            "config.toml:14:1 accounts.sales.schedule",
            "config.toml:15:2 stroe",
            "conf.d/1.toml:3:9 ",
            "conf.d/2.toml:2:1 google.timeout",
            "conf.d/2.toml:3:1 google.timeuot",
            "environment variable DAFATER_CONTACTSD_LOG__COLOUR log.colour",
            "environment variable DAFATER_CONTACTSD_STORE__EXPORT_KEEP store.export_keep",
            "--set history.keep history.keep",
            "--set number 2 ",
        ]
    );
}

#[test]
fn an_unknown_key_is_told_with_the_key_or_the_table_that_was_meant() {
    let etc = Etc::valid();
    etc.write(
        "conf.d/x.toml",
        "schedule = \"@daily\"\ninterval = 5\n[log]\nLevel = \"info\"\n[acounts.a]\n[foo]\n[defaults]\nemail_id = \"a@b.c\"\nsocket = \"x\"\n[defaults.scope]\nlabels = []\nlinked-to = []\n",
    );
    let told: Vec<_> = etc
        .refused()
        .into_iter()
        .map(|finding| format!("{} | {}", finding.message, finding.hint.unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            "unknown key `schedule` outside of any table | it belongs in [defaults] or [accounts.NAME]",
            "unknown key `interval` outside of any table | ",
            "unknown key `Level` in [log] | did you mean `level`?",
            "unknown table `[acounts]` | did you mean [accounts]?",
            "unknown table `[foo]` | the tables are [dafater], [google], [store], [log], [control], [history], [defaults], [accounts]",
            "`email_id` belongs to one account and cannot stand in [defaults] | move it to [accounts.NAME]",
            "unknown key `socket` in [defaults] | it belongs in [control]",
            "unknown key `labels` in [defaults.scope] | it belongs in [defaults] or [accounts.NAME]",
            "unknown key `linked-to` in [defaults.scope] | did you mean `linked_to`?",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_right_one() {
    let etc = Etc::valid();
    etc.write(
        "conf.d/x.toml",
        "log = 5\n[dafater]\ntimeout = 30\napi_key = 123\nconnections = \"4\"\npage_size = 1.5\n[defaults]\nenable = \"true\"\nlabel = 2026-01-01\nscope = [\"Customer\"]\nscope.linked_to = 1\n",
    );
    // Two values for one key are a mistake of syntax, and the rest of that file is then unknown.
    assert_eq!(etc.errors().len(), 1);
    etc.write(
        "conf.d/x.toml",
        "log = 5\n[dafater]\ntimeout = 30\napi_key = 123\nconnections = \"4\"\npage_size = 1.5\n[defaults]\nenable = \"true\"\nlabel = 2026-01-01\nscope = [\"Customer\"]\n[accounts.sales]\nscope.linked_to = \"Customer\"\nscope.google_labels = [1]\n[[store]]\npath = \"x\"\n",
    );
    let told: Vec<_> = etc
        .refused()
        .into_iter()
        .map(|finding| format!("{} | {}", finding.message, finding.hint.unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            "`log` must be a table, written [log], but is a whole number | ",
            "`timeout` in [dafater] must be a duration such as \"5m\", but is a whole number | add a unit: \"30s\" is 30 seconds",
            "`api_key` in [dafater] must be a string, but is a whole number | write it in quotes",
            "`connections` in [dafater] must be a whole number, but is a string | write it without quotes",
            "`page_size` in [dafater] must be a whole number, but is a number with a fraction | ",
            "`enable` in [defaults] must be true or false, but is a string | write it without quotes",
            "`label` in [defaults] must be a string, but is a date or a time | write it in quotes",
            "`scope` in [defaults] must be a table, but is a list | ",
            "`linked_to` in [accounts.sales.scope] must be a list of strings, but is a string | write it in square brackets",
            "`google_labels` in [accounts.sales.scope] must be a list of names, but holds a whole number | ",
            "`store` must be a table, written [store], but is a list | write it with single brackets: tables here have names and never form lists",
        ]
    );
}

#[test]
fn a_value_that_means_nothing_is_refused() {
    for (setting, message) in [
        ("[defaults]\nmax_deletes_percent = 101", "must be between 0 and 100, but is 101"),
        ("[defaults]\nmax_deletes_percent = -1", "must be between 0 and 100, but is -1"),
        ("[defaults]\nschedule = \"0 0 30 2 *\"", "is not a schedule: the cron expression never comes due"),
        ("[defaults]\nschedule = \"5m\"", "is not a schedule: the cron expression is not valid: "),
        ("[defaults]\ntime_zone = \"Asia/Riyad\"", "is not a time zone: no time zone is called `Asia/Riyad`"),
        ("[defaults]\nregion = \"Saudi\"", "is not a country code: `Saudi`"),
        (
            "[defaults]\nconflict = \"newset\"",
            "must be one of \"newest\", \"dafater\", \"google\", \"manual\", but is `newset`",
        ),
        ("[defaults]\nowner = \"layla:x\"", "is not the name of a Unix user: `layla:x`"),
        ("[defaults.scope]\nlinked_to = [\"Customer\", \"\"]", "must not hold an empty name"),
        ("[accounts.sales]\nemail_id = \"sales\"", "is not a mail address: `sales`"),
        (
            "[accounts.sales]\nemail_id = \"Sales <sales@example.com>\"",
            "is not a mail address: `Sales <sales@example.com>`",
        ),
        ("[dafater]\ntimeout = \"soon\"", "is not a duration: `soon`"),
        ("[dafater]\ntimeout = \"0s\"", "must be between 1s and 10m, but is 0s"),
        ("[dafater]\napi_key = \"a b\"", "must be one line of visible ASCII characters without spaces"),
        ("[google]\nfull_read_after = \"7d\"", "must be between 1m and 6d23h, but is 7d"),
        ("[control]\nsystem_managers = [\"@\"]", "must not hold an empty name"),
        (
            "[log]\nlevel = \"inof\"",
            "must be one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", but is `inof`",
        ),
        ("[log]\nlevel = \"info,a=b=c\"", "is not a filter directive: `info,a=b=c`"),
        ("[store]\npath = \"\"", "must not be empty"),
    ] {
        let errors = errors_of(setting);
        assert!(errors.len() == 1 && errors[0].contains(message), "{setting}: {errors:?}");
    }
}

#[test]
fn an_address_is_https_or_on_this_machine() {
    let told = |url: &str| {
        let etc = Etc::valid().set(&format!("dafater.url={url}"));
        etc.load().err().map(|refused| refused.findings[0].message.clone()).unwrap_or_default()
    };
    for url in [
        "https://erp.example.com",
        "https://erp.example.com:8443/site/",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://127.9.9.9:1/",
        "http://[::1]:8000",
        "http://erp.localhost",
    ] {
        assert_eq!(told(url), "", "{url}");
    }
    for url in [
        "http://erp.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "http://[::2]",
    ] {
        assert!(told(url).contains("must use https"), "{url}: {}", told(url));
    }
    for (url, message) in [
        ("erp.example.com", "is not an address"),
        ("", "is not an address"),
        ("ftp://erp.example.com", "must begin with https://"),
        ("https://admin:hunter2@erp.example.com", "must not carry a user or a password"),
        ("https://erp.example.com/?a=b", "must end with the path"),
    ] {
        assert!(told(url).contains(message), "{url}: {}", told(url));
        assert!(!told(url).contains("hunter2"));
    }
}

#[test]
fn what_is_missing_is_told_once_with_the_table_it_is_missed_in() {
    let etc = Etc::empty();
    etc.write("config.toml", "[dafater]\nurl = \"https://x\"\n[accounts.sales]\nenable = true\n");
    assert_eq!(
        etc.errors(),
        [
            "config.toml: google: the table [google] is set nowhere",
            "config.toml:1:2: dafater.api_key: `api_key` is not set in [dafater]",
            "config.toml:1:2: dafater.api_secret: the API secret is set nowhere",
            "config.toml:3:11: accounts.sales.email_id: `email_id` is not set in [accounts.sales]",
        ]
    );
    etc.write("conf.d/broken.toml", "=");
    assert_eq!(etc.errors().len(), 1, "what is missing may stand in the file that cannot be read");
}

#[test]
fn a_configuration_without_an_account_is_refused() {
    let etc = Etc::empty();
    etc.write("config.toml", VALID.split("[accounts").next().unwrap());
    assert_eq!(etc.errors(), ["config.toml: accounts: no account is configured"]);
}

#[test]
fn two_accounts_cannot_be_the_same_google_account() {
    let etc = Etc::valid_and("[accounts.other]\nemail_id = \"Sales@Example.com\"\n");
    assert_eq!(
        etc.errors(),
        [
            "config.toml:12:1: accounts.sales.email_id: `email_id` in [accounts.sales] is also that of [accounts.other] (config.toml:14:1)"
        ]
    );
}

#[test]
fn the_name_of_an_account_is_plain() {
    assert!(errors_of("[accounts.\"a b\"]\nemail_id = \"a@b.c\"")[0].contains("cannot name an account"));
    assert!(errors_of("[accounts]\nschedule = \"@daily\"")[0].contains("outside of any account"));
    assert!(errors_of("[accounts]\nx = 1")[0].contains("must be a table, written [accounts.x]"));
    assert!(errors_of("accounts = []")[0].contains("a table for each account"));
}

#[test]
fn what_can_be_meant_but_does_nothing_is_a_warning() {
    let etc = Etc::valid_and("pull_from_google_contacts = false\npush_to_google_contacts = false\n");
    assert_eq!(
        etc.warnings(),
        [
            "config.toml:11:11: accounts.sales.push_to_google_contacts: `pull_from_google_contacts` and `push_to_google_contacts` in [accounts.sales] are both off: nothing will be synced"
        ]
    );
    assert_eq!(
        Etc::valid_and("enable = false\n").warnings(),
        ["config.toml:11:2: accounts: no account is enabled: nothing will be synced"]
    );
    assert_eq!(
        Etc::valid_and("[store]\npath = \"state\"\n").warnings(),
        ["config.toml:14:1: store.path: `path` in [store] is a relative path"]
    );
}

#[test]
fn a_variable_or_an_argument_is_told_by_its_name() {
    let invalid = std::os::unix::ffi::OsStringExt::from_vec(vec![0xFF]);
    let etc = Etc::valid()
        .variable("DAFATER_CONTACTSD_LOGLEVEL", "x")
        .variable("DAFATER_CONTACTSD_LOG__", "x")
        .variable("DAFATER_CONTACTSD_LOG__LEVEL", <OsString as Into<OsString>>::into(invalid))
        .variable("DAFATER_CONTACTSD_STORE", "/x")
        .set("log.levle=x")
        .set("log..level=x");
    assert_eq!(
        etc.errors(),
        [
            "environment variable DAFATER_CONTACTSD_LOGLEVEL: loglevel: the variable sets an unknown key `loglevel` outside of any table",
            "environment variable DAFATER_CONTACTSD_LOG__: : the variable names no key",
            "environment variable DAFATER_CONTACTSD_LOG__LEVEL: : the variable is not UTF-8",
            "environment variable DAFATER_CONTACTSD_STORE: store: `store` must be a table, written [store], but is a string",
            "--set `log..level`: : the argument is not of the form key.path=value",
            "--set log.levle: log.levle: unknown key `levle` in [log]",
        ]
    );
}
