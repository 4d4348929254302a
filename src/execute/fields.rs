//! Which of the mapped fields the site really has.
//!
//! API: the site drops what it is sent for a field that it does not have, and says nothing. Such a field is told once and left alone; what
//! it is empty of was never there to be deleted.
//!
//! Law: a field that cannot be seen is nobody's business; the others travel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::observe::{Memory, SiteFacts};
use super::settings::Settings;
use super::{AccountEngine, EngineError};
use crate::contact::{Field, TextField};
use crate::dafater::{SiteClient, SiteField};
use crate::mapping::{Column, Mapping};
use crate::observe::events;

/// A link to more documents than this is not looked at: their names would be read each day.
const MOST_LINKED: u32 = 5000;

/// What the site makes of the mapped fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MappedColumns {
    /// What each can hold, by fieldname.
    pub(super) columns: BTreeMap<String, Column>,
    /// What does not travel, and why.
    pub(super) left_out: BTreeMap<TextField, String>,
    /// Whether the site neither said nor showed what there is: it is asked again in the next cycle.
    pub(super) is_unseen: bool,
    /// Whether the site did not say what each can hold: it is asked again soon.
    pub(super) is_vague: bool,
}

impl AccountEngine {
    /// The settings in force: those that were configured, without the fields that the site does not have.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.in_force.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Learns which of the mapped fields the site has, if that is not known.
    pub(super) async fn learn_fields(&self, memory: &mut Memory, now: Timestamp) -> Result<(), EngineError> {
        let mapping = &self.configured.policy.mapping;
        if !mapping.texts().any(|text| matches!(text, TextField::Mapped(_))) {
            return Ok(());
        }
        let facts = SiteFacts::of(&self.parts.dafater, mapping, memory, now).await?;
        let left_out = &facts.mapped.left_out;
        let mut settings = Settings::clone(&self.configured);
        settings.policy.mapping = mapping.without(|text| left_out.contains_key(text));
        for (text, reason) in left_out {
            if memory.told.get(text) != Some(reason) {
                let (account, field) =
                    (self.state().account().clone(), Field::Text(text.clone()).to_string());
                events::FieldLeftOut { account, field, reason: reason.clone() }.emit();
            }
        }
        memory.told.clone_from(left_out);
        let mut in_force = self.in_force.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if **in_force != settings {
            let mapping = &settings.policy.mapping;
            self.parts.dafater.read_also(mapping.columns(), mapped(mapping).map(|(_, column)| column));
            *in_force = Arc::new(settings);
        }
        Ok(())
    }
}

impl MappedColumns {
    /// Asks the site about the mapped fields.
    pub(super) async fn read(site: &SiteClient, mapping: &Mapping) -> Result<Self, EngineError> {
        let mut found = Self::default();
        let texts: Vec<(&TextField, &str)> = mapped(mapping).collect();
        if texts.is_empty() {
            return Ok(found);
        }
        let known = site.contact_fields().await?;
        let shown = site.shown_fields().await?;
        found.is_unseen = known.is_none() && shown.is_none();
        found.is_vague = known.is_none();
        for (text, name) in texts {
            match column(site, known.as_ref(), shown.as_ref(), name).await? {
                Ok(column) => drop(found.columns.insert(name.to_owned(), column)),
                Err(reason) => drop(found.left_out.insert(text.clone(), reason)),
            }
        }
        Ok(found)
    }
}

/// What an operator mapped, with its fields in Dafater.
fn mapped(mapping: &Mapping) -> impl Iterator<Item = (&TextField, &str)> {
    mapping.texts().filter_map(|text| {
        let TextField::Mapped(field) = text else { return None };
        Some((text, field.dafater()))
    })
}

/// What the field can hold, or why it is left out.
async fn column(
    site: &SiteClient,
    known: Option<&BTreeMap<String, SiteField>>,
    shown: Option<&BTreeSet<String>>,
    name: &str,
) -> Result<Result<Column, String>, EngineError> {
    let field = match known {
        // What the fields are the site would not say; whether it is there, the rows tell.
        None => {
            return Ok(match shown {
                Some(shown) if shown.contains(name) => Ok(Column::Line),
                Some(_) => Err(format!(
                    "Contact in Dafater has no field `{name}`, or the daemon's user may not see it"
                )),
                None => Err(format!(
                    "whether Contact in Dafater has a field `{name}` cannot be seen while it shows no contact"
                )),
            });
        }
        Some(known) => {
            let Some(field) = known.get(name) else {
                let near = nearest(name, known.keys().map(String::as_str));
                let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Ok(Err(format!("Contact in Dafater has no field `{name}`{meant}")));
            };
            field
        }
    };
    if shown.is_some_and(|shown| !shown.contains(name)) {
        return Ok(Err(format!("the role of the daemon's user hides the field `{name}`")));
    }
    Ok(Ok(match (field.kind.as_str(), field.options.as_str()) {
        ("Data", "Email") => Column::Email,
        ("Data", "Phone") => Column::Phone,
        ("Data", "URL") => Column::Url,
        ("Data" | "Autocomplete" | "Read Only", _) => Column::Line,
        ("Small Text" | "Text" | "Long Text", _) => Column::Text,
        ("Date", _) => Column::Date,
        ("Select", options) => {
            Column::Select(options.lines().map(|option| option.trim().to_owned()).collect())
        }
        ("Link", doctype) => Column::Link(site.linked_names(doctype, MOST_LINKED).await?),
        (kind, _) => {
            let kinds = "Data, Small Text, Text, Long Text, Date, Select and Link";
            return Ok(Err(format!(
                "`{name}` is a field of type {kind}; fields of these types can be synced: {kinds}"
            )));
        }
    }))
}

/// The fieldname that a misspelt one was meant to be.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |name: &str| name.trim_start_matches("custom_").to_owned();
    known
        .map(|known| (strsim::damerau_levenshtein(&bare(name), &bare(known)), known))
        .filter(|(distance, _)| *distance <= name.len() / 3)
        .min()
        .map(|(_, known)| known)
}
