use super::*;
use crate::contact::{Field, MappedField, TextField};
use crate::sync::Side;

/// Whether these lines under `[accounts.sales.fields]` are taken.
fn is_taken(lines: &str) -> bool {
    let etc = Etc::valid();
    etc.write("conf.d/x.toml", &format!("[accounts.sales.fields]\n{lines}"));
    etc.load().is_ok()
}

/// The first error, and what to do about it.
fn told(lines: &str) -> (String, String) {
    let etc = Etc::valid();
    etc.write("conf.d/x.toml", &format!("[accounts.sales.fields]\n{lines}"));
    let finding = etc.refused().into_iter().next().unwrap();
    (finding.message.clone(), finding.hint.clone().unwrap_or_default())
}

#[test]
fn a_mapping_of_the_defaults_holds_for_an_account_that_says_something_else_of_other_fields() {
    let etc = Etc::valid_and("[accounts.sales.fields]\ntitle = \"custom_title\"\n");
    etc.write(
        "conf.d/x.toml",
        "[defaults.fields]\n\"custom.Customer No\" = { dafater = \"custom_no\", direction = \"pull\" }\n",
    );
    let loaded = etc.loaded();
    let policy = loaded.config.accounts.values().next().unwrap().policy();
    let mapped = |slot, dafater| TextField::Mapped(MappedField::new(slot, dafater));
    let texts: Vec<&TextField> = policy.mapping.texts().collect();
    let number = mapped("custom.Customer No", "custom_no");
    assert!(texts.contains(&&number) && texts.contains(&&mapped("title", "custom_title")));
    assert!(!policy.fields.may_go(&Field::Text(number), Side::Google));
}

#[test]
fn what_google_does_not_have_is_told_with_what_was_meant() {
    assert_eq!(
        told("birthdy = \"custom_birthday\""),
        ("Google has no field `birthdy`".to_owned(), "did you mean `birthday`?".to_owned())
    );
    assert_eq!(told("\"urls.work\" = \"web\"").1, "did you mean `\"url.work\"`?");
    assert_eq!(told("url.work = \"web\"").1, "write it in quotes: \"url.work\" = …");
    assert_eq!(told("custom.Shoe = \"shoe\"").1, "write it in quotes: \"custom.Shoe\" = …");
    assert_eq!(told("custom = \"shoe\"").1, "name the custom field: \"custom.Customer No\"");
}

#[test]
fn what_dafater_keeps_for_itself_is_never_mapped() {
    for owned in [
        "name",
        "modified",
        "status",
        "user",
        "full_name",
        "email_id",
        "google_contacts_id",
        "image",
        "links",
    ] {
        let (message, hint) = told(&format!("notes = \"{owned}\""));
        assert!(
            message.contains("belongs to Dafater itself") && hint.contains("custom"),
            "{owned}: {message}"
        );
    }
    for wrong in ["Custom Notes", "custom-notes", "", "_x"] {
        assert!(told(&format!("notes = \"{wrong}\"")).0.contains("is not a fieldname"), "{wrong}");
    }
}

#[test]
fn two_fields_of_google_never_share_one_of_dafater() {
    assert!(told("notes = \"custom_x\"\nnickname = \"custom_x\"").0.contains("both stand for `custom_x`"));
    let (message, hint) = told("occupation = \"designation\"");
    assert!(message.contains("`title` and `occupation` both stand for `designation`"), "{message}");
    assert!(hint.contains("`title = \"custom_title\"`"), "{hint}");
    assert!(is_taken("occupation = \"designation\"\ntitle = \"custom_title\""));
}

#[test]
fn a_direction_and_a_winner_are_words_of_ours() {
    assert_eq!(told("notes = { dafater = \"n\", direction = \"pul\" }").1, "did you mean \"pull\"?");
    assert_eq!(told("notes = { dafater = \"n\", wins = \"gogle\" }").1, "did you mean \"google\"?");
    assert_eq!(told("notes = { dafater = \"n\", direktion = \"pull\" }").1, "did you mean `direction`?");
    assert!(told("notes = { direction = \"pull\" }").0.contains("names no field in Dafater"));
    assert!(told("phones = { dafater = \"n\" }").0.contains("their own table"));
    assert!(told("phones = \"n\"").0.contains("must be a table"));
    assert!(told("notes = 7").0.contains("must be a fieldname or a table"));
    assert!(is_taken(
        "emails = { direction = \"pull\" }\ngender = { direction = \"off\" }\nnotes = { direction = \"off\" }"
    ));
}
