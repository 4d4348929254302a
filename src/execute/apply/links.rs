//! Finds the parties that contacts from Google belong to, for all of a run at once, before anything is written to the site.

use std::collections::{BTreeMap, BTreeSet};

use super::Executor;
use super::receipt::Work;
use crate::contact::Contact;
use crate::execute::EngineError;
use crate::mapping::Link;
use crate::sync::{Action, PairId, Side, Step, choose};

/// What each contact is linked to, and what it could have been linked to if it were not several.
#[derive(Debug, Default)]
pub(super) struct Linking {
    pub(super) links: BTreeMap<PairId, Vec<Link>>,
    /// Why a contact is not linked, as a clause.
    pub(super) doubts: BTreeMap<PairId, String>,
}

impl Executor<'_> {
    /// The links of the contacts that this run creates on the site, or pairs for the first time.
    pub(super) async fn linking(&self, works: &[Work<'_>]) -> Result<Linking, EngineError> {
        let rules = &self.settings.links;
        let mut linking = Linking::default();
        if !rules.is_on() || self.undoes.is_some() {
            return Ok(linking);
        }
        let mapping = &self.settings.policy.mapping;
        let linked: Vec<(&Step, Contact)> = works
            .iter()
            .map(|work| work.step)
            .filter(|step| is_linked(step) && !self.images.contains_key(&(step.pair.clone(), Side::Dafater)))
            .filter_map(|step| Some((step, step.google.as_ref()?.contact(mapping))))
            .collect();
        let names: BTreeSet<String> =
            linked.iter().filter_map(|(_, contact)| rules.organisation(contact)).collect();
        let domains: BTreeSet<String> =
            linked.iter().flat_map(|(_, contact)| rules.domains(contact)).collect();
        let (names, domains): (Vec<_>, Vec<_>) = (names.into_iter().collect(), domains.into_iter().collect());
        let of_domains = self.parts.dafater.parties_of_domains(&rules.doctypes, &domains).await?;
        for doctype in &rules.doctypes {
            let called = self.parts.dafater.parties_called(doctype, &names).await?;
            let of_domains = of_domains.get(doctype);
            for (step, contact) in &linked {
                let by_name = rules.organisation(contact).and_then(|name| called.get(&name));
                let by_domain = rules
                    .domains(contact)
                    .into_iter()
                    .filter_map(|domain| of_domains?.get(&domain))
                    .flatten();
                let candidates = by_name.into_iter().flatten().chain(by_domain).cloned().collect();
                match choose(candidates) {
                    Ok(None) => {}
                    Ok(Some(name)) => {
                        let link = Link { doctype: doctype.clone(), name };
                        linking.links.entry(step.pair.clone()).or_default().push(link);
                    }
                    Err(candidates) => {
                        let doubt = format!("several of {doctype} fit: {}", candidates.join(", "));
                        let doubts = linking.doubts.entry(step.pair.clone()).or_default();
                        *doubts = if doubts.is_empty() { doubt } else { format!("{doubts}; {doubt}") };
                    }
                }
            }
        }
        Ok(linking)
    }
}

/// Whether the step may be linked: made from Google, or paired for the first time and linked to nobody yet.
fn is_linked(step: &Step) -> bool {
    match &step.action {
        Action::Create { side, .. } => *side == Side::Dafater && step.before.is_none(),
        Action::Merge(_) => {
            step.links() && step.dafater.as_ref().is_some_and(|document| document.links.is_empty())
        }
        Action::Delete { .. } | Action::Detach { .. } | Action::Leave | Action::Forget | Action::Postpone => {
            false
        }
    }
}
