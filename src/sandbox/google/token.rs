//! Page tokens and sync tokens: all they mean is inside them, sealed with a checksum.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::random::fingerprint;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) purpose: Purpose,
    /// Index of the account it was issued to.
    pub(super) account: u64,
    /// Number of times the account's sync tokens were made void.
    pub(super) epoch: u64,
    /// Delta: the change it starts after, plus one. Full read: 0.
    pub(super) since: u64,
    /// Page: the place of the last item on the page before.
    pub(super) after: u64,
    /// The latest change that was visible when the read began.
    pub(super) horizon: u64,
    /// Second at which the full read began.
    pub(super) full_at: i64,
    /// Items in all pages of the read.
    pub(super) total: u64,
    /// The parameters that must not change.
    pub(super) parameters: u64,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Next page of connections.
    Page,
    /// Next delta of connections.
    Sync,
    /// Next page of groups.
    GroupPage,
    /// Next delta of groups.
    GroupSync,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Page, Self::Sync, Self::GroupPage, Self::GroupSync];

    fn number(self) -> u64 {
        match self {
            Self::Page => 0,
            Self::Sync => 1,
            Self::GroupPage => 2,
            Self::GroupSync => 3,
        }
    }
}

impl Token {
    /// The token's text; `key` is the model's secret.
    pub(super) fn encode(&self, key: u64) -> String {
        let words = [
            self.purpose.number(),
            self.account,
            self.epoch,
            self.since,
            self.after,
            self.horizon,
            self.full_at.cast_unsigned(),
            self.total,
            self.parameters,
        ];
        let seal = fingerprint(&words) ^ key;
        let bytes: Vec<u8> = words.iter().chain([&seal]).flat_map(|word| word.to_be_bytes()).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that [`encode`](Self::encode) wrote for this purpose and account.
    pub(super) fn decode(text: &str, key: u64, purpose: Purpose, account: u64) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let words: Vec<u64> =
            bytes.chunks_exact(8).filter_map(|c| Some(u64::from_be_bytes(c.try_into().ok()?))).collect();
        let (words, [seal]): (&[u64; 9], &[u64; 1]) =
            (words.first_chunk()?, (words.len() == 10).then(|| words.last_chunk())??);
        if fingerprint(words) ^ key != *seal {
            return None;
        }
        let [number, owner, epoch, since, after, horizon, full_at, total, parameters] = *words;
        let found = Purpose::ALL.into_iter().find(|known| known.number() == number)?;
        let token = Self {
            purpose: found,
            account: owner,
            epoch,
            since,
            after,
            horizon,
            full_at: full_at.cast_signed(),
            total,
            parameters,
        };
        (found == purpose && owner == account).then_some(token)
    }
}
