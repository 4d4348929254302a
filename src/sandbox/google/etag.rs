//! The two etags of a person.
//!
//! A source's etag is `#` and eight bytes in base64. A person's is `%` and a protobuf message in base64: field 2 lists the numbers
//! of the fields that were read, field 3 the containers, field 4 repeats the CONTACT source's etag without its `#`.
//!
//! Law: the person's etag differs with the mask though nothing changed; only its tail is compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The revision of a contact: what both etags are made of.
pub(super) type Revision = u64;

/// `metadata.sources[].etag`.
pub(super) fn source_etag(revision: Revision) -> String {
    format!("#{}", tail(revision))
}

/// `person.etag` for a person whose fields with these `numbers` were read.
pub(super) fn person_etag(numbers: &[u8], revision: Revision) -> String {
    let tail = tail(revision);
    let mut message = Vec::with_capacity(numbers.len() + tail.len() + 16);
    bytes_field(&mut message, 2, numbers);
    bytes_field(&mut message, 3, &[1, 2, 5, 7]);
    bytes_field(&mut message, 4, tail.as_bytes());
    format!("%{}", STANDARD.encode(message))
}

/// Whether `etag`, as a client sends it for a source, is the one of `revision`.
pub(super) fn is_source_etag(etag: &str, revision: Revision) -> bool {
    etag == source_etag(revision)
}

/// Whether `etag`, as a client sends it for a person, is one of `revision` under whatever mask.
pub(super) fn is_person_etag(etag: &str, revision: Revision) -> bool {
    person_etag_tail(etag).is_some_and(|found| found == tail(revision).as_bytes())
}

/// The CONTACT source's etag within a person's etag.
fn person_etag_tail(etag: &str) -> Option<Vec<u8>> {
    let message = STANDARD.decode(etag.strip_prefix('%')?).ok()?;
    let mut rest = message.as_slice();
    let mut found = None;
    while let Some((&tag, after)) = rest.split_first() {
        // Only length-delimited fields of less than 128 bytes occur.
        let (&length, after) = after.split_first()?;
        if tag & 7 != 2 || length >= 0x80 {
            return None;
        }
        let (value, after) = after.split_at_checked(usize::from(length))?;
        if tag >> 3 == 4 {
            found = Some(value.to_vec());
        }
        rest = after;
    }
    found
}

fn tail(revision: Revision) -> String {
    STANDARD.encode(revision.to_be_bytes())
}

fn bytes_field(message: &mut Vec<u8>, number: u8, value: &[u8]) {
    message.push(number << 3 | 2);
    message.push(u8::try_from(value.len()).unwrap_or(u8::MAX) & 0x7f);
    message.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair of etags in a body that Google answered (2021).
    const REAL: (&str, &str) = ("%Eg4BAj0FBwk+Cz8MEEA3LhoEAQIFByIMcG9JRnpDRzBxS0U9", "#poIFzCG0qKE=");

    #[test]
    fn a_real_pair_of_etags_is_understood_and_rebuilt() {
        let bytes = STANDARD.decode(&REAL.1[1..]).unwrap();
        let revision = u64::from_be_bytes(bytes.try_into().unwrap());
        assert!(is_person_etag(REAL.0, revision));
        assert!(is_source_etag(REAL.1, revision));
        let numbers = [1, 2, 0x3d, 5, 7, 9, 0x3e, 0x0b, 0x3f, 0x0c, 0x10, 0x40, 0x37, 0x2e];
        assert_eq!(person_etag(&numbers, revision), REAL.0);
        assert_eq!(source_etag(revision), REAL.1);
    }

    #[test]
    fn neither_etag_passes_in_the_others_place() {
        assert!(!is_person_etag(&source_etag(7), 7));
        assert!(!is_source_etag(&person_etag(&[1, 2], 7), 7));
        assert!(!is_person_etag(&person_etag(&[1, 2], 7), 8));
        assert!(!is_person_etag("%not base64", 7));
        assert!(!is_person_etag("%Eg==", 7));
    }
}
