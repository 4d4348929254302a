//! What Google adds to what a client writes: display names, canonical numbers, formatted types, addresses in one piece.

use phonenumber::{Mode, country};
use serde_json::{Map, Value};

use super::mask::bit;
use super::refusal::Refusal;

/// Fills in the derived parts of one item of the field `bit`.
pub(super) fn complete(
    bit: usize,
    item: &mut Map<String, Value>,
    region: Option<country::Id>,
) -> Result<(), Refusal> {
    match bit {
        bit::NAMES => name(item),
        bit::PHONE_NUMBERS => {
            if let Some(canonical) = text(item, "value").and_then(|value| canonical_form(value, region)) {
                set(item, "canonicalForm", canonical);
            }
        }
        bit::ADDRESSES => address(item),
        bit::BIOGRAPHIES => {
            item.entry("contentType").or_insert_with(|| "TEXT_PLAIN".into());
        }
        bit::BIRTHDAYS | bit::EVENTS => check_date(item.get("date"))?,
        bit::GENDERS => {
            let formatted = text(item, "value").map(sentence_case).unwrap_or_default();
            set(item, "formattedValue", formatted);
        }
        bit::IM_CLIENTS => {
            let formatted = text(item, "protocol").map(formatted_protocol).unwrap_or_default();
            set(item, "formattedProtocol", formatted);
        }
        _ => {}
    }
    if HAS_FORMATTED_TYPE.contains(&bit)
        && let Some(formatted) = text(item, "type").map(formatted_type)
    {
        set(item, "formattedType", formatted);
    }
    Ok(())
}

/// The bits of the fields whose items carry `formattedType`: addresses, calendarUrls, emailAddresses, events, externalIds,
/// imClients, miscKeywords, organizations, phoneNumbers, relations, sipAddresses, urls.
const HAS_FORMATTED_TYPE: [usize; 12] = [0, 4, 7, 8, 9, 11, 17, 21, 22, 24, 25, 27];

fn text<'a>(item: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Value::as_str)
}

fn set(item: &mut Map<String, Value>, key: &str, value: String) {
    if !value.is_empty() {
        item.insert(key.to_owned(), Value::String(value));
    }
}

/// API: parts win over `unstructuredName`; the latter alone is split at its last blank; it is stored as written.
fn name(item: &mut Map<String, Value>) {
    const PARTS: [&str; 5] = ["honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix"];
    if PARTS.iter().all(|part| !item.contains_key(*part))
        && let Some(whole) = text(item, "unstructuredName").map(|whole| whole.trim().to_owned())
    {
        match whole.rsplit_once(char::is_whitespace) {
            Some((given, family)) => {
                set(item, "givenName", given.trim_end().to_owned());
                set(item, "familyName", family.to_owned());
            }
            None => set(item, "givenName", whole),
        }
    }
    let part = |key: &str| text(item, key).unwrap_or_default().to_owned();
    let [prefix, given, middle, family, suffix] = PARTS.map(part);
    let join = |parts: &[&str]| {
        parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let with_suffix = |front: String| match (front.is_empty(), suffix.is_empty()) {
        (_, true) => front,
        (true, false) => suffix.clone(),
        (false, false) => format!("{front}, {suffix}"),
    };
    let first = join(&[&prefix, &given, &middle]);
    let display = with_suffix(join(&[&first, &family]));
    let last_first = match (family.is_empty(), first.is_empty()) {
        (true, _) => with_suffix(first),
        (false, true) => with_suffix(family),
        (false, false) => with_suffix(format!("{}, {first}", family.trim())),
    };
    if !item.contains_key("unstructuredName") {
        set(item, "unstructuredName", display.clone());
    }
    set(item, "displayName", display);
    set(item, "displayNameLastFirst", last_first);
}

/// The E.164 form of a number, if the rules of `region` make sense of it.
pub(super) fn canonical_form(value: &str, region: Option<country::Id>) -> Option<String> {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if !(3..=40).contains(&digits) || value.len() > 200 {
        return None;
    }
    let number = phonenumber::parse(region, value).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())
}

/// API: `formattedValue` may be set by the client; it is built from the parts only when it is not.
fn address(item: &mut Map<String, Value>) {
    if item.contains_key("formattedValue") {
        return;
    }
    let join = |keys: &[&str], between: &str| {
        keys.iter().filter_map(|key| text(item, key)).collect::<Vec<_>>().join(between)
    };
    let region = join(&["region", "postalCode"], " ");
    let city = [join(&["city"], ""), region].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let lines = [
        join(&["streetAddress"], ""),
        join(&["extendedAddress"], ""),
        join(&["poBox"], ""),
        city.join(", "),
        join(&["country"], ""),
    ];
    let whole = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    set(item, "formattedValue", whole);
}

fn check_date(date: Option<&Value>) -> Result<(), Refusal> {
    let part = |key: &str| date.and_then(|date| date.get(key)).and_then(Value::as_i64).unwrap_or(0);
    let (year, month, day) = (part("year"), part("month"), part("day"));
    let sound = (0..=9999).contains(&year) && (0..=12).contains(&month) && (0..=31).contains(&day);
    if sound && (day == 0 || month != 0) { Ok(()) } else { Err(Refusal::invalid_argument()) }
}

/// The label of a predefined type in English; a custom one is shown as it is.
fn formatted_type(kind: &str) -> String {
    let known = match kind {
        "homeFax" => "Home Fax",
        "workFax" => "Work Fax",
        "otherFax" => "Other Fax",
        "workMobile" => "Work Mobile",
        "workPager" => "Work Pager",
        "googleVoice" => "Google Voice",
        "homePage" => "Home Page",
        "appInstallPage" => "App Install Page",
        "loginId" => "Login ID",
        "domesticPartner" => "Domestic Partner",
        "referredBy" => "Referred By",
        "HOME" => "Home",
        "WORK" => "Work",
        "OTHER" => "Other",
        "home" | "work" | "other" | "mobile" | "pager" | "main" | "blog" | "profile" | "ftp"
        | "reservations" | "anniversary" | "school" | "account" | "customer" | "network" | "organization"
        | "spouse" | "child" | "mother" | "father" | "parent" | "brother" | "sister" | "friend"
        | "relative" | "manager" | "assistant" | "partner" => return sentence_case(kind),
        custom => custom,
    };
    known.to_owned()
}

fn formatted_protocol(protocol: &str) -> String {
    let known = match protocol {
        "aim" => "AIM",
        "msn" => "MSN",
        "qq" => "QQ",
        "icq" => "ICQ",
        "googleTalk" => "Google Talk",
        "netMeeting" => "NetMeeting",
        "yahoo" | "skype" | "jabber" => return sentence_case(protocol),
        custom => custom,
    };
    known.to_owned()
}

fn sentence_case(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(bit: usize, item: Value) -> Value {
        let Value::Object(mut item) = item else { panic!("an object was expected") };
        complete(bit, &mut item, "NG".parse().ok()).unwrap();
        Value::Object(item)
    }

    #[test]
    fn display_names_are_built_from_the_parts_as_google_does() {
        let written = json!({"honorificPrefix": "Dr.", "givenName": "Ade", "middleName": "EEE", "familyName": "Lecturer",
            "unstructuredName": "Dr. Ade EEE Lecturer "});
        let name = completed(bit::NAMES, written);
        assert_eq!(name["displayName"], "Dr. Ade EEE Lecturer");
        assert_eq!(name["displayNameLastFirst"], "Lecturer, Dr. Ade EEE");
        assert_eq!(name["unstructuredName"], "Dr. Ade EEE Lecturer ", "stored text, not computed");
    }

    #[test]
    fn a_single_word_is_every_form_of_the_name() {
        let name = completed(bit::NAMES, json!({"givenName": "Plumber"}));
        for key in ["displayName", "displayNameLastFirst", "unstructuredName"] {
            assert_eq!(name[key], "Plumber", "{key}");
        }
    }

    #[test]
    fn an_unstructured_name_alone_is_split() {
        let name = completed(bit::NAMES, json!({"unstructuredName": "Mary Ann Evans"}));
        assert_eq!((&name["givenName"], &name["familyName"]), (&json!("Mary Ann"), &json!("Evans")));
    }

    #[test]
    fn numbers_follow_the_region_of_the_account() {
        let phone = completed(bit::PHONE_NUMBERS, json!({"value": "08150759317", "type": "homeFax"}));
        assert_eq!(phone["canonicalForm"], "+2348150759317");
        assert_eq!(phone["formattedType"], "Home Fax");
        assert_eq!(phone["value"], "08150759317", "kept as written");
        let phone = completed(bit::PHONE_NUMBERS, json!({"value": "call reception", "type": "Front desk"}));
        assert_eq!(phone.get("canonicalForm"), None);
        assert_eq!(phone["formattedType"], "Front desk");
    }

    #[test]
    fn an_address_is_written_in_one_piece_unless_the_client_did() {
        let parts = json!({"streetAddress": "1 Main St", "city": "Lagos", "region": "LA", "postalCode": "100001",
            "country": "Nigeria"});
        assert_eq!(
            completed(bit::ADDRESSES, parts)["formattedValue"],
            "1 Main St\nLagos, LA 100001\nNigeria"
        );
        let own = json!({"city": "Lagos", "formattedValue": "somewhere"});
        assert_eq!(completed(bit::ADDRESSES, own)["formattedValue"], "somewhere");
    }
}
