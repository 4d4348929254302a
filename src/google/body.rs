//! Person bodies for writes.

use serde_json::{Map, Value, json};

use crate::mapping::{Etag, SourceId};

/// Adds the concurrency token to a person body: `metadata.sources` with the CONTACT source's id and etag.
///
/// The write is refused as stale when the contact has changed since `etag` was read.
#[must_use]
pub fn with_lock(mut body: Map<String, Value>, id: &SourceId, etag: &Etag) -> Map<String, Value> {
    // API: the source etag (`#…`) belongs here; in the top-level `etag` it is refused (People API reference, people.updateContact).
    body.remove("etag");
    body.insert("metadata".to_owned(), json!({"sources": [{"type": "CONTACT", "id": id, "etag": etag}]}));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_the_source_etag_and_nothing_else() {
        let Value::Object(body) = json!({"etag": "%abc", "names": [{"givenName": "Ada"}]}) else {
            unreachable!()
        };
        let body = with_lock(body, &SourceId("2a".to_owned()), &Etag("#xyz".to_owned()));
        assert_eq!(
            Value::Object(body),
            json!({
                "metadata": {"sources": [{"type": "CONTACT", "id": "2a", "etag": "#xyz"}]},
                "names": [{"givenName": "Ada"}],
            })
        );
    }
}
