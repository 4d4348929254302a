//! Replays the corpus of the fuzz targets, and mutations of it that are the same on every run.
//!
//! `FUZZ_CASES=200000 cargo test --release --test stories fuzz` looks longer; `FUZZ_SEED` elsewhere. `fuzz/README.md` says how to add to
//! the corpus, and how to run the same targets under libFuzzer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dafater_contactsd::store::{Batch, OpenOptions, SledStore, Store as _, Tree};
use serde_json::{Map, Value, json};

use crate::world::{Strike, World, contact, person};

#[path = "../../fuzz/targets.rs"]
mod targets;

/// No input may take longer, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(5);

/// Chance that is the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % limit.max(1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Runs `target` on its corpus and on `cases` mutations of it.
fn fuzz(name: &str, share: u64, target: impl Fn(&[u8])) {
    let corpus = corpus(name);
    let mut chance = Chance(from_environment("FUZZ_SEED", 0x9e37_79b9_7f4a_7c15) ^ name.len() as u64);
    let cases = from_environment("FUZZ_CASES", 400) / share;
    for entry in &corpus {
        run(name, &target, entry);
    }
    for _ in 0..cases {
        let seed = chance.pick(&corpus).clone();
        let mutated = mutate(&mut chance, seed, &corpus);
        run(name, &target, &mutated);
    }
}

fn run(name: &str, target: &impl Fn(&[u8]), input: &[u8]) {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
    let elapsed = begun.elapsed();
    if outcome.is_err() || elapsed > PATIENCE {
        let file = std::env::temp_dir().join(format!("fuzz-{name}"));
        std::fs::write(&file, input).unwrap();
        let shown = String::from_utf8_lossy(&input[..input.len().min(2000)]).into_owned();
        panic!("{name} failed within {elapsed:?} on {} (kept as {})", shown, file.display());
    }
}

fn mutate(chance: &mut Chance, mut input: Vec<u8>, corpus: &[Vec<u8>]) -> Vec<u8> {
    let structure = serde_json::from_slice::<Value>(&input).ok().filter(|_| chance.below(4) > 0);
    if let Some(mut value) = structure {
        for _ in 0..=chance.below(4) {
            let depth = chance.below(7);
            mutate_json(chance, &mut value, depth);
        }
        input = value.to_string().into_bytes();
        if chance.below(8) > 0 {
            return input;
        }
    }
    for _ in 0..=chance.below(6) {
        mutate_bytes(chance, &mut input, corpus);
    }
    input
}

fn mutate_bytes(chance: &mut Chance, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = chance.below(input.len() + 1);
    match chance.below(7) {
        0 if at < input.len() => input[at] ^= 1 << chance.below(8),
        1 if at < input.len() => {
            input[at] = *chance.pick(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'\n', b'[', b'{', b'=']);
        }
        2 => drop(input.splice(at..at, chance.pick(STRANGE).bytes()).count()),
        3 => input.truncate(at),
        4 => {
            let end = (at + chance.below(16)).min(input.len());
            input.drain(at..end);
        }
        5 => {
            let other = chance.pick(corpus);
            let from = chance.below(other.len() + 1);
            let to = (from + chance.below(64)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let end = (at + chance.below(64)).min(input.len());
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
    }
}

/// What people and programs write that nobody expects.
const STRANGE: &[&str] = &[
    "",
    " ",
    "\0",
    "\u{202e}",
    "\u{200b}",
    "İ",
    "ß",
    "ﷺ",
    "👩‍👩‍👧‍👦",
    "e\u{301}\u{301}\u{301}",
    "٠١٢٣",
    "+",
    "+9665",
    "00966501234567",
    "050 123 4567;ext=1",
    "*100#",
    "a@b",
    "A@B.C",
    "x <a@b.example>",
    "<<>@>",
    "ädä@exämple.com",
    "-1",
    "1e999",
    "99999999999999999999999999",
    "people/c18446744073709551616",
    "people/c0",
    "2026-02-30 25:61:61.999999",
    "2026-11-22 12:30:00.123456",
    "9999-12-31 23:59:59.999999",
    "0000-00-00",
    "mobile",
    "CONTACT",
    "PROFILE",
    "null",
    "Dr.",
    "Mr",
    "<b>x</b> &amp;",
];

fn mutate_json(chance: &mut Chance, value: &mut Value, depth: usize) {
    if depth > 0 {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let index = chance.below(items.len());
                return mutate_json(chance, &mut items[index], depth - 1);
            }
            Value::Object(fields) if !fields.is_empty() => {
                let index = chance.below(fields.len());
                let inner = fields.values_mut().nth(index).unwrap();
                return mutate_json(chance, inner, depth - 1);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
    match (chance.below(6), &mut *value) {
        (0, Value::Object(fields)) if !fields.is_empty() => {
            let key = fields.keys().nth(chance.below(fields.len())).unwrap().clone();
            fields.remove(&key);
        }
        (1, Value::Object(fields)) if !fields.is_empty() => {
            // The same under another key.
            let key = fields.keys().nth(chance.below(fields.len())).unwrap().clone();
            let moved = fields[&key].clone();
            fields.insert((*chance.pick(STRANGE)).to_owned(), moved);
        }
        (0 | 1, Value::Array(items)) if !items.is_empty() => {
            let copy = items[chance.below(items.len())].clone();
            let most = if chance.below(50) == 0 { 300 } else { 3 };
            for _ in 0..=chance.below(most) {
                items.push(copy.clone());
            }
        }
        (2, Value::Array(items)) if items.len() > 1 => {
            let (one, other) = (chance.below(items.len()), chance.below(items.len()));
            items.swap(one, other);
        }
        (2 | 3, Value::String(text)) => {
            let strange = *chance.pick::<&str>(STRANGE);
            let at = (0..=chance.below(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            text.insert_str(at, strange);
        }
        (4, Value::String(text)) if chance.below(20) == 0 => *text = text.repeat(1 + chance.below(200)),
        (_, place) => *place = scalar(chance),
    }
}

fn scalar(chance: &mut Chance) -> Value {
    match chance.below(9) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(*chance.pick(&[0_i64, 1, -1, i64::MAX, i64::MIN])),
        3 => json!(1.5e300),
        4 => json!([]),
        5 => json!({}),
        6 => (0..chance.below(100)).fold(json!("x"), |inner, _| json!([inner])),
        7 => Value::Object(Map::from_iter([((*chance.pick(STRANGE)).to_owned(), json!(1))])),
        _ => json!(*chance.pick(STRANGE)),
    }
}

#[test]
fn any_person_is_read_and_what_is_taken_of_it_comes_back() {
    fuzz("person", 1, targets::person);
}

#[test]
fn any_document_is_read_and_what_is_taken_of_it_comes_back() {
    fuzz("document", 1, targets::document);
}

#[test]
fn any_configuration_is_read_or_refused() {
    fuzz("config", 4, targets::config);
}

#[test]
fn any_line_of_the_control_protocol_is_understood_or_refused() {
    fuzz("control", 1, targets::control);
}

#[test]
fn any_stored_value_is_read_or_refused() {
    fuzz("stored", 2, targets::stored);
}

/// A store with something in every table, after a run, an undo that is held, a conflict, a question and a lost answer.
async fn lived_in() -> World {
    let mut world = World::with(|settings| {
        settings.policy.conflict = dafater_contactsd::sync::ConflictPolicy::Manual;
        settings.policy.max_deletes_percent = 0;
    });
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.add_person(person("Roomy", "One", "", "+966509999999"));
    world.add_contact(contact("Mate", "Two", "", "+966509999999"));
    let run = world.settle().await.run;
    let ada = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let document = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_person(&ada, json!({"organizations": [{"name": "Left"}]}));
    world.edit_contact(&document, json!({"company_name": "Right"}));
    world.settle().await;
    world.site_weather(|line, _| {
        (line.starts_with("POST") && line.ends_with("/api/resource/Contact")).then_some(Strike::LoseAnswer)
    });
    world.add_person(person("Alan", "Turing", "alan@example.com", ""));
    world.sync().await;
    world.undo(&run).await;
    let grace = world.person("Grace")["resourceName"].as_str().unwrap().to_owned();
    world.delete_person(&grace);
    world.sync().await;
    world
}

/// Run by hand when the shape of what is stored changes: `cargo test --test stories write_the_stored -- --ignored`.
#[tokio::test]
#[ignore = "writes the corpus"]
async fn write_the_stored_corpus() {
    let world = lived_in().await;
    for (index, ((tree, key), value)) in world.store.snapshot_durable().into_iter().enumerate() {
        let number = Tree::ALL.iter().position(|known| *known == tree).unwrap();
        let mut entry = vec![u8::try_from(number).unwrap(), u8::try_from(key.len()).unwrap()];
        entry.extend(key);
        entry.extend(value);
        std::fs::write(folder("stored").join(format!("{index:02}-{tree}")), entry).unwrap();
    }
}

#[tokio::test]
async fn a_store_with_any_bytes_in_its_files_opens_or_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(state.path(), &OpenOptions::new(jiff::Timestamp::UNIX_EPOCH)).unwrap();
    let mut batch = Batch::default();
    for ((tree, key), value) in lived_in().await.store.snapshot_durable() {
        batch.put(tree, key, value);
    }
    store.commit(batch).await.unwrap();
    store.close(PATIENCE).unwrap();
    drop(store);
    let files = files_below(state.path());
    assert!(files.len() > 2);
    let mut chance = Chance(from_environment("FUZZ_SEED", 0x51ed_2701_3fbc_9a55));
    for _ in 0..from_environment("FUZZ_CASES", 400) / 20 {
        let copy = tempfile::tempdir().unwrap();
        for file in &files {
            let to = copy.path().join(file.strip_prefix(state.path()).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
        let file = copy.path().join(chance.pick(&files).strip_prefix(state.path()).unwrap());
        let at = chance.below(1 << 20);
        let bytes: Vec<u8> =
            (0..=chance.below(24)).map(|_| u8::try_from(chance.below(256)).unwrap()).collect();
        let begun = Instant::now();
        targets::damaged(copy.path(), &file, at, &bytes);
        assert!(begun.elapsed() < PATIENCE * 2, "{} at {at}", file.display());
    }
}

fn files_below(directory: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
