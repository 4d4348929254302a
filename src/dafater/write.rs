//! Writes contacts: create, update, delete.
//!
//! Nothing is sent twice here. A write whose answer is lost is [in doubt](crate::remote::Disposition::InDoubt), and whoever
//! keeps the journal finds out what became of it.
//!
//! Law: what goes out names no document and no row. The site obeys a `name` in the body of an update by overwriting the document
//! of that name, and a row name of another contact by taking the row away from it; here such keys cannot leave.

use http::Method;
use serde_json::{Map, Value, json};

use super::client::{Reply, SiteClient};
use super::document::{TABLES, is_bookkeeping, whole};
use super::error::{Answer, Call, DafaterError};
use super::name::{encoded, path_carries};
use super::read::Lookup;
use super::zone::nearest_offset;
use crate::mapping::{Document, DocumentName, SiteStamp};

impl SiteClient {
    /// Creates a contact. The site computes its name; the answer is the document as it was stored.
    ///
    /// # Errors
    /// The contact was refused, or it is in doubt whether it was stored. Sending it again may make a second one.
    pub async fn create_contact(&self, body: Map<String, Value>) -> Result<Document, DafaterError> {
        let body = Value::Object(sendable(body));
        let reply = self.request(CREATE, Method::POST, "/api/resource/Contact", Some(&body)).await?;
        self.written(CREATE, reply, "data")
    }

    /// Changes the fields and tables in `body`, if the contact is still at the revision `lock`. A table is replaced whole.
    ///
    /// # Errors
    /// [`DafaterError::Stale`] when it is at another revision; otherwise why it was not written, or is in doubt.
    pub async fn update_contact(
        &self,
        name: &DocumentName,
        lock: &SiteStamp,
        body: Map<String, Value>,
    ) -> Result<Document, DafaterError> {
        let mut body = sendable(body);
        body.insert("modified".to_owned(), json!(lock));
        if path_carries(name) {
            let path = format!("/api/resource/Contact/{}", encoded(name));
            match self.request(UPDATE, Method::PUT, &path, Some(&Value::Object(body))).await {
                Ok(reply) => self.written(UPDATE, reply, "data"),
                Err(error) => Err(self.confirmed(name, error).await),
            }
        } else {
            let arguments = json!({"doctype": "Contact", "name": name, "fieldname": body});
            match self.post_method(UPDATE, "frappe.client.set_value", &arguments).await {
                Ok(reply) => self.written(UPDATE, reply, "message"),
                Err(error) => Err(self.confirmed(name, error).await),
            }
        }
    }

    /// Deletes a contact if it is still at the revision `lock`, and returns what was deleted.
    ///
    /// The site has no lock for deletions, so the revision is read just before; an edit in the instant between is lost with the
    /// contact (the site keeps it as a Deleted Document).
    ///
    /// # Errors
    /// [`DafaterError::Stale`] when it is at another revision, [`DafaterError::Missing`] when there is none,
    /// [`DafaterError::Refused`] with `LinkExistsError` when other records refer to it; otherwise why it was not deleted.
    pub async fn delete_contact(
        &self,
        name: &DocumentName,
        lock: &SiteStamp,
    ) -> Result<Document, DafaterError> {
        let document = match self.get_bare(name).await? {
            Lookup::Found(document) => document,
            Lookup::Missing(_) => return Err(DafaterError::Missing(Box::new(Answer::concluded(DELETE)))),
            Lookup::Hidden(_) => return Err(DafaterError::Forbidden(Box::new(Answer::concluded(DELETE)))),
            Lookup::Malformed(_) => return Err(DafaterError::Refused(Box::new(Answer::concluded(DELETE)))),
        };
        if document.modified != *lock {
            return Err(DafaterError::Stale(Box::new(Answer::concluded(DELETE))));
        }
        let outcome = if path_carries(&document.name) {
            let path = format!("/api/resource/Contact/{}", encoded(&document.name));
            self.request(DELETE, Method::DELETE, &path, None).await
        } else {
            let arguments = json!({"doctype": "Contact", "name": document.name});
            self.post_method(DELETE, "frappe.client.delete", &arguments).await
        };
        match outcome {
            Ok(_) => Ok(document),
            Err(error) => Err(self.confirmed(name, error).await),
        }
    }

    /// Looks the contact up before a write reports it missing: a hook that misses another document answers alike.
    async fn confirmed(&self, name: &DocumentName, error: DafaterError) -> DafaterError {
        let DafaterError::Missing(answer) = error else { return error };
        match self.get_bare(name).await {
            Ok(Lookup::Missing(_)) => DafaterError::Missing(answer),
            Ok(Lookup::Found(_) | Lookup::Malformed(_)) => DafaterError::Refused(answer),
            Ok(Lookup::Hidden(_)) => DafaterError::Forbidden(answer),
            Err(error) => error,
        }
    }

    fn written(&self, call: Call, mut reply: Reply, key: &str) -> Result<Document, DafaterError> {
        let value = reply.body.remove(key).unwrap_or_default();
        let document =
            whole(value, &self.fields()).map_err(|_| reply.misunderstood(call, "it holds no document"))?;
        if let (Some(local), Some(date)) = (document.modified.civil(), reply.date)
            && let Some(offset) = nearest_offset(local, date)
        {
            self.learn_offset(offset);
        }
        Ok(document)
    }
}

/// The body without anything that could name a document or a row, or that the site writes itself.
pub(super) fn sendable(body: Map<String, Value>) -> Map<String, Value> {
    let mut body: Map<String, Value> = body.into_iter().filter(|(key, _)| !is_bookkeeping(key)).collect();
    for table in TABLES {
        let Some(Value::Array(rows)) = body.get_mut(table) else { continue };
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|column, _| !is_bookkeeping(column));
        }
    }
    body
}

const CREATE: Call = Call::create("create a contact");
const UPDATE: Call = Call::change("update a contact");
const DELETE: Call = Call::change("delete a contact");

#[cfg(test)]
mod tests;
