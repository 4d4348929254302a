//! Running a list: which documents, which rows of theirs, in which order, how many.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::ListArguments;
use super::columns::{Cell, Column, Sources, Tuple, What};
use super::filters::{self, Comparison, Condition, Operand, Test};
use crate::sandbox::dafater::Site;
use crate::sandbox::dafater::access::{Action, Reach};
use crate::sandbox::dafater::collation::Key;
use crate::sandbox::dafater::document::Doc;
use crate::sandbox::dafater::refusal::Refusal;
use crate::sandbox::dafater::schema::{DocType, Schemas};
use crate::sandbox::dafater::stamp::Stamp;
use crate::sandbox::dafater::tables::Table;

/// One field of the result.
#[derive(Debug)]
struct Shown {
    label: String,
    column: Column,
    function: Option<Function>,
}

#[derive(Debug, Clone, Copy)]
enum Function {
    Count,
    Max,
    Min,
}

#[derive(Debug)]
struct Query {
    sources: Sources,
    shown: Vec<Shown>,
    all: Vec<Condition>,
    any: Vec<Condition>,
    order: Vec<(Column, bool)>,
    group: Option<Column>,
}

impl Site {
    /// A list, as a list of objects (or of lists).
    pub(in crate::sandbox::dafater) fn list(&self, arguments: &ListArguments) -> Result<Value, Refusal> {
        let query = self.query(arguments)?;
        let parent_type = query.parent_type();
        let tuples = self.tuples(&query, arguments);
        if query.shown.iter().any(|shown| shown.function.is_some()) {
            return Ok(Value::Array(vec![aggregate(&query, &tuples)]));
        }
        let page = tuples.into_iter().skip(arguments.start).take(arguments.length.unwrap_or(usize::MAX));
        let schema = &query.sources.own.schema;
        let rows = page.map(|tuple| {
            let cells =
                query.shown.iter().map(|shown| (shown, tuple.value(&shown.column, schema, parent_type)));
            if arguments.as_rows {
                Value::Array(cells.map(|(_, value)| value).collect())
            } else {
                Value::Object(cells.map(|(shown, value)| (shown.label.clone(), value)).collect())
            }
        });
        Ok(Value::Array(rows.collect()))
    }

    fn query(&self, arguments: &ListArguments) -> Result<Query, Refusal> {
        let schema = self.schema(&arguments.doctype)?;
        let parent = self.parent_of(&schema, arguments.parent.as_deref())?;
        let mut sources = Sources::new(schema, parent);
        let shown = fields(&mut sources, &self.schemas, &arguments.fields)?;
        let all = filters::parse(&mut sources, &self.schemas, &arguments.filters)?;
        let any = filters::parse(&mut sources, &self.schemas, &arguments.or_filters)?;
        let order = order(&mut sources, &self.schemas, &arguments.order_by)?;
        let group = match arguments.group_by.as_str() {
            "" => None,
            column => Some(sources.column(&self.schemas, column)?),
        };
        Ok(Query { sources, shown, all, any, order, group })
    }

    /// Whether the user may list at all; for a child DocType, by the parent it named.
    fn parent_of(&self, schema: &DocType, parent: Option<&str>) -> Result<Option<Arc<DocType>>, Refusal> {
        let user = &self.session.user;
        if !schema.is_child {
            if self.access.reach(user, schema.name, Action::Read) == Reach::Nothing {
                return Err(Refusal::forbidden_because(
                    format!(
                        "User <strong>{user}</strong> does not have doctype access via role permission for document <strong>{}</strong>",
                        schema.name
                    ),
                    Some(format!("No permission for {}", schema.name)),
                ));
            }
            return Ok(None);
        }
        let parent = parent.and_then(|parent| self.schemas.get(parent)).ok_or_else(Refusal::forbidden)?;
        let has_it = parent.tables().any(|(_, child)| child == schema.name);
        if !has_it || self.access.reach(user, parent.name, Action::Read) == Reach::Nothing {
            return Err(Refusal::forbidden());
        }
        Ok(Some(Arc::clone(parent)))
    }

    fn tuples<'a>(&'a self, query: &'a Query, arguments: &ListArguments) -> Vec<Tuple<'a>> {
        let doctype =
            query.sources.parent.as_ref().map_or(query.sources.own.schema.name, |parent| parent.name);
        let Some(table) = self.db.table(doctype) else { return Vec::new() };
        let natural = query.natural_order();
        let is_aggregate = query.shown.iter().any(|shown| shown.function.is_some());
        let enough = match (natural && !is_aggregate, &query.group) {
            (true, None) => arguments.length.map(|length| length.saturating_add(arguments.start)),
            _ => None,
        };
        let schema = &query.sources.own.schema;
        let reach = self.access.reach(&self.session.user, schema.name, Action::Read);
        let mut tuples = Vec::new();
        for doc in candidates(query, table) {
            if query.sources.parent.is_none() && !self.is_listed(reach, schema, doc) {
                continue;
            }
            query.expand(doc, &mut tuples);
            if enough.is_some_and(|enough| tuples.len() >= enough) {
                break;
            }
        }
        if !query.order.is_empty() && !natural {
            let parent_type = query.parent_type();
            tuples.sort_by_cached_key(|tuple| query.sort_key(tuple, parent_type));
        } else if query.order.is_empty() && query.sources.parent.is_some() {
            // Row names begin with the time, so the index of a child table is walked in the order of insertion.
            tuples.sort_by_key(|tuple| tuple.row.map(|(_, row)| (row.creation, row.idx)));
        }
        if let Some(group) = &query.group {
            let parent_type = query.parent_type();
            let mut seen = BTreeSet::new();
            tuples.retain(|tuple| seen.insert(operand(&tuple.cell(group, parent_type))));
            if query.order.is_empty() {
                tuples.sort_by_cached_key(|tuple| operand(&tuple.cell(group, parent_type)));
            }
        }
        tuples
    }
}

/// How many documents the filters select.
pub(in crate::sandbox::dafater) fn count(site: &Site, arguments: &ListArguments) -> Result<usize, Refusal> {
    let query = site.query(arguments)?;
    Ok(site.tuples(&query, &ListArguments::default()).len())
}

impl Query {
    fn parent_type(&self) -> &'static str {
        self.sources.parent.as_ref().map_or(self.sources.own.schema.name, |parent| parent.name)
    }

    /// Whether [`candidates`] comes in the order that is asked for.
    fn natural_order(&self) -> bool {
        if self.sources.parent.is_some() {
            return false;
        }
        match self.order.as_slice() {
            [] => true,
            [(column, false)] => column.source == 0 && matches!(column.what, What::Modified | What::Name),
            [(first, false), (second, false)] => {
                first.source == 0
                    && second.source == 0
                    && first.what == What::Modified
                    && second.what == What::Name
            }
            _ => false,
        }
    }

    /// The index that the database would walk: by `modified` when it is asked for or covers the query, else by name.
    fn walks_by_modified(&self) -> bool {
        match self.order.first() {
            Some((column, _)) => column.source == 0 && column.what == What::Modified,
            None => self.shown.iter().all(|shown| {
                shown.column.source == 0 && matches!(shown.column.what, What::Modified | What::Name)
            }),
        }
    }

    fn expand<'a>(&'a self, doc: &'a Doc, tuples: &mut Vec<Tuple<'a>>) {
        let own: Vec<Option<(&str, &_)>> = match &self.sources.parent {
            None => vec![None],
            Some(parent) => parent
                .tables()
                .filter(|(_, child)| *child == self.sources.own.schema.name)
                .flat_map(|(table, _)| {
                    doc.rows(table).iter().map(move |row| Some((table_of(doc, table), row)))
                })
                .collect(),
        };
        for row in own {
            let mut partial = vec![Tuple { doc, row, joined: Vec::new() }];
            for source in &self.sources.joined {
                let rows = doc.rows(&source.table);
                partial = partial
                    .into_iter()
                    .flat_map(|tuple| {
                        let choices: Vec<_> =
                            if rows.is_empty() { vec![None] } else { rows.iter().map(Some).collect() };
                        choices.into_iter().map(move |choice| {
                            let mut tuple = tuple.clone();
                            tuple.joined.push(choice);
                            tuple
                        })
                    })
                    .collect();
            }
            let parent_type = self.parent_type();
            tuples.extend(partial.into_iter().filter(|tuple| {
                self.all.iter().all(|condition| condition.holds(tuple, parent_type))
                    && (self.any.is_empty()
                        || self.any.iter().any(|condition| condition.holds(tuple, parent_type)))
            }));
        }
    }

    fn sort_key(&self, tuple: &Tuple<'_>, parent_type: &str) -> Vec<SortKey> {
        self.order
            .iter()
            .map(|(column, descending)| {
                let value = operand(&tuple.cell(column, parent_type));
                if *descending { SortKey::Down(std::cmp::Reverse(value)) } else { SortKey::Up(value) }
            })
            .collect()
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Up(Operand),
    Down(std::cmp::Reverse<Operand>),
}

/// The table's name with the document's lifetime.
fn table_of<'a>(doc: &'a Doc, table: &str) -> &'a str {
    doc.tables.get_key_value(table).map_or("", |(name, _)| name.as_str())
}

/// Documents that may match: by name, by parent, by a lower bound of `modified`, or all.
fn candidates<'a>(query: &Query, table: &'a Table) -> Box<dyn Iterator<Item = &'a Doc> + 'a> {
    let is_child = query.sources.parent.is_some();
    let key_column = if is_child { What::Parent } else { What::Name };
    let mut since = Stamp::MIN;
    for condition in query.all.iter().filter(|condition| condition.column.source == 0) {
        match &condition.test {
            Test::In { names, negated: false, .. } if condition.column.what == key_column => {
                let keys: BTreeSet<Key> = names.iter().map(|name| Key::of(name)).collect();
                return pick(
                    query,
                    keys.into_iter().filter_map(|key| table.get(&key)).map(|doc| &**doc).collect(),
                );
            }
            Test::Compare(Comparison::Equal, Operand::Text(key)) if condition.column.what == key_column => {
                return Box::new(table.get(key).into_iter().map(|doc| &**doc));
            }
            Test::Compare(Comparison::Equal, Operand::Text(key)) if !is_child => {
                if let What::Field(field, _) = &condition.column.what
                    && table.is_unique(field)
                    && *key != Key::of("")
                {
                    return Box::new(table.holder(field, key).into_iter().map(|doc| &**doc));
                }
            }
            Test::Compare(
                Comparison::Greater | Comparison::AtLeast | Comparison::Equal,
                Operand::Stamp(stamp),
            )
            | Test::Between(Operand::Stamp(stamp), _)
                if condition.column.what == What::Modified && !is_child =>
            {
                since = since.max(*stamp);
            }
            Test::Compare(..) | Test::Between(..) | Test::In { .. } | Test::Like { .. } | Test::Set(_) => {}
        }
    }
    if is_child || !query.walks_by_modified() && since == Stamp::MIN {
        return Box::new(table.by_name().map(|doc| &**doc));
    }
    if query.walks_by_modified() {
        return Box::new(table.by_modified(since).map(|doc| &**doc));
    }
    let mut docs: Vec<&Doc> = table.by_modified(since).map(|doc| &**doc).collect();
    docs.sort_by(|one, other| one.key.cmp(&other.key));
    Box::new(docs.into_iter())
}

/// Picked documents in the order of the index that is walked.
fn pick<'a>(query: &Query, mut docs: Vec<&'a Doc>) -> Box<dyn Iterator<Item = &'a Doc> + 'a> {
    if query.walks_by_modified() {
        docs.sort_by(|one, other| (one.modified, &one.key).cmp(&(other.modified, &other.key)));
    }
    Box::new(docs.into_iter())
}

fn operand(cell: &Cell<'_>) -> Operand {
    match cell {
        Cell::Null => Operand::Null,
        Cell::Int(number) => Operand::Int(*number),
        Cell::Stamp(stamp) => Operand::Stamp(*stamp),
        Cell::Text(text) => Operand::Text(Key::of(text)),
    }
}

fn fields(sources: &mut Sources, schemas: &Schemas, fields: &Value) -> Result<Vec<Shown>, Refusal> {
    let unhashable = || Refusal::crash("", "TypeError", "unhashable type: 'dict'");
    let texts: Vec<String> = match fields {
        Value::Null => vec!["name".to_owned()],
        Value::String(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        Value::Array(fields) => fields
            .iter()
            .map(|field| field.as_str().map(|text| text.trim().to_owned()).ok_or_else(unhashable))
            .collect::<Result<_, _>>()?,
        Value::Object(_) | Value::Bool(_) | Value::Number(_) => return Err(unhashable()),
    };
    let mut shown = Vec::new();
    for text in texts {
        if text == "*" || text.replace('`', "") == format!("tab{}.*", sources.own.schema.name) {
            let all = sources.all().into_iter();
            shown.extend(all.map(|(label, column)| Shown { label, column, function: None }));
            continue;
        }
        let (expression, alias) = match text.to_ascii_lowercase().find(" as ") {
            Some(at) => (text.get(..at).unwrap_or_default().trim(), text.get(at + 4..).map(str::trim)),
            None => (text.as_str(), None),
        };
        let (inner, function) = function(expression)?;
        let column =
            if inner == "*" { sources.column(schemas, "name")? } else { sources.column(schemas, inner)? };
        let plain = expression.replace('`', "");
        let last = plain.rsplit('.').next().unwrap_or(&plain);
        let label = alias.map_or(if function.is_some() { &plain } else { last }, |alias| alias);
        shown.push(Shown { label: label.replace('`', ""), column, function });
    }
    Ok(shown)
}

fn function(expression: &str) -> Result<(&str, Option<Function>), Refusal> {
    let Some((name, rest)) = expression.split_once('(') else { return Ok((expression, None)) };
    let function = match name.trim().to_ascii_lowercase().as_str() {
        "count" => Function::Count,
        "max" => Function::Max,
        "min" => Function::Min,
        _ => return Err(Refusal::invalid("DataError", "Use of sub-query or function is restricted")),
    };
    Ok((rest.trim_end_matches(')').trim(), Some(function)))
}

fn order(sources: &mut Sources, schemas: &Schemas, order_by: &str) -> Result<Vec<(Column, bool)>, Refusal> {
    let joined = !sources.joined.is_empty();
    let mut order = Vec::new();
    for part in order_by.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let lower = part.to_ascii_lowercase();
        let (name, descending) = if let Some(name) = lower.strip_suffix(" desc") {
            (part.get(..name.len()).unwrap_or_default(), true)
        } else if let Some(name) = lower.strip_suffix(" asc") {
            (part.get(..name.len()).unwrap_or_default(), false)
        } else {
            (part, false)
        };
        let name = name.trim();
        let column = sources.column(schemas, name).map_err(|_| {
            let message = format!("(1054, \"Unknown column '{name}' in 'ORDER BY'\")");
            Refusal::crash("pymysql.err.", "OperationalError", message)
        })?;
        let is_everywhere = !matches!(column.what, What::Field(..));
        if joined && is_everywhere && !name.contains('.') {
            let message = format!("(1052, \"Column '{name}' in ORDER BY is ambiguous\")");
            return Err(Refusal::crash("pymysql.err.", "OperationalError", message));
        }
        order.push((column, descending));
    }
    Ok(order)
}

fn aggregate(query: &Query, tuples: &[Tuple<'_>]) -> Value {
    let parent_type = query.parent_type();
    let schema = &query.sources.own.schema;
    let row: Map<String, Value> = query
        .shown
        .iter()
        .map(|shown| {
            let by = |tuple: &&Tuple<'_>| operand(&tuple.cell(&shown.column, parent_type));
            let show = |tuple: Option<&Tuple<'_>>| {
                tuple.map_or(Value::Null, |tuple| tuple.value(&shown.column, schema, parent_type))
            };
            let value = match shown.function {
                Some(Function::Count) => tuples.len().into(),
                Some(Function::Max) => show(tuples.iter().max_by_key(by)),
                Some(Function::Min) => show(tuples.iter().min_by_key(by)),
                None => show(tuples.first()),
            };
            (shown.label.clone(), value)
        })
        .collect();
    Value::Object(row)
}
