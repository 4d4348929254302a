//! `people.connections.list`: full reads, deltas, pages and sync tokens.
//!
//! Law: a delta holds every change since the read that its token descends from *began*, so that what changes between two pages is
//! seen in one of them or in the next delta.

use std::sync::Arc;

use serde::Serialize;

use super::account::{Account, Turn, is_etag_stale};
use super::call::Call;
use super::mask::{Mask, bit};
use super::options::{GoogleOptions, Lenience};
use super::people::{Sources, body};
use super::random::fingerprint;
use super::record::{Look, Record, Shown};
use super::refusal::{Answer, Refusal};
use super::token::{Purpose, Token};
use super::view::View;

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    LastModified,
    LastModifiedDescending,
    FirstName,
    LastName,
}

impl Turn<'_> {
    /// `people.connections.list`
    pub(super) fn list_connections(&mut self, call: &Call<'_>, owner: &str) -> Answer {
        if owner != "people/me" {
            return Err(Refusal::invalid_argument());
        }
        let query = &call.query;
        let mask = Mask::to_read(&query.person_fields(), "personFields")?;
        let sources = Sources::parse(query.all("sources"))?;
        let wants_token = query.flag("requestSyncToken")?;
        let order = self.order(query.get("sortOrder"), wants_token || query.get("syncToken").is_some())?;
        let size = page_size(query.integer("pageSize")?, DEFAULT_PAGE, self.options)?;
        let source_bits = u64::from(sources.contacts) | u64::from(sources.profiles) << 1;
        // What a sync token pins, and what a page token pins.
        let pinned = fingerprint(&[mask.bits(), source_bits, size as u64]);
        let pinned_page = fingerprint(&[pinned, u64::from(wants_token), order as u64]);

        let key = self.options.seed;
        let index = self.account.index;
        let sync = query
            .get("syncToken")
            .map(|text| Token::decode(text, key, Purpose::Sync, index).ok_or_else(Refusal::invalid_argument))
            .transpose()?;
        if let Some(sync) = &sync {
            check_age(sync, self.account, self.options, self.now)?;
            if sync.parameters != pinned {
                return Err(Refusal::invalid(
                    "Request parameters must match the request that returned the sync token.",
                ));
            }
        }
        let since = sync.as_ref().map_or(0, |sync| sync.horizon + 1);
        let page = query
            .get("pageToken")
            .map(|text| Token::decode(text, key, Purpose::Page, index).ok_or_else(Refusal::invalid_argument))
            .transpose()?;
        if page.as_ref().is_some_and(|page| page.parameters != pinned_page || page.since != since) {
            return Err(Refusal::invalid(
                "Request parameters must match the request that returned the page token.",
            ));
        }

        let (options, now, epoch) = (self.options, self.now, self.account.epoch);
        let view = self.account.listed.at(now, options.list_delay);
        let read = page.unwrap_or_else(|| Token {
            purpose: Purpose::Page,
            account: index,
            epoch,
            since,
            after: since.saturating_sub(1),
            horizon: view.horizon,
            full_at: sync.as_ref().map_or_else(|| now.as_second(), |sync| sync.full_at),
            total: match since {
                0 => view.live,
                _ => view.since(since - 1).count(),
            } as u64,
            parameters: pinned_page,
        });
        let (records, next) =
            if sources.contacts { slice(view, &read, order, size) } else { (Vec::new(), None) };
        let look = Look { mask, profiles: sources.profiles, listed: true, delta: since > 0 };
        let shown = records.into_iter().map(|record| Shown {
            record,
            look,
            stale_etag: is_etag_stale(record, options, now),
        });
        let next_sync_token = (next.is_none() && wants_token).then(|| {
            Token { purpose: Purpose::Sync, since: 0, after: 0, total: 0, parameters: pinned, ..read }
                .encode(key)
        });
        let total = if sources.contacts { read.total } else { 0 };
        body(&ListAnswer {
            connections: shown.collect(),
            next_page_token: next.map(|after| Token { after, ..read }.encode(key)),
            next_sync_token,
            total_people: total,
            total_items: total,
        })
    }

    fn order(&self, text: Option<&str>, syncing: bool) -> Result<Order, Refusal> {
        let order = match text {
            None | Some("LAST_MODIFIED_ASCENDING") => Order::LastModified,
            Some("LAST_MODIFIED_DESCENDING") => Order::LastModifiedDescending,
            Some("FIRST_NAME_ASCENDING") => Order::FirstName,
            Some("LAST_NAME_ASCENDING") => Order::LastName,
            Some(other) => {
                let description = format!(
                    "Invalid value at 'sort_order' (type.googleapis.com/google.people.v1.ListConnectionsRequest.SortOrder), \
                     \"{other}\""
                );
                return Err(Refusal::unreadable(vec![("sort_order".to_owned(), description)]));
            }
        };
        match (syncing && text.is_some(), self.options.sort_while_syncing) {
            (true, Lenience::Strict) => {
                Err(Refusal::invalid("Sort order is not supported when sync is requested."))
            }
            (true, Lenience::Lenient) => Ok(Order::LastModified),
            (false, _) => Ok(order),
        }
    }
}

/// The page after `read.after`, and where the page after it begins, if there is one.
fn slice<'a>(view: &'a View, read: &Token, order: Order, size: usize) -> (Vec<&'a Arc<Record>>, Option<u64>) {
    let delta = read.since > 0;
    let mut records: Vec<&Arc<Record>> = match order {
        Order::LastModified => {
            let rest = view.since(read.after).filter(|record| delta || !record.deleted);
            let mut records: Vec<_> = rest.take(size + 1).collect();
            let more = records.len() > size;
            records.truncate(size);
            let next = records.last().map(|record| record.sequence).filter(|_| more);
            return (records, next);
        }
        Order::LastModifiedDescending => view.all_live().rev().collect(),
        Order::FirstName => sorted(view, "givenName", "familyName"),
        Order::LastName => sorted(view, "familyName", "givenName"),
    };
    // Other orders are never used to sync; here a page is an offset.
    let offset = usize::try_from(read.after).unwrap_or(usize::MAX).min(records.len());
    let mut page = records.split_off(offset);
    let more = page.len() > size;
    page.truncate(size);
    (page, more.then(|| (offset + size) as u64))
}

fn sorted<'a>(view: &'a View, first: &str, then: &str) -> Vec<&'a Arc<Record>> {
    let part = |record: &Record, key: &str| {
        let name = record.fields.get(&bit::NAMES).and_then(|names| names.first());
        let part = name.and_then(|name| name.value.get(key)).and_then(|part| part.as_str());
        part.unwrap_or_default().to_lowercase()
    };
    let mut records: Vec<_> = view.all_live().collect();
    records.sort_by_cached_key(|record| (part(record, first), part(record, then), record.id));
    records
}

/// API: 0 is the default; what happens above the maximum is not documented.
pub(super) fn page_size(asked: i32, default: usize, options: &GoogleOptions) -> Result<usize, Refusal> {
    let size = usize::try_from(asked).map_err(|_| Refusal::invalid("Page size must not be negative."))?;
    match size {
        0 => Ok(default),
        1..=MAX_PAGE => Ok(size),
        _ if options.oversized_page == Lenience::Lenient => Ok(MAX_PAGE),
        _ => Err(Refusal::invalid(format!("Page size must not exceed {MAX_PAGE}."))),
    }
}

/// Refuses a sync token that is older than the options allow, counted from the full read, or that was made void.
pub(super) fn check_age(
    sync: &Token,
    account: &Account,
    options: &GoogleOptions,
    now: jiff::Timestamp,
) -> Result<(), Refusal> {
    let age = now.as_second().saturating_sub(sync.full_at);
    if sync.epoch == account.epoch && age < options.sync_token_age.as_secs() {
        return Ok(());
    }
    let message = "Sync token is expired. Clear local cache and retry call without the sync token.";
    Err(Refusal::new(options.expired_token_code, options.expired_token_status, message).with_info(
        "EXPIRED_SYNC_TOKEN",
        "people.googleapis.com",
        serde_json::Value::Null,
    ))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListAnswer<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connections: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_sync_token: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    total_people: u64,
    #[serde(skip_serializing_if = "is_zero")]
    total_items: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
