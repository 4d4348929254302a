//! No memory of this process on any disk.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// From now on the process leaves no core dump, and no other process of its user may look into it: tokens and contacts stay in
/// memory. The unit says the same (`LimitCORE=0`); this holds wherever the program is started.
pub fn forbid_core_dumps() {
    // Where a system knows neither, nothing is lost but this guard.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}
