//! Addresses under chance: people edit them on both sides while answers are lost, and at rest both sides say the same.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::world::{Strike, World, contact, person};

const STREETS: [&str; 5] =
    ["12 King Fahd Road", "7 Olaya Street", "1 Corniche", "3 Tahlia Street", "99 Airport Road"];
const CITIES: [(&str, &str); 2] = [("Riyadh", "11564"), ("Jeddah", "23411")];

/// One account with addresses, and what chance may not touch.
struct Play {
    world: World,
    chance: StdRng,
    resource: String,
    name: String,
    shared: (String, Value),
}

impl Play {
    async fn begin(seed: u64) -> Self {
        let mut world = World::with(|settings| {
            let mapping = settings.policy.mapping.clone();
            settings.policy.mapping = mapping.with_addresses(true);
        });
        let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
        ada["addresses"] = json!([google_address(STREETS[0], 0), { "poBox": "77", "type": "Letters" }]);
        let resource = world.add_person(ada);
        let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
        let now = world.tick();
        world.site().insert_into("Customer", json!({ "customer_name": "Engines" }), now).unwrap();
        let mut shared = site_address("9 Shared Plaza", 1, &name);
        shared["links"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "link_doctype": "Customer", "link_name": "Engines" }));
        shared["address_type"] = "Billing".into();
        let shared = world.site().insert_into("Address", shared, now).unwrap();
        let document = world.site().document("Address", &shared).unwrap();
        world.converge().await;
        Self { world, chance: StdRng::seed_from_u64(seed), resource, name, shared: (shared, document) }
    }

    /// Somebody does something to one address.
    fn act(&mut self) {
        let (street, city) =
            (STREETS[self.chance.gen_range(0..STREETS.len())], self.chance.gen_range(0..CITIES.len()));
        if self.chance.gen_bool(0.5) {
            self.act_in_google(street, city);
        } else {
            self.act_in_dafater(street, city);
        }
    }

    fn act_in_google(&mut self, street: &str, city: usize) {
        let ada = self.world.person("Ada Lovelace");
        let mut addresses = ada["addresses"].as_array().cloned().unwrap_or_default();
        // The box is what nobody maps; it must be there at the end.
        let at = addresses.iter().position(|address| address["streetAddress"].is_string());
        match (self.chance.gen_range(0..3), at) {
            (0, _) | (_, None) => addresses.push(google_address(street, city)),
            (1, Some(at)) => {
                addresses[at]["streetAddress"] = street.into();
                addresses[at].as_object_mut().unwrap().remove("formattedValue");
            }
            (_, Some(at)) => drop(addresses.remove(at)),
        }
        for address in &mut addresses {
            address.as_object_mut().unwrap().remove("metadata");
        }
        self.world.edit_person(&self.resource, json!({ "addresses": addresses }));
    }

    fn act_in_dafater(&mut self, street: &str, city: usize) {
        let now = self.world.tick();
        let documents = self.own();
        let pick = self.chance.gen_range(0..documents.len().max(1));
        let mut site = self.world.site();
        match (self.chance.gen_range(0..3), documents.get(pick)) {
            (0, _) | (_, None) => {
                drop(site.insert_into("Address", site_address(street, city, &self.name), now).unwrap());
            }
            (1, Some(name)) => {
                site.edit_in("Address", name, json!({ "address_line1": street }), now).unwrap();
            }
            (_, Some(name)) => site.delete_in("Address", name, now).unwrap(),
        }
    }

    /// Addresses of Ada alone.
    fn own(&self) -> Vec<String> {
        let addresses = self.world.site().documents("Address");
        let is_own = |address: &&Value| address["name"] != self.shared.0.as_str() && address["disabled"] != 1;
        addresses.iter().filter(is_own).map(|address| address["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn trouble(&mut self) {
        let (nth, kind) = (self.chance.gen_range(0..12), self.chance.gen_range(0..3));
        let mut seen = 0;
        self.world.site_weather(move |_, _| {
            seen += 1;
            let strike = [Strike::LoseAnswer, Strike::LoseRequest, Strike::BAD_GATEWAY][kind].clone();
            (seen == nth).then_some(strike)
        });
        self.world.sync().await;
        self.world.calm();
    }

    /// What both sides say at rest: (Google's, Dafater's), without what one cannot hold or may not touch.
    fn said(&self) -> (Vec<String>, Vec<String>) {
        let ada = self.world.person("Ada Lovelace");
        let line = |address: &Value, keys: [&str; 3]| {
            keys.map(|key| address[key].as_str().unwrap_or("-").to_lowercase()).join(", ")
        };
        let mut google: Vec<String> = ada["addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|address| address["streetAddress"].is_string())
            .map(|address| line(address, ["streetAddress", "city", "postalCode"]))
            .collect();
        let mut dafater: Vec<String> = self
            .world
            .site()
            .documents("Address")
            .iter()
            .filter(|address| address["disabled"] != 1)
            .map(|address| line(address, ["address_line1", "city", "pincode"]))
            .collect();
        // People may have removed the shared one in Google, or written over it: then it is withheld.
        google.retain(|line| !line.starts_with("9 shared"));
        dafater.retain(|line| !line.starts_with("9 shared"));
        for list in [&mut google, &mut dafater] {
            list.sort();
            list.dedup();
        }
        (google, dafater)
    }
}

fn google_address(street: &str, city: usize) -> Value {
    let (city, code) = CITIES[city];
    json!({ "type": "home", "streetAddress": street, "city": city, "postalCode": code, "country": "KSA" })
}

fn site_address(street: &str, city: usize, contact: &str) -> Value {
    let (city, code) = CITIES[city];
    json!({ "address_title": "Ada", "address_type": "Personal", "address_line1": street, "city": city, "pincode": code,
        "country": "Saudi Arabia", "links": [{ "link_doctype": "Contact", "link_name": contact }] })
}

#[tokio::test]
async fn at_rest_both_sides_have_the_same_addresses_whatever_was_lost_on_the_way() {
    for seed in 0..60 {
        let mut play = Play::begin(seed).await;
        for _ in 0..6 {
            for _ in 0..play.chance.gen_range(1..3) {
                play.act();
            }
            if play.chance.gen_bool(0.6) {
                play.trouble().await;
            } else {
                play.world.sync().await;
            }
        }
        play.world.clock.advance(jiff::SignedDuration::from_hours(2));
        play.world.converge().await;
        play.world.clock.advance(jiff::SignedDuration::from_hours(26));
        play.world.converge().await;
        let (google, dafater) = play.said();
        let withheld: Vec<&String> = google.iter().filter(|line| !dafater.contains(line)).collect();
        // What was written in Google over the shared address stays there; nothing else differs.
        assert!(withheld.len() <= 1, "seed {seed}\ngoogle {google:#?}\ndafater {dafater:#?}");
        assert!(
            dafater.iter().all(|line| google.contains(line)),
            "seed {seed}\ngoogle {google:#?}\ndafater {dafater:#?}"
        );
        assert_eq!(
            play.world.site().document("Address", &play.shared.0).unwrap(),
            play.shared.1,
            "seed {seed}: the address of others was touched"
        );
        let ada = play.world.person("Ada Lovelace");
        let boxes =
            ada["addresses"].as_array().unwrap().iter().filter(|address| address["poBox"] == "77").count();
        assert_eq!(boxes, 1, "seed {seed}: what is not mapped stays");
        play.world.is_quiet().await;
    }
}
