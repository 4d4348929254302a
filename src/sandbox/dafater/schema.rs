//! The DocTypes of the site: which fields a document has, and what each may hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of at most as many characters as the field says, 140 if it says nothing.
    Data,
    /// Data that is checked as an e-mail address.
    Email,
    /// Data that is checked as a phone number.
    Phone,
    /// Text without a bound.
    Text,
    /// 0 or 1.
    Check,
    /// A date and time.
    Datetime,
    /// A date.
    Date,
    /// One of the texts in the field's options.
    Choice,
    /// One of the texts.
    Select(&'static [&'static str]),
    /// The name of a document of that DocType.
    Link(&'static str),
    /// The name of a document of the DocType that another field names.
    DynamicLink(&'static str),
    /// Rows of a child DocType.
    Table(&'static str),
    /// Text that is answered as asterisks.
    Password,
}

impl Kind {
    /// Whether the database column is bounded.
    pub(super) fn is_bounded(self) -> bool {
        match self {
            Self::Data
            | Self::Email
            | Self::Phone
            | Self::Select(_)
            | Self::Choice
            | Self::Link(_)
            | Self::DynamicLink(_) => true,
            Self::Text | Self::Check | Self::Datetime | Self::Date | Self::Table(_) | Self::Password => false,
        }
    }
}

/// One field of a DocType.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) unique: bool,
    pub(super) default: Option<&'static str>,
    /// Most characters of a bounded field.
    pub(super) limit: usize,
    /// What a site's own field is told of its type: the texts of a choice, one a line.
    pub(super) options: String,
}

impl Field {
    pub(super) fn new(name: &str, label: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            required: false,
            unique: false,
            default: None,
            limit: 140,
            options: String::new(),
        }
    }

    /// Its type and what that is told.
    fn described(&self) -> (&'static str, Option<String>) {
        match self.kind {
            Kind::Data => ("Data", None),
            Kind::Email => ("Data", Some("Email".to_owned())),
            Kind::Phone => ("Data", Some("Phone".to_owned())),
            Kind::Text => ("Small Text", None),
            Kind::Check => ("Check", None),
            Kind::Datetime => ("Datetime", None),
            Kind::Date => ("Date", None),
            Kind::Choice => ("Select", Some(self.options.clone())),
            Kind::Select(options) => ("Select", Some(options.join("\n"))),
            Kind::Link(doctype) => ("Link", Some(doctype.to_owned())),
            Kind::DynamicLink(by) => ("Dynamic Link", Some(by.to_owned())),
            Kind::Table(child) => ("Table", Some(child.to_owned())),
            Kind::Password => ("Password", None),
        }
    }

    pub(super) fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// How a new document gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Ten random characters.
    Hash,
    /// The value of a field; taken twice is an error.
    Field(&'static str),
    /// A prefix and the value of a field.
    Prefixed(&'static str, &'static str),
    /// The last two words of a dotted path.
    Tail(&'static str),
    /// `__newname`, as a person types it.
    Prompt,
    /// Contact's own rule.
    Contact,
    /// Address's own rule.
    Address,
}

/// A kind of document.
#[derive(Debug, Clone)]
pub(super) struct DocType {
    pub(super) name: &'static str,
    pub(super) naming: Naming,
    pub(super) fields: Vec<Field>,
    pub(super) is_child: bool,
}

impl DocType {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The child tables: field and child DocType.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.fields.iter().filter_map(|field| {
            let Kind::Table(child) = field.kind else { return None };
            Some((field.name.as_str(), child))
        })
    }

    /// The fields as the site describes them to its users.
    pub(super) fn described(&self) -> Value {
        let field = |field: &Field| {
            let (kind, options) = field.described();
            json!({ "fieldname": field.name, "label": field.label, "fieldtype": kind, "options": options,
                "reqd": i32::from(field.required), "unique": i32::from(field.unique), "doctype": "DocField", "parent": self.name })
        };
        json!({ "doctype": "DocType", "name": self.name, "istable": i32::from(self.is_child),
            "fields": self.fields.iter().map(field).collect::<Vec<_>>() })
    }

    /// The fields that are columns of the DocType's own table.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !matches!(field.kind, Kind::Table(_)))
    }
}

/// The site's DocTypes by name.
pub(super) type Schemas = BTreeMap<&'static str, Arc<DocType>>;

const ADDRESS_TYPES: &[&str] = &[
    "Billing",
    "Shipping",
    "Office",
    "Personal",
    "Plant",
    "Postal",
    "Shop",
    "Subsidiary",
    "Warehouse",
    "Current",
    "Permanent",
    "Other",
];
const STATUS: &[&str] = &["Passive", "Open", "Replied"];

/// The DocTypes that every site has.
pub(super) fn standard() -> Schemas {
    use Kind::{Check, Data, Datetime, Email, Link, Password, Text};
    let simple = |name, naming, fields| DocType { name, naming, fields, is_child: false };
    let child = |name, fields| DocType { name, naming: Naming::Hash, fields, is_child: true };
    let titled = |name, field: &'static str, label: &str, primary: Option<&str>| {
        let mut fields = vec![Field::new(field, label, Data).required()];
        if let Some(primary) = primary {
            fields.push(Field::new(primary, "Primary Contact", Link("Contact")));
        }
        simple(name, Naming::Field(field), fields)
    };
    [
        contact(),
        child(
            "Contact Email",
            vec![
                Field::new("email_id", "Email ID", Email).required(),
                Field::new("is_primary", "Is Primary", Check),
            ],
        ),
        child(
            "Contact Phone",
            vec![
                Field::new("phone", "Number", Kind::Phone).required(),
                Field::new("is_primary_phone", "Is Primary Phone", Check),
                Field::new("is_primary_mobile_no", "Is Primary Mobile", Check),
            ],
        ),
        child(
            "Dynamic Link",
            vec![
                Field::new("link_doctype", "Link Document Type", Link("DocType")).required(),
                Field::new("link_name", "Link Name", Kind::DynamicLink("link_doctype")).required(),
                Field::new("link_title", "Link Title", Data),
            ],
        ),
        titled("Customer", "customer_name", "Customer Name", Some("customer_primary_contact")),
        titled("Supplier", "supplier_name", "Supplier Name", Some("supplier_primary_contact")),
        titled("Lead", "lead_name", "Lead Name", None),
        titled("Salutation", "salutation", "Salutation", None),
        titled("Gender", "gender", "Gender", None),
        address(),
        country(),
        simple(
            "Deleted Document",
            Naming::Hash,
            vec![
                Field::new("deleted_name", "Deleted Name", Data),
                Field::new("deleted_doctype", "Deleted DocType", Data),
                Field::new("restored", "Restored", Check),
                Field::new("new_name", "New Name", Text),
                Field::new("data", "Data", Text),
            ],
        ),
        simple(
            "Comment",
            Naming::Hash,
            vec![
                Field::new("comment_type", "Comment Type", Data),
                Field::new("comment_email", "Comment Email", Data),
                Field::new("comment_by", "Comment By", Data),
                Field::new("reference_doctype", "Reference Document Type", Link("DocType")),
                Field::new("reference_name", "Reference Name", Data),
                Field::new("content", "Content", Text),
            ],
        ),
        simple(
            "Google Contacts",
            Naming::Prefixed("GC-", "email_id"),
            vec![
                Field::new("enable", "Enable", Check),
                Field::new("email_id", "Email Address", Email).required(),
                Field::new("last_sync_on", "Last Sync On", Datetime),
                Field::new("authorization_code", "Authorization Code", Password),
                Field::new("refresh_token", "Refresh Token", Password),
                Field::new("next_sync_token", "Next Sync Token", Password),
                Field::new("pull_from_google_contacts", "Pull from Google Contacts", Check),
                Field::new("push_to_google_contacts", "Push to Google Contacts", Check),
            ],
        ),
        scheduled_job_type(),
        webhook(),
    ]
    .into_iter()
    .chain(customizations())
    .map(|doctype| (doctype.name, Arc::new(doctype)))
    .collect()
}

/// What a System Manager makes: roles, rules, fields.
fn customizations() -> [DocType; 3] {
    use Kind::{Check, Data, Link};
    let simple = |name, naming, fields| DocType { name, naming, fields, is_child: false };
    [
        simple(
            "Role",
            Naming::Field("role_name"),
            vec![
                Field::new("role_name", "Role Name", Data).required(),
                Field::new("disabled", "Disabled", Check),
                Field::new("is_custom", "Is Custom", Check),
                Field::new("desk_access", "Desk Access", Check),
                Field::new("two_factor_auth", "Two Factor Authentication", Check),
            ],
        ),
        simple(
            "Custom DocPerm",
            Naming::Hash,
            vec![
                Field::new("parent", "Reference Document Type", Data),
                Field::new("role", "Role", Link("Role")).required(),
                Field::new("if_owner", "If user is the owner", Check),
                Field::new("permlevel", "Level", Check),
                Field::new("read", "Read", Check),
                Field::new("write", "Write", Check),
                Field::new("create", "Create", Check),
                Field::new("delete", "Delete", Check),
                Field::new("export", "Export", Check),
            ],
        ),
        simple(
            "Custom Field",
            Naming::Hash,
            vec![
                Field::new("dt", "DocType", Link("DocType")).required(),
                Field::new("label", "Label", Data),
                Field::new("fieldname", "Fieldname", Data),
                Field::new("fieldtype", "Field Type", Data),
                Field::new("options", "Options", Kind::Text),
                Field::new("insert_after", "Insert After", Data),
                Field::new("unique", "Unique", Check),
                Field::new("reqd", "Is Mandatory Field", Check),
                Field::new("hidden", "Hidden", Check),
                Field::new("no_copy", "No Copy", Check),
                Field::new("read_only", "Read Only", Check),
                Field::new("print_hide", "Print Hide", Check),
            ],
        ),
    ]
}

// API: frappe/core/doctype/scheduled_job_type/scheduled_job_type.py (`autoname`) and its JSON.
fn scheduled_job_type() -> DocType {
    use Kind::{Check, Data, Datetime};
    DocType {
        name: "Scheduled Job Type",
        naming: Naming::Tail("method"),
        is_child: false,
        fields: vec![
            Field::new("stopped", "Stopped", Check),
            Field::new("method", "Method", Data).required(),
            Field::new("server_script", "Server Script", Data),
            Field::new("frequency", "Frequency", Data).required(),
            Field::new("cron_format", "Cron Format", Data),
            Field::new("create_log", "Create Log", Check),
            Field::new("last_execution", "Last Execution", Datetime),
        ],
    }
}

// API: frappe/integrations/doctype/webhook/webhook.json, without its child tables.
fn webhook() -> DocType {
    use Kind::{Check, Data, Password, Text};
    const EVENTS: &[&str] = &[
        "after_insert",
        "on_update",
        "on_submit",
        "on_cancel",
        "on_trash",
        "on_update_after_submit",
        "on_change",
    ];
    DocType {
        name: "Webhook",
        naming: Naming::Prompt,
        is_child: false,
        fields: vec![
            Field::new("webhook_doctype", "DocType", Kind::Link("DocType")).required(),
            Field::new("webhook_docevent", "Doc Event", Kind::Select(EVENTS)),
            Field::new("enabled", "Enabled", Check),
            Field::new("condition", "Condition", Text),
            Field::new("request_url", "Request URL", Text).required(),
            Field::new("is_dynamic_url", "Is Dynamic URL?", Check),
            Field::new("background_jobs_queue", "Background Jobs Queue", Data),
            Field::new("request_method", "Request Method", Kind::Select(&["POST", "PUT", "DELETE"])),
            Field::new(
                "request_structure",
                "Request Structure",
                Kind::Select(&["", "Form URL-Encoded", "JSON"]),
            ),
            Field::new("enable_security", "Enable Security", Check),
            Field::new("webhook_secret", "Webhook Secret", Password),
            Field::new("webhook_json", "JSON Request Body", Text),
        ],
    }
}

fn contact() -> DocType {
    use Kind::{Check, Data, Link};
    let mut status = Field::new("status", "Status", Kind::Select(STATUS));
    status.default = Some("Passive");
    DocType {
        name: "Contact",
        naming: Naming::Contact,
        is_child: false,
        fields: vec![
            Field::new("first_name", "First Name", Data),
            Field::new("middle_name", "Middle Name", Data),
            Field::new("last_name", "Last Name", Data),
            Field::new("full_name", "Full Name", Data),
            Field::new("email_id", "Email Address", Kind::Email),
            Field::new("user", "User Id", Link("User")),
            Field::new("address", "Address", Link("Address")),
            Field::new("sync_with_google_contacts", "Sync with Google Contacts", Check),
            status,
            Field::new("salutation", "Salutation", Link("Salutation")),
            Field::new("designation", "Designation", Data),
            Field::new("gender", "Gender", Link("Gender")),
            Field::new("phone", "Phone", Kind::Phone),
            Field::new("mobile_no", "Mobile No", Kind::Phone),
            Field::new("company_name", "Company Name", Data),
            Field::new("image", "Image", Kind::Text),
            Field::new("google_contacts", "Google Contacts", Link("Google Contacts")),
            Field::new("google_contacts_id", "Google Contacts Id", Data),
            Field::new("pulled_from_google_contacts", "Pulled from Google Contacts", Check),
            Field::new("is_primary_contact", "Is Primary Contact", Check),
            Field::new("department", "Department", Data),
            Field::new("unsubscribed", "Unsubscribed", Check),
            Field::new("email_ids", "Email IDs", Kind::Table("Contact Email")),
            Field::new("phone_nos", "Contact Numbers", Kind::Table("Contact Phone")),
            Field::new("links", "Links", Kind::Table("Dynamic Link")),
        ],
    }
}

// API: frappe/contacts/doctype/address/address.json.
fn address() -> DocType {
    use Kind::{Check, Data, Link};
    let line = |name, label| Field { limit: 240, ..Field::new(name, label, Data) };
    DocType {
        name: "Address",
        naming: Naming::Address,
        is_child: false,
        fields: vec![
            Field::new("address_title", "Address Title", Data),
            Field::new("address_type", "Address Type", Kind::Select(ADDRESS_TYPES)).required(),
            line("address_line1", "Address Line 1").required(),
            line("address_line2", "Address Line 2"),
            Field::new("city", "City/Town", Data).required(),
            Field::new("county", "County", Data),
            Field::new("state", "State/Province", Data),
            Field::new("country", "Country", Link("Country")).required(),
            Field::new("pincode", "Postal Code", Data),
            Field::new("email_id", "Email Address", Kind::Email),
            Field::new("phone", "Phone", Data),
            Field::new("fax", "Fax", Data),
            Field::new("is_primary_address", "Preferred Billing Address", Check),
            Field::new("is_shipping_address", "Preferred Shipping Address", Check),
            Field::new("disabled", "Disabled", Check),
            Field::new("links", "Links", Kind::Table("Dynamic Link")),
        ],
    }
}

// API: frappe/geo/doctype/country/country.json.
fn country() -> DocType {
    DocType {
        name: "Country",
        naming: Naming::Field("country_name"),
        is_child: false,
        fields: vec![
            Field::new("country_name", "Country Name", Kind::Data).required(),
            Field::new("date_format", "Date Format", Kind::Data),
            Field::new("time_format", "Time format", Kind::Data),
            Field::new("time_zones", "Time Zones", Kind::Text),
            Field::new("code", "Code", Kind::Data),
        ],
    }
}
