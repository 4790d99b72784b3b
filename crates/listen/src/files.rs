//! How many files this process may open; each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Without a limit of the system's own, so many are as good as all.
const MANY: u64 = 1 << 20;

/// Lets this process open as many files as its system lets it: many systems begin with 1,024, and a thousand idle connections
/// would shut every door. Answers how many those are.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // macOS takes no limit that is none.
    let wanted = limit.maximum.unwrap_or(MANY).min(MANY);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            ..limit
        };
        // Whoever may not goes on with what there is.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    open_files_max()
}

/// How many files this process may open now.
pub fn open_files_max() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(MANY)
}
