//! Where log lines go and which ones do.
//!
//! Three forms: text for people on stderr, JSON for collectors on stdout, the journal's own protocol under systemd. The filter
//! can be exchanged while the daemon runs; the form cannot.

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// The journal when stderr is connected to it, else text.
    #[default]
    Auto,
    /// Text on stderr.
    Text,
    /// One JSON object a line on stdout.
    Json,
    /// The journal.
    Journald,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug`, `trace`, or filter directives like `info,dafater_contactsd=debug`.
    pub level: String,
    /// The form.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// What the form of the lines depends on besides the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Whether stderr is connected to the journal, see [`is_journal`].
    pub journal: bool,
    /// Whether text may be coloured.
    pub color: bool,
    /// Whether JSON goes to stderr, because stdout carries a command's answer.
    pub json_to_stderr: bool,
}

/// Why nothing can be logged as asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is neither a level nor directives.
    #[error("`{level}` is neither a log level nor a filter directive: {reason}")]
    Level {
        /// What was asked for.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal was asked for and is not there.
    #[error("the journal cannot be reached: {0}")]
    Journal(#[source] std::io::Error),
    /// Logging was set up before.
    #[error("logging cannot be set up a second time")]
    Twice,
}

/// Changes the filter of a running process.
#[derive(Debug, Clone)]
pub struct LogHandle(reload::Handle<EnvFilter, Registry>);

impl LogHandle {
    /// Takes another level.
    ///
    /// # Errors
    /// The level cannot be read; the previous one stays.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        let filter = filter(level)?;
        self.0
            .reload(filter)
            .map_err(|error| LogError::Level { level: level.to_owned(), reason: error.to_string() })
    }
}

/// Sets up logging for the whole process.
///
/// # Errors
/// The level cannot be read, the journal cannot be reached, or logging was set up before.
pub fn install(settings: &LogSettings, output: Output) -> Result<LogHandle, LogError> {
    let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
    let lines = match effective(settings.format, output.journal) {
        LogFormat::Json if output.json_to_stderr => json().with_writer(std::io::stderr).boxed(),
        LogFormat::Json => json().boxed(),
        LogFormat::Journald => journald()?.boxed(),
        LogFormat::Text | LogFormat::Auto => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(output.color && std::io::stderr().is_terminal())
            .with_target(false)
            .fmt_fields(readable())
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(sober())
        .with(lines)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(LogHandle(handle))
}

/// Whether stderr is the stream that `JOURNAL_STREAM` ("device:inode") names.
#[must_use]
pub fn is_journal(journal_stream: Option<&str>) -> bool {
    let Some((device, inode)) = journal_stream.and_then(|stream| stream.split_once(':')) else {
        return false;
    };
    let Ok(stat) = rustix::fs::fstat(std::io::stderr().as_fd()) else { return false };
    device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino)
}

fn effective(format: LogFormat, journal: bool) -> LogFormat {
    match format {
        LogFormat::Auto if journal => LogFormat::Journald,
        LogFormat::Auto => LogFormat::Text,
        LogFormat::Text | LogFormat::Json | LogFormat::Journald => format,
    }
}

/// The defaults come first: what the operator says of a library wins.
fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let unreadable = |reason: String| LogError::Level { level: level.to_owned(), reason };
    if level.trim().is_empty() {
        return Err(unreadable("it is empty".to_owned()));
    }
    let named = |part: &str| part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok();
    if let Some(stray) = level.split(',').map(str::trim).find(|part| !named(part)) {
        // Without this, a misspelt level would be taken for the name of a module and silence everything.
        return Err(unreadable(format!("`{stray}` is not one of error, warn, info, debug, trace, off")));
    }
    EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|error| unreadable(error.to_string()))
}

/// Nothing of the database below info, whatever the operator asks for: sled tells of pages that are freed while a thread ends, when
/// the thread's buffer for log lines is gone already, and that ends the process.
fn sober() -> FilterFn {
    filter_fn(|metadata| *metadata.level() <= LevelFilter::INFO || !metadata.target().starts_with("sled"))
}

fn json<S>() -> tracing_subscriber::fmt::Layer<S, format::JsonFields, format::Format<format::Json>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false)
}

fn journald() -> Result<tracing_journald::Layer, LogError> {
    Ok(tracing_journald::layer()
        .map_err(LogError::Journal)?
        .with_field_prefix(None)
        .with_syslog_identifier("dafater-contactsd".to_owned())
        .with_priority_mappings(PriorityMappings {
            error: Priority::Error,
            warn: Priority::Warning,
            info: Priority::Informational,
            debug: Priority::Debug,
            trace: Priority::Debug,
        }))
}

/// Fields of text lines: the sentence first, then `name=value`, without what only machines need and what is empty.
fn readable() -> impl for<'writer> tracing_subscriber::fmt::FormatFields<'writer> {
    use tracing_subscriber::field::MakeExt as _;
    format::debug_fn(|writer, field, value| {
        let text = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{text}"),
            "message_id" => Ok(()),
            _ if text == "\"\"" => Ok(()),
            name => write!(writer, " {name}={}", unquoted(&text)),
        }
    })
    .delimited("")
}

/// A word needs no quotes.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if inner.is_empty() || inner.contains([' ', '"', '=', '\\']) { text } else { inner }
}

/// Libraries whose own lines interest nobody unless something is wrong.
const QUIET: &str = "tokio_cron_scheduler=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,sled=warn,mio=warn,want=warn";

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::observe::events;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn failed() -> events::SyncFailed {
        events::SyncFailed {
            account: "sales".parse().unwrap(),
            run: "r1".to_owned(),
            reason: "the site is down".to_owned(),
            failures: 3,
            retry_in: String::new(),
        }
    }

    #[test]
    fn a_json_line_carries_name_code_id_and_numbers() {
        let captured = Captured::default();
        let sink = captured.clone();
        let subscriber = tracing_subscriber::registry().with(json().with_writer(move || sink.clone()));
        tracing::subscriber::with_default(subscriber, || failed().emit());
        let line: serde_json::Value = serde_json::from_str(captured.text().trim()).unwrap();
        assert_eq!(line["event"], "sync.failed");
        assert_eq!(line["code"], "CD0302");
        assert_eq!(line["message_id"], events::SyncFailed::ENTRY.message_id);
        assert_eq!(line["message"], "The sync failed and is tried again.");
        assert_eq!(line["failures"], 3);
        assert_eq!(line["level"], "WARN");
    }

    #[test]
    fn a_text_line_reads_like_a_sentence_with_a_tail() {
        let captured = Captured::default();
        let sink = captured.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || sink.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .fmt_fields(readable());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || failed().emit());
        assert_eq!(
            captured.text().trim(),
            "WARN The sync failed and is tried again. event=sync.failed code=CD0302 account=sales run=r1 \
             reason=\"the site is down\" failures=3"
        );
    }

    #[test]
    fn a_level_and_directives_are_taken_and_a_misspelt_level_is_refused() {
        for level in ["info", "WARN", "off", "info,dafater_contactsd=trace", "hyper=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["", "loud", "info,deubg", "info=loud"] {
            let error = filter(level).unwrap_err().to_string();
            assert!(error.contains(&format!("`{level}`")), "{error}");
        }
    }

    #[test]
    fn libraries_are_silent_below_warn_unless_asked_for() {
        let shown = |level: &str| filter(level).unwrap().to_string();
        assert!(shown("debug").contains("tokio_cron_scheduler=warn"));
        assert!(shown("debug,tokio_cron_scheduler=debug").contains("tokio_cron_scheduler=debug"));
        assert!(!shown("debug,tokio_cron_scheduler=debug").contains("tokio_cron_scheduler=warn"));
    }

    #[test]
    fn the_database_is_never_heard_below_info() {
        let captured = Captured::default();
        let sink = captured.clone();
        let subscriber = tracing_subscriber::registry()
            .with(filter("trace,sled=trace,sled::pagecache=trace").unwrap())
            .with(sober())
            .with(json().with_writer(move || sink.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "sled::pagecache::logger", "IoBufs dropped");
            tracing::warn!(target: "sled::pagecache", "a segment is damaged");
            tracing::trace!(target: "dafater_contactsd::sync", "a step");
        });
        let said = captured.text();
        assert!(!said.contains("dropped") && said.contains("damaged") && said.contains("a step"), "{said}");
    }

    #[test]
    fn auto_means_the_journal_only_where_stderr_leads_there() {
        assert_eq!(effective(LogFormat::Auto, true), LogFormat::Journald);
        assert_eq!(effective(LogFormat::Auto, false), LogFormat::Text);
        assert_eq!(effective(LogFormat::Json, true), LogFormat::Json);
        assert!(!is_journal(None) && !is_journal(Some("1:1")) && !is_journal(Some("nonsense")));
    }
}
