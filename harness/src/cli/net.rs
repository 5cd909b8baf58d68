//! How live nodes are joined, by name.

use std::fmt;
use std::str::FromStr;

use super::names::unknown;

/// How live nodes are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NetName {
    /// By proxies, unless a fault takes namespaces.
    #[default]
    Auto,
    Proxy,
    Netns,
}

/// Tells the program that it runs in namespaces of its own.
pub(crate) const INSIDE: &str = "PARTITA_INSIDE";

/// Whether this program runs in namespaces of its own, where it may make others.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

impl FromStr for NetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "proxy" => Ok(Self::Proxy),
            "netns" => Ok(Self::Netns),
            other => Err(unknown("way to join nodes", other, &["auto", "proxy", "netns"])),
        }
    }
}

impl fmt::Display for NetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Proxy => "proxy",
            Self::Netns => "netns",
        })
    }
}
