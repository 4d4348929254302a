//! What may stand in a configuration: sections, keys, kinds of value.
//!
//! The [`section!`] macro writes a section once and makes three things of it: the struct the daemon works with, the
//! description that every file is checked against, and, from the doc comments, the manual. They cannot disagree.

use super::kind::Kind;

/// A table of the configuration.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// The lines of its doc comment.
    pub(super) about: &'static [&'static str],
    /// Its keys, in the order of the manual.
    pub(super) keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// The lines of its doc comment.
    pub(super) about: &'static [&'static str],
    /// What its value may be.
    pub(super) kind: Kind,
    /// What holds when it is not set.
    pub(super) need: Need,
    /// When a change of it takes effect.
    pub(super) applies: Applies,
    /// The last two in a sentence each.
    pub(super) conditions: &'static str,
}

/// What holds when a key is not set. The text is TOML: the default, or a sample of what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It must be set.
    Required(&'static str),
    /// It must be set, for each account on its own.
    Identity(&'static str),
    /// It may be set, for each account on its own.
    Own(&'static str),
    /// Usually set: one of several keys of which one must be.
    Usual(&'static str),
    /// Nothing holds.
    Optional(&'static str),
    /// This value holds.
    Default(&'static str),
}

/// When a change of a key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applies {
    /// At the next reload.
    Reload,
    /// At the next start.
    Restart,
}

/// Writes a section: `key: Type = KIND, need("TOML");`, and `, restart` where a reload is not enough.
///
/// Without a type, the key stands in files only; without a kind, the field stands in the struct only, made of other keys.
macro_rules! section {
    ($(#[doc = $about:literal])* pub struct $name:ident = $table:literal { $($body:tt)* }) => {
        section!(@keys $name $table [$($about)*] [] [] $($body)*);
    };
    (@keys $name:ident $table:literal [$($about:literal)*] [$($fields:tt)*] [$($keys:tt)*]) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, serde::Deserialize)]
        pub struct $name { $($fields)* }

        impl $name {
            /// What may stand in the table.
            pub(in crate::config) const SECTION: $crate::config::schema::Section =
                $crate::config::schema::Section { name: $table, about: &[$($about),*], keys: &[$($keys)*] };
        }
    };
    (@keys $name:ident $table:literal $about:tt [$($fields:tt)*] [$($keys:tt)*]
        $(#[doc = $doc:literal])* $key:ident: $type:ty = $kind:expr, $need:ident($toml:literal) $(, $applies:ident)?;
        $($rest:tt)*
    ) => {
        section!(@keys $name $table $about
            [$($fields)*
                $(#[doc = $doc])* #[doc = ""] #[doc = section!(@said $need $toml $($applies)?)]
                pub $key: $type,]
            [$($keys)* $crate::config::schema::Key {
                name: stringify!($key), about: &[$($doc),*], kind: $kind,
                need: section!(@need $need $toml), applies: section!(@applies $($applies)?),
                conditions: section!(@said $need $toml $($applies)?),
            },]
            $($rest)*);
    };
    (@keys $name:ident $table:literal $about:tt $fields:tt [$($keys:tt)*]
        $(#[doc = $doc:literal])* $key:ident = $kind:expr, $need:ident($toml:literal) $(, $applies:ident)?;
        $($rest:tt)*
    ) => {
        section!(@keys $name $table $about $fields
            [$($keys)* $crate::config::schema::Key {
                name: stringify!($key), about: &[$($doc),*], kind: $kind,
                need: section!(@need $need $toml), applies: section!(@applies $($applies)?),
                conditions: section!(@said $need $toml $($applies)?),
            },]
            $($rest)*);
    };
    (@keys $name:ident $table:literal $about:tt [$($fields:tt)*] $keys:tt
        $(#[doc = $doc:literal])* $key:ident: $type:ty;
        $($rest:tt)*
    ) => {
        section!(@keys $name $table $about [$($fields)* $(#[doc = $doc])* pub $key: $type,] $keys $($rest)*);
    };
    (@need required $toml:literal) => { $crate::config::schema::Need::Required($toml) };
    (@need identity $toml:literal) => { $crate::config::schema::Need::Identity($toml) };
    (@need own $toml:literal) => { $crate::config::schema::Need::Own($toml) };
    (@need usual $toml:literal) => { $crate::config::schema::Need::Usual($toml) };
    (@need optional $toml:literal) => { $crate::config::schema::Need::Optional($toml) };
    (@need default $toml:literal) => { $crate::config::schema::Need::Default($toml) };
    (@applies) => { $crate::config::schema::Applies::Reload };
    (@applies restart) => { $crate::config::schema::Applies::Restart };
    (@said required $toml:literal $($applies:ident)?) => {
        concat!("It must be set, for example to `", $toml, "`.", section!(@when $($applies)?))
    };
    (@said identity $toml:literal $($applies:ident)?) => {
        concat!("Each account must set it, for example to `", $toml, "`.", section!(@when $($applies)?))
    };
    (@said own $toml:literal $($applies:ident)?) => {
        concat!("Not set by default, and in no account by `[defaults]`; an example is `", $toml, "`.", section!(@when $($applies)?))
    };
    (@said usual $toml:literal $($applies:ident)?) => {
        concat!("Usually set, for example to `", $toml, "`.", section!(@when $($applies)?))
    };
    (@said optional $toml:literal $($applies:ident)?) => {
        concat!("Not set by default; an example is `", $toml, "`.", section!(@when $($applies)?))
    };
    (@said default $toml:literal $($applies:ident)?) => {
        concat!("Default: `", $toml, "`.", section!(@when $($applies)?))
    };
    (@when) => { " A reload applies it." };
    (@when restart) => { " A change needs a restart." };
}

pub(super) use section;
