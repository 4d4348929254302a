//! Countries: one code for the many names that people give one.
//!
//! The table (`countries.txt`) holds for each ISO 3166 code the name that a Frappe site ships, then other names in English, in Arabic and in
//! the country's own languages, as the Unicode CLDR lists them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;

/// The ISO 3166 code ("SA") of a country by its name or its code; `None` for a name that nobody knows.
#[must_use]
pub fn country_code(name: &str) -> Option<&'static str> {
    static TABLE: OnceLock<BTreeMap<String, &'static str>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = BTreeMap::new();
        for (code, names) in include_str!("countries.txt").lines().filter_map(|line| line.split_once(' ')) {
            for name in names.split('|').chain([code]) {
                table.entry(plain(name)).or_insert(code);
            }
        }
        table
    });
    table.get(&plain(name)).copied()
}

/// A country as it is compared: its code, or what it is called without case, accents and punctuation.
#[must_use]
pub fn country_key(name: &str) -> String {
    country_code(name).map_or_else(|| plain(name), str::to_owned)
}

fn plain(name: &str) -> String {
    let letters: String = super::folded_text(name)
        .nfkd()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .collect();
    // Between letters a mark of punctuation parts words; within "U.A.E." it does not.
    let words: Vec<&str> = letters.split_whitespace().collect();
    let is_initials = words.len() > 1 && words.iter().all(|word| word.chars().count() == 1);
    words.join(if is_initials { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_country_has_one_code_however_it_is_called() {
        for name in
            ["Saudi Arabia", "saudi  arabia", "KSA", "K.S.A.", "sa", "السعودية", "المملكة العربية السعودية"]
        {
            assert_eq!(country_code(name), Some("SA"), "{name}");
        }
        assert_eq!(country_code("Côte d’Ivoire"), country_code("Cote d'Ivoire"));
        assert_eq!(country_code("Deutschland"), Some("DE"));
    }

    #[test]
    fn a_country_that_nobody_knows_is_known_by_its_name() {
        assert_eq!(country_code("Wakanda"), None);
        assert_eq!(country_key(" WAKANDA "), country_key("Wakanda"));
        assert_eq!(country_code(""), None);
    }

    #[test]
    fn every_line_of_the_table_is_a_code_and_names_of_its_own() {
        let lines: Vec<&str> = include_str!("countries.txt").lines().collect();
        assert_eq!(lines.len(), 250);
        for line in lines {
            let (code, names) = line.split_once(' ').expect("a code and names");
            assert!(names.split('|').all(|name| country_code(name) == Some(code)), "{line}");
        }
    }
}
