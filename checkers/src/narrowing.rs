//! Less of a history is never found invalid where the whole is valid: every model, every object, every view.
//!
//! It makes histories whose replicas lag behind, so that different models hold of different ones.

use histories::synth::{self, Object, Shape};
use histories::view::View;
use histories::{History, ModelName, Nanos};

use crate::linear::tests::Dice;
use crate::testing::{self, Clients};
use crate::{Budget, Finding, Verdict, check_all};

/// What the made histories are about; the objects of [`synth`] come beside.
const KINDS: [Kind; 6] = [Kind::Register, Kind::List, Kind::Set, Kind::Counter, Kind::Queue, Kind::Text];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Register,
    Text,
    List,
    Set,
    Counter,
    Queue,
}

/// What a replica holds of a key: all that was put there.
type State = Vec<i64>;

impl Kind {
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

    fn read(self, key: &str, state: &State) -> String {
        let function = if matches!(self, Self::List | Self::Set) { "read-all" } else { "read" };
        format!("{function} {key} {}", self.shown(state))
    }
}

fn listed(items: &[i64]) -> String {
    format!("[{}]", items.iter().map(i64::to_string).collect::<Vec<_>>().join(";"))
}

/// Clients of two replicas that lag behind each other; at the end reads, dumps, or neither.
fn made(kind: Kind, seed: u64) -> History {
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
    clients.history()
}

/// A valid history of an object that is not made here.
fn synthetic(object: Object, seed: u64) -> History {
    let (crashes, failures) = (0.1, 0.1);
    let shape = Shape { object, operations: 24, keys: 2, crashes, failures, seed, ..Shape::default() };
    History::try_from(synth::events(&shape).collect::<Vec<_>>()).unwrap()
}

/// A part of a history, by chance.
fn some_view(history: &History, dice: &mut Dice) -> View {
    let end = history.end().0 + 2;
    let mut time = || Some(Nanos(dice.below(end)));
    let (one, other) = (time(), time());
    let (from, to) = match (history.has_real_time(), dice.below(4)) {
        (false, _) => (None, None),
        (true, 0) => (one, None),
        (true, 1) => (None, one),
        (true, 2) => (one.min(other), one.max(other)),
        (true, _) => (one.filter(|_| dice.one_in(4)), None),
    };
    let key = history.keys().next().filter(|_| from.or(to).is_none() || dice.one_in(3));
    View { key: key.map(|(_, key)| key.as_str().to_owned()), from, to, ..View::default() }
}

fn held(findings: &[Finding], model: ModelName) -> bool {
    findings.iter().any(|finding| finding.model == model && finding.verdict == Verdict::Valid)
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for who fuzzes by hand")]
fn less_of_a_valid_history_is_not_invalid() {
    // What cannot be decided soon is not what is asked here.
    let budget = Budget::new(std::time::Duration::from_hours(1), 1 << 22);
    let (mut parts, mut violated) = (0_u64, 0_u64);
    for seed in 0..testing::cases(2_000) {
        let mut dice = Dice(seed);
        let kind = KINDS[(seed % 6) as usize];
        let history = match seed % 8 {
            7 => synthetic(Object::ALL[(seed / 8 % Object::ALL.len() as u64) as usize], seed),
            _ => made(kind, seed),
        };
        let whole = check_all(&history, None, &budget);
        let view = some_view(&history, &mut dice);
        let part = view.of(history.clone()).unwrap();
        for finding in check_all(&part, None, &budget) {
            if !matches!(finding.verdict, Verdict::Invalid(_)) {
                continue;
            }
            violated += 1;
            assert!(
                !held(&whole, finding.model),
                "seed {seed}, {kind:?}, {view:?}: {finding:#?}\n{}\n--\n{}",
                testing::lines(&history),
                testing::lines(&part)
            );
        }
        parts += 1;
    }
    eprintln!("fuzz narrowing: {parts} parts, {violated} violations, none of which the whole lacks");
    assert!(violated > parts / 4);
}
