//! `addresses` of a Person <-> addresses of a contact.
//!
//! Law: an item that stays keeps whatever else stands in it, and an item that changes keeps its type, its PO box and all that does not travel.

use serde_json::{Map, Value as Json, json};

use super::read::text;
use crate::contact::{Address, AddressKind, Value, Values, corrections, country_code};

/// The addresses that `items` hold.
pub(super) fn addresses<'i>(items: impl Iterator<Item = &'i Map<String, Json>>) -> Values {
    let mut addresses = Values::default();
    items.filter_map(value).for_each(|value| addresses.add(value));
    addresses
}

/// `before` with the addresses of `target`: what is gone is left out, what was corrected is corrected in its place, what is new comes last.
pub(super) fn with_addresses(before: &[Map<String, Json>], target: &Values) -> Vec<Map<String, Json>> {
    let said: Vec<Option<Value>> = before.iter().map(value).collect();
    let removed: Vec<&Value> = said.iter().flatten().filter(|value| !target.contains(&value.key)).collect();
    let added: Vec<&Value> =
        target.iter().filter(|new| !said.iter().flatten().any(|value| value.key == new.key)).collect();
    let corrected = corrections(&removed, &added);
    let correction = |value: &Value| {
        let at = removed.iter().position(|gone| std::ptr::eq(*gone, value))?;
        corrected.iter().find(|(gone, _)| *gone == at).and_then(|(_, new)| added.get(*new))
    };
    let mut after = Vec::new();
    for (item, said) in before.iter().zip(&said) {
        let wanted = match said {
            // Nothing that we could read: not ours to touch.
            None => {
                after.push(item.clone());
                continue;
            }
            Some(value) => target.get(&value.key).or_else(|| correction(value).copied()),
        };
        if let Some(wanted) = wanted {
            after.push(changed(item.clone(), wanted));
        }
    }
    for (index, new) in added.iter().enumerate() {
        if !corrected.iter().any(|(_, at)| *at == index) {
            after.push(changed(Map::new(), new));
        }
    }
    after
}

/// The address in one item; `None` where there is none that could be told from another.
fn value(item: &Map<String, Json>) -> Option<Value> {
    address(item).value(Some(text(item, "type")))
}

fn address(item: &Map<String, Json>) -> Address {
    let part = |key| text(item, key);
    let is_in_parts = ["streetAddress", "extendedAddress", "city", "region", "postalCode", "poBox"]
        .into_iter()
        .any(|key| !part(key).trim().is_empty());
    // API: formattedValue is made of the parts unless a client wrote it, and counts only where there are none.
    let street = if is_in_parts { part("streetAddress") } else { part("formattedValue") };
    let (name, code) = (part("country"), part("countryCode"));
    // People see the name; the code tells what a name means that is written in some other language.
    let country = if country_code(name).is_none() && country_code(code).is_some() { code } else { name };
    let lines = [street, part("extendedAddress")];
    Address::new(lines, part("city"), part("region"), part("postalCode"), country)
}

/// `item`, saying what `wanted` says.
fn changed(mut item: Map<String, Json>, wanted: &Value) -> Map<String, Json> {
    let (now, target) = (address(&item), Address::of(wanted));
    let differs: Vec<bool> =
        now.compared().iter().zip(&target.compared()).map(|(now, target)| now != target).collect();
    let mut set = |key: &str, text: &str| match text {
        "" => drop(item.remove(key)),
        text => drop(item.insert(key.to_owned(), json!(text))),
    };
    let parts: [&[(&str, &str)]; 5] = [
        &[("streetAddress", &target.line1), ("extendedAddress", &target.line2)],
        &[("city", &target.city)],
        &[("region", &target.region)],
        &[("postalCode", &target.postal_code)],
        &[("country", &target.country), ("countryCode", target.country_code().unwrap_or_default())],
    ];
    for (parts, _) in parts.into_iter().zip(&differs).filter(|(_, differs)| **differs) {
        for (key, text) in parts {
            set(key, text);
        }
    }
    if differs.contains(&true) {
        // API: a formattedValue that is sent stays as it is; without one Google makes it of the parts.
        item.remove("formattedValue");
    }
    let kind = AddressKind::of(wanted.label.as_deref());
    let is_new = !item.contains_key("type") && now == Address::default();
    if is_new || AddressKind::of(Some(text(&item, "type"))) != kind {
        item.insert("type".to_owned(), json!(kind.google_type()));
        item.remove("formattedType");
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: Json) -> Vec<Map<String, Json>> {
        serde_json::from_value(json).expect("a list of objects")
    }

    fn office(street: &str) -> Value {
        let address = Address::new([street, ""], "Riyadh", "", "11564", "Saudi Arabia");
        address.value(Some("work")).expect("an address")
    }

    fn of(values: &[Value]) -> Values {
        let mut all = Values::default();
        values.iter().cloned().for_each(|value| all.add(value));
        all
    }

    #[test]
    fn a_corrected_street_keeps_the_box_the_custom_type_and_the_item_beside_it() {
        let before = items(json!([
            { "streetAddress": "12 King Fahd Road", "city": "Riyadh", "postalCode": "11564", "country": "Saudi Arabia", "poBox": "77",
              "type": "Head office", "formattedValue": "12 King Fahd Road\nRiyadh" },
            { "poBox": "5", "formattedValue": "PO Box 5" },
        ]));
        let wanted = Value { label: Some("other".to_owned()), ..office("14 King Fahd Road") };
        let after = with_addresses(&before, &of(&[wanted]));
        assert_eq!(
            json!(after),
            json!([
                { "streetAddress": "14 King Fahd Road", "city": "Riyadh", "postalCode": "11564", "country": "Saudi Arabia",
                  "poBox": "77", "type": "Head office" },
                { "poBox": "5", "formattedValue": "PO Box 5" },
            ])
        );
    }

    #[test]
    fn an_address_that_says_the_same_goes_back_as_it_was_read() {
        let before = items(
            json!([{ "streetAddress": "12 KING FAHD ROAD\nFloor 3", "city": "riyadh", "postalCode": "11564",
            "country": "السعودية", "countryCode": "SA", "type": "work", "metadata": {"primary": true} }]),
        );
        let wanted = Address::new(["12 King Fahd Road", "Floor 3"], "Riyadh", "", "11564", "Saudi Arabia");
        let wanted = wanted.value(Some("work")).expect("an address");
        assert_eq!(with_addresses(&before, &of(&[wanted])), before);
    }

    #[test]
    fn a_new_address_comes_last_with_its_type_and_the_code_of_its_country() {
        let after = with_addresses(&[], &of(&[office("12 King Fahd Road")]));
        assert_eq!(
            json!(after),
            json!([{ "streetAddress": "12 King Fahd Road", "city": "Riyadh", "postalCode": "11564", "country": "Saudi Arabia",
                "countryCode": "SA", "type": "work" }])
        );
    }

    #[test]
    fn a_country_in_a_language_that_nobody_lists_is_told_by_its_code() {
        let read = addresses(
            items(json!([{ "streetAddress": "1 x", "country": "サウジアラビア", "countryCode": "SA" }]))
                .iter(),
        );
        let key = read.keys().next().expect("an address").to_string();
        assert!(key.ends_with("|SA"), "{key}");
    }
}
