//! The shapes of the People API's messages, as its discovery document (revision 20251117) lists them.
//!
//! Law: a field that is not listed here does not exist, and a request that names one is refused.

/// One message type.
#[derive(Debug)]
pub(super) struct Message {
    /// Its fields.
    pub(super) fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Its JSON name (camelCase).
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
}

/// What a field may hold.
#[derive(Debug)]
pub(super) enum Kind {
    /// A string.
    Text,
    /// A boolean.
    Flag,
    /// An int32.
    Integer,
    /// One of these; the first is the zero value, which proto3 JSON leaves out.
    Choice(&'static [&'static str]),
    /// A message.
    One(&'static Message),
    /// A list of messages.
    Many(&'static Message),
    /// Messages by name.
    Named(&'static Message),
    /// A list of strings.
    Texts,
    /// Output only: taken in any shape and ignored.
    Derived,
}

const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text }
}

const fn flag(name: &'static str) -> Field {
    Field { name, kind: Kind::Flag }
}

const fn integer(name: &'static str) -> Field {
    Field { name, kind: Kind::Integer }
}

const fn texts(name: &'static str) -> Field {
    Field { name, kind: Kind::Texts }
}

const fn derived(name: &'static str) -> Field {
    Field { name, kind: Kind::Derived }
}

const fn one(name: &'static str, message: &'static Message) -> Field {
    Field { name, kind: Kind::One(message) }
}

const fn many(name: &'static str, message: &'static Message) -> Field {
    Field { name, kind: Kind::Many(message) }
}

const fn choice(name: &'static str, values: &'static [&'static str]) -> Field {
    Field { name, kind: Kind::Choice(values) }
}

/// A message whose fields also hold the field metadata that every item of a person carries.
macro_rules! item {
    ($($field:expr),* $(,)?) => {
        Message { fields: &[one("metadata", &FIELD_METADATA), $($field),*] }
    };
}

static SOURCE: Message = Message {
    fields: &[
        text("etag"),
        text("id"),
        derived("profileMetadata"),
        choice(
            "type",
            &[
                "SOURCE_TYPE_UNSPECIFIED",
                "ACCOUNT",
                "PROFILE",
                "DOMAIN_PROFILE",
                "CONTACT",
                "OTHER_CONTACT",
                "DOMAIN_CONTACT",
            ],
        ),
        derived("updateTime"),
    ],
};

static FIELD_METADATA: Message = Message {
    fields: &[derived("primary"), one("source", &SOURCE), flag("sourcePrimary"), derived("verified")],
};

static DATE: Message = Message { fields: &[integer("day"), integer("month"), integer("year")] };

static VALUE: Message = item![text("value")];
static TYPED_VALUE: Message = item![derived("formattedType"), text("type"), text("value")];
static TYPED_URL: Message = item![derived("formattedType"), text("type"), text("url")];
static KEY_VALUE: Message = item![text("key"), text("value")];

static ADDRESS: Message = item![
    text("city"),
    text("country"),
    text("countryCode"),
    text("extendedAddress"),
    derived("formattedType"),
    text("formattedValue"),
    text("poBox"),
    text("postalCode"),
    text("region"),
    text("streetAddress"),
    text("type"),
];
static BIOGRAPHY: Message =
    item![choice("contentType", &["CONTENT_TYPE_UNSPECIFIED", "TEXT_PLAIN", "TEXT_HTML"]), text("value")];
static BIRTHDAY: Message = item![one("date", &DATE), text("text")];
static EMAIL_ADDRESS: Message =
    item![text("displayName"), derived("formattedType"), text("type"), text("value")];
static EVENT: Message = item![one("date", &DATE), derived("formattedType"), text("type")];
static GENDER: Message = item![text("addressMeAs"), derived("formattedValue"), text("value")];
static IM_CLIENT: Message = item![
    derived("formattedProtocol"),
    derived("formattedType"),
    text("protocol"),
    text("type"),
    text("username"),
];
static LOCATION: Message = item![
    text("buildingId"),
    flag("current"),
    text("deskCode"),
    text("floor"),
    text("floorSection"),
    text("type"),
    text("value"),
];
static CONTACT_GROUP_MEMBERSHIP: Message =
    Message { fields: &[derived("contactGroupId"), text("contactGroupResourceName")] };
static MEMBERSHIP: Message =
    item![one("contactGroupMembership", &CONTACT_GROUP_MEMBERSHIP), derived("domainMembership")];
static MISC_KEYWORD: Message = item![
    derived("formattedType"),
    choice(
        "type",
        &[
            "TYPE_UNSPECIFIED",
            "OUTLOOK_BILLING_INFORMATION",
            "OUTLOOK_DIRECTORY_SERVER",
            "OUTLOOK_KEYWORD",
            "OUTLOOK_MILEAGE",
            "OUTLOOK_PRIORITY",
            "OUTLOOK_SENSITIVITY",
            "OUTLOOK_SUBJECT",
            "OUTLOOK_USER",
            "HOME",
            "WORK",
            "OTHER",
        ],
    ),
    text("value"),
];
static NAME: Message = item![
    derived("displayName"),
    derived("displayNameLastFirst"),
    text("familyName"),
    text("givenName"),
    text("honorificPrefix"),
    text("honorificSuffix"),
    text("middleName"),
    text("phoneticFamilyName"),
    text("phoneticFullName"),
    text("phoneticGivenName"),
    text("phoneticHonorificPrefix"),
    text("phoneticHonorificSuffix"),
    text("phoneticMiddleName"),
    text("unstructuredName"),
];
static NICKNAME: Message = item![
    choice(
        "type",
        &["DEFAULT", "MAIDEN_NAME", "INITIALS", "GPLUS", "OTHER_NAME", "ALTERNATE_NAME", "SHORT_NAME"],
    ),
    text("value"),
];
static ORGANIZATION: Message = item![
    text("costCenter"),
    flag("current"),
    text("department"),
    text("domain"),
    one("endDate", &DATE),
    derived("formattedType"),
    integer("fullTimeEquivalentMillipercent"),
    text("jobDescription"),
    text("location"),
    text("name"),
    text("phoneticName"),
    one("startDate", &DATE),
    text("symbol"),
    text("title"),
    text("type"),
];
static PHONE_NUMBER: Message =
    item![derived("canonicalForm"), derived("formattedType"), text("type"), text("value")];
static RELATION: Message = item![derived("formattedType"), text("person"), text("type")];

static PERSON_METADATA: Message = Message {
    fields: &[
        derived("deleted"),
        derived("linkedPeopleResourceNames"),
        derived("objectType"),
        derived("previousResourceNames"),
        many("sources", &SOURCE),
    ],
};

/// `Person`.
pub(super) static PERSON: Message = Message {
    fields: &[
        many("addresses", &ADDRESS),
        derived("ageRange"),
        derived("ageRanges"),
        many("biographies", &BIOGRAPHY),
        many("birthdays", &BIRTHDAY),
        many("braggingRights", &VALUE),
        many("calendarUrls", &TYPED_URL),
        many("clientData", &KEY_VALUE),
        derived("coverPhotos"),
        many("emailAddresses", &EMAIL_ADDRESS),
        text("etag"),
        many("events", &EVENT),
        many("externalIds", &TYPED_VALUE),
        many("fileAses", &VALUE),
        many("genders", &GENDER),
        many("imClients", &IM_CLIENT),
        many("interests", &VALUE),
        many("locales", &VALUE),
        many("locations", &LOCATION),
        many("memberships", &MEMBERSHIP),
        one("metadata", &PERSON_METADATA),
        many("miscKeywords", &MISC_KEYWORD),
        many("names", &NAME),
        many("nicknames", &NICKNAME),
        many("occupations", &VALUE),
        many("organizations", &ORGANIZATION),
        many("phoneNumbers", &PHONE_NUMBER),
        derived("photos"),
        many("relations", &RELATION),
        derived("relationshipInterests"),
        derived("relationshipStatuses"),
        derived("residences"),
        text("resourceName"),
        many("sipAddresses", &TYPED_VALUE),
        many("skills", &VALUE),
        derived("taglines"),
        many("urls", &TYPED_VALUE),
        many("userDefined", &KEY_VALUE),
    ],
};

static CONTACT_TO_CREATE: Message = Message { fields: &[one("contactPerson", &PERSON)] };

/// `BatchCreateContactsRequest`.
pub(super) static BATCH_CREATE: Message =
    Message { fields: &[many("contacts", &CONTACT_TO_CREATE), text("readMask"), texts("sources")] };

/// `BatchUpdateContactsRequest`.
pub(super) static BATCH_UPDATE: Message = Message {
    fields: &[
        Field { name: "contacts", kind: Kind::Named(&PERSON) },
        text("readMask"),
        texts("sources"),
        text("updateMask"),
    ],
};

/// `BatchDeleteContactsRequest`.
pub(super) static BATCH_DELETE: Message = Message { fields: &[texts("resourceNames")] };

/// `UpdateContactPhotoRequest`.
pub(super) static UPDATE_PHOTO: Message =
    Message { fields: &[text("personFields"), text("photoBytes"), texts("sources")] };

static GROUP_CLIENT_DATA: Message = Message { fields: &[text("key"), text("value")] };

static CONTACT_GROUP: Message = Message {
    fields: &[
        many("clientData", &GROUP_CLIENT_DATA),
        text("etag"),
        derived("formattedName"),
        derived("groupType"),
        derived("memberCount"),
        derived("memberResourceNames"),
        derived("metadata"),
        text("name"),
        text("resourceName"),
    ],
};

/// `CreateContactGroupRequest`.
pub(super) static CREATE_GROUP: Message =
    Message { fields: &[one("contactGroup", &CONTACT_GROUP), text("readGroupFields")] };

/// `UpdateContactGroupRequest`.
pub(super) static UPDATE_GROUP: Message = Message {
    fields: &[one("contactGroup", &CONTACT_GROUP), text("readGroupFields"), text("updateGroupFields")],
};

/// `ModifyContactGroupMembersRequest`.
pub(super) static MODIFY_MEMBERS: Message =
    Message { fields: &[texts("resourceNamesToAdd"), texts("resourceNamesToRemove")] };
