//! Asks the site which contacts a filter lists.
//!
//! Law: what a filtered list leaves out is outside the filter, or hidden, or renamed meanwhile; it is never said to be gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::name::filter_carries;
use super::query::ListQuery;
use crate::mapping::DocumentName;

impl SiteClient {
    /// Which contacts `filters` lists: of `names`, or of all.
    ///
    /// # Errors
    /// [`DafaterError::Filter`] when the site refuses the filter; otherwise why it did not answer.
    pub async fn contacts_in_scope(
        &self,
        filters: &Value,
        names: Option<&[DocumentName]>,
    ) -> Result<BTreeSet<DocumentName>, DafaterError> {
        let mut inside = BTreeSet::new();
        let Some(names) = names else {
            inside.extend(self.filtered(filters, None).await?);
            return Ok(inside);
        };
        // A name that no list of names carries is asked for by itself.
        let (listable, odd): (Vec<&DocumentName>, Vec<&DocumentName>) =
            names.iter().partition(|name| filter_carries(name));
        for names in listable.chunks(CHUNK) {
            let names: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
            inside.extend(self.filtered(filters, Some(json!(["name", "in", names]))).await?);
        }
        for name in odd {
            inside.extend(self.filtered(filters, Some(json!(["name", "=", name]))).await?);
        }
        Ok(inside)
    }

    /// Whether the site takes the filter.
    ///
    /// # Errors
    /// As [`Self::contacts_in_scope`].
    pub async fn try_filters(&self, filters: &Value) -> Result<(), DafaterError> {
        let query = ListQuery { filters: listed(filters), ..ListQuery::of("Contact", &["name"]) };
        self.list(Call::FILTERED, &query.limit(1)).await.map(drop)
    }

    async fn filtered(&self, filters: &Value, and: Option<Value>) -> Result<Vec<DocumentName>, DafaterError> {
        let mut query = ListQuery { filters: listed(filters), ..ListQuery::of("Contact", &["name"]) };
        query.filters.extend(and);
        // API: a filter on a child table joins it, and then "name" alone is of no table in particular.
        query.order_by = "`tabContact`.name asc";
        let rows = self.list(Call::FILTERED, &query).await?;
        let name = |row: &Value| Some(DocumentName(row.get("name")?.as_str()?.to_owned()));
        Ok(rows.iter().filter_map(name).collect())
    }
}

/// A table of values as the list of filters that it means.
fn listed(filters: &Value) -> Vec<Value> {
    match filters {
        Value::Array(filters) => filters.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(field, value)| match value.as_array().map(Vec::as_slice) {
                Some([operator, value]) => json!([field, operator, value]),
                Some(_) | None => json!([field, "=", value]),
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Names in one filter.
const CHUNK: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dafater::testing::{Script, message, refusal};

    #[tokio::test]
    async fn a_filter_is_asked_for_the_names_in_question_or_for_all() {
        let (site, script) =
            Script::site([message(json!([{"name": "Ada"}, {"name": "Ada"}])), message(json!([]))]);
        let filters = json!({"status": "Open"});
        let names = ["Ada", "Bob"].map(|name| DocumentName(name.to_owned()));
        let inside = site.contacts_in_scope(&filters, Some(&names)).await.unwrap();
        assert_eq!(inside, BTreeSet::from([names[0].clone()]));
        assert_eq!(
            script.body(0)["filters"],
            json!([["status", "=", "Open"], ["name", "in", ["Ada", "Bob"]]])
        );
        assert!(site.contacts_in_scope(&filters, None).await.unwrap().is_empty());
        assert_eq!(
            (&script.body(1)["filters"], &script.body(1)["limit_page_length"]),
            (&json!([["status", "=", "Open"]]), &json!(0))
        );
    }

    #[tokio::test]
    async fn a_filter_that_is_refused_says_what_the_site_said() {
        let (site, _) = Script::site([
            refusal(417, "DataError", "Field not permitted in query: nosuch"),
            refusal(404, "DoesNotExistError", "DocType Nope not found"),
        ]);
        for reason in ["Field not permitted in query: nosuch", "DocType Nope not found"] {
            let error = site.try_filters(&json!([["nosuch", "=", 1]])).await.unwrap_err();
            assert!(matches!(error, DafaterError::Filter(_)), "{error:?}");
            assert_eq!(error.reason_for_people(), Some(reason));
        }
    }
}
