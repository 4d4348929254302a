//! What holds for the source as a whole: who may use whom, how large a file may grow, and that the documents tell the truth.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod documents;
mod files;
mod law;
mod paths;
mod purity;
mod sizes;
