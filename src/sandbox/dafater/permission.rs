//! The permission checks of a request, and what they say.

use std::sync::Arc;

use super::Site;
use super::access::{Action, Reach};
use super::document::Doc;
use super::refusal::Refusal;
use super::schema::{DocType, Kind};
use super::switches::Maintenance;

impl Site {
    pub(super) fn schema(&self, doctype: &str) -> Result<Arc<DocType>, Refusal> {
        self.schemas.get(doctype).cloned().ok_or_else(|| Refusal::missing("DocType", doctype))
    }

    /// Refuses what the session's user may not do.
    pub(super) fn permit(&self, action: Action, schema: &DocType, doc: Option<&Doc>) -> Result<(), Refusal> {
        if action != Action::Read
            && self.session.over_http
            && self.switches.maintenance == Maintenance::ReadOnly
        {
            return Err(Refusal::read_only());
        }
        let Some(reason) = self.denial(action, schema, doc) else { return Ok(()) };
        let summary = match action {
            Action::Create => Some("create"),
            Action::Write => Some("write"),
            Action::Read | Action::Delete => None,
        };
        let summary = summary
            .map(|verb| format!("Insufficient Permission for {} (<strong>{verb}</strong>)", schema.name));
        Err(Refusal::forbidden_because(reason, summary))
    }

    /// Why the session's user may not do `action`; `None` when he may.
    pub(super) fn denial(&self, action: Action, schema: &DocType, doc: Option<&Doc>) -> Option<String> {
        let user = &self.session.user;
        let place = doc.map_or_else(String::new, |doc| format!(": {} - {}", schema.name, doc.name));
        let no_access =
            || format!("User <strong>{user}</strong> does not have access to this document{place}");
        match (self.access.reach(user, schema.name, action), doc) {
            (Reach::Nothing, _) => Some(format!(
                "User <strong>{user}</strong> does not have doctype access via role permission for document <strong>{}</strong><br>{}",
                schema.name,
                no_access()
            )),
            (Reach::Own, Some(doc)) if doc.owner != *user => Some(no_access()),
            (_, Some(doc)) => {
                self.restriction(schema, doc).map(|restriction| format!("{restriction}<br>{}", no_access()))
            }
            (_, None) => None,
        }
    }

    /// Whether a list may show `doc`, given how far the user may read.
    pub(super) fn is_listed(&self, reach: Reach, schema: &DocType, doc: &Doc) -> bool {
        match reach {
            Reach::Nothing => return false,
            Reach::Own if doc.owner != self.session.user => return false,
            Reach::Own | Reach::All => {}
        }
        self.restriction(schema, doc).is_none()
    }

    fn restriction(&self, schema: &DocType, doc: &Doc) -> Option<String> {
        let links = schema.columns().filter_map(|field| {
            let Kind::Link(target) = field.kind else { return None };
            Some((field.name.as_str(), field.label.as_str(), target))
        });
        self.access.restriction(&self.session.user, doc, links)
    }
}
