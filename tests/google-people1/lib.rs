//! The sandbox's People API, asked by the crate `google-people1`.
//!
//! That client was generated from Google's own discovery document and has never heard of this project: a misreading of the API that our
//! client and our stand-in shared would show here. It talks HTTP to the stand-in and reads every answer into Google's types.

#![cfg(test)]

mod contacts;
mod groups;
mod lists;
mod office;
