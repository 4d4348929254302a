//! Labels under everything at once: links that come and go, hands that put labels on and take them off, answers that are lost, processes
//! that die. After each step a model of a few lines says what must be on.

use std::collections::{BTreeMap, BTreeSet};

use dafater_contactsd::execute::RunRequest;

use crate::labels::{linked, owned};
use crate::world::{EMAIL, Strike, World, once};

/// Two kinds of links share a label.
const RULES: &[(&str, &str)] = &[("customer", "Customers"), ("lead", "Customers"), ("supplier", "Vendors")];
const DOCTYPES: [&str; 3] = ["Customer", "Lead", "Supplier"];
const LABELS: [&str; 2] = ["Customers", "Vendors"];
const PEOPLE: [&str; 3] = ["Ada", "Grace", "Alan"];

/// What is known of one contact.
#[derive(Debug, Clone, Default)]
struct Known {
    links: BTreeSet<&'static str>,
    /// Labels that are on, and whether the sync put them on.
    on: BTreeMap<&'static str, bool>,
}

fn label_of(doctype: &str) -> &'static str {
    RULES.iter().find(|(known, _)| *known == doctype.to_lowercase()).unwrap().1
}

impl Known {
    fn link(&mut self, doctype: &'static str) {
        let label = label_of(doctype);
        if self.links.remove(doctype) {
            let is_kept = self.links.iter().any(|other| label_of(other) == label);
            if !is_kept && self.on.get(label) == Some(&true) {
                self.on.remove(label);
            }
        } else {
            self.links.insert(doctype);
            self.on.entry(label).or_insert(true);
        }
    }

    fn by_hand(&mut self, label: &'static str) {
        if self.on.remove(label).is_none() {
            self.on.insert(label, false);
        }
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

async fn play(seed: u64) {
    let mut chance = Chance(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut world = World::with(|settings| settings.labels = owned(RULES)).with_acme();
    for label in LABELS {
        let now = world.tick();
        world.google().add_group(EMAIL, label, now).unwrap();
    }
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    for first in PEOPLE {
        world.add_contact(linked(first, &[]));
        known.insert(first, Known::default());
    }
    world.settle().await;
    world.later().await;
    for step in 0..14 {
        let first = PEOPLE[chance.below(PEOPLE.len())];
        let person = known.get_mut(first).unwrap();
        if chance.below(5) < 3 {
            person.link(DOCTYPES[chance.below(DOCTYPES.len())]);
            world.link_by_hand(first, &person.links.iter().copied().collect::<Vec<_>>());
        } else {
            person.by_hand(LABELS[chance.below(LABELS.len())]);
            world.label_by_hand(first, &person.on.keys().copied().collect::<Vec<_>>());
        }
        let strikes = [Strike::LoseAnswer, Strike::LoseRequest, Strike::UNAVAILABLE, Strike::EXHAUSTED];
        let strike = strikes[chance.below(strikes.len())].clone();
        match chance.below(6) {
            0 | 1 => {
                let part = ["members:modify", "contactGroups", "connections"][chance.below(3)];
                world.google_weather(once(part, strike));
                world.sync().await;
            }
            2 => drop(world.sync_killed_at(chance.below(6) as u64 + 1, chance.below(2) == 0).await),
            3 => drop(world.sync_as(RunRequest { full: true, dry_run: false }).await),
            _ => {}
        }
        world.calm();
        world.later().await;
        world.later().await;
        for (first, person) in &known {
            let on: Vec<&str> = person.on.keys().copied().collect();
            assert_eq!(world.labels_of(first), on, "seed {seed}, step {step}, {first}: {person:?}");
        }
    }
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn whatever_happens_each_label_is_where_the_links_and_the_hands_want_it() {
    for seed in (0..24).chain([68, 74]) {
        play(seed).await;
    }
}
