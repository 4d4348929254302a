//! The `people` resource.

mod batch_get;
mod connections;
mod create;
mod delete;
mod photo;
mod update;

use super::client::Call;
use super::mask::{FieldMask, READ_SOURCE};

pub use batch_get::Lookup;
pub use connections::{ConnectionsPage, ListConnections, PAGE_SIZE, SyncToken};
pub use delete::MAX_BATCH_DELETE;

/// Contacts that one batch may read, create or update.
pub const MAX_BATCH: usize = 200;

impl Call {
    /// Asks for the fields of `mask`, from the source of every read.
    fn fields(self, mask: &FieldMask) -> Self {
        self.query("personFields", mask.as_str()).query("sources", READ_SOURCE)
    }
}

#[cfg(test)]
mod tests;
