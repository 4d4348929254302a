//! HMAC-SHA256 (RFC 2104), as Frappe signs its webhooks.
//
// API: `get_webhook_headers` in frappe/integrations/doctype/webhook/webhook.py: base64 of the digest, over the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The header that carries the signature.
pub(super) const HEADER: &str = "x-frappe-webhook-signature";

/// Whether `signature` is that of `body`. Takes as long for a signature that is nearly right as for any other.
pub(super) fn is_genuine(secret: &[u8], body: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    let expected = digest(secret, body);
    let differing = expected.iter().zip(&signature).fold(0, |differing, (a, b)| differing | (a ^ b));
    signature.len() == expected.len() && std::hint::black_box(differing) == 0
}

fn digest(secret: &[u8], body: &[u8]) -> [u8; 32] {
    let mut key = Zeroizing::new([0_u8; BLOCK]);
    if secret.len() > BLOCK {
        copy(&Sha256::digest(secret), &mut key);
    } else {
        copy(secret, &mut key);
    }
    let padded = |pad: u8| Zeroizing::new(key.map(|byte| byte ^ pad));
    let inner = Sha256::new().chain_update(*padded(0x36)).chain_update(body).finalize();
    Sha256::new().chain_update(*padded(0x5c)).chain_update(inner).finalize().into()
}

fn copy(from: &[u8], to: &mut [u8; BLOCK]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Bytes that SHA-256 works on at a time.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
    }

    #[test]
    fn the_digests_are_those_of_rfc_4231() {
        assert_eq!(
            hex(&digest(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&digest(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn only_the_whole_signature_of_just_this_body_is_genuine() {
        let signature = STANDARD.encode(digest(b"s3cret", b"{}"));
        assert!(is_genuine(b"s3cret", b"{}", signature.as_bytes()));
        assert!(!is_genuine(b"another", b"{}", signature.as_bytes()));
        assert!(!is_genuine(b"s3cret", b"{ }", signature.as_bytes()));
        for wrong in ["", "====", "AAAA", &signature[..40]] {
            assert!(!is_genuine(b"s3cret", b"{}", wrong.as_bytes()), "{wrong}");
        }
    }
}
