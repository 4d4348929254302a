//! What users do.

use dafater_contactsd::contact::{Contact, Field, TextField};
use dafater_contactsd::sync::{Pair, Side};
use serde_json::{Map, Value, json};

use super::script::Event;
use super::world::{Deleted, Wish, World, address_stamp, mapping, notes, slots, text_slot};

impl World {
    pub fn happen(&mut self, event: &Event) {
        match event.clone() {
            Event::Appear(side, person) => {
                if self.find(side, person).is_empty() {
                    self.enter(side, person);
                }
            }
            Event::Double(side, person) => {
                if !self.find(side, person).is_empty() {
                    self.doubled.insert(person);
                }
                self.enter(side, person);
            }
            Event::Delete(side, person) => self.delete(side, person),
            Event::Absorb(side, one, other) => self.absorb(side, one, other),
            Event::SetText(side, person, field) => {
                let text = format!("text{}", self.next());
                self.set_text(side, person, &field, &text);
            }
            Event::ClearText(side, person, field) => self.set_text(side, person, &field, ""),
            Event::AddValue(side, person, field) => self.add_value(side, person, &field),
            Event::RemoveValue(side, person, field, nth) => self.remove_value(side, person, &field, nth),
            Event::MovePrimary(side, person, field) => self.move_primary(side, person, &field),
            Event::MarkMobile(side, person, nth) => self.mark_mobile(side, person, nth),
            Event::Label(person, field, nth) => self.label(person, &field, nth),
            Event::Rename(person) => {
                if let Some(id) = self.find(Side::Dafater, person).first().copied() {
                    self.rename(id);
                }
            }
            Event::Scope(side, person) => {
                let half = (person, side == Side::Google);
                if !self.outside.remove(&half) {
                    self.outside.insert(half);
                }
            }
            Event::Resolve(side) => {
                for (pair, fields) in &self.open_conflicts {
                    let decided = fields.iter().map(|field| ((pair.clone(), field.clone()), side));
                    self.decisions.resolutions.extend(decided);
                }
            }
        }
    }

    fn delete(&mut self, side: Side, person: usize) {
        for id in self.find(side, person) {
            self.remove(side, id, person);
        }
    }

    /// A user deletes one record: what stood only there is withdrawn with it, and what both sides said too.
    fn remove(&mut self, side: Side, id: u64, person: usize) {
        if let Some((counterpart, is_edited)) = self.counterpart_of(side, id) {
            let name = self.contact(side, id).map(|contact| contact.folded_name()).unwrap_or_default();
            let deleted = self.deleted.entry((person, side == Side::Google)).or_default();
            deleted.push(Deleted { counterpart, name });
            if !is_edited {
                self.edited_since.remove(&person);
            }
        }
        let text = match side {
            Side::Google => self.google.remove(&id).map(|held| held.raw.to_string()),
            Side::Dafater => self.dafater.remove(&id).map(|held| held.raw.to_string()),
        };
        let text = text.unwrap_or_default();
        for (wish, fate) in &mut self.wishes {
            // Also what another person's record brought in before they were merged.
            fate.is_withdrawn |= has_word(&text, wish);
        }
    }

    /// The counterpart, and whether it says something that this record has not been told; `None` where no sync has met them as a pair,
    /// so that nobody can know what a disappearance means.
    fn counterpart_of(&self, side: Side, id: u64) -> Option<(u64, bool)> {
        let half = |side: Side, pair: &Pair| match side {
            Side::Google => Self::google_of(pair),
            Side::Dafater => self.dafater_of(pair),
        };
        let pair = self.pairs.values().find(|pair| half(side, pair) == id)?;
        let counterpart = half(side.other(), pair);
        let base = match side.other() {
            Side::Google => &pair.google.contact,
            Side::Dafater => &pair.dafater.contact,
        };
        let now = self.contact(side.other(), counterpart);
        // Where the counterpart is gone, whoever stands there was entered anew: that is news, too.
        let is_edited =
            now.is_none_or(|now| Field::of(&[&now, base]).iter().any(|field| !now.agrees_on(field, base)));
        Some((counterpart, is_edited))
    }

    fn contact(&self, side: Side, id: u64) -> Option<Contact> {
        match side {
            Side::Google => self.google.get(&id).map(|held| held.parsed.contact(mapping())),
            Side::Dafater => self.dafater.get(&id).map(|held| held.parsed.contact(mapping())),
        }
    }

    /// The second record's values go into the first, which is what both services do with two contacts of one person.
    fn absorb(&mut self, side: Side, one: usize, other: usize) {
        let (Some(into), Some(from)) =
            (self.find(side, one).first().copied(), self.find(side, other).first().copied())
        else {
            return;
        };
        if into == from {
            return;
        }
        self.doubled.extend([one, other]);
        let source = match side {
            Side::Google => self.google[&from].raw.clone(),
            Side::Dafater => self.dafater[&from].raw.clone(),
        };
        self.remove(side, from, other);
        let takes = |record: &mut Map<String, Value>| {
            for field in [Field::Emails, Field::Phones] {
                let (table, slot) = slots(side, &field);
                for item in source[table].as_array().into_iter().flatten() {
                    let list = record.entry(table).or_insert_with(|| json!([])).as_array_mut().unwrap();
                    if !list.iter().any(|known| known[slot] == item[slot]) {
                        list.push(json!({ slot: item[slot] }));
                    }
                }
            }
        };
        match side {
            Side::Google => self.change_google(into, |record| {
                takes(record);
                record["metadata"]["previousResourceNames"] = json!([source["resourceName"]]);
            }),
            Side::Dafater => self.change_dafater(into, takes),
        }
        self.edited_since.insert(one);
    }

    fn set_text(&mut self, side: Side, person: usize, field: &TextField, text: &str) {
        let Some(id) = self.find(side, person).first().copied() else { return };
        let mut before = None;
        self.edit(side, id, person, |record| {
            let place = text_place(side, field, record);
            before = place.get(text_slot(side, field)).and_then(Value::as_str).map(str::to_owned);
            if text.is_empty() {
                place.remove(text_slot(side, field));
            } else {
                place.insert(text_slot(side, field).to_owned(), json!(text));
            }
        });
        // Whoever overwrites a text on the side where it stands withdraws it.
        if let Some(wish) = before.and_then(|before| self.wishes.get_mut(&before)) {
            wish.is_withdrawn = true;
        }
        if !text.is_empty() {
            self.wishes.insert(text.to_owned(), Wish { person, is_withdrawn: false });
        }
    }

    fn add_value(&mut self, side: Side, person: usize, field: &Field) {
        let Some(id) = self.find(side, person).first().copied() else { return };
        let n = self.next();
        let value = match field {
            Field::Emails => format!("mail{n}@example.com"),
            Field::Addresses => format!("street{n}"),
            Field::Phones | Field::Text(_) => format!("+96650{n:07}"),
        };
        self.wishes.insert(value.clone(), Wish { person, is_withdrawn: false });
        self.edit(side, id, person, |record| {
            let (table, slot) = slots(side, field);
            let mut item = json!({ slot: value });
            match (side, field) {
                (Side::Google, Field::Addresses) => {
                    item["city"] = json!("Riyadh");
                    item["country"] = json!("KSA");
                    item["poBox"] = json!("own");
                }
                (Side::Dafater, Field::Addresses) => {
                    item = json!({ "name": format!("Address{n}"), "creation": address_stamp(n), "modified": address_stamp(n),
                        "address_line1": value, "city": "Riyadh", "country": "Saudi Arabia", "phone": "own",
                        "links": [{ "link_doctype": "Contact", "link_name": record["name"] }] });
                }
                (_, Field::Emails | Field::Phones | Field::Text(_)) => {}
            }
            let list = record.entry(table).or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(item);
        });
    }

    fn remove_value(&mut self, side: Side, person: usize, field: &Field, nth: usize) {
        let Some(id) = self.find(side, person).first().copied() else { return };
        let mut removed = None;
        self.edit(side, id, person, |record| {
            let (table, slot) = slots(side, field);
            let Some(list) = record.get_mut(table).and_then(Value::as_array_mut) else { return };
            let is_free = |item: &Value| !item[slot].as_str().unwrap().starts_with("anchor");
            let free: Vec<usize> = (0..list.len()).filter(|index| is_free(&list[*index])).collect();
            if let Some(index) = free.get(nth % free.len().max(1)) {
                removed = list.remove(*index)[slot].as_str().map(str::to_owned);
            }
        });
        if let Some(wish) = removed.and_then(|value| self.wishes.get_mut(&value)) {
            wish.is_withdrawn = true;
        }
    }

    fn move_primary(&mut self, side: Side, person: usize, field: &Field) {
        let Some(id) = self.find(side, person).first().copied() else { return };
        self.edit(side, id, person, |record| {
            let (table, _) = slots(side, field);
            let list = record.get_mut(table).and_then(Value::as_array_mut);
            let Some(list) = list.filter(|list| list.len() > 1) else { return };
            let flag = if *field == Field::Emails { "is_primary" } else { "is_primary_phone" };
            let end = list.len() - 1;
            for (index, item) in list.iter_mut().enumerate() {
                match side {
                    Side::Google => item["metadata"] = json!({ "sourcePrimary": index == end }),
                    Side::Dafater => item[flag] = json!(i32::from(index == end)),
                }
            }
        });
    }

    fn mark_mobile(&mut self, side: Side, person: usize, nth: usize) {
        let Some(id) = self.find(side, person).first().copied() else { return };
        self.edit(side, id, person, |record| {
            let (table, _) = slots(side, &Field::Phones);
            let Some(list) = record.get_mut(table).and_then(Value::as_array_mut) else { return };
            let chosen = nth % list.len().max(1);
            for (index, item) in list.iter_mut().enumerate() {
                match side {
                    Side::Google if index == chosen => item["type"] = json!("mobile"),
                    Side::Google => {}
                    Side::Dafater => item["is_primary_mobile_no"] = json!(i32::from(index == chosen)),
                }
            }
        });
    }

    fn label(&mut self, person: usize, field: &Field, nth: usize) {
        let Some(id) = self.find(Side::Google, person).first().copied() else { return };
        let label = format!("Label{}", self.next());
        self.edit(Side::Google, id, person, |record| {
            let (table, _) = slots(Side::Google, field);
            let Some(list) = record.get_mut(table).and_then(Value::as_array_mut) else { return };
            let chosen = nth % list.len().max(1);
            if let Some(item) = list.get_mut(chosen) {
                item["type"] = json!(label);
            }
        });
    }

    fn edit(&mut self, side: Side, id: u64, person: usize, change: impl FnOnce(&mut Map<String, Value>)) {
        match side {
            Side::Google => self.change_google(id, change),
            Side::Dafater => self.change_dafater(id, change),
        }
        self.edited_since.insert(person);
    }
}

/// Whether `text` holds `word`, and not just as the beginning of a longer one.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text[at + word.len()..].chars().next();
        !after.is_some_and(|next| next.is_ascii_digit())
    })
}

fn text_place<'r>(
    side: Side,
    field: &TextField,
    record: &'r mut Map<String, Value>,
) -> &'r mut Map<String, Value> {
    match (side, field) {
        (Side::Dafater, _) => record,
        (Side::Google, TextField::Title) => element(record, "organizations"),
        (Side::Google, field) if *field == notes() => element(record, "biographies"),
        (Side::Google, TextField::Mapped(_)) => {
            let list = record.entry("userDefined").or_insert_with(|| json!([])).as_array_mut().unwrap();
            let known = list.iter().position(|item| item["key"] == "Customer No");
            let index = known.unwrap_or_else(|| {
                list.push(json!({ "key": "Customer No" }));
                list.len() - 1
            });
            list[index].as_object_mut().unwrap()
        }
        (Side::Google, _) => element(record, "names"),
    }
}

fn element<'v>(record: &'v mut Map<String, Value>, field: &str) -> &'v mut Map<String, Value> {
    let list = record.entry(field).or_insert_with(|| json!([])).as_array_mut().unwrap();
    if list.is_empty() {
        list.push(json!({}));
    }
    list[0].as_object_mut().unwrap()
}
