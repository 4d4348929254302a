//! One request, taken apart: path, query, body.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::mask::{camel_case, snake_case};
use super::refusal::Refusal;
use super::schema::Message;
use super::shape;

/// A request as the model's methods see it.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a http::Method,
    /// Percent-decoded.
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) body: &'a Bytes,
    /// The bearer token, from the header or the query.
    pub(super) token: Option<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(request: &'a http::Request<Bytes>) -> Self {
        let query = Query::parse(request.uri().query().unwrap_or_default().as_bytes());
        let bearer = request
            .headers()
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned());
        let token = bearer
            .or_else(|| query.get("access_token").or_else(|| query.get("oauth_token")).map(str::to_owned));
        Self {
            method: request.method(),
            path: percent_decode(request.uri().path()),
            query,
            body: request.body(),
            token,
        }
    }

    /// The body read as `message`; `at` is the body's place in the request message ("" for all of it).
    pub(super) fn read(&self, message: &Message, at: &str) -> Result<Map<String, Value>, Refusal> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        let value: Value = serde_json::from_slice(self.body)
            .map_err(|error| Refusal::invalid(format!("Invalid JSON payload received. {error}")))?;
        shape::read(value, message, at)
    }

    /// Refuses query parameters that the method does not have.
    pub(super) fn check_parameters(&self, own: &[&str]) -> Result<(), Refusal> {
        let violations: Vec<(String, String)> = self
            .query
            .0
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()) && !COMMON.contains(&name.as_str()))
            .map(|(name, _)| {
                let description = format!(
                    "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' \
                     could not be found in request message."
                );
                (String::new(), description)
            })
            .collect();
        if violations.is_empty() { Ok(()) } else { Err(Refusal::unreadable(violations)) }
    }

    /// Whether the client asked for the older error format.
    pub(super) fn asks_for_v1_errors(&self) -> bool {
        self.query.get("$.xgafv") == Some("1")
    }
}

/// Query parameters of every Google API, in the spelling that [`Query`] keeps.
const COMMON: [&str; 14] = [
    "$.xgafv",
    "accessToken",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauthToken",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "uploadProtocol",
    "upload_protocol",
];

/// Query parameters (or a form) in their order, names in camelCase.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(text);
        Self(pairs.map(|(name, value)| (camel_case(&name).into_owned(), value.into_owned())).collect())
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let name = camel_case(name);
        let found = self.0.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a repeated parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(wrong_value(name, "TYPE_BOOL", other)),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<i32, Refusal> {
        let Some(text) = self.get(name) else { return Ok(0) };
        text.parse().map_err(|_| wrong_value(name, "TYPE_INT32", text))
    }

    /// The mask in `personFields`, or in the older `requestMask.includeField`.
    pub(super) fn person_fields(&self) -> std::borrow::Cow<'_, str> {
        match (self.get("personFields"), self.get("requestMask.includeField")) {
            (Some(mask), _) => mask.into(),
            (None, Some(old)) => {
                let paths = old.split(',').map(|path| path.trim().trim_start_matches("person."));
                paths.collect::<Vec<_>>().join(",").into()
            }
            (None, None) => "".into(),
        }
    }
}

fn wrong_value(name: &str, kind: &str, value: &str) -> Refusal {
    let field = snake_case(name);
    let description = format!("Invalid value at '{field}' ({kind}), \"{value}\"");
    Refusal::unreadable(vec![(field, description)])
}

/// Decodes `%3A` and its like; what is no UTF-8 afterwards is replaced.
fn percent_decode(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, hex(0), hex(1)) {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_repeated_keys_and_both_spellings_are_read() {
        assert_eq!(percent_decode("/v1/people/c1%3AupdateContact"), "/v1/people/c1:updateContact");
        assert_eq!(percent_decode("/100%"), "/100%");
        let query =
            Query::parse(b"resourceNames=people%2Fc1&resourceNames=people/c2&person_fields=names%2Curls");
        assert_eq!(query.all("resourceNames").collect::<Vec<_>>(), ["people/c1", "people/c2"]);
        assert_eq!(query.get("personFields"), Some("names,urls"));
        let message = Query::parse(b"pageSize=many").integer("pageSize").unwrap_err().message;
        assert_eq!(message, "Invalid value at 'page_size' (TYPE_INT32), \"many\"");
    }
}
