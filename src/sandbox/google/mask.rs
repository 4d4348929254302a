//! Field masks over persons.
//!
//! Law: a mask names whole fields only, and only those that the reference lists for its use.

use super::refusal::Refusal;

/// A field of a person that a mask can name.
#[derive(Debug)]
pub(super) struct PersonField {
    /// Its JSON name.
    pub(super) name: &'static str,
    /// Its number within `person.etag`.
    number: u8,
    /// Whether clients may write it.
    writable: bool,
    /// Whether a contact has at most one.
    pub(super) singleton: bool,
}

const fn field(name: &'static str, number: u8, writable: bool, singleton: bool) -> PersonField {
    PersonField { name, number, writable, singleton }
}

/// All fields of the read masks, in alphabetical order; the place in this list is the field's bit in a [`Mask`].
pub(super) static PERSON_FIELDS: [PersonField; 30] = [
    field("addresses", 0x3d, true, false),
    field("ageRanges", 0x03, false, false),
    field("biographies", 0x05, true, true),
    field("birthdays", 0x06, true, true),
    field("calendarUrls", 0x41, true, false),
    field("clientData", 0x42, true, false),
    field("coverPhotos", 0x07, false, false),
    field("emailAddresses", 0x09, true, false),
    field("events", 0x3e, true, false),
    field("externalIds", 0x43, true, false),
    field("genders", 0x0a, true, true),
    field("imClients", 0x0b, true, false),
    field("interests", 0x3f, true, false),
    field("locales", 0x44, true, false),
    field("locations", 0x45, true, false),
    field("memberships", 0x0c, true, false),
    field("metadata", 0x0d, false, false),
    field("miscKeywords", 0x46, true, false),
    field("names", 0x0e, true, true),
    field("nicknames", 0x0f, true, false),
    field("occupations", 0x11, true, false),
    field("organizations", 0x12, true, false),
    field("phoneNumbers", 0x10, true, false),
    field("photos", 0x40, false, false),
    field("relations", 0x13, true, false),
    field("sipAddresses", 0x47, true, false),
    field("skills", 0x14, false, false),
    field("urls", 0x15, true, false),
    field("userDefined", 0x16, true, false),
    // No client may ask for "file as", though the schema has it; the bit is here so that it can be named and refused.
    field("fileAses", 0x17, false, false),
];

/// Bits of fields that the model treats by name.
pub(super) mod bit {
    pub(in super::super) const ADDRESSES: usize = 0;
    pub(in super::super) const BIOGRAPHIES: usize = 2;
    pub(in super::super) const BIRTHDAYS: usize = 3;
    pub(in super::super) const EMAIL_ADDRESSES: usize = 7;
    pub(in super::super) const EVENTS: usize = 8;
    pub(in super::super) const GENDERS: usize = 10;
    pub(in super::super) const IM_CLIENTS: usize = 11;
    pub(in super::super) const MEMBERSHIPS: usize = 15;
    pub(in super::super) const METADATA: usize = 16;
    pub(in super::super) const NAMES: usize = 18;
    pub(in super::super) const PHONE_NUMBERS: usize = 22;
    pub(in super::super) const PHOTOS: usize = 23;
}

const FILE_ASES: usize = 29;

/// A set of person fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask(u64);

impl Mask {
    /// Every field that can be read.
    pub(super) const ALL: Self = Self((1 << FILE_ASES) - 1);

    pub(super) fn has(self, bit: usize) -> bool {
        self.0 >> bit & 1 == 1
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn with(self, bit: usize) -> Self {
        Self(self.0 | 1 << bit)
    }

    /// The field numbers that `person.etag` lists for this mask.
    pub(super) fn numbers(self) -> Vec<u8> {
        let fields = PERSON_FIELDS.iter().enumerate().filter(|(bit, _)| self.has(*bit));
        [1, 2].into_iter().chain(fields.map(|(_, field)| field.number)).chain([0x37, 0x2e]).collect()
    }

    /// The fields of this mask with their bits.
    pub(super) fn fields(self) -> impl Iterator<Item = (usize, &'static PersonField)> {
        PERSON_FIELDS.iter().enumerate().filter(move |(bit, _)| self.has(*bit))
    }

    /// Exactly the named writable fields; other names are left out.
    pub(super) fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let bits = names.filter_map(position).filter(|bit| is_writable(*bit));
        bits.fold(Self(0), Self::with)
    }

    /// Reads a mask for reading; an empty text is a missing mask.
    pub(super) fn to_read(text: &str, parameter: &str) -> Result<Self, Refusal> {
        Self::parse(text, parameter, "get", |bit| bit != FILE_ASES)
    }

    /// Reads a mask for writing.
    pub(super) fn to_write(text: &str, parameter: &str, method: &str) -> Result<Self, Refusal> {
        Self::parse(text, parameter, method, is_writable)
    }

    fn parse(
        text: &str,
        parameter: &str,
        method: &str,
        allowed: impl Fn(usize) -> bool,
    ) -> Result<Self, Refusal> {
        let valid = format!(
            "Valid paths are documented at https://developers.google.com/people/api/rest/v1/people/{method}."
        );
        // API: the body parameters end in "Mask" and are named alone; the query parameters get the word added.
        let noun = if parameter.ends_with("Mask") { "" } else { " mask" };
        if text.trim().is_empty() {
            return Err(Refusal::invalid(format!(
                "{parameter}{noun} is required. Please specify one or more valid paths. {valid}"
            )));
        }
        let mut mask = Self(0);
        for path in text.split(',').map(str::trim) {
            if path.is_empty() || !path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) {
                return Err(unparsable(text, parameter));
            }
            match position(path).filter(|bit| allowed(*bit)) {
                Some(bit) => mask = mask.with(bit),
                None => {
                    return Err(Refusal::invalid(format!(
                        "Invalid {parameter}{noun} path: \"{path}\". {valid}"
                    )));
                }
            }
        }
        Ok(mask)
    }
}

fn is_writable(bit: usize) -> bool {
    PERSON_FIELDS.get(bit).is_some_and(|field| field.writable)
}

/// The bit of a field by its camelCase or `snake_case` name.
pub(super) fn position(name: &str) -> Option<usize> {
    let name = camel_case(name);
    PERSON_FIELDS.iter().position(|field| field.name == name)
}

fn unparsable(text: &str, parameter: &str) -> Refusal {
    let field = snake_case(parameter);
    let description = format!(
        "Invalid value at '{field}' (type.googleapis.com/google.protobuf.FieldMask), Field '{field}', Invalid FieldMask \
         '{text}'. Map keys should be represented as [\"some_key\"]."
    );
    Refusal::unreadable(vec![(field, description)])
}

/// `phone_numbers` as `phoneNumbers`; other texts as they are.
pub(super) fn camel_case(name: &str) -> std::borrow::Cow<'_, str> {
    if !name.contains('_') {
        return name.into();
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel.into()
}

/// `phoneNumbers` as `phone_numbers`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_bits_stand_where_their_fields_stand() {
        for (bit, name) in [
            (bit::ADDRESSES, "addresses"),
            (bit::BIOGRAPHIES, "biographies"),
            (bit::BIRTHDAYS, "birthdays"),
            (bit::EMAIL_ADDRESSES, "emailAddresses"),
            (bit::EVENTS, "events"),
            (bit::GENDERS, "genders"),
            (bit::IM_CLIENTS, "imClients"),
            (bit::MEMBERSHIPS, "memberships"),
            (bit::METADATA, "metadata"),
            (bit::NAMES, "names"),
            (bit::PHONE_NUMBERS, "phoneNumbers"),
            (bit::PHOTOS, "photos"),
            (FILE_ASES, "fileAses"),
        ] {
            assert_eq!(PERSON_FIELDS[bit].name, name);
        }
    }

    #[test]
    fn masks_take_both_spellings_and_refuse_what_the_reference_does_not_list() {
        let mask = Mask::to_read("names,phone_numbers", "personFields").unwrap();
        assert!(mask.has(bit::NAMES) && mask.has(bit::PHONE_NUMBERS) && !mask.has(bit::ADDRESSES));
        let message = |refused: Result<Mask, Refusal>| refused.unwrap_err().message;
        assert_eq!(
            message(Mask::to_read("etag", "personFields")),
            "Invalid personFields mask path: \"etag\". Valid paths are documented at \
             https://developers.google.com/people/api/rest/v1/people/get."
        );
        assert!(message(Mask::to_read("fileAses", "personFields")).contains("\"fileAses\""));
        assert!(message(Mask::to_read("", "personFields")).starts_with("personFields mask is required."));
        assert!(message(Mask::to_read("", "readMask")).starts_with("readMask is required."));
        assert!(
            message(Mask::to_write("photos", "updatePersonFields", "updateContact")).contains("\"photos\"")
        );
        assert!(message(Mask::to_write("skills", "updateMask", "updateContact")).contains("\"skills\""));
        assert!(message(Mask::to_read("names[0]", "personFields")).contains("Invalid FieldMask 'names[0]'"));
    }
}
