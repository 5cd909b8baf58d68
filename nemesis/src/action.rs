//! What the nemesis does to a system.

use std::fmt;

use histories::Node;

/// A fault that was begun, by its number in the run. It ends by the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);

/// A step of the schedule. Cuts are counted: ending one fault leaves another's cut of the same link in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts all effects of a fault in force.
    Begin { fault: FaultId, name: String, effects: Vec<Effect> },
    /// Undoes them: links flow, processes run again (a killed one is restarted on its own disk).
    End { fault: FaultId, name: String, effects: Vec<Effect> },
    /// Undoes everything that is in force.
    EndAll,
}

/// One thing that can be done to a system, and undone. New kinds are added as backends learn them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing flows from any of `from` to any of `to`; the other way is not touched.
    Cut { from: Vec<Node>, to: Vec<Node> },
    /// No client reaches these nodes, and nothing comes back from them.
    CutClients { nodes: Vec<Node> },
    /// SIGKILL; the end restarts on the same disk.
    Kill { nodes: Vec<Node> },
    /// SIGSTOP; the end is SIGCONT.
    Pause { nodes: Vec<Node> },
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { from, to } => write!(f, "cut {} -> {}", names(from), names(to)),
            Self::CutClients { nodes } => write!(f, "cut clients from {}", names(nodes)),
            Self::Kill { nodes } => write!(f, "kill {}", names(nodes)),
            Self::Pause { nodes } => write!(f, "pause {}", names(nodes)),
        }
    }
}

/// `n1,n3`.
pub(crate) fn names(nodes: &[Node]) -> String {
    nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",")
}

/// What a fault does, in words; a cut both ways is written `cut n1 | n2,n3`.
pub(crate) fn describe_effects(effects: &[Effect]) -> String {
    let mut told = vec![false; effects.len()];
    let mut words = Vec::new();
    for (place, effect) in effects.iter().enumerate() {
        if told[place] {
            continue;
        }
        let Effect::Cut { from, to } = effect else {
            words.push(effect.to_string());
            continue;
        };
        let back = Effect::Cut { from: to.clone(), to: from.clone() };
        let other_way = (place + 1..effects.len()).find(|&later| !told[later] && effects[later] == back);
        words.push(match other_way {
            Some(later) => {
                told[later] = true;
                format!("cut {} | {}", names(from), names(to))
            }
            None => effect.to_string(),
        });
    }
    words.join("; ")
}
