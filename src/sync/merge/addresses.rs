//! Merges addresses: value by value, with what each is for; an address that belongs to others as well is not touched from Google.

use std::collections::BTreeSet;

use super::aliases::{to_google, translated};
use super::{Both, Merge, admit, listed, values_mut, values_of};
use crate::contact::{Address, AddressKind, Field, Key, Value, corrections};
use crate::mapping::Refusal;
use crate::sync::Side;

const FIELD: Field = Field::Addresses;
const SHARED: Refusal =
    "the address belongs to others in Dafater as well: it is changed and deleted there only";

/// Addresses of both sides that meet for the first time and are the same, though one says more than the other: (Google's, Dafater's).
pub(super) fn met(base: Both<'_>, now: Both<'_>, aliases: &[(Key, Key)]) -> Vec<(Key, Key)> {
    let (Some(google), Some(dafater)) = (&now.google.addresses, &now.dafater.addresses) else {
        return Vec::new();
    };
    let base_dafater = translated(base.dafater, aliases);
    // What both had agreed on and one has changed since is an edit, and goes across.
    let is_agreed = |key: &Key| {
        values_of(base.google, &FIELD).contains(key) && values_of(&base_dafater, &FIELD).contains(key)
    };
    let is_elsewhere = |key: &Key| dafater.keys().any(|own| to_google(own, aliases) == *key);
    let mut free: Vec<&Value> =
        google.iter().filter(|value| !is_elsewhere(&value.key) && !is_agreed(&value.key)).collect();
    let mut met = Vec::new();
    for own in dafater {
        let key = to_google(&own.key, aliases);
        if google.contains(&key) || is_agreed(&key) {
            continue;
        }
        let address = Address::of(own);
        if let Some(at) = free.iter().position(|value| Address::of(value).is_like(&address)) {
            met.push((free.remove(at).key.clone(), own.key.clone()));
        }
    }
    met
}

impl Merge<'_> {
    /// Carries addresses both ways. `shared` are those in Dafater that belong to others as well.
    pub(super) fn addresses(&mut self, shared: &BTreeSet<Key>) {
        if self.now.google.addresses.is_none() || self.now.dafater.addresses.is_none() {
            return;
        }
        self.carry_addresses(Side::Dafater, shared);
        self.carry_addresses(Side::Google, &BTreeSet::new());
        self.kinds(shared);
        for side in [Side::Google, Side::Dafater] {
            let (before, after) = (self.contact_now(side).clone(), self.target(side).contact.clone());
            if !before.agrees_on(&FIELD, &after) {
                let reason = match side {
                    Side::Google => "addresses changed in Dafater",
                    Side::Dafater => "addresses changed in Google",
                };
                let shown = |contact| listed(values_of(contact, &FIELD));
                self.decide(FIELD, side, shown(&before), shown(&after), reason);
            }
        }
    }

    fn carry_addresses(&mut self, to: Side, shared: &BTreeSet<Key>) {
        let Some((removed, added)) = self.news_for(to, &FIELD) else { return };
        let (removed, added): (Vec<&Value>, Vec<&Value>) = (removed.iter().collect(), added.iter().collect());
        // Who corrects an address that is not his alone does not want a second one beside it.
        let corrected = corrections(&removed, &added);
        let is_kept = |value: &Value| shared.contains(&value.key);
        let kept_by: BTreeSet<usize> = corrected
            .iter()
            .filter(|(gone, _)| removed.get(*gone).is_some_and(|value| is_kept(value)))
            .map(|(_, new)| *new)
            .collect();
        for value in removed {
            if is_kept(value) {
                self.withhold(to, FIELD, SHARED);
            } else {
                values_mut(&mut self.target(to).contact, &FIELD).remove(&value.key);
            }
        }
        for (index, value) in added.into_iter().enumerate() {
            if kept_by.contains(&index) {
                continue;
            }
            match admit(to, &FIELD, value, self.rules.site) {
                Err(refusal) => self.withhold(to, FIELD, refusal),
                Ok(admitted) => values_mut(&mut self.target(to).contact, &FIELD).add(admitted),
            }
        }
    }

    /// What each address is for: carried where one side changed it.
    fn kinds(&mut self, shared: &BTreeSet<Key>) {
        let kind = |value: &Value| AddressKind::of(value.label.as_deref());
        for value in &values_of(self.now.google, &FIELD).clone() {
            let known = [self.now.dafater, self.base.google, self.base.dafater]
                .map(|contact| values_of(contact, &FIELD).get(&value.key).map(kind));
            let [Some(dafater), Some(base_google), Some(base_dafater)] = known else { continue };
            let google = kind(value);
            if google == dafater {
                continue;
            }
            let (to, kind) = match (google != base_google, dafater != base_dafater) {
                (false, false) => continue,
                (true, false) => (Side::Dafater, google),
                (false, true) => (Side::Google, dafater),
                (true, true) => match self.winner(&FIELD).map_or(self.rules.newer, |(side, _)| side) {
                    Side::Google => (Side::Dafater, google),
                    Side::Dafater => (Side::Google, dafater),
                },
            };
            if !self.may_write(&FIELD, to) {
                self.bar(FIELD);
            } else if to == Side::Dafater && shared.contains(&value.key) {
                self.withhold(to, FIELD, SHARED);
            } else {
                let label = match to {
                    Side::Google => kind.google_type(),
                    Side::Dafater => kind.dafater_type(),
                };
                values_mut(&mut self.target(to).contact, &FIELD).relabel(&value.key, label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::contact::{Contact, Values};
    use crate::mapping::SiteRules;
    use crate::sync::{ConflictPolicy, MergeRules, Merged, merge, rebase};

    fn site() -> SiteRules {
        let countries = [("Saudi Arabia".to_owned(), "sa".to_owned())];
        SiteRules { countries: Some(countries.into()), ..SiteRules::default() }
    }

    fn rules<'r>(site: &'r SiteRules, shared: &[&Value]) -> MergeRules<'r> {
        MergeRules {
            conflict: ConflictPolicy::Newest,
            newer: Side::Dafater,
            pull: true,
            push: true,
            site,
            resolutions: BTreeMap::new(),
            aliases: &[],
            shared: shared.iter().map(|value| value.key.clone()).collect(),
            fields: crate::sync::FieldRules::default(),
        }
    }

    fn address(street: &str, city: &str, label: &str) -> Value {
        let address = Address::new([street, ""], city, "", "", "KSA");
        address.value(Some(label)).expect("an address")
    }

    fn contact(addresses: &[&Value]) -> Contact {
        let mut values = Values::default();
        for value in addresses {
            values.add((*value).clone());
        }
        Contact { addresses: Some(values), ..Contact::default() }
    }

    fn merged(base: [&Contact; 2], now: [&Contact; 2], shared: &[&Value]) -> Merged {
        let site = site();
        merge(
            Both { google: base[0], dafater: base[1] },
            Both { google: now[0], dafater: now[1] },
            &rules(&site, shared),
        )
    }

    #[test]
    fn an_address_of_others_is_neither_removed_nor_doubled_from_google() {
        let (old, new) =
            (address("12 King Fahd Road", "Riyadh", "work"), address("14 King Fahd Road", "Riyadh", "work"));
        let (base, corrected, removed) = (contact(&[&old]), contact(&[&new]), contact(&[]));
        for google in [&corrected, &removed] {
            let merged = merged([&base, &base], [google, &base], &[&old]);
            assert!(merged.dafater.fields.is_empty() && merged.google.fields.is_empty());
            assert_eq!(merged.withheld.len(), 1);
        }
        let free = merged([&base, &base], [&corrected, &base], &[]);
        assert_eq!(free.dafater.contact.addresses.expect("addresses").keys().collect::<Vec<_>>(), [&new.key]);
    }

    #[test]
    fn what_nobody_looked_at_is_neither_written_nor_forgotten() {
        let old = address("12 King Fahd Road", "Riyadh", "work");
        let (base, hidden) = (contact(&[&old]), Contact::default());
        let merged = merged([&base, &base], [&contact(&[]), &hidden], &[]);
        assert!(merged.dafater.fields.is_empty() && merged.google.fields.is_empty());
        let (before, after) =
            (Both { google: &base, dafater: &base }, Both { google: &contact(&[]), dafater: &hidden });
        assert_eq!(rebase(before, &merged, after, |_| true, &[]), (base.clone(), base.clone()));
    }

    #[test]
    fn an_address_that_did_not_arrive_yet_is_not_agreed_on() {
        let (one, two) =
            (address("12 King Fahd Road", "Riyadh", "work"), address("1 Corniche", "Jeddah", "home"));
        let (base, google) = (contact(&[]), contact(&[&one, &two]));
        let mut merged = merged([&base, &base], [&google, &base], &[]);
        merged.pending.insert(FIELD);
        let arrived = contact(&[&one]);
        let after = Both { google: &google, dafater: &arrived };
        let before = Both { google: &base, dafater: &base };
        let (in_google, in_dafater) = rebase(before, &merged, after, |_| true, &[]);
        assert_eq!((in_google, in_dafater), (arrived.clone(), arrived.clone()));
    }

    #[test]
    fn addresses_that_meet_are_one_when_one_only_says_more() {
        let short =
            Address::new(["12 King Fahd Road", ""], "Riyadh", "", "", "KSA").value(None).expect("an address");
        let long = Address::new(["12 King Fahd Road", ""], "Riyadh", "Riyadh Region", "11564", "KSA");
        let long = long.value(None).expect("an address");
        let nothing = Contact::default();
        let merged = merged([&nothing, &nothing], [&contact(&[&long]), &contact(&[&short])], &[]);
        assert!(merged.google.fields.is_empty() && merged.dafater.fields.is_empty());
        assert_eq!(merged.aliases, [(long.key, short.key)]);
    }
}
