//! Who may do what.
//!
//! A System Manager (root, the daemon's own user, whoever the configuration names) sees and does everything. Anybody else is a Desk
//! User: he sees and acts on the accounts that he owns.
//!
//! Law: an account that a Desk User does not own does not exist for him, in lists, in errors and in suggestions alike.

use super::users::Caller;

/// In what quality somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    SystemManager,
    /// Own accounts only.
    DeskUser {
        /// By number.
        uid: u32,
        /// By name, if the user has one here.
        name: Option<String>,
    },
}

impl Role {
    /// The role of `caller`, for a daemon that runs as `own_uid` and whose configuration names `managers` (users, uids, `@groups`).
    #[must_use]
    pub fn of(caller: &Caller, own_uid: u32, managers: &[String]) -> Self {
        let named = || {
            caller.uid != OVERFLOW_UID
                && managers.iter().any(|manager| match manager.strip_prefix('@') {
                    Some(group) => caller.groups.iter().any(|own| own == group),
                    None => is_user(manager, caller.uid, caller.user.as_deref()),
                })
        };
        if caller.uid == 0 || caller.uid == own_uid || named() {
            Self::SystemManager
        } else {
            Self::DeskUser { uid: caller.uid, name: caller.user.clone() }
        }
    }

    /// Whether an account with this owner exists for the role.
    #[must_use]
    pub fn sees(&self, owner: Option<&str>) -> bool {
        match self {
            Self::SystemManager => true,
            // Behind a user namespace everybody looks like this uid; it is nobody in particular.
            Self::DeskUser { uid: OVERFLOW_UID, .. } => false,
            Self::DeskUser { uid, name } => owner.is_some_and(|owner| is_user(owner, *uid, name.as_deref())),
        }
    }

    /// The role in words.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::SystemManager => "System Manager",
            Self::DeskUser { .. } => "Desk User",
        }
    }
}

fn is_user(wanted: &str, uid: u32, name: Option<&str>) -> bool {
    name == Some(wanted) || wanted.parse() == Ok(uid)
}

/// What the kernel reports for users that the daemon's user namespace does not map.
const OVERFLOW_UID: u32 = 65_534;

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 990;

    fn caller(uid: u32, user: &str, groups: &[&str]) -> Caller {
        Caller {
            uid,
            pid: Some(1),
            user: (!user.is_empty()).then(|| user.to_owned()),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }

    fn role(caller: &Caller, managers: &[&str]) -> Role {
        Role::of(caller, OWN, &managers.iter().map(|manager| (*manager).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn root_and_the_daemons_own_user_are_system_managers() {
        assert_eq!(role(&caller(0, "root", &[]), &[]), Role::SystemManager);
        assert_eq!(role(&caller(OWN, "", &[]), &[]), Role::SystemManager);
    }

    #[test]
    fn managers_are_named_by_user_number_or_group() {
        let omar = caller(1001, "omar", &["omar", "office"]);
        for managers in [["omar"], ["1001"], ["@office"]] {
            assert_eq!(role(&omar, &managers), Role::SystemManager, "{managers:?}");
        }
        for managers in [["office"], ["@omars"], ["100"]] {
            assert_ne!(role(&omar, &managers), Role::SystemManager, "{managers:?}");
        }
    }

    #[test]
    fn a_desk_user_sees_his_own_accounts_and_no_others() {
        let layla = role(&caller(1000, "layla", &["layla"]), &["omar"]);
        assert!(layla.sees(Some("layla")) && layla.sees(Some("1000")));
        assert!(!layla.sees(Some("omar")) && !layla.sees(Some("lay")) && !layla.sees(None));
    }

    #[test]
    fn a_user_without_a_name_owns_nothing_by_name() {
        let nameless = role(&caller(4242, "", &[]), &[]);
        assert!(!nameless.sees(Some("")) && !nameless.sees(None));
        assert!(nameless.sees(Some("4242")));
    }

    #[test]
    fn whoever_the_kernel_cannot_name_is_nobody_in_particular() {
        let nobody = caller(OVERFLOW_UID, "nobody", &["nogroup"]);
        let role = role(&nobody, &["nobody", "@nogroup", "65534"]);
        assert_eq!(role.title(), "Desk User");
        assert!(!role.sees(Some("nobody")) && !role.sees(Some("65534")));
    }
}
