//! `authorize`: gives an account access to Google Contacts.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::route::Route;
use crate::cli::{Console, Done};
use crate::control::{Exit, Failure, Request};
use crate::sync::AccountName;

/// Give an account access to Google Contacts
#[derive(Debug, Args)]
pub struct Authorize {
    /// The account
    account: AccountName,
    /// The browser runs on another machine: paste the address that it ends up at
    #[arg(long)]
    paste: bool,
    /// The port of this machine to which the browser comes back; a free one when it is not given
    #[arg(long, value_name = "PORT", conflicts_with = "paste")]
    port: Option<u16>,
    /// Store a refresh token that was obtained elsewhere, after proving it; `-` reads it from stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paste", "port"])]
    refresh_token_file: Option<PathBuf>,
}

impl Authorize {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let account = self.account;
        if let Some(file) = &self.refresh_token_file {
            let refresh_token = read_token(&mut context.console, file)?;
            return context.ask(Request::AuthorizeAdopt { account, refresh_token }, &mut tell);
        }
        if !self.paste {
            return context
                .ask(Request::Authorize { account, paste: false, port: self.port.unwrap_or(0) }, &mut tell);
        }
        context.within_runtime(async move |context| {
            // One route: whoever began the flow must end it.
            let mut route = Route::find(context).await?;
            let begin = Request::Authorize { account: account.clone(), paste: true, port: 0 };
            let result = match context.ask_on(&mut route, begin, &mut tell).await {
                Ok(_) => match paste(&mut context.console) {
                    Ok(answer) => {
                        let finish = Request::AuthorizeFinish { account, answer };
                        context.ask_on(&mut route, finish, &mut tell).await
                    }
                    Err(failure) => Err(failure),
                },
                Err(failure) => Err(failure),
            };
            route.close().await;
            result
        })
    }
}

/// An address to open, or whose contacts are synced from now on.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader of parts")]
#[expect(clippy::needless_pass_by_value, reason = "the shape of every reader of parts")]
fn tell(console: &mut Console, item: Value) -> Result<(), Failure> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    if let Some(url) = text("url") {
        console
            .note("Open this address in a browser, choose the account and allow access to its contacts:\n");
        console.line(url);
        if let Some(port) = item.get("port").and_then(Value::as_u64) {
            console.note(format!(
                "\nThe browser comes back to port {port} of this machine. If it runs on another one, lead the port there first:\n\n    \
                 ssh -L {port}:127.0.0.1:{port} THIS-MACHINE\n\nor use `dafater-contactsd authorize {} --paste`.",
                text("account").unwrap_or("ACCOUNT")
            ));
        }
        console.note("");
    } else {
        let account = text("account").unwrap_or_default();
        match text("consented_as") {
            Some(address) => console.line(format!("{account} is authorized as {address}")),
            None => console.line(format!("{account} is authorized")),
        }
    }
    Ok(())
}

fn paste(console: &mut Console) -> Result<SecretString, Failure> {
    let question = "When the browser has come to an address that begins with http://127.0.0.1, copy that address \
                    (the page itself may not load) and paste it here:\n> ";
    let answer = console
        .ask(question)
        .map_err(|error| Failure::new(Exit::Usage, "the address cannot be read").cause(error.to_string()))?;
    if answer.is_empty() {
        return Err(Failure::new(Exit::Usage, "no address was pasted"));
    }
    Ok(SecretString::from(answer))
}

fn read_token(console: &mut Console, file: &Path) -> Result<SecretString, Failure> {
    let cannot = |reason: String| {
        Failure::new(Exit::Usage, format!("the refresh token cannot be read from {}", file.display()))
            .cause(reason)
    };
    let text = if file == Path::new("-") {
        std::io::read_to_string(console.input())
    } else {
        std::fs::read_to_string(file)
    };
    let text = zeroize::Zeroizing::new(text.map_err(|error| cannot(error.to_string()))?);
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(cannot("it must hold the token and nothing else".to_owned()));
    }
    Ok(SecretString::from(token.to_owned()))
}
