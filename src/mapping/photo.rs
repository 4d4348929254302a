//! Photos as records show them.

use serde_json::Value;

use super::{Document, Person};

/// A document's photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SitePhoto {
    /// There is none that a person put there.
    None,
    /// A file of the site, by its path.
    File(String),
    /// Another site's, or text that holds an image: not ours to fetch.
    Elsewhere(String),
}

impl SitePhoto {
    /// What the document says, by which the photo is known.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::File(place) | Self::Elsewhere(place) => Some(place),
        }
    }
}

impl Person {
    /// Where the contact's own photo lies; the monogram that Google draws is none.
    #[must_use]
    pub fn photo(&self) -> Option<&str> {
        let photos = self.fields.get("photos").and_then(Value::as_array)?;
        let is_own = |photo: &&Value| {
            photo.pointer("/metadata/source/type").and_then(Value::as_str) == Some("CONTACT")
                && photo.get("default").and_then(Value::as_bool) != Some(true)
        };
        photos.iter().find(is_own)?.get("url").and_then(Value::as_str).filter(|url| url.len() <= LONGEST)
    }
}

impl Document {
    /// The document's photo. API: the site sets the address of a gravatar by itself; that is nobody's photo.
    #[must_use]
    pub fn photo(&self) -> SitePhoto {
        let image = self.fields.get("image").and_then(Value::as_str).unwrap_or_default().trim();
        let is_file = image.starts_with("/files/") || image.starts_with("/private/files/");
        if image.is_empty() || image.contains("gravatar.com/") {
            SitePhoto::None
        } else if is_file && !image.contains("..") && image.len() <= LONGEST {
            SitePhoto::File(image.to_owned())
        } else {
            // As much as tells one from another.
            SitePhoto::Elsewhere(image.chars().take(SHOWN).collect())
        }
    }
}

/// No address is longer.
const LONGEST: usize = 2048;
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(image: &str) -> SitePhoto {
        let stamp = "2026-11-22 10:00:00";
        Document::parse(json!({ "name": "Omar", "creation": stamp, "modified": stamp, "image": image }))
            .unwrap()
            .photo()
    }

    #[test]
    fn a_gravatar_is_nobodys_photo_and_only_files_of_the_site_are_ours_to_fetch() {
        assert_eq!(document(""), SitePhoto::None);
        assert_eq!(document("https://secure.gravatar.com/avatar/abc?d=404"), SitePhoto::None);
        assert_eq!(document("/private/files/a.png"), SitePhoto::File("/private/files/a.png".to_owned()));
        for image in
            ["/private/files/../../etc/passwd", "https://photos.example/a.png", "data:image/png;base64,AA"]
        {
            assert!(matches!(document(image), SitePhoto::Elsewhere(_)), "{image}");
        }
    }

    #[test]
    fn a_monogram_is_no_photo() {
        let person = |default: bool| {
            let photo = json!({ "metadata": { "source": { "type": "CONTACT", "id": "2a" } }, "url": "https://u", "default": default });
            Person::parse(json!({
                "resourceName": "people/c42", "metadata": { "sources": [{ "type": "CONTACT", "id": "2a", "etag": "#e" }] },
                "photos": [photo],
            }))
            .unwrap()
        };
        assert_eq!((person(true).photo(), person(false).photo()), (None, Some("https://u")));
    }
}
