//! One daemon from its first line to its last, under a service manager that listens.

use std::sync::Mutex;

use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::low_level::raise;

use super::*;
use crate::control::{Client, Finding, Reply, Request};
use crate::daemon::Settings;
use crate::daemon::testing::{FakeBackend, FakeFactory, FakeSource, Script, ok, settings_with};

/// What the service manager was told, a message each.
#[derive(Clone, Default)]
struct Manager(Arc<Mutex<Vec<String>>>);

impl Manager {
    fn notifier(&self) -> Notifier {
        let heard = self.clone();
        Notifier::new(move |states| {
            let message: Vec<String> = states.iter().map(ToString::to_string).collect();
            heard.0.lock().unwrap().push(message.join("\n"));
            Ok(())
        })
    }

    /// What it was told, without what comes all the time.
    fn heard(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|message| !message.starts_with("WATCHDOG")).cloned().collect()
    }

    /// Waits until so many messages have begun like this.
    async fn hears(&self, start: &str, times: usize) {
        for _ in 0..500 {
            if self.heard().iter().filter(|message| message.starts_with(start)).count() >= times {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("no {start} in {:?}", self.heard());
    }
}

async fn reload(settings: &Settings) -> (Vec<Reply>, Result<Exit, Failure>) {
    let mut client = Client::connect(&settings.socket).await.unwrap().unwrap();
    let mut replies = Vec::new();
    let result = client.call(&Request::Reload {}, &mut |reply| replies.push(reply)).await;
    (replies, result)
}

/// Accounts that are due at once and then every hour.
fn hourly(directory: &std::path::Path, accounts: &[&str]) -> Settings {
    let socket = format!("control.socket=\"{}\"", directory.join("control.sock").display());
    settings_with(accounts, &[&socket, "defaults.schedule=\"every 1h\""])
}

/// Signals reach the whole process: one daemon at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn a_cycle_that_hangs_is_abandoned_in_time() {
    let _alone = ALONE.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let settings = hourly(directory.path(), &["sales"]);
    let factory = Arc::new(FakeFactory::default().script("sales", [Script::Forever]));
    let manager = Manager::default();
    let launch = Launch {
        source: FakeSource::new(settings.clone()),
        loaded: Loaded { settings, warnings: Vec::new() },
        backend: Arc::new(FakeBackend(factory)),
        surroundings: Surroundings::of_this_machine(),
        notifier: manager.notifier(),
        watchdog: None,
        log: None,
    };
    let daemon = tokio::spawn(live(launch));
    manager.hears("STATUS=Syncing sales", 1).await;
    raise(SIGTERM).unwrap();
    assert_eq!(timeout(STOP_WITHIN, daemon).await.unwrap().unwrap(), Ok(Exit::Ok));
}

#[tokio::test]
async fn a_daemon_starts_reloads_refuses_and_stops_and_says_so_each_time() {
    let _alone = ALONE.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let first = hourly(directory.path(), &["sales"]);
    let source = FakeSource::new(first.clone());
    let factory = FakeFactory::default().script("sales", [Script::UntilCancelled(ok("sales"))]);
    let factory = Arc::new(factory);
    let manager = Manager::default();
    let launch = Launch {
        source: Arc::clone(&source) as _,
        loaded: Loaded { settings: first.clone(), warnings: Vec::new() },
        backend: Arc::new(FakeBackend(Arc::clone(&factory))),
        surroundings: Surroundings::of_this_machine(),
        notifier: manager.notifier(),
        watchdog: Some(Duration::from_secs(3)),
        log: None,
    };
    let daemon = tokio::spawn(live(launch));

    manager.hears("READY=1", 1).await;
    assert_eq!(manager.heard().first().unwrap(), "STATUS=Starting");
    manager.hears("STATUS=Syncing sales; 1 account", 1).await;

    raise(SIGHUP).unwrap();
    manager.hears("READY=1", 2).await;
    let heard = manager.heard();
    let reloading = heard.iter().position(|message| message.starts_with("RELOADING=1")).unwrap();
    assert!(heard[reloading].contains("\nMONOTONIC_USEC="), "{heard:?}");
    assert!(heard[reloading + 1].starts_with("READY=1"), "{heard:?}");

    let finding = Finding {
        message: "unknown key `x`".to_owned(),
        place: Some("conf.d/20.toml:7:1".to_owned()),
        hint: None,
    };
    source.set(Err(Failure::new(Exit::Configuration, "refused").findings(vec![finding])));
    let (_, result) = reload(&first).await;
    assert_eq!(result.unwrap_err().exit, Exit::Configuration);
    manager
        .hears(
            "READY=1\nSTATUS=Reload refused, the previous configuration stays in force (conf.d/20.toml:7:1",
            1,
        )
        .await;

    source.set(Ok(hourly(directory.path(), &["support"])));
    let (replies, result) = reload(&first).await;
    assert_eq!((replies.len(), result), (1, Ok(Exit::Ok)));

    let before = Instant::now();
    raise(SIGTERM).unwrap();
    let ended = timeout(STOP_WITHIN, daemon).await.unwrap().unwrap();
    assert_eq!(ended, Ok(Exit::Ok));
    assert!(before.elapsed() < Duration::from_secs(2), "the cycle was not told to end");
    assert!(manager.heard().last().unwrap().starts_with("STOPPING=1"));
    assert_eq!(factory.engine("sales").runs(), 1);
    assert!(!first.socket.exists());
    assert!(manager.0.lock().unwrap().iter().any(|message| message == "WATCHDOG=1"));
}
