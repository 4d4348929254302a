//! A house with real walls: both stand-ins behind sockets, and the built binary as a process of its own.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dafater_contactsd::remote::{Clock, SystemClock};
use dafater_contactsd::sandbox::dafater::{Site, SiteOptions};
use dafater_contactsd::sandbox::faults::Faults;
use dafater_contactsd::sandbox::google::{Google, GoogleOptions};
use dafater_contactsd::sandbox::serve::Stand;
use jiff::Timestamp;
use serde_json::Value;
use signal_hook::consts::SIGKILL;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::world::EMAIL;

/// One account of one daemon between two remotes.
pub(crate) struct House {
    pub(crate) google: Arc<Mutex<Google>>,
    pub(crate) site: Arc<Mutex<Site>>,
    pub(crate) google_faults: Arc<Mutex<Faults>>,
    pub(crate) site_faults: Arc<Mutex<Faults>>,
    pub(crate) dir: TempDir,
    pub(crate) refresh_token: String,
    _stands: (Stand, Stand),
    _runtime: Runtime,
}

/// One line of `sync --json`, and the exit code.
pub(crate) struct Synced {
    pub(crate) report: Value,
    pub(crate) exit: i32,
}

impl Synced {
    pub(crate) fn writes(&self) -> u64 {
        let of = |side: &str| {
            ["created", "updated", "deleted"].iter().map(|kind| self.count(side, kind)).sum::<u64>()
        };
        of("google") + of("dafater")
    }

    pub(crate) fn count(&self, side: &str, kind: &str) -> u64 {
        self.report[side][kind].as_u64().unwrap()
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// A house whose account table has these further lines. Unless they limit deletions, nothing does.
    pub(crate) fn with(account: &str) -> Self {
        let unlimited =
            if account.contains("max_deletes_percent") { "" } else { "max_deletes_percent = 100" };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut google = Google::new(GoogleOptions { region: "SA".to_owned(), ..GoogleOptions::default() });
        let refresh_token = google.add_account(EMAIL);
        let mut site = Site::new(SiteOptions::default());
        let keys = site.add_user("contacts@example.com", &["System Manager"]);
        let google = Arc::new(Mutex::new(google));
        let site = Arc::new(Mutex::new(site));
        let (google_faults, site_faults) =
            (Arc::new(Mutex::new(Faults::default())), Arc::new(Mutex::new(Faults::default())));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let clock = || Arc::new(SystemClock) as Arc<dyn Clock>;
        let stands = runtime.block_on(async {
            (
                Stand::start(any, google.clone(), google_faults.clone(), clock()).await.unwrap(),
                Stand::start(any, site.clone(), site_faults.clone(), clock()).await.unwrap(),
            )
        });
        let dir = TempDir::new().unwrap();
        let options = GoogleOptions::default();
        let config = format!(
            "[dafater]\nurl = \"{site}\"\nsettle = \"1s\"\napi_key = \"{key}\"\napi_secret = \"{secret}\"\n\n\
             [google]\npropagation = \"1s\"\nclient_id = \"{client}\"\nclient_secret = \"{client_secret}\"\napi_url = \"{google}\"\n\
             token_url = \"{google}token\"\nauth_url = \"{google}o/oauth2/v2/auth\"\n\n\
             [google.quota]\ncritical_reads = 100000\ncritical_writes = 100000\nreads = 100000\nwrites = 100000\ndaily_writes = 1000000\n\n\
             [store]\npath = \"{state}\"\n\n[control]\nsocket = \"{socket}\"\n\n\
             [accounts.sales]\nemail_id = \"{EMAIL}\"\nregion = \"SA\"\nlabel = \"\"\n{unlimited}\n{account}\n",
            site = stands.1.url(),
            google = stands.0.url(),
            key = keys.api_key,
            secret = keys.api_secret,
            client = options.client_id,
            client_secret = options.client_secret,
            state = dir.path().join("state").display(),
            socket = dir.path().join("control.sock").display(),
        );
        let house = Self {
            google,
            site,
            google_faults,
            site_faults,
            dir,
            refresh_token,
            _stands: stands,
            _runtime: runtime,
        };
        house.write("config.toml", &config);
        house
    }

    /// A house whose account has given its consent.
    pub(crate) fn authorized(account: &str) -> Self {
        let house = Self::with(account);
        house.authorize();
        house
    }

    /// The account gives its consent.
    pub(crate) fn authorize(&self) {
        self.write("refresh-token", &self.refresh_token);
        let token = self.path("refresh-token");
        let output = self.run(&["authorize", "sales", "--refresh-token-file", token.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a private file.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dafater-contactsd"));
        command.env_clear().arg("--config").arg(self.path("config.toml")).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn sync(&self) -> Synced {
        self.sync_with(&[])
    }

    pub(crate) fn sync_with(&self, arguments: &[&str]) -> Synced {
        let output = self.run(&[&["sync", "--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().last().unwrap_or_else(|| panic!("sync printed nothing: {errors}"));
        let report = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Synced { report, exit: output.status.code().unwrap_or(-1) }
    }

    /// Syncs and expects success.
    pub(crate) fn settle(&self) -> Synced {
        let synced = self.sync();
        assert_eq!((synced.exit, synced.report["outcome"].as_str()), (0, Some("ok")), "{}", synced.report);
        synced
    }

    /// Starts the daemon and waits until it answers.
    pub(crate) fn start(&self) -> Daemon<'_> {
        self.start_with(&["--log-level", "debug"], &[])
    }

    /// Starts the daemon with these options and variables.
    pub(crate) fn start_with(&self, options: &[&str], variables: &[(&str, &str)]) -> Daemon<'_> {
        // What a killed daemon left behind would look like this one's, and whoever asks would take the store before it.
        drop(fs::remove_file(self.path("control.sock")));
        let log = fs::File::create(self.path("daemon.log")).unwrap();
        let child = self
            .command(&[&["--log-format", "json"], options, &["run"]].concat())
            .envs(variables.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut daemon = Daemon { child, house: self };
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.path("control.sock").exists() || self.run(&["status"]).status.code() != Some(0) {
            assert!(daemon.child.try_wait().unwrap().is_none(), "the daemon ended: {}", daemon.log());
            assert!(Instant::now() < patience, "the daemon does not answer: {}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon
    }

    pub(crate) fn google(&self) -> MutexGuard<'_, Google> {
        self.google.lock().unwrap()
    }

    pub(crate) fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    pub(crate) fn add_person(&self, person: Value) -> String {
        self.google().add_person(EMAIL, person, Timestamp::now()).unwrap()
    }

    pub(crate) fn add_contact(&self, contact: Value) -> String {
        self.site().insert(contact, Timestamp::now()).unwrap()
    }

    pub(crate) fn persons(&self) -> Vec<Value> {
        self.google().persons(EMAIL).unwrap()
    }

    pub(crate) fn contacts(&self) -> Vec<Value> {
        self.site().contacts()
    }
}

/// The running daemon; killed when it is dropped.
pub(crate) struct Daemon<'a> {
    pub(crate) child: Child,
    house: &'a House,
}

impl Daemon<'_> {
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.house.path("daemon.log")).unwrap_or_default()
    }

    /// Waits for the end and tells how long it took and with which code; none after a kill of ours.
    ///
    /// # Panics
    /// The daemon died by a signal that no story sends.
    pub(crate) fn wait(&mut self) -> (Duration, Option<i32>) {
        let begun = Instant::now();
        let status = self.child.wait().unwrap();
        let by = status.signal().filter(|signal| *signal != SIGKILL);
        assert!(by.is_none(), "the daemon died by signal {by:?}: {}", self.log());
        (begun.elapsed(), status.code())
    }

    /// Waits until the log holds an event.
    pub(crate) fn wait_for(&self, event: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.log().contains(event) {
            assert!(Instant::now() < patience, "no {event} in {}", self.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
