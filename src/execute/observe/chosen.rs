//! Looks at chosen pairs and records as they are now, whatever the cursors say.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::identity::Gathered;
use super::{Memory, Observer};
use crate::dafater::Lookup as SiteLookup;
use crate::execute::EngineError;
use crate::google::Lookup as PeopleLookup;
use crate::mapping::{Document, DocumentName, Person, SourceId};
use crate::sync::{Alone, Decisions, Pair, PairView, RecordId, Sighting, Snapshot};

impl Observer<'_> {
    /// A snapshot of `pairs` and of those of `records` that stand alone.
    pub(in crate::execute) async fn look_at(
        &self,
        pairs: Vec<Pair>,
        records: BTreeSet<RecordId>,
        memory: &mut Memory,
    ) -> Result<Snapshot, EngineError> {
        let state = &self.parts.state;
        let site = self.site_facts(memory).await?;
        let mut gathered = Gathered::default();
        for pair in pairs {
            gathered.half(pair);
        }
        self.fetch_google(&mut gathered, false).await?;
        self.fetch_dafater(&mut gathered, &Vec::new(), true).await?;
        self.confirm_addresses(&mut gathered, &[]).await?;
        let (mut sources, mut names) = (BTreeSet::new(), BTreeSet::new());
        for record in records {
            match record {
                RecordId::Google(source) => drop(sources.insert(source)),
                RecordId::Dafater(name) => drop(names.insert(name)),
            }
        }
        let google = self.people_alone(&sources).await?;
        let dafater = self.documents_alone(&names).await?;
        let pairs = std::mem::take(&mut gathered.pairs).into_values().map(|half| PairView {
            pair: half.pair,
            is_moved: half.is_moved,
            google: half.google.unwrap_or(Sighting::Unseen),
            dafater: half.dafater.unwrap_or(Sighting::Unseen),
        });
        Ok(Snapshot {
            account: state.account().clone(),
            site: self.settings.site.clone(),
            site_rules: Arc::clone(&site.rules),
            zone: site.zone.clone(),
            total_pairs: state.pair_count(),
            pairs: pairs.collect(),
            due: BTreeSet::new(),
            google,
            dafater,
            paired: Vec::new(),
            in_doubt: BTreeSet::new(),
            begun: BTreeSet::new(),
            promises: std::collections::BTreeMap::new(),
            left_over: BTreeSet::new(),
            bereft: std::collections::BTreeMap::new(),
            veiled: BTreeSet::new(),
            missed: Vec::new(),
            leaving: BTreeSet::new(),
            left: Vec::new(),
            parted: Vec::new(),
            taken: BTreeSet::new(),
            decisions: Decisions::default(),
        })
    }

    /// Documents in no pair that are new to this account: somebody may have entered, or put back, who is gone by our memory.
    pub(in crate::execute) async fn newcomers(&self) -> Result<Vec<Alone<Document>>, EngineError> {
        let cursor = self.parts.state.cursors()?.dafater;
        let Some(modified) = cursor.and_then(|cursor| cursor.modified) else { return Ok(Vec::new()) };
        let mut alone = Vec::new();
        for record in self.read_since(&modified).await? {
            if self.pair_of(&record)?.is_none() {
                let before = self.loose_document(&record)?;
                alone.push(Alone { record, before, is_in_scope: true, is_waiting: false, successor: None });
            }
        }
        Ok(alone)
    }

    async fn people_alone(&self, sources: &BTreeSet<SourceId>) -> Result<Vec<Alone<Person>>, EngineError> {
        let mut resources = Vec::new();
        for source in sources {
            resources.extend(self.resource_of(source)?);
        }
        let mut alone = Vec::new();
        for (_, lookup) in self.look_up_people(&resources).await? {
            if let PeopleLookup::Found(record) = lookup
                && !record.deleted
                && self.parts.state.pair_of_google(&record.source_id)?.is_none()
            {
                let before = self.parts.state.loose(&RecordId::Google(record.source_id.clone()))?;
                alone.push(Alone { record, before, is_in_scope: true, is_waiting: false, successor: None });
            }
        }
        Ok(alone)
    }

    async fn documents_alone(
        &self,
        names: &BTreeSet<DocumentName>,
    ) -> Result<Vec<Alone<Document>>, EngineError> {
        let mut alone = Vec::new();
        for lookup in self.look_up_alone(names).await? {
            if let SiteLookup::Found(record) = lookup
                && self.pair_of(&record)?.is_none()
            {
                let before = self.loose_document(&record)?;
                alone.push(Alone { record, before, is_in_scope: true, is_waiting: false, successor: None });
            }
        }
        Ok(alone)
    }
}
