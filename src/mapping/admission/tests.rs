use super::*;
use crate::contact::{Key, PhoneContext};

fn phone(raw: &str) -> Result<String, Refusal> {
    let key = PhoneContext::default().key(raw).unwrap();
    SiteRules::phone(&Value { key, raw: raw.to_owned(), label: None }).map(|value| value.raw)
}

fn email(raw: &str) -> Result<String, Refusal> {
    let key = Key::email(raw).unwrap();
    SiteRules::email(&Value { key, raw: raw.to_owned(), label: None }).map(|value| value.raw)
}

#[test]
fn a_number_goes_as_it_is_written_where_the_site_allows_it() {
    assert_eq!(phone("+966 50 123-4567"), Ok("+966 50 123-4567".to_owned()));
    assert_eq!(phone("*100#"), Ok("*100#".to_owned()));
}

#[test]
fn arabic_digits_and_direction_marks_become_plain_digits() {
    assert_eq!(phone("\u{202A}٠٥٠ ١٢٣ ٤٥٦٧\u{202C}"), Ok("050 123 4567".to_owned()));
    assert_eq!(phone("+966\u{A0}50\u{A0}123"), Ok("+966 50 123".to_owned()));
}

#[test]
fn a_number_of_more_than_twenty_characters_goes_in_its_short_form() {
    assert_eq!(phone("+966 (0) 50 / 123 / 45 / 67"), Ok("+966501234567".to_owned()));
    assert!(phone("+966 11 234 5678 ext. 12").is_err());
    assert!(phone("call the office").is_err());
}

#[test]
fn addresses_that_the_site_refuses_are_withheld() {
    assert_eq!(email("Ada <Ada@Example.com>"), Ok("Ada@Example.com".to_owned()));
    assert_eq!(email("o'brien+x@example.co.uk"), Ok("o'brien+x@example.co.uk".to_owned()));
    for refused in ["ada@exämple.com", "ada@localhost", "a@x.org, b@x.org", "ada", "ada @x.org", "a..b@x.org"]
    {
        assert!(email(refused).is_err(), "{refused}");
    }
    assert!(email(&format!("{}@example.com", "a".repeat(140))).is_err());
}

#[test]
fn a_text_of_140_characters_fits_whatever_its_bytes() {
    let rules = SiteRules::default();
    assert!(rules.text(&TextField::Company, &"م".repeat(140)).is_ok());
    assert!(rules.text(&TextField::Company, &"م".repeat(141)).is_err());
    assert!(rules.text(&TextField::Suffix, "PhD").is_err());
    assert!(GoogleRules.text(&TextField::Company, &"م".repeat(1024)).is_ok());
    assert!(GoogleRules.text(&TextField::Company, &"م".repeat(1025)).is_err());
}

#[test]
fn a_name_must_fit_as_a_whole() {
    let mut contact = Contact::default();
    contact.set_text(&TextField::Given, &"g".repeat(70));
    contact.set_text(&TextField::Family, &"f".repeat(69));
    assert!(SiteRules::name(&contact).is_ok());
    contact.set_text(&TextField::Middle, "m");
    assert!(SiteRules::name(&contact).is_err());
}

#[test]
fn a_salutation_goes_in_the_sites_own_spelling() {
    let known = ["Dr", "Mr", "Prof."].map(str::to_owned);
    let rules = SiteRules { salutations: Some(known.into_iter().collect()), ..SiteRules::default() };
    assert_eq!(rules.text(&TextField::Prefix, "dr"), Ok("Dr".to_owned()));
    assert_eq!(rules.text(&TextField::Prefix, "Prof"), Ok("Prof.".to_owned()));
    assert!(rules.text(&TextField::Prefix, "Sheikh").is_err());
    assert_eq!(rules.text(&TextField::Prefix, ""), Ok(String::new()), "it can always be cleared");
    assert!(SiteRules::default().text(&TextField::Prefix, "Dr").is_err());
}

#[test]
fn a_mapped_text_goes_only_where_its_field_in_dafater_takes_it() {
    let options = || ["Gold", "Silver"].map(str::to_owned).into_iter().collect();
    let columns = [
        ("line", Column::Line),
        ("text", Column::Text),
        ("date", Column::Date),
        ("select", Column::Select(options())),
        ("link", Column::Link(Some(options()))),
        ("veiled", Column::Link(None)),
        ("url", Column::Url),
        ("phone", Column::Phone),
        ("email", Column::Email),
    ];
    let rules = SiteRules {
        columns: columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect(),
        ..SiteRules::default()
    };
    let goes = |column: &str, text: &str| {
        rules.text(&TextField::Mapped(crate::contact::MappedField::new("notes", column)), text).ok()
    };
    assert!(goes("line", &"n".repeat(140)).is_some() && goes("line", &"n".repeat(141)).is_none());
    assert!(goes("text", &"n".repeat(8000)).is_some());
    assert!(goes("date", "1815-12-10").is_some() && goes("date", "--12-10").is_none());
    assert_eq!(goes("select", "gold").as_deref(), Some("Gold"));
    assert_eq!(goes("link", "SILVER").as_deref(), Some("Silver"));
    assert!(goes("link", "Bronze").is_none() && goes("veiled", "Gold").is_none());
    assert_eq!(goes("veiled", "").as_deref(), Some(""), "it can always be cleared");
    assert!(goes("url", "https://example.com").is_some() && goes("url", "example.com").is_none());
    assert!(goes("phone", "+966 50").is_some() && goes("phone", "ask Ada").is_none());
    assert!(goes("email", "ada@example.com").is_some() && goes("email", "ada").is_none());
}

#[test]
fn google_takes_dates_as_dates_and_notes_of_any_length() {
    let mapped = |slot: &str| TextField::Mapped(crate::contact::MappedField::new(slot, "custom"));
    assert!(GoogleRules.text(&mapped("birthday"), "--02-29").is_ok());
    assert!(GoogleRules.text(&mapped("event.anniversary"), "in spring").is_err());
    assert!(GoogleRules.text(&mapped("birthday"), "").is_ok(), "it can always be cleared");
    assert!(GoogleRules.text(&mapped("notes"), &"n".repeat(2000)).is_ok());
    assert!(GoogleRules.text(&mapped("custom.Note"), &"n".repeat(2000)).is_err());
}
