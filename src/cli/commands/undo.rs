//! `undo`: puts back what a run changed.

use clap::Args;

use super::plan::step;
use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::words::writes;
use crate::control::Request;
use crate::execute::UndoView;
use crate::sync::AccountName;

/// Put back what a run changed, as a run of its own
///
/// Old values come back where the run's values still stand, on both sides; what the run created is deleted, what it deleted is
/// created anew, and a pair that it made is taken apart. What anybody changed since is left alone and listed. An undo that would
/// delete more than its limit is held until `approve`.
#[derive(Debug, Args)]
pub struct Undo {
    /// The run, as `sync --json` and `history` show it
    run: String,
    /// The account, where several had a run of that name
    #[arg(long)]
    account: Option<AccountName>,
    /// Only contacts whose name or id contains this text
    #[arg(long, value_name = "NAME")]
    contact: Option<String>,
    /// Show what would be put back, write nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Undo {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let Self { run, account, contact, dry_run, json } = self;
        let request = Request::Undo { run, account, contact, dry_run };
        context.show(request, json, |context, views: Vec<UndoView>| {
            for view in views {
                let text = text(&view, dry_run);
                context.console.text(&text);
            }
        })
    }
}

fn text(view: &UndoView, dry_run: bool) -> String {
    let mut lines: Vec<String> = view.steps.iter().flat_map(step).collect();
    lines.extend(view.left.iter().map(|left| {
        let side = left.side.map(|side| format!(" in {side}")).unwrap_or_default();
        let field = left.field.as_ref().map(|field| format!(", {field}")).unwrap_or_default();
        format!("left alone{side}: {}{field} ({})", left.title, left.reason)
    }));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let done = match writes(view.google, view.dafater).as_slice() {
        [] if view.run.is_none() => "nothing to put back".to_owned(),
        [] => "nothing had to be written".to_owned(),
        writes => writes.join("; "),
    };
    let (account, undoes) = (&view.account, &view.undoes);
    lines.push(match (&view.held, &view.run) {
        (Some(reason), _) if dry_run => format!("{account}: undoing run {undoes} would be held: {reason}"),
        (Some(reason), _) => format!(
            "{account}: undoing run {undoes} is held: {reason}\n\
             `dafater-contactsd approve {account}` lets the next sync do it, `discard` drops it"
        ),
        (None, Some(run)) => format!("{account}: run {undoes} was undone by run {run}: {done}"),
        (None, None) if dry_run => format!("{account}: undoing run {undoes} would write: {done}"),
        (None, None) => format!("{account}: run {undoes}: {done}"),
    });
    lines.extend(view.error.iter().map(|error| {
        format!("{account}: ended early: {error}; what is done is done, the same command goes on")
    }));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::{Counts, LeftView};
    use crate::sync::Side;

    #[test]
    fn what_is_left_alone_is_said_before_what_was_done() {
        let mut view = UndoView {
            account: "sales".parse().unwrap(),
            undoes: "20260101T000000000000Z".to_owned(),
            run: Some("20260102T000000000000Z".to_owned()),
            held: None,
            google: Counts::default(),
            dafater: Counts { updated: 2, ..Counts::default() },
            steps: Vec::new(),
            left: vec![LeftView {
                title: "Ada".to_owned(),
                side: Some(Side::Dafater),
                field: Some("phones".to_owned()),
                reason: "changed since, left alone".to_owned(),
            }],
            error: None,
        };
        insta::assert_snapshot!(text(&view, false), @r"
        left alone in dafater: Ada, phones (changed since, left alone)

        sales: run 20260101T000000000000Z was undone by run 20260102T000000000000Z: dafater: 2 updated
        ");
        view.run = None;
        view.held = Some("it would delete 3 of 4 contacts".to_owned());
        insta::assert_snapshot!(text(&view, false), @r"
        left alone in dafater: Ada, phones (changed since, left alone)

        sales: undoing run 20260101T000000000000Z is held: it would delete 3 of 4 contacts
        `dafater-contactsd approve sales` lets the next sync do it, `discard` drops it
        ");
    }
}
