//! Histories of two replicas that lag behind each other, for tests of any kind of object: different models hold of different
//! ones.

use histories::History;

use super::{Clients, Dice};

/// What the keys hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Register,
    Text,
    List,
    Set,
    Counter,
    Queue,
}

/// What a replica holds of a key: all that was put there.
pub(crate) type State = Vec<i64>;

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Register, Self::List, Self::Set, Self::Counter, Self::Queue, Self::Text];

    /// An operation on a replica, in the words of [`testing`].
    fn act(self, key: &str, state: &mut State, dice: &mut Dice, next: i64) -> String {
        let reads = dice.below(5) < 2;
        match self {
            _ if reads && self != Self::Queue => self.read(key, state),
            Self::Register => {
                *state = vec![next];
                format!("write {key} {next}")
            }
            Self::Text | Self::List => {
                state.push(next);
                format!("append {key} {}", self.item(next))
            }
            Self::Set if !state.is_empty() && dice.one_in(5) => {
                let gone = state.remove(0);
                format!("remove {key} {gone}")
            }
            Self::Set => {
                state.push(next);
                format!("add {key} {next}")
            }
            Self::Counter => {
                state.push(1);
                format!("increment {key} 1")
            }
            Self::Queue if dice.below(5) < 3 => {
                state.push(next);
                format!("enqueue {key} {next}")
            }
            Self::Queue if dice.one_in(3) => {
                let all = std::mem::take(state);
                format!("drain {key} {}", listed(&all))
            }
            Self::Queue if state.is_empty() => format!("dequeue {key} nil"),
            Self::Queue => format!("dequeue {key} {}", state.remove(0)),
        }
    }

    fn item(self, value: i64) -> String {
        if self == Self::Text { format!("<{value}>") } else { value.to_string() }
    }

    fn shown(self, state: &State) -> String {
        match self {
            Self::Register => state.last().map_or_else(|| "nil".to_owned(), i64::to_string),
            Self::Counter => state.len().to_string(),
            Self::Text if state.is_empty() => "nil".to_owned(),
            Self::Text => state.iter().map(|&value| self.item(value)).collect(),
            Self::List | Self::Set | Self::Queue => listed(state),
        }
    }

    pub(crate) fn read(self, key: &str, state: &State) -> String {
        let function = if matches!(self, Self::List | Self::Set) { "read-all" } else { "read" };
        format!("{function} {key} {}", self.shown(state))
    }
}

fn listed(items: &[i64]) -> String {
    format!("[{}]", items.iter().map(i64::to_string).collect::<Vec<_>>().join(";"))
}

/// Clients of two replicas that lag behind each other; at the end reads, dumps, or neither.
pub(crate) fn clients(kind: Kind, seed: u64) -> Clients {
    let mut clients = Clients::new(seed);
    let mut replicas: [[State; 2]; 2] = Default::default();
    let lag = 1 + clients.dice.below(6);
    for next in 1..5 + clients.dice.below(8) as i64 {
        let (key, at) = (clients.dice.below(2) as usize, usize::from(!clients.dice.one_in(lag + 1)));
        let mut state = replicas[at][key].clone();
        let text = kind.act(["x", "y"][key], &mut state, &mut clients.dice, next);
        let outcome = clients.act(&text);
        if outcome == "ok" || outcome == "info" && clients.dice.one_in(2) {
            replicas[at][key] = state;
        }
        if clients.dice.one_in(lag) {
            replicas[1 - at] = replicas[at].clone();
        }
    }
    if clients.dice.one_in(2) {
        replicas[0] = replicas[1].clone();
    }
    let dumped = kind != Kind::Queue && clients.dice.one_in(3);
    for _ in 0..clients.dice.below(3) {
        for (at, node) in ["n1", "n2"].into_iter().enumerate() {
            let states = ["x", "y"].into_iter().zip(&replicas[at]);
            if dumped {
                let text: Vec<String> =
                    states.map(|(key, state)| format!("{key}={}", kind.shown(state))).collect();
                clients.last(&format!("dump {node} {}", text.join(",")));
            } else if kind != Kind::Queue {
                states.for_each(|(key, state)| clients.last(&kind.read(key, state)));
            }
        }
    }
    if dumped {
        clients.lines.push("nodes n1 n2".into());
    }
    clients
}

pub(crate) fn history(kind: Kind, seed: u64) -> History {
    clients(kind, seed).history()
}
