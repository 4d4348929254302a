//! Judges every single write of the daemon, at the moment when it happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, Field, Key, TextField};
use dafater_contactsd::mapping::{MARKER_KEY, Mapping};
use dafater_contactsd::remote::Clock as _;
use dafater_contactsd::state::IntentKind;
use dafater_contactsd::sync::{DeletionPolicy, RecordId, Side};
use serde_json::{Map, Value, json};

use super::book::{Gone, differ, has_news, set};
use super::creations::judge_creation;
use super::picture::{ADDRESSES, Id, MAPPED as MAPPED_BY_OPERATOR, Picture, Seen};
use super::scene::Scene;

/// For how long the daemon takes what Google shows for what may have been there before.
pub const PROPAGATION: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Compares both sides before and after one successful write to `side`.
pub fn judge_write(scene: &mut Scene, side: Side, before: &Picture, after: &Picture) {
    let may_write = match side {
        Side::Google => scene.rules.push,
        Side::Dafater => scene.rules.pull,
    };
    for (id, seen) in &after.0 {
        match before.0.get(id) {
            Some(old) if Arc::ptr_eq(old, seen) || old.json == seen.json => {}
            Some(old) => {
                if addresses(&old.json).len() > addresses(&seen.json).len() {
                    scene.stripped.entry(id.clone()).or_insert_with(|| old.clone());
                }
                // Each address is a document of its own.
                if !is_same_but_for_addresses(&old.json, &seen.json) {
                    *scene.writes.entry(id.clone()).or_default() += 1;
                }
                judge_update(scene, side, id, old, seen);
                if !may_write {
                    scene.violate("direction", format!("{id:?} was updated though the direction is off"));
                }
            }
            None => {
                // API: a name that is taken twice is refused: then the name comes after the contact.
                if side == Side::Google || is_named(&seen.contact) {
                    *scene.writes.entry(id.clone()).or_default() += 1;
                }
                judge_creation(scene, id, seen, before);
                if !may_write {
                    scene.violate("direction", format!("{id:?} was created though the direction is off"));
                }
            }
        }
    }
    for (id, old) in &before.0 {
        if !after.0.contains_key(id) {
            scene.deletions += 1;
            let whole = scene.stripped.get(id).cloned();
            judge_deletion(scene, id, whole.as_ref().unwrap_or(old));
            if !may_write {
                scene.violate("direction", format!("{id:?} was deleted though the direction is off"));
            }
        }
    }
    if let Some((id, count)) = scene.writes.iter().find(|(_, count)| **count > 1) {
        let what = format!("{id:?} was written {count} times in one cycle");
        scene.violate("economy", what);
    }
}

fn is_named(contact: &Contact) -> bool {
    [TextField::Given, TextField::Family, TextField::Company]
        .iter()
        .any(|part| !contact.text(part).is_empty())
}

fn judge_update(scene: &mut Scene, side: Side, id: &Id, old: &Seen, new: &Seen) {
    if id.0 != side {
        scene.violate("no uninvited write", format!("{id:?} changed by a write to the other side"));
        return;
    }
    let difference = match side {
        Side::Google => person_difference(&old.json, &new.json, &scene.mapping),
        Side::Dafater => document_difference(&old.json, &new.json, scene.setting.mapped),
    };
    if let Some(difference) = difference {
        scene.violate("no uninvited write", format!("{id:?}: {difference}"));
    }
    // A contact loses its addresses before it goes itself: that carries nothing, unless a person took one away from a copy.
    let places = |seen: &Seen| -> BTreeSet<String> {
        set(&seen.contact, &Field::Addresses).keys().map(|key| key.as_str().to_owned()).collect()
    };
    let lost: Vec<String> = places(old).difference(&places(new)).cloned().collect();
    let copies = scene.book.partners.get(id);
    let is_told = scene.book.values.iter().any(|edit| {
        let is_of_copy = copies.is_some_and(|copies| copies.contains(&edit.record));
        !edit.is_added && edit.field == Field::Addresses && is_of_copy && lost.contains(&edit.key)
    });
    if is_told || addresses(&old.json).len() <= addresses(&new.json).len() {
        scene.book.carried.push((id.clone(), scene.clock.now()));
    }
    // Its addresses are documents of their own, which are made after it.
    // An undo may take those away that came in a later run; then the creation is as bare as it was.
    if let Some(stages) = scene.book.created_as.get_mut(id)
        && addresses(&old.json).len() < addresses(&new.json).len()
        && is_same_but_for_addresses(&old.json, &new.json)
        && stages.last().is_some_and(|created| !differ(created, &old.contact))
    {
        stages.push(new.contact.clone());
    }
    // One door may be written down twice: only when the second document of it goes does the contact say less.
    let has_fewer = addresses(&old.json).len() > addresses(&new.json).len();
    // LIMIT: an address of one that was deleted, given in a transaction that came too late, may be the new one's already.
    let is_there = scene.has_late_commits && addresses(&old.json).len() < addresses(&new.json).len();
    if !has_fewer && !is_there && old.contact == new.contact && !differ(&old.contact, &new.contact) {
        scene.violate("economy", format!("{id:?} was written without any change"));
    }
}

/// LIMIT: whether a record had heard of an edit before it was deleted cannot be known when the answer to the write that told it was
/// lost; the edit then beats the deletion, for nothing may be lost. Such writes are asked for before the cycle: the intent of the
/// create that follows stands in the place of theirs, and what was in doubt `before` it is so while that one is.
pub fn in_doubt(scene: &Scene, before: &BTreeSet<Id>) -> BTreeSet<Id> {
    let names = &scene.book.names;
    let id_of = |record: &RecordId| match record {
        RecordId::Google(source) => Some((Side::Google, source.0.clone())),
        RecordId::Dafater(name) => names.get(&(Side::Dafater, name.0.clone())).cloned(),
    };
    let intents: Vec<_> =
        scene.accounts().flat_map(|account| scene.state(account).intents().unwrap()).collect();
    let of = |kind| intents.iter().filter(move |intent| intent.kind == kind);
    let made_of: BTreeSet<Id> = of(IntentKind::Create).filter_map(|intent| id_of(&intent.record)).collect();
    let is_made_again = |id: &&Id| {
        let mut partners = scene.book.partners.get(*id).into_iter().flatten();
        partners.any(|partner| made_of.contains(partner))
    };
    let still = before.iter().filter(is_made_again).cloned();
    of(IntentKind::Update).filter_map(|intent| id_of(&intent.record)).chain(still).collect()
}

/// Whether a write took something of a document whose own deletion was begun.
pub fn begins_to_delete(scene: &Scene, before: &Picture, after: &Picture) -> bool {
    let intents = scene.accounts().flat_map(|account| scene.state(account).intents().unwrap());
    let mut going = intents.filter_map(|intent| match (intent.kind, intent.record) {
        (IntentKind::Delete, RecordId::Dafater(name)) => {
            scene.book.names.get(&(Side::Dafater, name.0)).cloned()
        }
        _ => None,
    });
    going.any(|id| match (before.0.get(&id), after.0.get(&id)) {
        (Some(old), Some(new)) => old.contact != new.contact,
        _ => false,
    })
}

/// An undo may only delete what the daemon created, as long as nobody touched it since.
fn judge_withdrawal(scene: &mut Scene, id: &Id, old: &Seen) {
    if !scene.book.made.contains_key(id) {
        scene.violate(
            "absence is not deletion",
            format!("{id:?} was undone, and nobody had created it but a person"),
        );
    }
    // LIMIT: what is written in a transaction that is not committed yet cannot be known: neither side has a lock for deletions.
    let lag = if id.0 == Side::Google { scene.setting.get_delay } else { scene.setting.late_commit };
    let seen_until = scene.cycle_began - jiff::SignedDuration::from_secs(lag.into());
    let mut stages = scene.book.created_as.get(id).into_iter().flatten();
    let is_as_created = stages.any(|created| !differ(created, &old.contact));
    // What an earlier undo put back was no person's word.
    let by_undo = |at: jiff::Timestamp| {
        let texts = scene.book.texts.iter().map(|edit| (&edit.record, edit.at, edit.is_undo));
        let values = scene.book.values.iter().map(|edit| (&edit.record, edit.at, edit.is_undo));
        texts.chain(values).any(|edit| edit == (id, at, true))
    };
    let is_seen = |(touched, at): &(Id, jiff::Timestamp)| touched == id && *at <= seen_until && !by_undo(*at);
    let is_touched = scene.book.touches.iter().any(is_seen);
    if is_touched && !is_as_created {
        scene.violate("no lost edit", format!("{id:?} was undone with what a person wrote into it since"));
    }
}

fn judge_deletion(scene: &mut Scene, id: &Id, old: &Seen) {
    if scene.is_undoing {
        judge_withdrawal(scene, id, old);
        return;
    }
    let partners: Vec<Id> = scene.book.partners.get(id).into_iter().flatten().cloned().collect();
    // A restoration that is not shown yet cannot be known.
    let lag = jiff::SignedDuration::from_secs(scene.setting.list_delay.into());
    let seen = scene.cycle_began - lag;
    let gone =
        partners.iter().filter_map(|partner| scene.book.is_gone(partner, seen)).map(|gone| gone.at).max();
    let Some(gone) = gone else {
        let what = format!("{id:?} was deleted, but nobody deleted its counterpart {partners:?}");
        scene.violate("absence is not deletion", what);
        return;
    };
    match scene.rules.deletions {
        DeletionPolicy::Propagate => {}
        DeletionPolicy::CreatedBySync if scene.book.made.contains_key(id) => {}
        DeletionPolicy::CreatedBySync | DeletionPolicy::Keep => {
            let what = format!("{id:?} was deleted against the policy {:?}", scene.rules.deletions);
            scene.violate("deletion policy", what);
        }
    }
    // What was edited while the cycle runs, or is not shown yet, cannot be protected: neither side has a lock for deletions.
    let lag = if id.0 == Side::Google { scene.setting.get_delay } else { 0 };
    let seen_until = scene.cycle_began - jiff::SignedDuration::from_secs(lag.into());
    let is_late = |at| at > seen_until;
    let edited_late = scene.book.touches.iter().any(|(touched, at)| touched == id && is_late(*at));
    // Of several counterparts, only one that is gone asked for the deletion.
    let pairs = scene.pairs_of(id);
    let bases = || pairs.iter().filter(|(_, _, other)| scene.book.is_gone(other, seen).is_some());
    // Whoever deleted one that had heard of the edit, meant it too.
    let is_edited = bases().count() > 0 && bases().all(|(base, _, _)| differ(base, &old.contact));
    if is_edited
        && scene
            .book
            .was_edited_after(id, gone.min(scene.cycle_began) - jiff::SignedDuration::from_hours(24 * 365))
        && !edited_late
    {
        let what = format!("{id:?} was deleted with an edit that had not crossed");
        scene.violate("no lost edit", what);
    }
    // To the other accounts, it is gone.
    let picture = scene.picture();
    let had_news = pairs.iter().any(|(_, base, other)| {
        let is_edited = scene.book.touches.iter().any(|(touched, _)| touched == other);
        picture.0.get(other).is_some_and(|other| {
            has_news(&old.contact, &other.contact, base) || is_edited && differ(base, &other.contact)
        })
    });
    let said = old.contact.clone();
    scene.book.gone.insert(id.clone(), Gone { at: scene.clock.now(), seen, had_news, restored: None, said });
}

/// The document from which a person was made.
pub fn made_of(person: &Value) -> Option<Id> {
    marker(person).map(|creation| (Side::Dafater, creation))
}

/// `creation` of the document from which a person was made.
fn marker(person: &Value) -> Option<String> {
    let entries = person["clientData"].as_array()?;
    let ours = entries.iter().find(|entry| entry["key"] == MARKER_KEY)?;
    ours["value"].as_str()?.split(';').nth(1).map(str::to_owned)
}

const NAME_PARTS: [&str; 8] = [
    "honorificPrefix",
    "givenName",
    "middleName",
    "familyName",
    "honorificSuffix",
    "displayName",
    "displayNameLastFirst",
    "unstructuredName",
];
const ORGANIZATION_PARTS: [&str; 3] = ["name", "title", "department"];

/// What of a person changed that the daemon may not touch.
fn person_difference(old: &Value, new: &Value, mapping: &Mapping) -> Option<String> {
    let (old, new) = (old.as_object()?, new.as_object()?);
    let is_mapped = mapping.texts().any(|text| matches!(text, TextField::Mapped(_)));
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (was, is) = (old.get(key), new.get(key));
        match key.as_str() {
            "etag" | "metadata" => {}
            "names" => {
                let strip = |list: Option<&Value>| without(list, &NAME_PARTS);
                let (was, is) = (strip(was), strip(is));
                if was != is {
                    return Some(format!("names: {was:?} became {is:?}"));
                }
            }
            "genders" => {
                // How somebody is addressed is nobody's business.
                let strip = |list: Option<&Value>| without(list, &["value", "formattedValue"]);
                let (was, is) = (strip(was), strip(is));
                if was != is {
                    return Some(format!("genders: {was:?} became {is:?}"));
                }
            }
            "birthdays" | "biographies" | "nicknames" | "userDefined" if is_mapped => {
                // The one item that is mapped; of that one, its value.
                let others = |list: Option<&Value>| {
                    let mut items = plain_items(list);
                    items.retain(|item| match key.as_str() {
                        "nicknames" => !(item["type"].is_null() || item["type"] == "DEFAULT"),
                        "userDefined" => item["key"] != "Customer No",
                        _ => false,
                    });
                    items
                };
                let (was, is) = (others(was), others(is));
                if was != is {
                    return Some(format!("{key}: {was:?} became {is:?}"));
                }
            }
            "addresses" if mapping.addresses => {
                // Whoever stays keeps what is not mapped of it.
                let (was, is) = (plain_items(was), plain_items(is));
                for item in &was {
                    let street = |item: &Value| item["streetAddress"].clone();
                    let mut same = is.iter().filter(|other| street(other) == street(item)).peekable();
                    let boxes = |other: &Value| other["poBox"] == item["poBox"];
                    if same.peek().is_some() && !same.any(boxes) {
                        return Some(format!("addresses: {item} is not in {is:?}"));
                    }
                }
            }
            "organizations" => {
                // All but the one that is mapped, whole; of that one, what is not mapped.
                let (was, is) = (plain_items(was), plain_items(is));
                let mapped = was.iter().position(|item| item["current"] == true).unwrap_or(0);
                for (nth, organization) in was.iter().enumerate() {
                    let found = if nth == mapped {
                        let stripped = strip(organization, &ORGANIZATION_PARTS);
                        let is_bare = stripped
                            .keys()
                            .all(|key| key == "type" || key == "formattedType" || key == "current");
                        is_bare || is.iter().any(|item| strip(item, &ORGANIZATION_PARTS) == stripped)
                    } else {
                        is.contains(organization)
                    };
                    if !found {
                        return Some(format!("organizations: {organization} is not in {is:?}"));
                    }
                }
            }
            "emailAddresses" | "phoneNumbers" => {
                let (was, is) = (plain_items(was), plain_items(is));
                for item in &was {
                    let key = |item: &Value| {
                        let text = item["value"].as_str().unwrap_or_default();
                        if key == "emailAddresses" { Key::email(text) } else { mapping.phones.key(text) }
                    };
                    let stays = is.iter().any(|other| key(other) == key(item));
                    let same = is.iter().any(|other| {
                        other == item || {
                            let mut labelled = item.clone();
                            labelled["type"] = other["type"].clone();
                            labelled["formattedType"] = other["formattedType"].clone();
                            item["type"].is_null() && labelled == *other && other["type"] == "mobile"
                        }
                    });
                    if stays && !same {
                        return Some(format!("{key}: {item} is not in {is:?}", key = "values"));
                    }
                }
            }
            _ if was != is => return Some(format!("{key}: {was:?} became {is:?}")),
            _ => {}
        }
    }
    None
}

/// The items of a list without their metadata.
fn plain_items(list: Option<&Value>) -> Vec<Value> {
    let mut items = list.and_then(Value::as_array).cloned().unwrap_or_default();
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.remove("metadata");
    }
    items
}

fn strip(item: &Value, parts: &[&str]) -> Map<String, Value> {
    let mut item = item.as_object().cloned().unwrap_or_default();
    item.retain(|key, _| key != "metadata" && !parts.contains(&key.as_str()));
    item
}

fn without(list: Option<&Value>, parts: &[&str]) -> Vec<Map<String, Value>> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| strip(item, parts)).filter(|item| !item.is_empty()).collect()
}

/// Fields of a document that are mapped, or follow from those that are.
const MAPPED: [&str; 17] = [
    "salutation",
    "first_name",
    "middle_name",
    "last_name",
    "company_name",
    "designation",
    "department",
    "gender",
    "full_name",
    "email_id",
    "phone",
    "mobile_no",
    "email_ids",
    "phone_nos",
    "modified",
    "modified_by",
    "image",
];

/// What of a document changed that the daemon may not touch.
fn document_difference(old: &Value, new: &Value, is_mapped: bool) -> Option<String> {
    let (old, new) = (old.as_object()?, new.as_object()?);
    let is_ours = |key: &str| {
        let by_operator = is_mapped && MAPPED_BY_OPERATOR.iter().any(|(_, column, _)| *column == key);
        MAPPED.contains(&key) || by_operator
    };
    for key in old.keys().chain(new.keys()) {
        let (was, is) = (old.get(key), new.get(key));
        if key == ADDRESSES {
            if let Some(difference) = addresses_difference(old, new) {
                return Some(difference);
            }
            continue;
        }
        if !is_ours(key) && was != is {
            return Some(format!("{key}: {was:?} became {is:?}"));
        }
    }
    None
}

/// The parts of an address that travel, or follow from those that do.
const OF_ADDRESS: [&str; 10] = [
    "address_type",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "pincode",
    "country",
    "disabled",
    "modified",
    "modified_by",
];

/// What of an address that stays changed though the daemon may not touch it.
fn addresses_difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Option<String> {
    let list = |contact: &Map<String, Value>| addresses(&Value::Object(contact.clone())).to_vec();
    let new = list(new);
    for was in list(old) {
        let Some(is) = new.iter().find(|is| is["creation"] == was["creation"]) else { continue };
        let bare = |address: &Value| {
            let mut address = strip(address, &OF_ADDRESS);
            // A save stamps each row.
            for row in address.get_mut("links").and_then(Value::as_array_mut).into_iter().flatten() {
                *row = json!([row["link_doctype"], row["link_name"]]);
            }
            address
        };
        let (was, is) = (bare(&was), bare(is));
        if was != is {
            return Some(format!("an address: {was:?} became {is:?}"));
        }
    }
    None
}

fn addresses(contact: &Value) -> &[Value] {
    contact[ADDRESSES].as_array().map_or(&[], Vec::as_slice)
}

fn is_same_but_for_addresses(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return false };
    let others = |contact: &Map<String, Value>| contact.keys().filter(|key| *key != ADDRESSES).count();
    let is_same = |key: &String| key == ADDRESSES || old.get(key) == new.get(key);
    others(old) == others(new) && old.keys().all(is_same) && old != new
}

/// Whether a contact holds nothing.
pub fn is_blank(contact: &Contact) -> bool {
    contact.is_empty()
}
