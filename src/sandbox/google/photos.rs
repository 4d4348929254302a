//! `people`: updateContactPhoto, deleteContactPhoto.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use super::account::Turn;
use super::call::Call;
use super::mask::Mask;
use super::people::{Sources, body};
use super::random::fingerprint;
use super::record::{Record, Shown};
use super::refusal::{Answer, Refusal};
use super::schema::UPDATE_PHOTO;

/// API: either alphabet, padding or not.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl Turn<'_> {
    /// `people.updateContactPhoto`
    pub(super) fn update_photo(&mut self, call: &Call<'_>, name: &str) -> Answer {
        let request = call.read(&UPDATE_PHOTO, "")?;
        let fields = request.get("personFields").and_then(Value::as_str);
        let mask = fields.map(|text| Mask::to_read(text, "personFields")).transpose()?;
        let sources = Sources::of_body(&request)?;
        let text = request.get("photoBytes").and_then(Value::as_str).unwrap_or_default();
        let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        let bytes = GeneralPurpose::new(&alphabet, LENIENT).decode(text);
        let bytes = bytes.map_err(|_| {
            let words = "Invalid value at 'photo_bytes' (TYPE_BYTES), Base64 decoding failed";
            Refusal::unreadable(vec![("photo_bytes".to_owned(), words.to_owned())])
        })?;
        let record = (**self.find(name)?).clone();
        let photo = self.keep_photo(bytes).ok_or_else(Refusal::invalid_argument)?;
        self.put_photo(Record { photo: Some(photo), ..record }, mask, sources)
    }

    /// `people.deleteContactPhoto`
    pub(super) fn delete_photo(&mut self, call: &Call<'_>, name: &str) -> Answer {
        let fields = call.query.get("personFields");
        let mask = fields.map(|text| Mask::to_read(text, "personFields")).transpose()?;
        let sources = Sources::parse(call.query.all("sources"))?;
        let record = (**self.find(name)?).clone();
        if record.photo.is_none() {
            return Err(Refusal::not_found());
        }
        self.put_photo(Record { photo: None, ..record }, mask, sources)
    }

    /// Keeps a photo, and returns its mark; nothing for what is no JPEG and no PNG.
    pub(super) fn keep_photo(&mut self, bytes: Vec<u8>) -> Option<u64> {
        let is_image = bytes.starts_with(b"\xff\xd8\xff") || bytes.starts_with(b"\x89PNG\r\n\x1a\n");
        let words: Vec<u64> = bytes
            .chunks(8)
            .map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
            .collect();
        let mark = fingerprint(&words);
        is_image.then(|| {
            self.account.photos.insert(mark, bytes.into());
            mark
        })
    }

    fn put_photo(&mut self, record: Record, mask: Option<Mask>, sources: Sources) -> Answer {
        let record = self.commit(record);
        self.account.writes.photos += 1;
        // API: the person comes back only when fields were asked for.
        match mask {
            Some(mask) => {
                let shown = Shown { record: &record, look: sources.look(mask), stale_etag: false };
                body(&std::collections::BTreeMap::from([("person", shown)]))
            }
            None => body(&json!({})),
        }
    }
}
