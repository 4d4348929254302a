//! Each account: whether Google lets it in. Whoever holds the tokens asks: the daemon, or this process with the store open.

use super::Check;
use crate::cli::context::{Context, read};
use crate::cli::route::Route;
use crate::control::{Failure, ProbeView, Reply, Request};

/// A line for each account, and for the store if this process opens it.
pub(super) async fn accounts(context: &Context, is_up: bool, checks: &mut Vec<Check>) {
    let mut route = match Route::find(context).await {
        Ok(route) => route,
        Err(failure) => return checks.push(Check::fail(if is_up { "accounts" } else { "store" }, &failure)),
    };
    if !is_up {
        let mut lines = Vec::new();
        let verified = ask(&mut route, Request::StoreVerify {}, &mut |item| {
            lines.push(item.as_str().unwrap_or_default().to_owned());
            Ok(())
        })
        .await;
        checks.push(match verified {
            Ok(()) => Check::ok("store", lines.join("; ")),
            Err(failure) => Check::fail("store", &failure),
        });
    }
    let mut views = Vec::new();
    let probed = ask(&mut route, Request::Probe {}, &mut |item| {
        views.push(read::<ProbeView>(item)?);
        Ok(())
    })
    .await;
    if let Err(failure) = probed {
        checks.push(Check::fail("accounts", &failure));
    }
    route.close().await;
    checks.extend(views.iter().flat_map(judge));
}

async fn ask(
    route: &mut Route,
    request: Request,
    part: &mut (dyn FnMut(serde_json::Value) -> Result<(), Failure> + Send),
) -> Result<(), Failure> {
    let mut trouble = Ok(());
    route
        .call(request, &mut |reply| {
            if let Reply::Item { item } = reply
                && let Err(failure) = part(item)
            {
                trouble = Err(failure);
            }
        })
        .await?;
    trouble
}

fn judge(view: &ProbeView) -> Vec<Check> {
    let check = format!("account {}", view.account);
    let first = match (&view.failure, view.enable, view.authorized) {
        (_, false, _) => Check::ok(check.clone(), "switched off by `enable = false`"),
        (_, true, false) => {
            let failure = Failure::new(
                crate::control::Exit::Unauthorized,
                "it is not authorized: Google lets nobody in for it",
            )
            .hint(format!("dafater-contactsd authorize {}", view.account));
            Check::fail(check.clone(), &failure)
        }
        (Some(failure), true, true) => Check::fail(check.clone(), failure),
        (None, true, true) => {
            let who = view.consented_as.as_deref().map(|who| format!(" as {who}")).unwrap_or_default();
            Check::ok(check.clone(), format!("Google lets it in{who}"))
        }
    };
    let warning = view.warning.as_ref().map(|warning| Check::warn(check, warning.clone()));
    std::iter::once(first).chain(warning).collect()
}
