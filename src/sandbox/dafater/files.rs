//! Files: `frappe.client.attach_file`, and fetching what was attached.
//!
//! As a real site was seen to do it: the same content lies at one address; another content of the same name gets another; a file that may not be
//! seen, or that is not there, is forbidden alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::Site;
use super::access::{Action, GUEST};
use super::exchange::Call;
use super::refusal::Refusal;
use super::{Refused, WriteKind};

/// A file that is attached to a contact.
#[derive(Debug, Clone)]
pub(super) struct Attached {
    /// Where it lies.
    url: String,
    contact: String,
    content: Bytes,
}

const FORBIDDEN: &str = "<!doctype html>\n<html lang=en>\n<title>403 Forbidden</title>\n<h1>Forbidden</h1>\n<p>You don&#39;t have \
                         permission to access this file</p>\n";

impl Site {
    /// Uploads a file and, with a `docfield`, makes it that field's value.
    pub(super) fn attach_file(&mut self, call: &Call) -> Result<Value, Refusal> {
        let text = |key: &str| call.text(key).unwrap_or_default().to_owned();
        let (doctype, name, filename) = (text("doctype"), text("docname"), text("filename"));
        let schema = self.schema(&doctype)?;
        let doc = self.db.get(&doctype, &name).cloned().ok_or_else(|| Refusal::missing(&doctype, &name))?;
        self.permit(Action::Write, &schema, Some(&doc))?;
        let is_encoded =
            call.form.get("decode_base64").is_some_and(|flag| *flag == json!(1) || *flag == json!(true));
        let data = text("filedata");
        let content = if is_encoded {
            STANDARD.decode(&data).map_err(|_| Refusal::crash("binascii", "Error", "Incorrect padding"))?
        } else {
            data.into_bytes()
        };
        let is_private =
            call.form.get("is_private").is_some_and(|flag| *flag == json!(1) || *flag == json!(true));
        let content = Bytes::from(content);
        let url = self.place(&filename, &content, is_private);
        self.files.push(Attached { url: url.clone(), contact: name.clone(), content: content.clone() });
        let field = text("docfield");
        if !field.is_empty() {
            self.update_doc(&doctype, &name, Map::from_iter([(field.clone(), json!(url))]))?;
        }
        self.wrote("File", WriteKind::Created);
        Ok(json!({
            "name": format!("{:010x}", hash(url.as_bytes()) >> 24), "owner": self.session.user, "file_name": filename,
            "is_private": i32::from(is_private), "file_size": content.len(), "file_url": url, "folder": "Home/Attachments",
            "attached_to_doctype": doctype, "attached_to_name": name, "attached_to_field": field,
            "content_hash": format!("{:032x}", hash(&content)), "doctype": "File",
        }))
    }

    /// Where a file of this name and content lies.
    fn place(&self, filename: &str, content: &Bytes, is_private: bool) -> String {
        let folder = if is_private { "/private/files/" } else { "/files/" };
        if let Some(known) =
            self.files.iter().find(|file| file.content == *content && file.url.starts_with(folder))
        {
            return known.url.clone();
        }
        let plain = format!("{folder}{filename}");
        if !self.files.iter().any(|file| file.url == plain) {
            return plain;
        }
        let (stem, ending) = filename.rsplit_once('.').unwrap_or((filename, ""));
        format!("{folder}{stem}{:06x}.{ending}", hash(content) & 0xff_ffff)
    }

    /// The answer to a request for a file.
    pub(super) fn serve_file(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = super::exchange::decode(request.uri().path());
        let is_guest = self.session.user == GUEST && path.starts_with("/private/");
        let found = self.files.iter().find(|file| file.url == path && !is_guest).cloned();
        let found = found.filter(|file| {
            let Ok(schema) = self.schema("Contact") else { return false };
            let doc = self.db.get("Contact", &file.contact).cloned();
            // A contact that was renamed keeps its files.
            doc.is_none_or(|doc| self.denial(Action::Read, &schema, Some(&doc)).is_none())
        });
        match found {
            Some(file) => {
                let is_png = file.url.rsplit('.').next() == Some("png");
                let kind = if is_png { "image/png" } else { "image/jpeg" };
                self.respond(200, HeaderMap::new(), kind, file.content, true)
            }
            None => self.respond(403, HeaderMap::new(), "text/html; charset=utf-8", FORBIDDEN.into(), false),
        }
    }

    /// A person gives a contact a photo, as the form does; returns where it lies.
    ///
    /// # Errors
    /// What the site would say on the desk.
    pub fn set_photo(
        &mut self,
        contact: &str,
        filename: &str,
        photo: &[u8],
        now: jiff::Timestamp,
    ) -> Result<String, Refused> {
        let content = Bytes::copy_from_slice(photo);
        let url = self.place(filename, &content, true);
        self.files.push(Attached { url: url.clone(), contact: contact.to_owned(), content });
        self.edit(contact, json!({ "image": url }), now)?;
        Ok(url)
    }

    /// What a file of the site holds.
    #[must_use]
    pub fn file(&self, url: &str) -> Option<Vec<u8>> {
        self.files.iter().find(|file| file.url == url).map(|file| file.content.to_vec())
    }

    /// How many files were attached.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.len()
    }
}

/// Tells contents apart.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
