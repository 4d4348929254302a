//! Which records that stand alone are the same person.
//!
//! Evidence is a shared e-mail address, a shared phone number, the name, the company. A pair is made only when the evidence is
//! certain and each record is the other's single best candidate; whatever is ambiguous goes to review, because a wrong merge is
//! worse than a question. A record that is certainly a duplicate of one that is already paired, or of one beside it on its own
//! side, is not created a second time.
//!
//! Law: pure and symmetric; the outcome does not depend on the order in which records are given.

use std::collections::{BTreeMap, BTreeSet};

use crate::contact::{Contact, Key, Values};

/// A value that more records share on one side is no evidence (an exchange, an info@ address).
const COMMONPLACE: usize = 12;
/// Names this similar are taken for variants of one name (Jaro-Winkler).
const SIMILAR_NAME: f64 = 0.92;

/// A record that takes part in matching, by its index in the caller's list.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What it says.
    pub contact: &'a Contact,
    /// What may become of it.
    pub standing: Standing,
}

/// How a record takes part in matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It looks for its counterpart.
    Free,
    /// It lost its counterpart and may find another; a twin on its own side is in doubt, for what was deleted must not come back by it.
    Widowed,
    /// It is paired already: it can only show that another record is its duplicate.
    Paired,
    /// It is outside the scope, or left alone by a person's decision: it is never matched, but whoever seems to be the same person on the other side is in doubt, for
    /// there must not be a second record of that person beside it.
    Outside,
}

/// What matching found. Indexes point into the lists that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The same person: (google, dafater).
    pub pairs: Vec<(usize, usize)>,
    /// By what each pair was known, as a clause without contact data.
    pub reasons: BTreeMap<(usize, usize), &'static str>,
    /// Google records that a person must place.
    pub google_review: BTreeMap<usize, Doubt>,
    /// Dafater records that a person must place.
    pub dafater_review: BTreeMap<usize, Doubt>,
}

/// Why a record cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Records of the other side that may be the same person.
    pub others: BTreeSet<usize>,
    /// Records of its own side that seem to be the same person.
    pub twins: BTreeSet<usize>,
    /// What they share, as a clause without contact data.
    pub reason: &'static str,
}

/// Matches the records of both sides.
#[must_use]
pub fn find(google: &[Candidate<'_>], dafater: &[Candidate<'_>]) -> Matches {
    let (left, right) = (Index::new(google), Index::new(dafater));
    let edges = edges_between(&left, &right);
    let mut matches = Matches::default();
    let mut free_google: BTreeSet<usize> = free(google);
    let mut free_dafater: BTreeSet<usize> = free(dafater);

    let mut certain: Vec<&Edge> = edges.iter().filter(|edge| edge.is_certain).collect();
    certain.sort_by_key(|edge| std::cmp::Reverse(edge.score));
    let mut at_google: BTreeMap<usize, Vec<&Edge>> = BTreeMap::new();
    let mut at_dafater: BTreeMap<usize, Vec<&Edge>> = BTreeMap::new();
    for edge in &certain {
        at_google.entry(edge.google).or_default().push(edge);
        at_dafater.entry(edge.dafater).or_default().push(edge);
    }
    for edge in &certain {
        let is_open =
            |edge: &Edge| free_google.contains(&edge.google) && free_dafater.contains(&edge.dafater);
        if !is_open(edge) {
            continue;
        }
        let at_an_end =
            at_google.get(&edge.google).into_iter().chain(at_dafater.get(&edge.dafater)).flatten();
        let has_rival = at_an_end
            .filter(|rival| (rival.google, rival.dafater) != (edge.google, edge.dafater))
            .any(|rival| is_open(rival) && rival.score >= edge.score);
        if !has_rival {
            free_google.remove(&edge.google);
            free_dafater.remove(&edge.dafater);
            matches.pairs.push((edge.google, edge.dafater));
            matches.reasons.insert((edge.google, edge.dafater), edge.reason);
        }
    }
    matches.pairs.sort_unstable();

    for edge in &edges {
        let (google_free, dafater_free) =
            (free_google.contains(&edge.google), free_dafater.contains(&edge.dafater));
        // An uncertain likeness to a record that found its match already says nothing any more.
        let counts = edge.is_certain || google_free && dafater_free;
        if !counts {
            continue;
        }
        if google_free {
            doubt(&mut matches.google_review, edge.google, edge.reason).others.insert(edge.dafater);
        }
        if dafater_free {
            doubt(&mut matches.dafater_review, edge.dafater, edge.reason).others.insert(edge.google);
        }
    }
    twins(google, &left, &free_google, &mut matches.google_review);
    twins(dafater, &right, &free_dafater, &mut matches.dafater_review);
    matches
}

/// The records that look for a counterpart.
fn free(side: &[Candidate<'_>]) -> BTreeSet<usize> {
    (0..)
        .zip(side)
        .filter(|(_, candidate)| matches!(candidate.standing, Standing::Free | Standing::Widowed))
        .map(|(index, _)| index)
        .collect()
}

fn doubt<'m>(review: &'m mut BTreeMap<usize, Doubt>, index: usize, reason: &'static str) -> &'m mut Doubt {
    review.entry(index).or_insert_with(|| Doubt { others: BTreeSet::new(), twins: BTreeSet::new(), reason })
}

/// Of several free records that are certainly one person, the one that says most may be carried across; the others are in doubt,
/// and all are beside one that has its counterpart.
fn twins(
    side: &[Candidate<'_>],
    index: &Index<'_>,
    free: &BTreeSet<usize>,
    review: &mut BTreeMap<usize, Doubt>,
) {
    for edge in edges_between(index, index) {
        if edge.google >= edge.dafater || !edge.is_certain {
            continue;
        }
        let (Some(left), Some(right)) = (side.get(edge.google), side.get(edge.dafater)) else { continue };
        if left.standing == Standing::Outside || right.standing == Standing::Outside {
            continue;
        }
        let (twin, other) = match (free.contains(&edge.google), free.contains(&edge.dafater)) {
            (true, true) if left.standing != right.standing => match left.standing {
                Standing::Widowed => (edge.dafater, edge.google),
                Standing::Free | Standing::Paired | Standing::Outside => (edge.google, edge.dafater),
            },
            (true, true) if says_more(right.contact, left.contact) => (edge.google, edge.dafater),
            (true, false) => (edge.google, edge.dafater),
            (true | false, true) => (edge.dafater, edge.google),
            (false, false) => continue,
        };
        doubt(review, twin, "it seems to stand twice on its own side").twins.insert(other);
    }
}

/// A total order of contents, so that the order in which records are given does not matter.
fn says_more(left: &Contact, right: &Contact) -> bool {
    let weight = |contact: &Contact| {
        let count = contact.texts.len() + contact.emails.len() + contact.phones.len();
        let keys = |values: &Values| values.keys().cloned().collect::<BTreeSet<_>>();
        (count, contact.texts.clone(), keys(&contact.emails), keys(&contact.phones))
    };
    weight(left) > weight(right)
}

/// Two records that share something.
#[derive(Debug, Clone, Copy)]
struct Edge {
    google: usize,
    dafater: usize,
    score: u32,
    is_certain: bool,
    reason: &'static str,
}

fn edges_between(left: &Index<'_>, right: &Index<'_>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (google, profile) in left.profiles.iter().enumerate() {
        let mut others = BTreeSet::new();
        for trait_ in &profile.traits {
            if left.count(trait_) <= COMMONPLACE {
                others.extend(right.find(trait_));
            }
        }
        for dafater in others {
            let Some(other) = right.profiles.get(dafater) else { continue };
            edges.extend(edge(google, dafater, profile, other));
        }
    }
    edges
}

/// Something by which records are looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Trait {
    Email(Key),
    Phone(Key),
    /// Folded name and company; one of them may be empty.
    Called(String, String),
}

impl Trait {
    fn all(contact: &Contact) -> Vec<Self> {
        Self::of(contact, &contact.folded_name(), &contact.folded_company())
    }

    fn of(contact: &Contact, name: &str, company: &str) -> Vec<Self> {
        let mut traits: Vec<Self> = contact.emails.keys().cloned().map(Self::Email).collect();
        traits.extend(contact.phones.keys().cloned().map(Self::Phone));
        if !name.is_empty() {
            traits.push(Self::Called(name.to_owned(), String::new()));
        } else if !company.is_empty() {
            traits.push(Self::Called(String::new(), company.to_owned()));
        }
        traits
    }
}

/// The traits of some contacts: tells quickly which others could be the same person as one of them.
#[derive(Debug, Default)]
pub struct Lookout(BTreeSet<Trait>);

impl Lookout {
    /// Adds a contact to look out for.
    pub fn add(&mut self, contact: &Contact) {
        self.0.extend(Trait::all(contact));
    }

    /// Whether nobody is looked out for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `contact` shares anything with one of them.
    #[must_use]
    pub fn sees(&self, contact: &Contact) -> bool {
        !self.0.is_empty() && Trait::all(contact).iter().any(|trait_| self.0.contains(trait_))
    }
}

/// A record as it is compared with many.
struct Profile<'a> {
    contact: &'a Contact,
    name: String,
    company: String,
    traits: Vec<Trait>,
}

impl<'a> Profile<'a> {
    fn new(contact: &'a Contact) -> Self {
        let (name, company) = (contact.folded_name(), contact.folded_company());
        let traits = Trait::of(contact, &name, &company);
        Self { contact, name, company, traits }
    }
}

/// The records of one side, and who has which trait.
struct Index<'a> {
    profiles: Vec<Profile<'a>>,
    by_trait: BTreeMap<Trait, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(side: &[Candidate<'a>]) -> Self {
        let profiles: Vec<Profile<'a>> =
            side.iter().map(|candidate| Profile::new(candidate.contact)).collect();
        let mut by_trait: BTreeMap<Trait, Vec<usize>> = BTreeMap::new();
        for (index, profile) in profiles.iter().enumerate() {
            for trait_ in &profile.traits {
                by_trait.entry(trait_.clone()).or_default().push(index);
            }
        }
        Self { profiles, by_trait }
    }

    fn count(&self, trait_: &Trait) -> usize {
        self.by_trait.get(trait_).map_or(0, Vec::len)
    }

    fn find(&self, trait_: &Trait) -> impl Iterator<Item = usize> {
        self.by_trait.get(trait_).filter(|found| found.len() <= COMMONPLACE).into_iter().flatten().copied()
    }
}

/// How two names relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Equal,
    Similar,
    /// One of them is missing.
    Silent,
    Different,
}

fn likeness(left: &str, right: &str) -> Likeness {
    if left.is_empty() || right.is_empty() {
        return Likeness::Silent;
    }
    if left == right {
        return Likeness::Equal;
    }
    let (left_words, right_words): (BTreeSet<&str>, BTreeSet<&str>) =
        (left.split(' ').collect(), right.split(' ').collect());
    let is_variant = left_words.is_subset(&right_words)
        || right_words.is_subset(&left_words)
        || strsim::jaro_winkler(left, right) >= SIMILAR_NAME;
    if is_variant { Likeness::Similar } else { Likeness::Different }
}

fn edge(google: usize, dafater: usize, one: &Profile<'_>, other: &Profile<'_>) -> Option<Edge> {
    let (left, right) = (one.contact, other.contact);
    let shares_email = left.emails.keys().any(|key| right.emails.contains(key));
    let shares_phone = left.phones.keys().any(|key| right.phones.contains(key));
    let names = likeness(&one.name, &other.name);
    let companies = likeness(&one.company, &other.company);
    let shares_reach = shares_email || shares_phone;
    // Both can be reached, and nothing in common.
    let reach_differs = !shares_reach
        && (!left.emails.is_empty() && !right.emails.is_empty()
            || !left.phones.is_empty() && !right.phones.is_empty());
    let both_nameless = one.name.is_empty() && other.name.is_empty();
    let companies_both_silent = one.company.is_empty() && other.company.is_empty();
    let (is_certain, reason) = match (names, companies) {
        (Likeness::Equal | Likeness::Similar, _) if shares_reach => (
            true,
            match (shares_email, shares_phone) {
                (true, true) => "the name, an e-mail address and a phone number agree",
                (true, false) => "the name and an e-mail address agree",
                (false, true | false) => "the name and a phone number agree",
            },
        ),
        (Likeness::Silent, Likeness::Equal | Likeness::Similar | Likeness::Silent) if shares_reach => (
            true,
            match (shares_email, shares_phone) {
                (true, _) => "an e-mail address agrees, and nothing speaks against it",
                (false, _) => "a phone number agrees, and nothing speaks against it",
            },
        ),
        (Likeness::Equal, Likeness::Equal) if !reach_differs => (true, "name and company agree"),
        (Likeness::Equal, Likeness::Silent) if !reach_differs && companies_both_silent => {
            (true, "the name agrees, and nothing speaks against it")
        }
        (Likeness::Silent, Likeness::Equal) if both_nameless && !reach_differs => {
            (true, "the company agrees, neither names a person")
        }
        (Likeness::Equal, Likeness::Equal) => (false, "name and company agree, addresses and numbers differ"),
        (Likeness::Equal, Likeness::Silent) if !reach_differs => (false, "only the name agrees"),
        (Likeness::Different, _) if shares_reach => (false, "an address or number agrees, the names differ"),
        (Likeness::Silent, Likeness::Different) if shares_reach => {
            (false, "an address or number agrees, the companies differ")
        }
        (Likeness::Equal | Likeness::Similar | Likeness::Silent | Likeness::Different, _) => return None,
    };
    let weigh = |holds: bool, weight: u32| if holds { weight } else { 0 };
    let score = weigh(shares_email, 8)
        + weigh(shares_phone, 6)
        + match names {
            Likeness::Equal => 5,
            Likeness::Similar => 3,
            Likeness::Silent | Likeness::Different => 0,
        }
        + weigh(companies == Likeness::Equal, 2);
    Some(Edge { google, dafater, score, is_certain, reason })
}

#[cfg(test)]
mod tests;
