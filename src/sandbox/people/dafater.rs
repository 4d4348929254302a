//! How somebody stands in Dafater: a form that takes plain numbers and addresses, and links to the business.

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use super::Quirk;
use super::phone::Spelling;
use super::portrait::{Portrait, Trade};

/// What Dafater's side of a shared contact has otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Take {
    /// Whether the person is also in Google, written by somebody else.
    pub(super) is_shared: bool,
    /// What is peculiar.
    pub(super) quirk: Quirk,
}

/// The Contact document to insert.
pub(super) fn contact(who: &Portrait, take: Take, rng: &mut StdRng) -> Value {
    let mut contact = Map::new();
    let is_named = !who.given.is_empty();
    let mut put = |field: &str, text: &str| {
        if !text.is_empty() {
            contact.insert(field.to_owned(), json!(text));
        }
    };
    if is_named {
        put("salutation", who.prefix);
        put("first_name", &who.given);
        put("last_name", &who.family);
        if !(take.is_shared && rng.gen_bool(0.5)) {
            put("middle_name", who.middle);
        }
        put("gender", if rng.gen_bool(0.2) { "Female" } else { "" });
    }
    put("company_name", &who.business.name);
    // Two people keep the books, and each calls the job by another name.
    let differs = take.is_shared && rng.gen_bool(0.1) && take.quirk != Quirk::LongTitle;
    put("designation", if differs { "Buyer" } else { who.title });
    if !(take.is_shared && rng.gen_bool(0.2)) {
        put("department", who.department);
    }
    let status = ["Passive", "Open", "Replied"].get(rng.gen_range(0..3)).copied().unwrap_or("Passive");
    put("status", status);
    contact.insert("unsubscribed".to_owned(), json!(i32::from(rng.gen_bool(0.1))));
    contact.insert("is_primary_contact".to_owned(), json!(i32::from(rng.gen_bool(0.1))));
    contact.insert("email_ids".to_owned(), emails(who, take, rng));
    contact.insert("phone_nos".to_owned(), phones(who, take, rng));
    if let Some(doctype) = doctype(who.business.trade) {
        let link = json!({ "link_doctype": doctype, "link_name": who.business.name });
        contact.insert("links".to_owned(), json!([link]));
    }
    Value::Object(contact)
}

/// The DocType of a business, if it has a document.
pub(super) fn doctype(trade: Trade) -> Option<&'static str> {
    match trade {
        Trade::Customer => Some("Customer"),
        Trade::Supplier => Some("Supplier"),
        Trade::Partner => None,
    }
}

fn emails(who: &Portrait, take: Take, rng: &mut StdRng) -> Value {
    let flagged = take.quirk != Quirk::NoPrimary;
    let rows = who.emails.iter().enumerate().filter(|(index, _)| {
        // The private address is often known to one of the two only.
        *index == 0 || !(take.is_shared && rng.gen_bool(0.4))
    });
    let mut rows: Vec<Value> = rows
        .map(|(index, email)| json!({ "email_id": email.value, "is_primary": i32::from(flagged && index == 0) }))
        .collect();
    if take.quirk == Quirk::Bracketed
        && let Some(row) = rows.first_mut().and_then(Value::as_object_mut)
        && let Some(email) = who.emails.first()
    {
        row.insert("email_id".to_owned(), json!(format!(" {} ", email.value)));
    }
    Value::Array(rows)
}

fn phones(who: &Portrait, take: Take, rng: &mut StdRng) -> Value {
    let flagged = take.quirk != Quirk::NoPrimary;
    let mut has_mobile = false;
    let rows: Vec<Value> = who
        .phones
        .iter()
        .enumerate()
        .map(|(index, phone)| {
            let spellings = Spelling::PLAIN_ONES;
            let spelling =
                spellings.get(rng.gen_range(0..spellings.len())).copied().unwrap_or(Spelling::Plain);
            let is_first_mobile = phone.is_mobile && !std::mem::replace(&mut has_mobile, phone.is_mobile);
            json!({
                "phone": phone.written(spelling),
                "is_primary_phone": i32::from(flagged && index == 0),
                "is_primary_mobile_no": i32::from(flagged && is_first_mobile),
            })
        })
        .collect();
    Value::Array(rows)
}
