//! The `dafater-contactsd` binary.

fn main() {}
