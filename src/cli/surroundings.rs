//! What a configuration points at: directories and remotes.

use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, access};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::control::{Exit, Failure};
use crate::daemon::{self, Settings};

/// Looks at all of it and tells what would keep the daemon from working.
pub(super) async fn examine(settings: &Settings) -> Vec<Failure> {
    let mut failures = Vec::new();
    failures.extend(state(&settings.state).err());
    let remotes = [
        ("dafater.url", &settings.config.dafater.url),
        ("google.api_url", &settings.config.google.api_url),
        ("google.token_url", &settings.config.google.token_url),
    ];
    for (key, url) in remotes {
        failures.extend(remote(key, url).await.err());
    }
    if failures.is_empty() {
        failures.extend(daemon::examine_desk(settings).await);
    }
    failures
}

/// The state directory can be written, or created.
fn state(path: &Path) -> Result<(), Failure> {
    let there = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path);
    access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        Failure::new(Exit::CannotCreate, format!("the state directory {} cannot be written", path.display()))
            .cause(format!("{}: {}", there.display(), std::io::Error::from(error)))
            .hint("run the check as the user of the daemon, or set `store.path`")
    })
}

/// Somebody answers at the address.
async fn remote(key: &str, url: &Url) -> Result<(), Failure> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Ok(()) };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let reason = match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Err(Failure::new(Exit::Unavailable, format!("{host}:{port} (`{key}`) cannot be reached"))
        .cause(reason)
        .hint("check the address, the name resolution and the firewall; behind a proxy this may be expected"))
}

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::settings_with;

    #[tokio::test]
    async fn what_cannot_be_reached_is_named_by_its_key() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let set = [
            "store.path=\"/tmp/not-there-yet\"".to_owned(),
            format!("dafater.url=\"http://{open}\""),
            format!("google.api_url=\"http://{closed}/\""),
            format!("google.token_url=\"http://{open}/token\""),
        ];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let failures = examine(&settings_with(&["sales"], &set)).await;
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(failures[0].exit, Exit::Unavailable);
        assert!(failures[0].message.contains("google.api_url"));
    }
}
