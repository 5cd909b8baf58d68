//! A member of the system under test, by its place in the header's list of nodes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Node 0 is shown, and written in files of our own runs, as `n1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Node(pub u16);

impl Node {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The first `count` nodes, in order.
    pub fn first(count: u16) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..count).map(Self)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", u32::from(self.0) + 1)
    }
}

impl std::str::FromStr for Node {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix('n')
            .and_then(|number| number.parse::<u16>().ok())
            .and_then(|number| number.checked_sub(1))
            .map(Self)
            .ok_or_else(|| format!("a node is written n1, n2, …; this is {text:?}"))
    }
}

impl From<Node> for String {
    fn from(node: Node) -> Self {
        node.to_string()
    }
}

impl TryFrom<String> for Node {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
