//! The database: one table a DocType, indexed by name and by (`modified`, name), with transactions.
//!
//! Law: a transaction is applied whole or not at all. One that commits late is invisible to every reader until its time, although
//! its rows carry the stamps of when they were written; whoever writes the same row meanwhile waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::collation::Key;
use super::document::Doc;
use super::stamp::Stamp;

/// One DocType's documents.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_name: BTreeMap<Key, Arc<Doc>>,
    by_modified: BTreeMap<(Stamp, Key), Arc<Doc>>,
    /// Per unique field: its value, and the name of who has it.
    unique: BTreeMap<String, BTreeMap<Key, Key>>,
}

impl Table {
    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Doc>> {
        self.by_name.get(key)
    }

    pub(super) fn by_name(&self) -> impl Iterator<Item = &Arc<Doc>> {
        self.by_name.values()
    }

    /// Documents in the order of (`modified`, name), from `since` on.
    pub(super) fn by_modified(&self, since: Stamp) -> impl DoubleEndedIterator<Item = &Arc<Doc>> {
        self.by_modified.range((since, Key::of(""))..).map(|(_, doc)| doc)
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Documents whose name begins like `prefix`.
    pub(super) fn beginning_with<'a>(&'a self, prefix: &Key) -> impl Iterator<Item = &'a Arc<Doc>> {
        let prefix = prefix.clone();
        self.by_name
            .range(prefix.clone()..)
            .take_while(move |(key, _)| key.begins_with(&prefix))
            .map(|(_, doc)| doc)
    }

    /// Who has `value` in the unique field `field`.
    pub(super) fn holder(&self, field: &str, value: &Key) -> Option<&Arc<Doc>> {
        self.by_name.get(self.unique.get(field)?.get(value)?)
    }

    pub(super) fn is_unique(&self, field: &str) -> bool {
        self.unique.contains_key(field)
    }

    /// Keeps an index of `field`, whose values are unique but for blank ones.
    fn watch(&mut self, field: &str) {
        let values =
            self.by_name.values().filter_map(|doc| Some((unique_value(doc, field)?, doc.key.clone())));
        self.unique.insert(field.to_owned(), values.collect());
    }

    fn replace(&mut self, before: Option<&Arc<Doc>>, after: Option<&Arc<Doc>>) {
        if let Some(doc) = before {
            self.by_name.remove(&doc.key);
            self.by_modified.remove(&(doc.modified, doc.key.clone()));
            for (field, holders) in &mut self.unique {
                if let Some(value) = unique_value(doc, field) {
                    holders.remove(&value);
                }
            }
        }
        if let Some(doc) = after {
            self.by_name.insert(doc.key.clone(), Arc::clone(doc));
            self.by_modified.insert((doc.modified, doc.key.clone()), Arc::clone(doc));
            for (field, holders) in &mut self.unique {
                if let Some(value) = unique_value(doc, field) {
                    holders.insert(value, doc.key.clone());
                }
            }
        }
    }
}

fn unique_value(doc: &Doc, field: &str) -> Option<Key> {
    let value = doc.text(field);
    (!value.is_empty()).then(|| Key::of(value))
}

#[derive(Debug)]
struct Change {
    doctype: String,
    before: Option<Arc<Doc>>,
    after: Option<Arc<Doc>>,
}

/// A transaction that was answered for but is not committed yet.
#[derive(Debug)]
struct Late {
    due: Timestamp,
    changes: Vec<Change>,
}

/// All tables, the running transaction, and those that commit late.
#[derive(Debug, Default)]
pub(super) struct Database {
    tables: BTreeMap<String, Table>,
    journal: Vec<Change>,
    late: Vec<Late>,
}

impl Database {
    pub(super) fn table(&self, doctype: &str) -> Option<&Table> {
        self.tables.get(doctype)
    }

    pub(super) fn get(&self, doctype: &str, name: &str) -> Option<&Arc<Doc>> {
        self.table(doctype)?.get(&Key::of(name))
    }

    /// Stores `doc` instead of `before` (which may have another name), or as a new one.
    pub(super) fn put(&mut self, doctype: &str, before: Option<Arc<Doc>>, doc: Doc) -> Arc<Doc> {
        let doc = Arc::new(doc);
        self.change(doctype, before, Some(Arc::clone(&doc)));
        doc
    }

    /// Holds a document that another site made, as it is.
    pub(super) fn adopt(&mut self, doctype: &str, doc: &Arc<Doc>) {
        self.apply(doctype, None, Some(doc));
    }

    pub(super) fn remove(&mut self, doctype: &str, doc: &Arc<Doc>) {
        self.change(doctype, Some(Arc::clone(doc)), None);
    }

    fn change(&mut self, doctype: &str, before: Option<Arc<Doc>>, after: Option<Arc<Doc>>) {
        let table = self.tables.entry(doctype.to_owned()).or_default();
        table.replace(before.as_ref(), after.as_ref());
        self.journal.push(Change { doctype: doctype.to_owned(), before, after });
    }

    pub(super) fn watch(&mut self, doctype: &str, field: &str) {
        self.tables.entry(doctype.to_owned()).or_default().watch(field);
    }

    /// A point to which [`Self::roll_back`] can return.
    pub(super) fn savepoint(&self) -> usize {
        self.journal.len()
    }

    pub(super) fn roll_back(&mut self, savepoint: usize) {
        while self.journal.len() > savepoint {
            let Some(change) = self.journal.pop() else { break };
            self.apply(&change.doctype, change.after.as_ref(), change.before.as_ref());
        }
    }

    /// Ends the transaction. With `due`, its changes disappear again until then.
    pub(super) fn commit(&mut self, due: Option<Timestamp>) {
        let changes = std::mem::take(&mut self.journal);
        if let Some(due) = due.filter(|_| !changes.is_empty()) {
            for change in changes.iter().rev() {
                self.apply(&change.doctype, change.after.as_ref(), change.before.as_ref());
            }
            self.late.push(Late { due, changes });
        }
    }

    /// Commits what is due at `now`.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.commit_late(|late| late.due <= now);
    }

    /// Waits for all open transactions.
    pub(super) fn wait_for_all(&mut self) {
        self.commit_late(|_| true);
    }

    /// Waits for whoever holds the row: commits late transactions that touch it.
    pub(super) fn wait_for(&mut self, doctype: &str, name: &str) {
        if self.late.is_empty() {
            return;
        }
        let key = Key::of(name);
        let touches = |doc: &Option<Arc<Doc>>| doc.as_ref().is_some_and(|doc| doc.key == key);
        self.commit_late(|late| {
            late.changes.iter().any(|change| {
                change.doctype == doctype && (touches(&change.before) || touches(&change.after))
            })
        });
    }

    /// Waits for whoever holds this value of a unique field in a transaction that is still open.
    pub(super) fn wait_for_value(&mut self, doctype: &str, field: &str, value: &str) {
        if self.late.is_empty() {
            return;
        }
        let key = Key::of(value);
        let holds = |doc: &Option<Arc<Doc>>| {
            doc.as_ref().is_some_and(|doc| unique_value(doc, field).as_ref() == Some(&key))
        };
        self.commit_late(|late| {
            late.changes
                .iter()
                .any(|change| change.doctype == doctype && (holds(&change.before) || holds(&change.after)))
        });
    }

    fn commit_late(&mut self, is_due: impl Fn(&Late) -> bool) {
        if !self.late.iter().any(&is_due) {
            return;
        }
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition::<Vec<_>, _>(is_due);
        self.late = late;
        for Change { doctype, before, after } in due.iter().flat_map(|late| &late.changes) {
            self.apply(doctype, before.as_ref(), after.as_ref());
        }
    }

    fn apply(&mut self, doctype: &str, before: Option<&Arc<Doc>>, after: Option<&Arc<Doc>>) {
        self.tables.entry(doctype.to_owned()).or_default().replace(before, after);
    }
}
