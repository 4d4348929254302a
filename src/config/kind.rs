//! The kinds of value that keys take, and what makes a value of a kind wrong.
//!
//! Law: a fault says what would be right. It repeats what was written only where no secret can stand.

use url::Url;

use super::document::parse_value;
use super::finding::quoted;
use super::nearest::nearest;
use super::place::Place;
use super::schema::Key;
use super::tree::Value;
use super::values::{ScheduleSpec, Span, ZoneName};
use crate::contact::Region;

/// What the value of a key may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Any text, also none.
    Text,
    /// One line of visible ASCII, such as an API key.
    Token,
    /// The same, never to be shown.
    Secret,
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds.
    Integer(i64, i64),
    /// A duration between two bounds, in seconds.
    Duration(u64, u64),
    /// An `https` address, or `http` on this machine.
    Address,
    /// An address and a port of this machine to listen at.
    Listen,
    /// A path of a file or directory.
    Path,
    /// A mail address.
    Email,
    /// A cron expression or an interval.
    Schedule,
    /// An IANA time zone.
    TimeZone,
    /// An ISO 3166 country.
    Region,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A log level or a filter directive.
    LogLevel,
    /// A Unix user.
    User,
    /// Unix users, and groups as `@group`.
    Users,
    /// A list of names.
    Names,
    /// A table of names, each with a text.
    Texts,
    /// A table of Google's fields and where they go; its keys are looked at elsewhere.
    Fields,
    /// A list of these words.
    Choices(&'static [&'static str]),
    /// A filter of the site, as JSON; empty for none.
    Filters,
    /// A table with these keys.
    Table(&'static [Key]),
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The end of a clause that begins with the key: "must be …".
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl Kind {
    /// What is wrong with `value`; a table's keys are not looked at.
    pub(super) fn fault(self, value: &Value) -> Option<Fault> {
        match (self, value) {
            (Self::Bool, Value::Bool(_)) | (Self::Table(_) | Self::Fields, Value::Table(_)) => None,
            (Self::Texts, Value::Table(entries)) => entries
                .iter()
                .find_map(|(name, entry)| name_fault(name).or_else(|| Self::Text.fault(&entry.value))),
            (Self::Integer(least, most), Value::Integer(number)) => (*number < least || *number > most)
                .then(|| Fault::new(format!("must be between {least} and {most}, but is {number}"))),
            (Self::Users, Value::List(items)) => list_fault(items, "users", user_or_group_fault),
            (Self::Names, Value::List(items)) => list_fault(items, "names", name_fault),
            (Self::Choices(words), Value::List(items)) => {
                list_fault(items, "words", name_fault).or_else(|| {
                    let texts = items.iter().filter_map(Value::as_text);
                    texts.filter(|text| !words.contains(text)).map(|text| choice_fault(text, words)).next()
                })
            }
            (_, Value::Text(text)) if self.is_text() => self.text_fault(text),
            _ => Some(self.wrong_type(value)),
        }
    }

    /// The value that `raw` stands for, in a variable or an argument, where everything is text.
    ///
    /// A kind that is text stays text: an API key of digits is not a number. Quotes, as TOML writes them, are taken off.
    pub(super) fn read(self, raw: &str, place: &Place) -> Value {
        let parsed = parse_value(raw, place);
        match (self, parsed) {
            (_, Some(Value::Text(text))) => Value::Text(text),
            (_, _) if self.is_text() => Value::Text(raw.to_owned()),
            (Self::Users | Self::Names | Self::Choices(_), parsed) => match parsed {
                Some(list @ Value::List(_)) => list,
                _ => Value::List(raw.split(',').map(|name| Value::Text(name.trim().to_owned())).collect()),
            },
            (_, parsed) => parsed.unwrap_or_else(|| Value::Text(raw.to_owned())),
        }
    }

    /// Whether values of this kind are written as strings.
    pub(super) const fn is_text(self) -> bool {
        !matches!(
            self,
            Self::Bool
                | Self::Integer(..)
                | Self::Users
                | Self::Names
                | Self::Texts
                | Self::Choices(_)
                | Self::Table(_)
                | Self::Fields
        )
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Integer(..) => "a whole number",
            Self::Duration(..) => "a duration such as \"5m\"",
            Self::Users => "a list of users such as [\"layla\", \"@adm\"]",
            Self::Names | Self::Choices(_) => "a list of strings",
            Self::Texts => "a table of names, each with a string",
            Self::Table(_) | Self::Fields => "a table",
            Self::Text
            | Self::Token
            | Self::Secret
            | Self::Address
            | Self::Listen
            | Self::Path
            | Self::Email
            | Self::Schedule
            | Self::TimeZone
            | Self::Region
            | Self::Choice(_)
            | Self::LogLevel
            | Self::Filters
            | Self::User => "a string",
        }
    }

    fn wrong_type(self, value: &Value) -> Fault {
        let hint = match (self, value) {
            (Self::Duration(..), Value::Integer(number)) => {
                Some(format!("add a unit: \"{number}s\" is {number} seconds"))
            }
            (Self::Secret, _) => Some("write it in quotes".to_owned()),
            (kind, Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_))
                if kind.is_text() =>
            {
                Some("write it in quotes".to_owned())
            }
            (Self::Bool | Self::Integer(..), Value::Text(text))
                if parse_value(text, &Place::Default).is_some_and(|inner| self.fault(&inner).is_none()) =>
            {
                Some("write it without quotes".to_owned())
            }
            (Self::Users | Self::Names | Self::Choices(_), Value::Text(_)) => {
                Some("write it in square brackets".to_owned())
            }
            (Self::Table(_) | Self::Fields, value) if value.is_list_of_tables() => {
                Some("write it with single brackets: tables here have names and never form lists".to_owned())
            }
            _ => None,
        };
        Fault::new(format!("must be {}, but is {}", self.expected(), value.kind())).hint(hint)
    }

    fn text_fault(self, text: &str) -> Option<Fault> {
        match self {
            Self::Text => (text.chars().any(char::is_control))
                .then(|| Fault::new("must not contain control characters")),
            Self::Token | Self::Secret => token_fault(text),
            Self::Duration(least, most) => {
                duration_fault(text, Span::from_secs(least), Span::from_secs(most))
            }
            Self::Address => address_fault(text),
            Self::Listen => text.parse::<std::net::SocketAddr>().is_err().then(|| {
                Fault::new(format!("is not an address with a port: {}", quoted(text)))
                    .hint(Some("write numbers, such as \"127.0.0.1:8765\" or \"[::1]:8765\"".to_owned()))
            }),
            Self::Path => path_fault(text),
            Self::Email => email_fault(text),
            Self::Schedule => {
                let reason = text.parse::<ScheduleSpec>().err()?;
                Some(
                    Fault::new(format!("is not a schedule: {reason}")).hint(Some(
                        "write cron with or without seconds (\"*/5 * * * *\"), or an interval (\"every 5m\")"
                            .to_owned(),
                    )),
                )
            }
            Self::TimeZone => {
                let reason = text.parse::<ZoneName>().err()?;
                let meant = ZoneName::resembling(text).map(|zone| format!("did you mean \"{zone}\"?"));
                Some(Fault::new(format!("is not a time zone: {reason}")).hint(meant))
            }
            Self::Region => Region::try_from(text.to_owned()).is_err().then(|| {
                Fault::new(format!("is not a country code: {}", quoted(text)))
                    .hint(Some("write two letters such as \"SA\" or \"DE\"".to_owned()))
            }),
            Self::Choice(words) => (!words.contains(&text)).then(|| choice_fault(text, words)),
            Self::LogLevel => log_level_fault(text),
            Self::Filters => filters_fault(text),
            Self::User => name_fault(text).or_else(|| user_fault(text)),
            Self::Bool
            | Self::Integer(..)
            | Self::Users
            | Self::Names
            | Self::Texts
            | Self::Choices(_)
            | Self::Table(_)
            | Self::Fields => None,
        }
    }
}

fn token_fault(text: &str) -> Option<Fault> {
    if text.is_empty() {
        return Some(Fault::new("must not be empty"));
    }
    (!text.chars().all(|c| c.is_ascii_graphic()))
        .then(|| Fault::new("must be one line of visible ASCII characters without spaces"))
}

fn duration_fault(text: &str, least: Span, most: Span) -> Option<Fault> {
    match text.parse::<Span>() {
        Err(reason) => Some(Fault::new(format!("is not a duration: {}", quoted(text))).hint(Some(reason))),
        Ok(span) => (span < least || span > most)
            .then(|| Fault::new(format!("must be between {least} and {most}, but is {span}"))),
    }
}

/// The text is not repeated: an address may carry a password.
fn address_fault(text: &str) -> Option<Fault> {
    let Ok(url) = Url::parse(text) else {
        return Some(
            Fault::new("is not an address").hint(Some("write it as \"https://erp.example.com\"".to_owned())),
        );
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some(Fault::new("must not carry a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some(Fault::new("must end with the path, without `?` and `#`"));
    }
    match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => {
            Some(Fault::new("must use https, because http would send the secret in the clear").hint(Some(
                "http is accepted for loopback hosts only: localhost, 127.0.0.1, [::1]".to_owned(),
            )))
        }
        _ => Some(Fault::new("must begin with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
        None => false,
    }
}

fn path_fault(text: &str) -> Option<Fault> {
    if text.is_empty() {
        return Some(Fault::new("must not be empty"));
    }
    text.contains('\0').then(|| Fault::new("must not contain a null character"))
}

fn email_fault(text: &str) -> Option<Fault> {
    let well_formed = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && text.len() <= 254
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'))
    });
    (!well_formed).then(|| {
        Fault::new(format!("is not a mail address: {}", quoted(text)))
            .hint(Some("write the bare address, such as \"sales@example.com\"".to_owned()))
    })
}

fn choice_fault(text: &str, words: &[&str]) -> Fault {
    let meant = nearest(text, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
    let listed: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Fault::new(format!("must be one of {}, but is {}", listed.join(", "), quoted(text))).hint(meant)
}

fn log_level_fault(text: &str) -> Option<Fault> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    if LEVELS.contains(&text) {
        return None;
    }
    // A single word is a valid directive too: a target that nothing logs under. It is a misspelt level.
    if !text.contains(['=', ',', '[']) {
        return Some(choice_fault(text, &LEVELS));
    }
    tracing_subscriber::EnvFilter::builder().parse(text).err().map(|_| {
        Fault::new(format!("is not a filter directive: {}", quoted(text)))
            .hint(Some("write a level, or directives such as \"info,dafater_contactsd=debug\"".to_owned()))
    })
}

/// What the site itself cannot be asked about without harm: a filter of another shape breaks the site's own code instead of being
/// refused.
fn filters_fault(text: &str) -> Option<Fault> {
    let sample = "write it as [[\"status\", \"=\", \"Open\"]] or {\"status\": \"Open\"}, in single quotes";
    let fault = |message: &str| Some(Fault::new(message).hint(Some(sample.to_owned())));
    if text.trim().is_empty() {
        return None;
    }
    let is_word = |value: &serde_json::Value| value.as_str().is_some_and(|word| !word.trim().is_empty());
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(error) => fault(&format!("is not JSON: {error}")),
        Ok(serde_json::Value::Object(fields)) if fields.is_empty() => fault("filters nothing"),
        Ok(serde_json::Value::Object(fields)) if fields.keys().any(|field| field.trim().is_empty()) => {
            fault("must name a field for each value")
        }
        Ok(serde_json::Value::Object(_)) => None,
        Ok(serde_json::Value::Array(filters)) if filters.is_empty() => fault("filters nothing"),
        Ok(serde_json::Value::Array(filters)) => {
            let is_filter = |filter: &serde_json::Value| match filter.as_array().map(Vec::as_slice) {
                Some([field, operator, _]) => is_word(field) && is_word(operator),
                Some([table, field, operator, _]) => [table, field, operator].into_iter().all(is_word),
                Some(_) | None => false,
            };
            if filters.iter().all(is_filter) {
                None
            } else {
                fault("must be a list of [field, operator, value] or [doctype, field, operator, value]")
            }
        }
        Ok(_) => fault("must be a list of filters or a table of values"),
    }
}

fn list_fault(items: &[Value], what: &str, fault: fn(&str) -> Option<Fault>) -> Option<Fault> {
    items.iter().find_map(|item| match item.as_text() {
        Some(text) => fault(text),
        None => Some(Fault::new(format!("must be a list of {what}, but holds {}", item.kind()))),
    })
}

fn name_fault(name: &str) -> Option<Fault> {
    if name.trim().is_empty() {
        return Some(Fault::new("must not hold an empty name"));
    }
    name.chars()
        .any(char::is_control)
        .then(|| Fault::new(format!("must not hold control characters, as in {}", quoted(name))))
}

fn user_fault(name: &str) -> Option<Fault> {
    name.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '/' | '@' | ','))
        .then(|| Fault::new(format!("is not the name of a Unix user: {}", quoted(name))))
}

fn user_or_group_fault(name: &str) -> Option<Fault> {
    let bare = name.strip_prefix('@').unwrap_or(name);
    name_fault(bare).or_else(|| user_fault(bare))
}
