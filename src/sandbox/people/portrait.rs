//! Who somebody is, whatever the address books say.

use rand::Rng as _;
use rand::rngs::StdRng;

use super::phone::Phone;
use super::words::{EMOJI, JOBS, MIDDLES, PLACES, Place};

/// What a business is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    /// It buys from us.
    Customer,
    /// It sells to us.
    Supplier,
    /// It works with us, and has no document of its own.
    Partner,
}

/// A company that people work for.
#[derive(Debug, Clone)]
pub(super) struct Business {
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) trade: Trade,
    pub(super) place: &'static Place,
}

impl Business {
    pub(super) fn new(index: usize) -> Option<Self> {
        let place = PLACES.get(index % PLACES.len())?;
        let round = index / PLACES.len();
        let (trade, slug) = place.trade.get(round % place.trade.len())?;
        let (before, kinds) = place.company;
        let (kind, kind_slug) = kinds.get(round / place.trade.len() % kinds.len())?;
        let combinations = place.trade.len() * kinds.len();
        let branch = match round / combinations {
            0 => String::new(),
            branch => format!(" {}", branch + 1),
        };
        let name = format!("{before} {trade} {kind}{branch}").trim().to_owned();
        let domain = format!("{slug}-{kind_slug}{}.example", branch.trim());
        let trade = match round % 3 {
            0 => Trade::Customer,
            1 => Trade::Supplier,
            _ => Trade::Partner,
        };
        Some(Self { name, domain, trade, place })
    }
}

/// An e-mail address with Google's type of it.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) value: String,
    pub(super) kind: &'static str,
}

/// A person or, without a name, a business.
#[derive(Debug, Clone)]
pub(super) struct Portrait {
    pub(super) prefix: &'static str,
    pub(super) given: String,
    pub(super) middle: &'static str,
    pub(super) family: String,
    pub(super) business: Business,
    pub(super) title: &'static str,
    pub(super) department: &'static str,
    pub(super) emails: Vec<Address>,
    pub(super) phones: Vec<Phone>,
}

impl Portrait {
    /// Somebody of `business`. `serial` tells people apart.
    pub(super) fn new(serial: usize, business: Business, rng: &mut StdRng) -> Self {
        let place = business.place;
        let word = |words: &'static [super::words::Word], index: usize| {
            words.get(index % words.len()).copied().unwrap_or_default()
        };
        // Neighbours differ in both names: people of one business are never taken for each other.
        let (given, given_slug) = word(place.given, serial);
        let (family, family_slug) = word(place.family, serial / 3 + serial * 5);
        let (title, department) = JOBS.get(rng.gen_range(0..JOBS.len())).copied().unwrap_or_default();
        let prefix = match rng.gen_range(0..10) {
            0 => "Dr",
            1 => "Eng",
            2 => "Mr",
            3 => "Mrs",
            4 => "Prof",
            _ => "",
        };
        let middle = if rng.gen_bool(0.15) {
            MIDDLES.get(rng.gen_range(0..MIDDLES.len())).copied().unwrap_or_default()
        } else {
            ""
        };
        let mut emails = vec![Address {
            value: format!("{given_slug}.{family_slug}.{serial}@{}", business.domain),
            kind: "work",
        }];
        if rng.gen_bool(0.3) {
            emails.push(Address { value: format!("{family_slug}{serial}@mail.example"), kind: "home" });
        }
        let mut phones = Vec::new();
        if rng.gen_bool(0.85) {
            phones.push(Phone::new(place, true, serial * 2));
        }
        if rng.gen_bool(0.4) {
            phones.push(Phone::new(place, false, serial * 2 + 1));
        }
        Self {
            prefix,
            given: given.to_owned(),
            middle,
            family: family.to_owned(),
            business,
            title,
            department,
            emails,
            phones,
        }
    }

    /// Puts an emoji beside the name.
    pub(super) fn adorn(&mut self, rng: &mut StdRng) {
        let emoji = EMOJI.get(rng.gen_range(0..EMOJI.len())).copied().unwrap_or_default();
        self.given = format!("{} {emoji}", self.given);
    }

    /// Takes the person away: what is left is the business with its mailbox and its first number.
    pub(super) fn unname(&mut self, serial: usize) {
        self.prefix = "";
        self.given.clear();
        self.middle = "";
        self.family.clear();
        self.title = "";
        self.department = "";
        self.emails =
            vec![Address { value: format!("office{serial}@{}", self.business.domain), kind: "work" }];
        if self.phones.is_empty() {
            self.phones.push(Phone::new(self.business.place, false, serial * 2 + 1));
        }
    }

    /// Adds the mailbox that the whole business shares.
    pub(super) fn add_mailbox(&mut self) {
        self.emails.push(Address { value: format!("info@{}", self.business.domain), kind: "other" });
    }

    /// Leaves only the mailbox that the whole business shares.
    pub(super) fn share_mailbox(&mut self) {
        self.emails = vec![Address { value: format!("info@{}", self.business.domain), kind: "work" }];
        self.phones.clear();
    }
}
