//! The catalogue of events: each is a type that logs itself.
//!
//! An event has a stable dotted name, a level, a fixed id (the journal's `MESSAGE_ID`), a message for people and typed fields; warnings
//! and errors also have a code with an explanation, which `explain CODE` prints.
//!
//! Law: names, codes and ids are only ever added. No event above `debug` carries contact data; none carries a secret.

use super::loggable::Loggable;
use crate::sync::{AccountName, Side};

/// What is known of an event without one being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The stable dotted name.
    pub name: &'static str,
    /// Severity.
    pub level: tracing::Level,
    /// The journal's `MESSAGE_ID`: 128 bits, fixed for ever.
    pub message_id: &'static str,
    /// The sentence that is logged.
    pub message: &'static str,
    /// Code of a warning or error, else `""`.
    pub code: &'static str,
    /// What it means and what to do, for events with a code.
    pub remedy: &'static str,
}

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $event:ident($level:ident, $name:literal, $id:literal, $message:literal, $code:literal, $remedy:literal) {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone)]
            pub struct $event {
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl $event {
                /// The event's entry in the catalogue.
                pub const ENTRY: Entry = Entry {
                    name: $name,
                    level: tracing::Level::$level,
                    message_id: $id,
                    message: $message,
                    code: $code,
                    remedy: $remedy,
                };

                /// Logs the event.
                pub fn emit(&self) {
                    tracing::event!(
                        target: "dafater_contactsd",
                        tracing::Level::$level,
                        event = $name,
                        code = super::loggable::code($code),
                        message_id = $id,
                        $($field = self.$field.value(),)*
                        $message
                    );
                }
            }
        )*

        /// Every event there is, in the order of the catalogue.
        pub const CATALOGUE: &[Entry] = &[$($event::ENTRY),*];
    };
}

events! {
    /// The daemon is up: configuration checked, store open, control socket bound.
    DaemonReady(INFO, "daemon.ready", "bff5b4aab46f704d9cdccaa4a65b1bb2", "The daemon is ready.", "", "") {
        /// The daemon's version.
        version: &'static str,
        /// Accounts under sync.
        accounts: usize,
    }

    /// The first stop signal came.
    DaemonStopping(INFO, "daemon.stopping", "a36354188669226f3855bc7ee7d4e64e", "The daemon stops after the operations in flight.", "", "") {
        /// The signal.
        signal: &'static str,
    }

    /// The last line of a life.
    DaemonStopped(INFO, "daemon.stopped", "d1fdd5bc71b4b4cf6cc88ed8ba496c7c", "The daemon has stopped.", "", "") {
        /// Tasks that did not end in time.
        abandoned: usize,
    }

    /// A second stop signal came.
    DaemonKilled(WARN, "daemon.killed", "a6838f1d4f5f9eaa62d1823f8714f36e", "The daemon exits at once: a second signal came while it was stopping.", "CD0101", "An operation may have been cut off. The next start looks up what became of it before it writes again; nothing is needed from you.") {
        /// The signal.
        signal: &'static str,
    }

    /// A task ended by a defect of this program.
    TaskPanicked(ERROR, "task.panicked", "03c82942cadf877200c4d86393f60316", "A task ended by a defect and is started again.", "CD0102", "This is a defect of dafater-contactsd. The other accounts go on. Please report it together with the lines before it.") {
        /// The task.
        task: String,
        /// When it is started again.
        restart_in: String,
    }

    /// A long-lived task has not moved since the last watchdog ping.
    TaskLate(ERROR, "task.late", "73cc1bd14d085617262586095f6b3ec2", "A task hangs; the watchdog is no longer fed.", "CD0103", "systemd will restart the service. If it happens again, report it together with the lines before it.") {
        /// The tasks that are late.
        task: String,
    }

    /// Something panicked.
    Panicked(ERROR, "daemon.panicked", "6f869eb4e9f047eff8b40db2d654100d", "A defect was hit.", "CD0104", "This is a defect of dafater-contactsd. Please report the place that the line names.") {
        /// File and line of the source.
        place: String,
    }

    /// The automatic export could not be written.
    StoreExportFailed(WARN, "store.export.failed", "6b0b7c0c6b0d4d6cae0c3f2d9f1d7a52", "The automatic export of the store could not be written.", "CD0403", "The sync goes on; only the way back after a damaged disk is older than it should be. Check the space and the owner of the state directory.") {
        /// Why not.
        reason: String,
    }

    /// What a panic said.
    PanicMessage(DEBUG, "daemon.panic_message", "e58c13813c96750c2c6fc997be8d3063", "The defect left a message.", "", "") {
        /// Its words; they may repeat contact data.
        panic: String,
    }

    /// The source of ticks fell silent, as after a clock change, and was replaced.
    TickerRestarted(WARN, "ticker.restarted", "936035be8d8c5f95f9581b667488c367", "The scheduler fell silent and was replaced.", "CD0105", "The system clock was probably put back. Accounts are synced again as scheduled; check the time service of the machine.") {
        /// For how long it was silent.
        silent_for: String,
    }

    /// systemd could not be told.
    NotifyFailed(WARN, "daemon.notify_failed", "2d9740165fbd3a3c41c8093a5b1ec94d", "The service manager could not be told of a transition.", "CD0106", "Check that the unit has Type=notify and NotifyAccess=main. The sync itself is not affected.") {
        /// Why.
        reason: String,
    }

    /// The configuration was read at start.
    ConfigLoaded(INFO, "config.loaded", "193da5849bbf8045be537c996212edb0", "The configuration is loaded.", "", "") {
        /// Accounts in it.
        accounts: usize,
    }

    /// A remark on the configuration that does not prevent its use.
    ConfigFinding(WARN, "config.finding", "2bf3553e60612ab0540b07086d6d36fc", "The configuration deserves a look.", "CD0201", "The line names the key and its place. `dafater-contactsd check-config` lists all such remarks.") {
        /// The remark.
        finding: String,
        /// Where it stands.
        place: String,
    }

    /// A reload changed something.
    ReloadApplied(INFO, "config.reload.applied", "6e2fa692549511a0f94e8a935bd02201", "The configuration was reloaded.", "", "") {
        /// What changed.
        changed: String,
        /// Keys that hold only after a restart.
        restart_needed: String,
    }

    /// A reload found nothing new.
    ReloadUnchanged(INFO, "config.reload.unchanged", "0660870ff3c6fa140b54ee658c333ff9", "The configuration was reloaded; nothing changed.", "", "") {
    }

    /// A reload was refused; the previous configuration stays in force.
    ReloadRefused(ERROR, "config.reload.refused", "5fd092d6f2977f6c6713d38534f67091", "The reload was refused; the previous configuration stays in force.", "CD0202", "Correct the places that the findings name, try `dafater-contactsd check-config`, then reload again. Until then the daemon works with the configuration it had.") {
        /// All findings.
        findings: String,
    }

    /// A cycle begins.
    SyncStarted(DEBUG, "sync.started", "6f85b4895f0da3dac2522e30fbeb256d", "A sync starts.", "", "") {
        /// The account.
        account: AccountName,
        /// `schedule` or `command`.
        trigger: &'static str,
        /// Whether everything is read.
        full: bool,
    }

    /// A cycle ended well.
    SyncFinished(INFO, "sync.finished", "c06ab821bc0598e30b8e25316b651c35", "The account is in sync.", "", "") {
        /// The account.
        account: AccountName,
        /// The run's id.
        run: String,
        /// Writes to Google.
        google: String,
        /// Writes to Dafater.
        dafater: String,
        /// New pairs.
        linked: u32,
        /// Open conflicts.
        conflicts: u32,
        /// Parked items.
        parked: u32,
        /// Ambiguous matches.
        review: u32,
        /// Requests to both remotes.
        requests: u32,
        /// How long it took.
        elapsed_ms: u64,
        /// Due times that went by meanwhile.
        coalesced: u32,
    }

    /// A cycle found nothing to do.
    SyncQuiet(DEBUG, "sync.quiet", "c1dd7d4dc7bf9f14cdf4b5748bfbc402", "Nothing to do.", "", "") {
        /// The account.
        account: AccountName,
        /// The run's id.
        run: String,
        /// Requests to both remotes.
        requests: u32,
        /// How long it took.
        elapsed_ms: u64,
    }

    /// A plan waits for approval.
    SyncHeld(WARN, "sync.held", "eeff3848450dd86bfcb48a94d03878e0", "The plan is held until it is approved.", "CD0301", "Look at it with `dafater-contactsd plan ACCOUNT`, then `approve ACCOUNT` to carry it out or `discard ACCOUNT` to keep what it would have deleted.") {
        /// The account.
        account: AccountName,
        /// The run's id.
        run: String,
        /// Why.
        reason: String,
    }

    /// A cycle ended early.
    SyncFailed(WARN, "sync.failed", "a104d59d02e28bff8dbd58d64004463e", "The sync failed and is tried again.", "CD0302", "The daemon tries again by itself, each time after a longer wait. If it goes on, the reason names what to look at: the network, the remote, or a permission.") {
        /// The account.
        account: AccountName,
        /// The run's id.
        run: String,
        /// Why.
        reason: String,
        /// Failures in a row.
        failures: u32,
        /// When it is tried again.
        retry_in: String,
    }

    /// Nothing was tried.
    SyncSkipped(DEBUG, "sync.skipped", "2d7aa5fff0868f654eec06311a01488e", "Nothing was tried.", "", "") {
        /// The account.
        account: AccountName,
        /// Why.
        reason: String,
    }

    /// An account works again.
    SyncRecovered(INFO, "sync.recovered", "73dc3a76c8cf39844ca212a7856fdd6e", "The account works again.", "", "") {
        /// The account.
        account: AccountName,
        /// Failures before.
        failures: u32,
        /// How long it failed.
        after: String,
    }

    /// Only a person can give access again.
    AuthorizationRequired(ERROR, "authorization.required", "d3d36ecdcca465a210d214bf20dd3d2f", "The account is not authorized; a person must act.", "CD0303", "Run `dafater-contactsd authorize ACCOUNT` if Google refused, or renew the API key of the Dafater user if the site refused. Nothing is deleted meanwhile.") {
        /// The account.
        account: AccountName,
        /// Why.
        reason: String,
    }

    /// An access token was renewed.
    AuthorizationRefreshed(DEBUG, "authorization.refreshed", "b36ae9c4979040f65b23ad7679963272", "The access token was renewed.", "", "") {
        /// The account.
        account: AccountName,
    }

    /// A person gave access.
    AuthorizationGranted(INFO, "authorization.granted", "34ac9703cceac233dedc2cbd7731d052", "The account is authorized.", "", "") {
        /// The account.
        account: AccountName,
    }

    /// The tokens were forgotten.
    AuthorizationRevoked(INFO, "authorization.revoked", "d22fccdb54bb9240971d5355952e34d9", "The account's tokens were forgotten.", "", "") {
        /// The account.
        account: AccountName,
    }

    /// A consent is going to end.
    AuthorizationEnding(WARN, "authorization.ending", "7c1d0f3a9b5e4d2c8f6a1e0b3d5c7a92", "The account's authorization is going to end.", "CD0306", "The line says when, why and what prevents it. A consent that was given while the consent screen of the Google Cloud project is in Testing ends after 7 days; one that is not used ends after 6 months.") {
        /// The account.
        account: AccountName,
        /// When, why, and what to do.
        reason: String,
    }

    /// All tokens are sealed with another key.
    VaultRekeyed(INFO, "vault.rekeyed", "e1a94b7d2c0f4e58b6d3a7f1c9e82045", "The tokens are sealed with another key.", "", "") {
    }

    /// One record was written.
    ItemPushed(DEBUG, "item.pushed", "f4346186edb86ff2e7f3eb6ef355e9d5", "A record was written.", "", "") {
        /// The account.
        account: AccountName,
        /// The run's id.
        run: String,
        /// The side that was written.
        side: Side,
        /// `create`, `update` or `delete`.
        operation: String,
        /// The pair's id.
        pair: String,
    }

    /// Both sides changed a field.
    ItemConflict(DEBUG, "item.conflict", "31c215733e96713e754ec981d13b043d", "Both sides changed the same field.", "", "") {
        /// The account.
        account: AccountName,
        /// The pair's id.
        pair: String,
        /// The field in words.
        field: String,
    }

    /// A remote refused a record, which is parked.
    ItemRejected(WARN, "item.rejected", "e0f63c749ed3490027b805400d8cad8e", "A remote refused a record; it is parked and the others go on.", "CD0304", "The record is tried again when it changes, and from time to time. `dafater-contactsd status` counts parked records; the reason says which rule of the remote it breaks.") {
        /// The account.
        account: AccountName,
        /// The pair's id.
        pair: String,
        /// The side that refused.
        side: Side,
        /// Why, without contact data.
        reason: String,
    }

    /// A value cannot go across: said once, when it is first met.
    ItemWithheld(INFO, "item.withheld", "0c1f6d7b8a7d4b0e9a1d7f5c2e3b4a60", "A value cannot be held by the other side; it stays where it is and the rest of the contact goes.", "", "") {
        /// The account.
        account: AccountName,
        /// The pair's id.
        pair: String,
        /// The side that cannot hold it.
        side: Side,
        /// The field in words.
        field: String,
        /// Why, without contact data.
        reason: String,
    }

    /// A new contact could belong to several customers, suppliers or leads, and is linked to none.
    ItemUnlinked(INFO, "item.unlinked", "beb5f2dc19a74701bf8829eda1f4dbf5", "A contact could belong to several parties and is linked to none; `history` names them.", "", "") {
        /// The account.
        account: AccountName,
        /// The pair's id.
        pair: String,
    }

    /// A remote sent a record that is none.
    ItemMalformed(WARN, "item.malformed", "9d2b3f0e6c5a4e7f8b1a2c3d4e5f6a7b", "A remote sent a record that cannot be understood; it is left alone and the others go on.", "CD0305", "Open the record on its side and save it again. If that does not help, report the reason that the line names.") {
        /// The account.
        account: AccountName,
        /// The record and what is wrong with it, without contact data.
        reason: String,
    }

    /// The site's user may not read addresses.
    AddressesHidden(WARN, "addresses.hidden", "b0f3a7c2d94e4c1c8f5d6a7e1b2c3d4e", "The site does not show its addresses to the daemon's user; they stay as they are on both sides, everything else goes on.", "CD0307", "Give the daemon's user the right to read, write and create Address (Sales User has it), or set addresses = false for the account. Nothing is deleted meanwhile.") {
        /// The account.
        account: AccountName,
    }

    /// A mapped field is left alone.
    FieldLeftOut(WARN, "field.left_out", "6e1f0a7c9b2d4835a4c7e0d91f3b58a2", "A mapped field cannot be synced and is left alone on both sides; all others are synced.", "CD0310", "Correct the field under `[accounts.NAME.fields]`, or add it to Contact in Dafater; the daemon looks again at a reload, and once a day.") {
        /// The account.
        account: AccountName,
        /// Google's field.
        field: String,
        /// What is wrong with its field in Dafater.
        reason: String,
    }

    /// A remote asked to slow down.
    RemoteThrottled(WARN, "remote.throttled", "3cdc67155bf275479a08d9195f4d0162", "A remote asks to slow down.", "CD0401", "The daemon waits as asked. If it happens all the time, sync less often or raise the quota of the Google Cloud project.") {
        /// The account.
        account: AccountName,
        /// The remote.
        side: Side,
        /// For how long.
        wait: String,
    }

    /// Google's contact storage takes no writes of an account for some hours.
    GoogleExhausted(WARN, "google.exhausted", "5b8d2c5e1a7f4c0f9e6d3b2a1c0f8e7d", "Google takes no writes of the account for now; what changed in Google still arrives.", "CD0404", "Too much was written to this account in a short time, by this program or by others. Nothing is needed: the daemon waits longer each time, some hours at most, and goes on where it stopped.") {
        /// The account.
        account: AccountName,
        /// Refusals in a row.
        strikes: u32,
        /// When it is tried again.
        until: String,
    }

    /// Photos could not be carried.
    PhotosPostponed(WARN, "photos.postponed", "5d17e09ac3b84f62b1f0a86d42e97c35", "Photos could not be carried; the contacts are in sync, and the photos are tried again.", "CD0408", "The reason names what to look at. Each photo waits by itself, longer each time; nothing else waits with it.") {
        /// The account.
        account: AccountName,
        /// Why, of the last that failed.
        reason: String,
    }

    /// Google holds no further contact of the account.
    GoogleFull(WARN, "google.full", "c4e81b5f90d24a7d8e36f1a27b9d5c03", "The Google account is full; contacts wait until there is room.", "CD0407", "An account holds 25,000 contacts, and what lies in its trash counts for 30 days. Delete contacts in Google or empty the trash, then run `dafater-contactsd sync --full`; by themselves the contacts are tried again less and less often, at least once a day. Everything else goes on.") {
        /// The account.
        account: AccountName,
        /// Contacts that wait.
        waiting: usize,
        /// Contacts that an account holds.
        limit: usize,
    }

    /// Google holds few further contacts of the account.
    GoogleNearlyFull(WARN, "google.nearly_full", "7e2d90b4a6c1453f8b5e1c70d9f3a826", "The Google account is nearly full.", "CD0410", "An account holds 25,000 contacts, and what lies in its trash counts for 30 days. Once it is full, contacts from Dafater wait. Delete what nobody needs in Google and empty the trash, or narrow the account's `scope`.") {
        /// The account.
        account: AccountName,
        /// Contacts that it holds, its trash included.
        held: usize,
        /// Contacts for which there is room.
        room: usize,
        /// Contacts that an account holds.
        limit: usize,
    }

    /// A label that the configuration names is not there any more.
    LabelLost(WARN, "label.lost", "3f9a0c5d7e214b86a1d4c7e2509b6f38", "Google has no such label any more, or none that takes contacts; nobody gets it.", "CD0409", "Somebody deleted the label in Google, or it is one of Google's own. It is not made again unasked: make a label of that name in Google and it is used again, or name another one in the configuration.") {
        /// The account.
        account: AccountName,
        /// What the label is for.
        role: String,
        /// Its name in the configuration.
        label: String,
    }

    /// Labels could not be changed.
    LabelsPostponed(WARN, "labels.postponed", "a60d3be8f1c947529e7b20d4583c1fa6", "Labels could not be changed; the contacts are in sync, and the labels are tried again.", "CD0406", "The reason names what to look at. Labels wait, each time longer; nothing else waits with them.") {
        /// The account.
        account: AccountName,
        /// Why.
        reason: String,
    }

    /// A remote cannot be reached.
    RemoteUnreachable(WARN, "remote.unreachable", "bd58377cf585b82611e6a80413aab535", "A remote cannot be reached.", "CD0402", "Check the network, the name resolution and the address in the configuration. The daemon tries again by itself.") {
        /// The account.
        account: AccountName,
        /// The remote.
        side: Side,
        /// Why.
        reason: String,
    }

    /// The site's user may not do something that the sync needs.
    SiteRightMissing(WARN, "site.right_missing", "8055bb4594824edf94919c9f128dd3c8", "The site's user lacks a right, and the sync does less than it could.", "CD0405", "The line names the right and what is degraded without it. `dafater-contactsd doctor` shows all of them; `dafater-contactsd doctor --fix` makes a role with just the rights that are needed, and gives it to the user.") {
        /// The right.
        right: String,
        /// What does not work without it.
        degrades: String,
    }

    /// The site's user has every right again.
    SiteRightsComplete(INFO, "site.rights_complete", "5fa5e21fc9d14ba08cc5a79c811eee6e", "The site's user has every right that the sync needs.", "", "") {
    }

    /// The store was brought to a newer format.
    StoreMigrated(INFO, "store.migrated", "012448175a1350728c5ebe83f3f42cb9", "The store was migrated.", "", "") {
        /// The format before.
        from: u32,
        /// The format now.
        to: u32,
    }

    /// Intents without a receipt were found at start.
    JournalRecovered(INFO, "journal.recovered", "7504b63744521fdc1ebb0919b9f0be5d", "Operations that were cut off are looked up.", "", "") {
        /// The account.
        account: AccountName,
        /// How many.
        intents: usize,
    }

    /// Somebody asked for something over the control socket.
    ControlRequest(INFO, "control.request", "2ee71d48790f7954cdfd51fdd72a58af", "A command came over the control socket.", "", "") {
        /// The command.
        command: &'static str,
        /// The account, if it names one.
        account: Option<AccountName>,
        /// The caller's uid as the kernel tells it.
        uid: u32,
        /// The caller's process.
        pid: Option<i32>,
        /// System Manager or Desk User.
        role: String,
        /// The exit code.
        exit: u8,
    }

    /// A connection was closed without an answer to its request.
    ControlRefused(WARN, "control.refused", "5d0a6cc82c0db56ec51d6e1d8928ff4f", "A connection to the control socket was refused.", "CD0501", "A client sent what is no request, was too slow, or too many clients are connected at once.") {
        /// The caller's uid, if known.
        uid: Option<u32>,
        /// Why.
        reason: String,
    }

    /// The control socket stopped answering.
    ControlStopped(ERROR, "control.stopped", "09e9a70c3db6007913b4ab3db1b8e06e", "The control socket is out of order and is opened again.", "CD0502", "The sync goes on. If the line repeats, check the limits on open files.") {
        /// Why.
        reason: String,
    }

    /// The records of the site made other accounts, or other settings of them.
    DeskFollowed(INFO, "desk.followed", "5c1e0d8f2b7a4c36a9e4d2f8b1c07e53", "The accounts follow the records in Dafater.", "", "") {
        /// What changed.
        changed: String,
        /// Accounts in all.
        accounts: usize,
    }

    /// The records of the site could not be read.
    DeskUnreadable(WARN, "desk.unreadable", "8e2f6a94d1c04b7db35f09c2e7a8164d", "The records of Google Contacts cannot be read; the accounts stay as they were.", "CD0601", "Accounts go on as the records last said. The user of [dafater] api_key needs the role System Manager to see every record; a site that is down or in maintenance is asked again each minute.") {
        /// Why not.
        reason: String,
    }

    /// The site's own integration works on the account, too.
    AccountRefused(ERROR, "account.refused", "b04d7c1e93fa4e2886d51c3f0a9e7b25", "The account is not synced, because the site's own integration works on it too.", "CD0602", "Frappe's own Google Contacts integration inserts duplicates and overwrites what it does not know. The line says what of it is on. `dafater-contactsd doctor --fix` stops it; the account is then synced within a minute.") {
        /// The account.
        account: AccountName,
        /// What is on, and the way out.
        reason: String,
    }

    /// A consent that was given on the site is of no use.
    ConsentNotTakenOver(WARN, "authorization.not_taken_over", "f3a86e5d0c1b4d97a2e8704b9d6c1f3e", "A consent that was given in Dafater cannot be taken over.", "CD0603", "The line says why. Give the consent again with the button on the form of the Google Contacts record, or run `dafater-contactsd authorize ACCOUNT`.") {
        /// The account.
        account: AccountName,
        /// Why not.
        reason: String,
    }

    /// `last_sync_on` was not written.
    LastSyncNotNoted(WARN, "desk.not_noted", "27d90b5ec8f1463a9b7e2d4c6a5f8e10", "The time of the last sync could not be written to its record in Dafater.", "CD0604", "The sync itself succeeded. The site refuses every save of a Google Contacts record while Google Settings are disabled; its user also needs the right to write the record.") {
        /// The account.
        account: AccountName,
        /// Why not.
        reason: String,
    }

    /// Numbers without a country code are compared by their digits.
    RegionNotSet(WARN, "region.not_set", "4d6a0f2e91c84b7fa5302e8d1b9c7f64", "No region is set: phone numbers without a country code are compared by their digits.", "CD0203", "Without `region`, 050 123 4567 and +966 50 123 4567 are two numbers. With the country whose dialling rules apply, they are one. Set it in [defaults], or for single accounts; the line says what the site is set to.") {
        /// The accounts that it concerns.
        accounts: String,
        /// What to set.
        advice: String,
    }

    /// Webhooks of the site are heard.
    WebhookListening(INFO, "webhook.listening", "93b8d1f7046e4c2ab5a7e90c3d62f81b", "The daemon listens for webhooks of the site.", "", "") {
        /// The address.
        address: String,
    }

    /// The port for webhooks cannot be had.
    WebhookUnheard(WARN, "webhook.unheard", "a1f5c37e82d0496bbe149d3a6f7c05e8", "The daemon cannot listen for webhooks of the site.", "CD0701", "Accounts are synced by their schedules as ever; they only do not wake early. Free the port, or set another `listen` in [dafater.webhook] and reload. The port is tried again every half minute.") {
        /// The address.
        address: String,
        /// Why not.
        reason: String,
    }

    /// Somebody sent what is no webhook of the site.
    WebhookRefused(WARN, "webhook.refused", "6e0b94c2d7fa4831a8c5f2019d3e7b4a", "Webhooks without the right signature were refused.", "CD0702", "If they come from the site, the secret of its Webhook documents is not the one in [dafater.webhook]; `dafater-contactsd doctor --fix` makes them. Otherwise somebody else knocks: let only the site reach the port.") {
        /// What is wrong with the last one.
        reason: &'static str,
        /// How many since this was said last.
        count: u64,
    }
}

/// The entry of a code, in any case.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| !entry.code.is_empty() && entry.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_ids_and_codes_are_unique() {
        let names: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let ids: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.message_id).collect();
        assert_eq!((names.len(), ids.len()), (CATALOGUE.len(), CATALOGUE.len()));
        let codes: Vec<_> =
            CATALOGUE.iter().map(|entry| entry.code).filter(|code| !code.is_empty()).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn every_warning_and_error_has_a_code_and_a_remedy_and_nothing_else_has() {
        for entry in CATALOGUE {
            let serious = entry.level <= tracing::Level::WARN;
            assert_eq!(serious, !entry.code.is_empty(), "{}", entry.name);
            assert_eq!(serious, !entry.remedy.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn names_are_dotted_ids_are_128_bits_and_messages_are_sentences() {
        for entry in CATALOGUE {
            let dotted = entry
                .name
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(dotted && entry.name.contains('.'), "{}", entry.name);
            assert_eq!(entry.message_id.len(), 32, "{}", entry.name);
            assert!(entry.message_id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{}", entry.name);
            assert!(entry.message.starts_with(|c: char| c.is_uppercase()), "{}", entry.message);
            assert!(entry.message.ends_with('.'), "{}", entry.message);
        }
    }

    #[test]
    fn a_code_is_found_in_any_case() {
        assert_eq!(explain("cd0202").map(|entry| entry.name), Some("config.reload.refused"));
        assert_eq!(explain(""), None);
    }
}
