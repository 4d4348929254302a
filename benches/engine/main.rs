//! What the engine costs: `cargo bench`, or one of them with `cargo bench -- plan`.
//!
//! The figures beside the times are the largest amount of memory that was in use at once, and what was allocated in all. What grows
//! faster than the number of contacts between 2,000 and 25,000 is a defect.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "benchmarks"
)]

mod people;
mod plans;
mod records;
mod storing;

#[global_allocator]
static MEMORY: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}
