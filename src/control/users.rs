//! Names behind the numbers of peer credentials.
//!
//! The kernel tells uid, gid and process of whoever connects. Names come from `/etc/passwd` and `/etc/group`, which are read anew for
//! each connection: small files, and a user who was just added is known at once. Users of a directory service do not stand there;
//! the configuration may name them by number.

use std::path::Path;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's number as the kernel tells it.
    pub uid: u32,
    /// The process.
    pub pid: Option<i32>,
    /// The user's name, if it has one here.
    pub user: Option<String>,
    /// Names of the groups that the user belongs to.
    pub groups: Vec<String>,
}

impl Caller {
    /// The caller with this uid and primary group, by the files of this machine.
    #[must_use]
    pub fn from_peer(uid: u32, gid: u32, pid: Option<i32>) -> Self {
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        Self::from_files(uid, gid, pid, &read("/etc/passwd"), &read("/etc/group"))
    }

    /// The caller with this uid and primary group, by the text of `passwd` and `group` files.
    #[must_use]
    pub fn from_files(uid: u32, gid: u32, pid: Option<i32>, passwd: &str, group: &str) -> Self {
        let user = passwd.lines().find_map(|line| {
            let [name, _, number, ..] = fields(line)[..] else { return None };
            (number.parse() == Ok(uid)).then(|| name.to_owned())
        });
        let groups = group
            .lines()
            .filter_map(|line| {
                let [name, _, number, members] = fields(line)[..] else { return None };
                let named =
                    user.as_deref().is_some_and(|user| members.split(',').any(|member| member == user));
                (named || number.parse() == Ok(gid)).then(|| name.to_owned())
            })
            .collect();
        Self { uid, pid, user, groups }
    }
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nbroken line\nlayla:x:1000:1000::/home/layla:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:syslog,layla\nlay:x:5:lay\nlayla:x:1000:\n";

    #[test]
    fn a_user_is_found_with_primary_and_further_groups() {
        let caller = Caller::from_files(1000, 1000, Some(7), PASSWD, GROUP);
        assert_eq!(caller.user.as_deref(), Some("layla"));
        assert_eq!(caller.groups, ["adm", "layla"]);
    }

    #[test]
    fn a_user_who_stands_nowhere_has_no_name() {
        let caller = Caller::from_files(4242, 4242, None, PASSWD, GROUP);
        assert_eq!((caller.user, caller.groups), (None, Vec::<String>::new()));
    }
}
