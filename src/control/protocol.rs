//! What goes over the control socket.
//!
//! JSON Lines. A request is one line `{"v":1,"command":…}` of at most [`MAX_LINE`] bytes; the answer is any number of
//! `{"item":…}` and `{"note":…}` lines and then exactly one `{"done":true,"exit":N}` or `{"error":{…}}`. A client that is done closes.
//!
//! Law: what is not understood is refused with a reason; nothing in a request is ever guessed.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::{Exit, Failure};
use crate::execute::HistoryFilter;
use crate::sync::{AccountName, RecordId, Side};

/// The protocol's version.
pub const VERSION: u8 = 1;

/// The longest request, its line end included.
pub const MAX_LINE: usize = 64 << 10;

/// What a client asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Where accounts stand; all of the caller's when none is named.
    Status {
        /// The accounts.
        #[serde(default)]
        accounts: Vec<AccountName>,
    },
    /// The accounts there are.
    Accounts {},
    /// One cycle now.
    Sync {
        /// The accounts; all enabled ones of the caller when none is named.
        #[serde(default)]
        accounts: Vec<AccountName>,
        /// Compute and report, write nothing.
        #[serde(default)]
        dry_run: bool,
        /// Read everything instead of what changed.
        #[serde(default)]
        full: bool,
    },
    /// What the next cycle would do.
    Plan {
        /// The account.
        account: AccountName,
    },
    /// Releases a held plan.
    Approve {
        /// The account.
        account: AccountName,
    },
    /// Drops a held plan.
    Discard {
        /// The account.
        account: AccountName,
    },
    /// Open conflicts.
    Conflicts {
        /// Only this account's.
        #[serde(default)]
        account: Option<AccountName>,
        /// Only this one.
        #[serde(default)]
        id: Option<String>,
    },
    /// Decides a conflict.
    Resolve {
        /// The conflict.
        id: String,
        /// Whose value counts.
        side: Side,
    },
    /// Ambiguous matches.
    Reviews {
        /// Only this account's.
        #[serde(default)]
        account: Option<AccountName>,
    },
    /// Declares two records to be the same person.
    Link {
        /// The account.
        account: AccountName,
        /// Google's record.
        google: RecordId,
        /// Dafater's record.
        dafater: RecordId,
    },
    /// Leaves a record alone for good.
    Skip {
        /// The account.
        account: AccountName,
        /// The record.
        record: RecordId,
    },
    /// Declares a record to be somebody of its own.
    Separate {
        /// The account.
        account: AccountName,
        /// The record.
        record: RecordId,
    },
    /// What was changed.
    History {
        /// Only this account's.
        #[serde(default)]
        account: Option<AccountName>,
        /// Which part.
        #[serde(default)]
        filter: HistoryFilter,
    },
    /// Puts back what a run wrote.
    Undo {
        /// The run.
        run: String,
        /// Only this account's.
        #[serde(default)]
        account: Option<AccountName>,
        /// Only contacts whose title or record id contains this text.
        #[serde(default)]
        contact: Option<String>,
        /// Compute and report, write nothing.
        #[serde(default)]
        dry_run: bool,
    },
    /// Starts a consent flow: the first item is the address to open. Unless the answer is going to be pasted, the command then
    /// waits for the browser to come back.
    Authorize {
        /// The account.
        account: AccountName,
        /// Whether the answer comes with [`Request::AuthorizeFinish`].
        #[serde(default)]
        paste: bool,
        /// The port of the loopback interface to which the browser comes back; 0 for a free one.
        #[serde(default)]
        port: u16,
    },
    /// Ends a consent flow with what the browser was sent to.
    AuthorizeFinish {
        /// The account.
        account: AccountName,
        /// The address as the browser shows it.
        #[serde(serialize_with = "expose")]
        answer: SecretString,
    },
    /// Stores a refresh token that was obtained elsewhere, after proving it.
    AuthorizeAdopt {
        /// The account.
        account: AccountName,
        /// The token.
        #[serde(serialize_with = "expose")]
        refresh_token: SecretString,
    },
    /// Forgets the tokens.
    Revoke {
        /// The account.
        account: AccountName,
    },
    /// Reads the configuration again.
    Reload {},
    /// Who is there: version, process, since when, whether the last reload was refused.
    Daemon {},
    /// Whether each account of the caller gets through to Google.
    Probe {},
    /// The store as lines of a logical export, one an item.
    StoreExport {},
    /// Checks the store.
    StoreVerify {},
    /// Seals all tokens with another key.
    StoreRekey {
        /// The key; a new one is made without it.
        #[serde(default, serialize_with = "expose_if_any")]
        key: Option<SecretString>,
    },
}

impl Request {
    /// The name under which it is logged.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Accounts {} => "accounts",
            Self::Sync { .. } => "sync",
            Self::Plan { .. } => "plan",
            Self::Approve { .. } => "approve",
            Self::Discard { .. } => "discard",
            Self::Conflicts { .. } => "conflicts",
            Self::Resolve { .. } => "resolve",
            Self::Reviews { .. } => "reviews",
            Self::Link { .. } => "link",
            Self::Skip { .. } => "skip",
            Self::Separate { .. } => "separate",
            Self::History { .. } => "history",
            Self::Undo { .. } => "undo",
            Self::Authorize { .. } => "authorize",
            Self::AuthorizeFinish { .. } => "authorize-finish",
            Self::AuthorizeAdopt { .. } => "authorize-adopt",
            Self::Revoke { .. } => "revoke",
            Self::Reload {} => "reload",
            Self::Daemon {} => "daemon",
            Self::Probe {} => "probe",
            Self::StoreExport {} => "store-export",
            Self::StoreVerify {} => "store-verify",
            Self::StoreRekey { .. } => "store-rekey",
        }
    }

    /// The account it names, if it names exactly one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountName> {
        match self {
            Self::Status { accounts } | Self::Sync { accounts, .. } => match accounts.as_slice() {
                [account] => Some(account),
                _ => None,
            },
            Self::Plan { account }
            | Self::Approve { account }
            | Self::Discard { account }
            | Self::Link { account, .. }
            | Self::Skip { account, .. }
            | Self::Separate { account, .. }
            | Self::Authorize { account, .. }
            | Self::AuthorizeFinish { account, .. }
            | Self::AuthorizeAdopt { account, .. }
            | Self::Revoke { account } => Some(account),
            Self::Conflicts { account, .. }
            | Self::Reviews { account }
            | Self::History { account, .. }
            | Self::Undo { account, .. } => account.as_ref(),
            Self::Accounts {}
            | Self::Resolve { .. }
            | Self::Reload {}
            | Self::Daemon {}
            | Self::Probe {}
            | Self::StoreExport {}
            | Self::StoreVerify {}
            | Self::StoreRekey { .. } => None,
        }
    }

    /// The request as a line, its end included.
    ///
    /// # Errors
    /// It is longer than [`MAX_LINE`].
    pub fn to_line(&self) -> Result<Vec<u8>, Failure> {
        let too_long = || Failure::new(Exit::Usage, format!("the request is longer than {MAX_LINE} bytes"));
        let mut value = serde_json::to_value(self).map_err(|_| too_long())?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("v".to_owned(), VERSION.into());
        }
        let mut line = value.to_string().into_bytes();
        line.push(b'\n');
        if line.len() > MAX_LINE { Err(too_long()) } else { Ok(line) }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it. Nothing of its content is repeated: it may be a secret that went astray.
    pub fn from_line(line: &[u8]) -> Result<Self, Failure> {
        let refuse = |message: &str| Failure::new(Exit::Usage, message);
        if line.len() > MAX_LINE {
            return Err(refuse(&format!("the request is longer than {MAX_LINE} bytes")));
        }
        let value: serde_json::Value =
            serde_json::from_slice(line).map_err(|_| refuse("the request is not a line of JSON"))?;
        let serde_json::Value::Object(mut fields) = value else {
            return Err(refuse("the request is not a JSON object"));
        };
        match fields.remove("v").and_then(|version| version.as_u64()) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(refuse(&format!("version {version} of the control protocol is not spoken here"))
                    .hint("use the dafater-contactsd command of the same version as the running daemon"));
            }
            None => return Err(refuse("the request does not say its version").hint("start it with \"v\":1")),
        }
        serde_json::from_value(serde_json::Value::Object(fields)).map_err(|error| {
            let place = error.to_string();
            // serde's words name keys and types; values appear only behind "invalid value", which is left out.
            let reason = if place.contains("invalid value") || place.contains("invalid type") {
                "a field has a value of the wrong kind".to_owned()
            } else {
                place
            };
            refuse("the request is not understood").cause(reason)
        })
    }
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// A part of the answer; its shape belongs to the command.
    Item {
        /// The part.
        item: serde_json::Value,
    },
    /// Something to tell a waiting person.
    Note {
        /// The sentence.
        note: String,
    },
    /// The end: it was done, as well as the exit code says.
    Done {
        /// Always true.
        done: bool,
        /// The exit code.
        exit: Exit,
    },
    /// The end: it was not done.
    Error {
        /// Why.
        error: Failure,
    },
}

impl Reply {
    /// The end of a command.
    #[must_use]
    pub fn end(result: Result<Exit, Failure>) -> Self {
        match result {
            Ok(exit) => Self::Done { done: true, exit },
            Err(error) => Self::Error { error },
        }
    }

    /// The reply as a line, its end included.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

fn expose<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn expose_if_any<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => expose(secret, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        Request::from_line(line.as_bytes()).unwrap_err().render()
    }

    #[test]
    fn a_request_reads_back_from_its_line() {
        let request = Request::Sync { accounts: vec!["sales".parse().unwrap()], dry_run: true, full: false };
        let line = request.to_line().unwrap();
        assert!(line.ends_with(b"\n"));
        let read = Request::from_line(&line).unwrap();
        assert_eq!((read.name(), read.account().unwrap().as_str()), ("sync", "sales"));
        assert!(matches!(read, Request::Sync { dry_run: true, full: false, .. }));
    }

    #[test]
    fn what_may_be_left_out_may_be_left_out() {
        let read = Request::from_line(br#"{"v":1,"command":"sync"}"#).unwrap();
        assert!(
            matches!(read, Request::Sync { accounts, dry_run: false, full: false } if accounts.is_empty())
        );
        assert!(Request::from_line(br#"{"v":1,"command":"history"}"#).is_ok());
    }

    #[test]
    fn bad_input_is_refused_with_a_reason() {
        assert!(refused("").contains("not a line of JSON"));
        assert!(refused("status").contains("not a line of JSON"));
        assert!(refused("[1]").contains("not a JSON object"));
        assert!(refused(r#"{"command":"status"}"#).contains("\"v\":1"));
        assert!(refused(r#"{"v":2,"command":"status"}"#).contains("version 2"));
        assert!(refused(r#"{"v":1,"command":"format-disk"}"#).contains("format-disk"));
        assert!(refused(r#"{"v":1,"command":"plan"}"#).contains("account"));
        assert!(refused(r#"{"v":1,"command":"reload","force":true}"#).contains("force"));
    }

    #[test]
    fn an_account_name_that_cannot_be_one_is_refused() {
        assert!(Request::from_line(br#"{"v":1,"command":"plan","account":"../etc"}"#).is_err());
    }

    #[test]
    fn a_line_over_the_cap_is_refused_on_both_ends() {
        let id = "x".repeat(MAX_LINE);
        assert!(Request::Resolve { id: id.clone(), side: Side::Google }.to_line().is_err());
        assert!(
            refused(&format!(r#"{{"v":1,"command":"resolve","id":"{id}","side":"google"}}"#))
                .contains("65536")
        );
    }

    #[test]
    fn a_token_goes_over_the_socket_but_into_no_log_and_no_error() {
        let request = Request::AuthorizeAdopt {
            account: "sales".parse().unwrap(),
            refresh_token: SecretString::from("1//token".to_owned()),
        };
        assert!(!format!("{request:?}").contains("token\""));
        assert!(!format!("{request:?}").contains("1//"));
        assert!(String::from_utf8(request.to_line().unwrap()).unwrap().contains("1//token"));
        let astray =
            refused(r#"{"v":1,"command":"authorize-adopt","account":"sales","refresh_token":{"t":"1//x"}}"#);
        assert!(!astray.contains("1//x"), "{astray}");
    }

    #[test]
    fn the_last_line_is_told_from_the_others() {
        let report = serde_json::json!({"account": "sales", "error": null, "done": true});
        for (reply, line) in [
            (Reply::Item { item: report }, r#"{"item":{"account":"sales","done":true,"error":null}}"#),
            (Reply::end(Ok(Exit::TryAgain)), r#"{"done":true,"exit":75}"#),
            (Reply::end(Err(Failure::new(Exit::Usage, "no"))), r#"{"error":{"message":"no","exit":64}}"#),
        ] {
            assert_eq!(String::from_utf8(reply.to_line()).unwrap().trim(), line);
            assert_eq!(serde_json::from_str::<Reply>(line).unwrap(), reply);
        }
    }
}
