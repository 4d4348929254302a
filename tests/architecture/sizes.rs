//! No file grows beyond what can be read in one sitting.

use crate::files::{File, sources};

/// Lines that a file may have before its tests.
const LIMIT: usize = 600;

/// The number of lines before the tests of a file.
fn length(file: &File) -> usize {
    let mut lines = file.text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let is_test_module = line == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.contains("mod ") && next.ends_with('{'));
        if is_test_module {
            break;
        }
        count += 1;
    }
    count
}

#[test]
fn no_file_is_longer_than_its_limit() {
    let mut offences = Vec::new();
    for file in sources().iter().filter(|file| !file.is_of_tests()) {
        let length = length(file);
        if length > LIMIT {
            offences.push(format!("{} has {length} lines before its tests: split it", file.path));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn tests_at_the_end_are_not_counted_and_their_declaration_at_the_top_is() {
    let file = |text: &str| File { path: "src/a.rs".to_owned(), text: text.to_owned() };
    assert_eq!(length(&file("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n")), 2);
    assert_eq!(length(&file("#[cfg(test)]\nmod tests;\n\nfn a() {}\n")), 4);
}
