//! `people.updateContactPhoto` and `people.deleteContactPhoto`, and the photos themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::google::client::{Call, PeopleClient, person_path};
use crate::google::error::GoogleError;
use crate::google::mask::{FieldMask, READ_SOURCE};
use crate::google::method::Method;
use crate::mapping::{Person, ResourceName};

/// How wide a photo is asked for.
const WIDTH: &str = "720";

impl PeopleClient {
    /// Gives a contact a photo, JPEG or PNG; returns the contact with it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn update_photo(
        &self,
        name: &ResourceName,
        photo: &[u8],
    ) -> Result<Option<Person>, GoogleError> {
        let method = Method::UpdateContactPhoto;
        let path = person_path(method, name, ":updateContactPhoto")?;
        let call = Call::new(method, http::Method::PATCH, path).json(&json!({
            "photoBytes": STANDARD.encode(photo),
            "personFields": FieldMask::PHOTOS.as_str(),
            "sources": [READ_SOURCE],
        }));
        let wire: Wire = self.call(call).await?;
        Ok(wire.person.and_then(|person| Person::parse(person).ok()))
    }

    /// Takes a contact's photo away.
    ///
    /// # Errors
    /// The call failed; `Gone` means that there was none.
    pub async fn delete_photo(&self, name: &ResourceName) -> Result<(), GoogleError> {
        let method = Method::DeleteContactPhoto;
        let path = person_path(method, name, ":deleteContactPhoto")?;
        let _: serde::de::IgnoredAny = self.call(Call::new(method, http::Method::DELETE, path)).await?;
        Ok(())
    }

    /// Fetches a photo from where Google said that it lies; `None` where that is no place of Google's, or nothing is there.
    ///
    /// # Errors
    /// The place could not be reached.
    pub async fn download_photo(&self, url: &str) -> Result<Option<Bytes>, GoogleError> {
        let method = Method::DownloadPhoto;
        let Some(url) = Url::parse(url).ok().filter(|url| self.is_googles(url)) else { return Ok(None) };
        let response = self.fetch(method, &wide(url.as_str())).await?;
        Ok(response.status().is_success().then(|| response.into_body()))
    }
}

/// The address under which a photo is given as wide as we want it. API: the size is the end of the address, or a part of its path.
fn wide(url: &str) -> String {
    if let Some((before, size)) = url.rsplit_once("=s")
        && !size.is_empty()
        && size.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte.is_ascii_lowercase())
    {
        return format!("{before}=s{WIDTH}");
    }
    url.replacen("/s100/", &format!("/s{WIDTH}/"), 1)
}

#[derive(Deserialize)]
struct Wire {
    person: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_asked_for_in_a_useful_size() {
        assert_eq!(
            wide("https://lh3.googleusercontent.com/contacts/ab=s100"),
            "https://lh3.googleusercontent.com/contacts/ab=s720"
        );
        assert_eq!(
            wide("https://lh3.googleusercontent.com/ab/s100/photo.jpg"),
            "https://lh3.googleusercontent.com/ab/s720/photo.jpg"
        );
        assert_eq!(wide("https://lh3.googleusercontent.com/ab"), "https://lh3.googleusercontent.com/ab");
    }
}
