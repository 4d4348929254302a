//! Business contacts as two sets of people keep them, one in Google and one in Dafater.
//!
//! A [`Population`] is made from a seed: customers, suppliers and partners in Arabic, Latin and mixed script, half of them known
//! to both sides and written differently there, some of them twice on one side, some behind a shared mailbox, with values that
//! the other side refuses and with much in Google that Dafater has no room for.
//!
//! Law: the same seed and size give the same people.

mod dafater;
mod google;
mod phone;
mod portrait;
mod words;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

pub use google::Labels;
pub use portrait::Trade;

use portrait::{Business, Portrait};

/// How many people there are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Contacts on each side.
    pub contacts: usize,
    /// Google accounts.
    pub accounts: usize,
}

/// Somebody, as the address books have them.
#[derive(Debug, Clone, Default)]
pub struct Resident {
    /// What stands in Google: the account's index and the `Person`.
    pub google: Vec<(usize, Value)>,
    /// What stands in Dafater.
    pub dafater: Vec<Value>,
    /// Whether it is clear who this is: on each side at most once, and behind no shared mailbox.
    pub is_plain: bool,
}

/// Everybody.
#[derive(Debug, Clone, Default)]
pub struct Population {
    /// The people.
    pub residents: Vec<Resident>,
    /// Documents that contacts link to: DocType and content.
    pub businesses: Vec<(&'static str, Value)>,
}

/// What is peculiar about a contact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Quirk {
    #[default]
    None,
    /// A number with an extension.
    Extension,
    /// An address that is not ASCII.
    Idn,
    /// A job title that is too long for Dafater.
    LongTitle,
    /// A salutation that the site does not have.
    ForeignTitle,
    /// A suffix behind the name.
    Suffix,
    /// No person, only the business.
    Nameless,
    /// An emoji in the name.
    Emoji,
    /// A second organisation.
    SecondOrganization,
    /// A number in Arabic digits.
    Arabic,
    /// A number with invisible marks.
    Marked,
    /// The primary address is the last.
    LatePrimary,
    /// Nothing is primary in Dafater.
    NoPrimary,
    /// Blanks around an address.
    Bracketed,
}

impl Quirk {
    /// Each stands once among fifty people.
    fn of(index: usize) -> Self {
        match index % 50 {
            3 => Self::Extension,
            7 => Self::Nameless,
            9 => Self::Idn,
            14 => Self::LongTitle,
            17 => Self::Bracketed,
            19 => Self::ForeignTitle,
            22 => Self::Suffix,
            27 => Self::NoPrimary,
            31 => Self::Emoji,
            35 => Self::SecondOrganization,
            38 => Self::Arabic,
            41 => Self::LatePrimary,
            45 => Self::Marked,
            _ => Self::None,
        }
    }
}

/// Of a hundred people, the one who stands twice in Google and the one who stands twice in Dafater.
const TWIN: usize = 11;
/// Of a hundred people whom one side alone knows, the one who can be reached through a shared mailbox only.
const MAILBOX: usize = 12;

impl Population {
    /// The people of a town of this size, with the resource names of each account's labels.
    #[must_use]
    pub fn new(seed: u64, size: Size, labels: &[Labels]) -> Self {
        let shared = size.contacts / 2;
        let rng = StdRng::seed_from_u64(seed);
        let mut town = Census { rng, serial: 0, shared, labels, population: Self::default() };
        for index in 0..shared {
            town.shared(index, size.accounts);
        }
        for index in 0..size.contacts - shared {
            for account in 0..size.accounts {
                town.only_google(index, account);
            }
            town.only_dafater(index);
            if index % 100 == MAILBOX {
                town.behind_mailbox(index / 100 % size.accounts.max(1));
            }
        }
        let businesses = (0..=town.serial / PER_BUSINESS).filter_map(Business::new);
        town.population.businesses = businesses
            .filter_map(|business| {
                let doctype = dafater::doctype(business.trade)?;
                let field = format!("{}_name", doctype.to_lowercase());
                Some((doctype, json!({ field: business.name })))
            })
            .collect();
        town.population
    }
}

/// People who work for one business.
const PER_BUSINESS: usize = 3;

/// A population in the making.
struct Census<'a> {
    rng: StdRng,
    serial: usize,
    shared: usize,
    labels: &'a [Labels],
    population: Population,
}

impl Census<'_> {
    fn portrait(&mut self, quirk: Quirk) -> Option<Portrait> {
        let serial = self.serial;
        self.serial += 1;
        let business = Business::new(serial / PER_BUSINESS)?;
        let mut who = Portrait::new(serial, business, &mut self.rng);
        if quirk == Quirk::Nameless {
            who.unname(serial);
        }
        if quirk == Quirk::Emoji {
            who.adorn(&mut self.rng);
        }
        Some(who)
    }

    fn person(&mut self, who: &Portrait, account: usize, is_shared: bool, quirk: Quirk) -> (usize, Value) {
        let labels = self.labels.get(account).cloned().unwrap_or_default();
        (account, google::person(who, google::Take { is_shared, quirk }, &labels, &mut self.rng))
    }

    fn contact(&mut self, who: &Portrait, is_shared: bool, quirk: Quirk) -> Value {
        dafater::contact(who, dafater::Take { is_shared, quirk }, &mut self.rng)
    }

    fn shared(&mut self, index: usize, accounts: usize) {
        let quirk = Quirk::of(index);
        let Some(mut who) = self.portrait(quirk) else { return };
        if index / PER_BUSINESS % 12 == 5 {
            who.add_mailbox();
        }
        let google = (0..accounts).map(|account| self.person(&who, account, true, quirk)).collect();
        let mut resident =
            Resident { google, dafater: vec![self.contact(&who, true, quirk)], is_plain: true };
        if index % 100 == TWIN {
            let twin = self.person(&who, index / 100 % accounts.max(1), true, Quirk::None);
            resident.google.push(twin);
            resident.is_plain = false;
        }
        if (index + 1) % 100 == TWIN && index + 1 < self.shared {
            resident.dafater.push(self.contact(&who, true, Quirk::None));
            resident.is_plain = false;
        }
        self.population.residents.push(resident);
    }

    /// Of a hundred places two are taken: one by a twin of somebody shared, one by somebody behind a mailbox.
    fn is_taken(&self, index: usize) -> bool {
        index % 100 == TWIN && index < self.shared || index % 100 == MAILBOX
    }

    fn only_google(&mut self, index: usize, account: usize) {
        if self.is_taken(index) && account == index / 100 % self.labels.len().max(1) {
            return;
        }
        let quirk = Quirk::of(index + 25);
        let Some(who) = self.portrait(quirk) else { return };
        let google = vec![self.person(&who, account, false, quirk)];
        self.population.residents.push(Resident { google, dafater: Vec::new(), is_plain: true });
    }

    fn only_dafater(&mut self, index: usize) {
        if self.is_taken(index) {
            return;
        }
        let quirk = Quirk::of(index + 10);
        let Some(who) = self.portrait(quirk) else { return };
        let dafater = vec![self.contact(&who, false, quirk)];
        self.population.residents.push(Resident { google: Vec::new(), dafater, is_plain: true });
    }

    /// Two people of one business, one on each side, who can be reached through its mailbox only.
    fn behind_mailbox(&mut self, account: usize) {
        let Some(mut left) = self.portrait(Quirk::None) else { return };
        let Some(mut right) = self.portrait(Quirk::None) else { return };
        right.business = left.business.clone();
        left.share_mailbox();
        right.share_mailbox();
        let google = vec![self.person(&left, account, false, Quirk::None)];
        let dafater = vec![self.contact(&right, false, Quirk::None)];
        self.population.residents.push(Resident { google, dafater: Vec::new(), is_plain: false });
        self.population.residents.push(Resident { google: Vec::new(), dafater, is_plain: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(population: &Population, accounts: usize) -> (Vec<usize>, usize) {
        let in_account = |account| {
            population.residents.iter().flat_map(|who| &who.google).filter(|(of, _)| *of == account).count()
        };
        let dafater = population.residents.iter().map(|who| who.dafater.len()).sum();
        ((0..accounts).map(in_account).collect(), dafater)
    }

    #[test]
    fn each_side_has_as_many_contacts_as_were_asked_for() {
        for (contacts, accounts) in [(0, 1), (1, 1), (10, 1), (200, 1), (500, 3)] {
            let labels = vec![Labels::default(); accounts];
            let population = Population::new(7, Size { contacts, accounts }, &labels);
            assert_eq!(
                counts(&population, accounts),
                (vec![contacts; accounts], contacts),
                "{contacts} {accounts}"
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_one_others() {
        let town = |seed| {
            let population = Population::new(seed, Size { contacts: 60, accounts: 1 }, &[Labels::default()]);
            format!("{population:?}")
        };
        assert_eq!(town(1), town(1));
        assert_ne!(town(1), town(2));
    }

    #[test]
    fn nobody_has_the_address_of_somebody_else_but_for_twins_and_mailboxes() {
        let population = Population::new(1, Size { contacts: 2_000, accounts: 1 }, &[Labels::default()]);
        let mut owners = std::collections::BTreeMap::new();
        for (index, who) in population.residents.iter().enumerate().filter(|(_, who)| who.is_plain) {
            let lists = who.google.iter().map(|(_, person)| (&person["emailAddresses"], "value"));
            let lists = lists.chain(who.dafater.iter().map(|contact| (&contact["email_ids"], "email_id")));
            for (list, key) in lists {
                for email in list.as_array().unwrap() {
                    let email = email[key].as_str().unwrap().trim().to_lowercase();
                    if !email.starts_with("info@") {
                        assert_eq!(*owners.entry(email.clone()).or_insert(index), index, "{email}");
                    }
                }
            }
        }
        assert!(owners.len() > 3_000);
    }
}
