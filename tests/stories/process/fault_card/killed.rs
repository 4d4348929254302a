//! T12: the process is killed, a hundred times.
