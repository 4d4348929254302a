//! The manual of the configuration, written from the doc comments of the settings.

use super::kind::Kind;
use super::layout::{ACCOUNTS, DEFAULTS, SECTIONS, account_keys, default_keys, is_own};
use super::schema::{Applies, Key, Need};
use super::settings::Account;

/// The example configuration: every key with its description and its default.
#[must_use]
pub fn example() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in SECTIONS {
        example_table(&mut text, section.name, section.about, &mut section.keys.iter());
    }
    example_table(&mut text, DEFAULTS, ABOUT_DEFAULTS, &mut default_keys());
    let own = account_keys().iter().filter(|key| is_own(key));
    example_table(&mut text, &format!("{ACCOUNTS}.sales"), Account::SECTION.about, &mut own.into_iter());
    text
}

/// The reference of all keys, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = "# Configuration reference\n".to_owned();
    let mut table = |heading: &str, about: &[&str], keys: &[Key]| {
        text.extend(["\n## `[", heading, "]`\n\n", &paragraphs(about), "\n"]);
        for key in keys {
            reference_key(&mut text, key, "");
        }
    };
    for section in SECTIONS {
        table(section.name, section.about, section.keys);
    }
    table(DEFAULTS, ABOUT_DEFAULTS, &[]);
    table(&format!("{ACCOUNTS}.NAME"), Account::SECTION.about, account_keys());
    text
}

fn reference_key(text: &mut String, key: &Key, above: &str) {
    text.extend(["\n### `", above, key.name, "`\n\n", &paragraphs(key.about), "\n\n", key.conditions, "\n"]);
    if let Kind::Table(inner) = key.kind {
        for below in inner {
            reference_key(text, below, &format!("{above}{}.", key.name));
        }
    }
}

fn example_table(
    text: &mut String,
    table: &str,
    about: &[&str],
    keys: &mut dyn Iterator<Item = &'static Key>,
) {
    text.push('\n');
    comment(text, about);
    text.extend(["[", table, "]\n"]);
    for key in keys {
        text.push('\n');
        comment(text, key.about);
        if key.applies == Applies::Restart {
            text.push_str("# A change needs a restart.\n");
        }
        let (sign, value) = match key.need {
            Need::Required(sample) | Need::Identity(sample) | Need::Usual(sample) => ("", sample),
            Need::Own(sample) | Need::Optional(sample) | Need::Default(sample) => ("#", sample),
        };
        text.extend([sign, key.name, " = ", value, "\n"]);
    }
}

fn comment(text: &mut String, about: &[&str]) {
    for line in about {
        text.extend(["#", line.trim_end(), "\n"]);
    }
}

fn paragraphs(about: &[&str]) -> String {
    about.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

const INTRODUCTION: &str = "\
# Configuration of dafater-contactsd.
#
# The main file is /etc/dafater-contactsd/config.toml. Files conf.d/*.toml beside it are laid over it in the byte order of their names,
# then environment variables (DAFATER_CONTACTSD_DAFATER__URL sets `url` in [dafater]), then `--set key.path=value`. Tables merge; other
# values, lists too, are replaced.
#
# Settings that are commented out show their defaults or a sample. Durations have units: 30s, 5m, 2h, 7d, 1h30m.
# `dafater-contactsd check-config` finds mistakes; `dafater-contactsd config show --origin` tells what holds, and where it was set.
# `dafater-contactsd reload` applies changes, except where a restart is mentioned.
";

const ABOUT_DEFAULTS: &[&str] = &[
    " What holds for every account that does not set it itself. Each key may also stand in [accounts.NAME].",
];
