//! Photos of contacts: files of the site.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use crate::mapping::{Document, DocumentName, SiteStamp};

impl SiteClient {
    /// Fetches a file of the site by its path; `None` where the site has none for us.
    ///
    /// # Errors
    /// The site could not be reached, or is out of order.
    pub async fn download(&self, path: &str) -> Result<Option<Bytes>, DafaterError> {
        let is_file = path.starts_with("/files/") || path.starts_with("/private/files/");
        if !is_file || path.contains("..") {
            return Ok(None);
        }
        let path: String = path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let response = self.fetch(DOWNLOAD, &path).await?;
        match response.status().as_u16() {
            200 => Ok(Some(response.into_body())),
            // API: 403 for what may not be read, and for what is not there.
            403 | 404 => Ok(None),
            status => Err(DafaterError::Protocol { call: DOWNLOAD, status, what: "it is no file" }),
        }
    }

    /// Gives a contact a photo: uploads it and makes it the contact's image. Returns where it lies.
    ///
    /// # Errors
    /// It was refused, or it is in doubt whether it was stored.
    pub async fn attach_photo(
        &self,
        name: &DocumentName,
        filename: &str,
        photo: &[u8],
    ) -> Result<String, DafaterError> {
        // API: `attach_file` with a `docfield` uploads and sets the field in one transaction; `upload_file` only uploads.
        let arguments = json!({
            "filename": filename, "filedata": STANDARD.encode(photo), "decode_base64": 1, "is_private": 1,
            "doctype": "Contact", "docname": name, "docfield": "image",
        });
        let mut reply = self.post_method(ATTACH, "frappe.client.attach_file", &arguments).await?;
        let file = reply.body.remove("message").unwrap_or_default();
        let place = file.get("file_url").and_then(Value::as_str).map(str::to_owned);
        place.ok_or_else(|| reply.misunderstood(ATTACH, "it does not say where the file lies"))
    }

    /// Takes a contact's photo away; the file stays attached.
    ///
    /// # Errors
    /// [`DafaterError::Stale`] when the contact is at another revision; otherwise why it was not written, or is in doubt.
    pub async fn clear_photo(&self, name: &DocumentName, lock: &SiteStamp) -> Result<Document, DafaterError> {
        self.update_contact(name, lock, Map::from_iter([("image".to_owned(), json!(""))])).await
    }

    async fn fetch(&self, call: Call, path: &str) -> Result<http::Response<Bytes>, DafaterError> {
        self.raw(call, Method::GET, path).await
    }
}

/// A segment of a file's path, percent-encoded.
fn segment(text: &str) -> String {
    super::name::encoded(&DocumentName(text.to_owned()))
}

const DOWNLOAD: Call = Call::read_document("fetch a photo");
const ATTACH: Call = Call::change("attach a photo");
