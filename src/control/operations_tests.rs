//! Commands, as System Manager and as Desk User.

use tokio_util::sync::CancellationToken;

use super::*;
use crate::daemon::testing::{FakeFactory, Script, failed, ok, settings_with, surroundings};
use crate::execute::RunReport;

struct World {
    operations: Operations,
    factory: Arc<FakeFactory>,
    roster: watch::Sender<Arc<Roster>>,
}

impl World {
    /// Sales belongs to layla, support to omar.
    fn new(factory: FakeFactory) -> Self {
        let settings = settings_with(&["sales", "support"], &["accounts.support.owner=omar"]);
        let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
        let factory = Arc::new(factory);
        let roster =
            Roster::open(settings, factory.as_ref(), &surroundings, &CancellationToken::new(), None).unwrap();
        let (sender, roster) = watch::channel(Arc::new(roster));
        let operations = Operations {
            roster,
            factory: Arc::clone(&factory) as _,
            surroundings,
            cycles: TaskTracker::new(),
            reloads: None,
            started: clock.time(),
        };
        Self { operations, factory, roster: sender }
    }

    async fn ask(&self, role: &Role, request: Request) -> (Vec<serde_json::Value>, Result<Exit, Failure>) {
        let (replies, mut arriving) = Replies::channel();
        let collect = async {
            let mut items = Vec::new();
            while let Some(reply) = arriving.recv().await {
                if let Reply::Item { item } = reply {
                    items.push(item);
                }
            }
            items
        };
        let perform = async move { self.operations.perform(role, request, &replies).await };
        let (result, items) = tokio::join!(perform, collect);
        (items, result)
    }

    async fn accounts_of(&self, role: &Role, request: Request) -> Vec<String> {
        let (items, result) = self.ask(role, request).await;
        result.unwrap();
        items.iter().map(|item| item["account"].as_str().unwrap().to_owned()).collect()
    }
}

fn layla() -> Role {
    Role::DeskUser { uid: 1000, name: Some("layla".to_owned()) }
}

fn sync(accounts: &[&str]) -> Request {
    let accounts = accounts.iter().map(|name| name.parse().unwrap()).collect();
    Request::Sync { accounts, dry_run: false, full: false }
}

#[tokio::test]
async fn a_system_manager_sees_all_accounts_and_a_desk_user_his_own() {
    let world = World::new(FakeFactory::default());
    for request in [
        Request::Status { accounts: vec![] },
        Request::Accounts {},
        Request::Conflicts { account: None, id: None },
    ] {
        assert_eq!(world.accounts_of(&Role::SystemManager, request.clone()).await, ["sales", "support"]);
        assert_eq!(world.accounts_of(&layla(), request).await, ["sales"]);
    }
}

#[tokio::test]
async fn a_desk_user_syncs_his_own_account_and_no_other() {
    let world = World::new(FakeFactory::default());
    assert_eq!(world.accounts_of(&layla(), sync(&[])).await, ["sales"]);
    assert_eq!((world.factory.engine("sales").runs(), world.factory.engine("support").runs()), (1, 0));
}

#[tokio::test]
async fn an_account_of_somebody_else_is_missing_in_the_same_words_as_one_that_is_not_there() {
    let world = World::new(FakeFactory::default());
    let refusal = async |name: &str| {
        let (items, result) = world.ask(&layla(), Request::Plan { account: name.parse().unwrap() }).await;
        assert!(items.is_empty());
        result.unwrap_err().render().replace(name, "NAME")
    };
    assert_eq!(refusal("support").await, refusal("nothing").await);
    assert_eq!(refusal("suport").await, refusal("nothing").await);
    let (_, result) =
        world.ask(&layla(), Request::Resolve { id: "support-1".to_owned(), side: Side::Google }).await;
    assert_eq!(result.unwrap_err().exit, Exit::Usage);
}

#[tokio::test]
async fn a_misspelt_account_is_answered_with_the_nearest_one() {
    let world = World::new(FakeFactory::default());
    let (_, result) = world.ask(&Role::SystemManager, sync(&["saels"])).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert_eq!(failure.hint.as_deref(), Some("did you mean `sales`?"));
}

#[tokio::test]
async fn what_concerns_all_is_for_system_managers() {
    let world = World::new(FakeFactory::default());
    for request in [Request::Reload {}, Request::StoreExport {}, Request::StoreVerify {}] {
        let (items, result) = world.ask(&layla(), request).await;
        assert!(items.is_empty());
        assert_eq!(result.unwrap_err().exit, Exit::Unauthorized);
    }
    let (items, result) = world.ask(&Role::SystemManager, Request::StoreExport {}).await;
    assert_eq!((items.len(), result), (2, Ok(Exit::Ok)));
}

#[tokio::test]
async fn of_several_accounts_the_worst_decides_and_each_has_its_line() {
    let revoked = RunReport { cause: Some(Cause::Unauthorized), ..failed("support") };
    let factory = FakeFactory::default()
        .script("sales", [Script::Report(failed("sales"))])
        .script("support", [Script::Report(revoked)]);
    let (items, result) = World::new(factory).ask(&Role::SystemManager, sync(&[])).await;
    assert_eq!((items.len(), result), (2, Ok(Exit::Unauthorized)));
}

#[tokio::test]
async fn a_defect_in_one_account_is_a_report_and_spares_the_other() {
    let factory = FakeFactory::default().script("sales", [Script::Panic]);
    let (mut items, result) = World::new(factory).ask(&Role::SystemManager, sync(&[])).await;
    items.sort_by_key(|item| item["account"].to_string());
    assert_eq!(result, Ok(Exit::Internal));
    assert_eq!(items[0]["cause"], "internal");
    assert_eq!((&items[0]["outcome"], &items[1]["outcome"]), (&"failed".into(), &"ok".into()));
}

#[tokio::test]
async fn a_cycle_goes_on_when_whoever_asked_for_it_is_gone() {
    let factory = FakeFactory::default().script("sales", [Script::Held(ok("sales"))]);
    let world = World::new(factory);
    let (replies, arriving) = Replies::channel();
    drop(arriving);
    let asked = world.operations.perform(&Role::SystemManager, sync(&["sales"]), &replies);
    tokio::time::timeout(std::time::Duration::from_millis(5), asked).await.unwrap_err();
    world.factory.engine("sales").let_go.notify_one();
    world.operations.cycles.close();
    world.operations.cycles.wait().await;
    let roster = world.operations.roster.borrow();
    assert!(roster.accounts[&"sales".parse().unwrap()].standing().last.is_some());
}

#[tokio::test]
async fn a_reload_without_a_daemon_says_so() {
    let world = World::new(FakeFactory::default());
    let (_, result) = world.ask(&Role::SystemManager, Request::Reload {}).await;
    assert_eq!(result.unwrap_err().exit, Exit::Unavailable);
}

#[tokio::test]
async fn a_refused_refresh_token_is_not_authorised() {
    let world = World::new(FakeFactory::default());
    let adopt = |token: &str| Request::AuthorizeAdopt {
        account: "sales".parse().unwrap(),
        refresh_token: SecretString::from(token.to_owned()),
    };
    let (_, result) = world.ask(&layla(), adopt("bad")).await;
    assert_eq!(result.unwrap_err().exit, Exit::Unauthorized);
    let (items, result) = world.ask(&layla(), adopt("good")).await;
    assert_eq!(result, Ok(Exit::Ok));
    assert_eq!(items[0]["consented_as"], "sales@example.com");
}

#[tokio::test]
async fn a_consent_flow_gives_its_address_before_it_waits() {
    let world = World::new(FakeFactory::default());
    let account: AccountName = "sales".parse().unwrap();
    let (items, _) =
        world.ask(&layla(), Request::Authorize { account: account.clone(), paste: true, port: 0 }).await;
    assert_eq!(items.len(), 1);
    let (items, _) = world.ask(&layla(), Request::Authorize { account, paste: false, port: 4242 }).await;
    assert!(items[0]["url"].as_str().unwrap().starts_with("https://"));
    assert_eq!(items[1]["consented_as"], "sales@example.com");
}

#[tokio::test]
async fn the_refused_configuration_is_shown_to_system_managers_only() {
    let mut world = World::new(FakeFactory::default());
    let failure = Failure::new(Exit::Configuration, "refused").cause("unknown key `x`");
    let refusing = world.operations.roster.borrow().refusing(failure);
    let (sender, roster) = watch::channel(Arc::new(refusing));
    (world.operations.roster, world.roster) = (roster, sender);
    let (items, _) = world.ask(&Role::SystemManager, Request::Daemon {}).await;
    assert_eq!(items[0]["refused"][0]["message"], "unknown key `x`");
    let (items, _) = world.ask(&layla(), Request::Daemon {}).await;
    assert!(items[0].get("refused").is_none());
}
