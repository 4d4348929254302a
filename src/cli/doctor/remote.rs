//! Who answers at the addresses of both remotes, and whether their clocks agree with ours.

use bytes::Bytes;
use http::{Request, header};
use jiff::SignedDuration;
use url::Url;

use super::Check;
use crate::cli::context::Context;
use crate::control::{Exit, Failure};
use crate::daemon::Settings;
use crate::remote::{ReqwestTransport, Transport as _, TransportOptions};

/// Asks both remotes for nothing in particular and looks at the dates of their answers.
pub(super) async fn clocks(context: &Context, settings: &Settings, checks: &mut Vec<Check>) {
    let (dafater, google) = (&settings.config.dafater, &settings.config.google);
    let ping = dafater.url.as_str().trim_end_matches('/').to_owned() + "/api/method/ping";
    let remotes = [
        ("clock of the site", "dafater.url", ping, dafater.timeout.duration(), &dafater.url),
        (
            "clock of Google",
            "google.api_url",
            google.api_url.to_string(),
            google.timeout.duration(),
            &google.api_url,
        ),
    ];
    for (check, key, address, limit, url) in remotes {
        let options = TransportOptions {
            timeout: limit.min(PATIENCE),
            connect_timeout: limit.min(PATIENCE),
            ..TransportOptions::default()
        };
        checks.push(match date(&address, &options).await {
            Err(reason) => Check::fail(check, &unreachable(key, url, &reason)),
            Ok(None) => Check::warn(check, "the answer carries no date, so its clock is not known"),
            Ok(Some(date)) => judge(check, context.surroundings.clock.now().duration_since(date)),
        });
    }
}

fn unreachable(key: &str, url: &Url, reason: &str) -> Failure {
    let host = url.host_str().unwrap_or_default();
    Failure::new(Exit::Unavailable, format!("{host} (`{key}`) cannot be reached"))
        .cause(reason)
        .hint("check the address, the name resolution, the firewall and the certificates of this machine")
}

async fn date(address: &str, options: &TransportOptions) -> Result<Option<jiff::Timestamp>, String> {
    let transport = ReqwestTransport::new(options).map_err(|error| error.to_string())?;
    let request = Request::get(address).header(header::ACCEPT, "application/json").body(Bytes::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = transport.send(request).await.map_err(|error| error.to_string())?;
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    Ok(date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp()))
}

/// `ahead`: by how much our clock is ahead of the remote's.
fn judge(check: &str, ahead: SignedDuration) -> Check {
    let seconds = ahead.as_secs();
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    let message = format!("this machine's clock is {} s {direction} it", seconds.abs());
    if seconds.unsigned_abs() <= SLACK {
        Check::ok(check, "it agrees with this machine's")
    } else if seconds.unsigned_abs() <= HARMLESS {
        Check::warn(check, message).next("check the time service of this machine: `timedatectl`")
    } else {
        let failure = Failure::new(Exit::Configuration, message)
            .hint("set the clock: tokens are refused, and `newest` decides wrongly; `timedatectl` shows the time service");
        Check::fail(check, &failure)
    }
}

/// A date has whole seconds, and the answer took a while.
const SLACK: u64 = 5;
/// Signatures and tokens live through this much.
const HARMLESS: u64 = 120;
/// How long a remote may take to answer nothing in particular.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Grade;

    #[test]
    fn a_clock_is_judged_by_what_the_difference_breaks() {
        let graded = |seconds| judge("clock", SignedDuration::from_secs(seconds));
        assert_eq!((graded(2).grade, graded(-5).grade), (Grade::Ok, Grade::Ok));
        assert_eq!(graded(60).grade, Grade::Warn);
        assert!(graded(60).message.contains("60 s ahead of"));
        assert_eq!((graded(-3_600).grade, graded(-3_600).exit), (Grade::Fail, Exit::Configuration));
        assert!(graded(-3_600).message.contains("behind"));
    }
}
