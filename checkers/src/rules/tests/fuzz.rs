//! Random small histories of each data type, judged by the rule and by the oracle.

use histories::{Function, History, ModelName, Operation};

use super::{finding, oracle};
use crate::testing::Clients;
use crate::{Verdict, testing};

/// Compares verdicts over many seeds; unknown is allowed wherever the oracle finds nothing wrong.
fn fuzz(model: ModelName, in_suite: u64, make: impl Fn(u64) -> History, oracle: impl Fn(&History) -> bool) {
    let mut tally = [0_u64; 3];
    let cases = testing::cases(in_suite);
    for seed in 0..cases {
        let history = make(seed);
        let verdict = finding(&history, model).verdict;
        let fits = oracle(&history);
        let place = match &verdict {
            Verdict::Invalid(_) => 0,
            Verdict::Valid => 1,
            _ => 2,
        };
        tally[place] += 1;
        assert_eq!(place == 0, !fits, "seed {seed}: {verdict:#?}\n{}", testing::lines(&history));
    }
    let [invalid, valid, other] = tally;
    assert!(invalid > cases / 30 && valid > cases / 30, "{model}: {invalid} {valid} {other}");
    tell(model, tally);
}

/// Figures for whoever fuzzes by hand.
#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(model: ModelName, [invalid, valid, other]: [u64; 3]) {
    eprintln!("fuzz {model}: {valid} valid, {invalid} invalid, {other} undecided or not applicable");
}

#[test]
fn fuzz_counters() {
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let mut sum = 0;
        for _ in 0..2 + clients.dice.below(6) {
            let by = [1, 2, 5, 7][clients.dice.below(4) as usize];
            match clients.dice.below(5) {
                0 | 1 => {
                    sum += if clients.act(&format!("increment c {by}")) == "ok" { by } else { 0 };
                }
                2 => {
                    sum -= if clients.act(&format!("decrement c {by}")) == "ok" { by } else { 0 };
                }
                _ => {
                    let off = if clients.dice.one_in(2) { 0 } else { clients.dice.below(9) as i64 - 4 };
                    clients.act(&format!("read c {}", sum + off));
                }
            }
        }
        clients.end("increment c 1", "info");
        clients.last(&format!("read c {sum}"));
        clients.history()
    };
    fuzz(ModelName::Counter, 20_000, make, oracle::counter);
}

#[test]
fn fuzz_sets() {
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let mut state: Vec<u64> = Vec::new();
        let name = if seed % 4 == 0 { "-" } else { "s" };
        let spoil = 2 + clients.dice.below(12);
        let shown = |clients: &mut Clients, state: &[u64]| {
            let mut list = state.to_vec();
            list.retain(|_| !clients.dice.one_in(spoil));
            if clients.dice.one_in(2 * spoil) {
                list.push(clients.dice.below(5));
            }
            list.iter().map(u64::to_string).collect::<Vec<_>>().join(";")
        };
        for _ in 0..2 + clients.dice.below(6) {
            match clients.dice.below(6) {
                0..3 => {
                    let element = clients.dice.below(5);
                    let outcome = clients.act(&format!("add {name} {element}"));
                    if outcome != "fail" && !state.contains(&element) {
                        state.push(element);
                    }
                }
                3 if clients.dice.one_in(3) => {
                    let element = clients.dice.below(5);
                    if clients.act(&format!("remove {name} {element}")) == "ok" {
                        state.retain(|&other| other != element);
                    }
                }
                _ => {
                    let list = shown(&mut clients, &state);
                    clients.act(&format!("read-all {name} [{list}]"));
                }
            }
        }
        clients.act(&format!("add {name} 9"));
        for _ in 0..clients.dice.below(3) {
            let list = shown(&mut clients, &state);
            clients.last(&format!("read-all {name} [{list};9]"));
        }
        clients.history()
    };
    fuzz(ModelName::Set, 20_000, make, oracle::set);
}

#[test]
fn fuzz_queues() {
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let mut state: Vec<u64> = Vec::new();
        let spoil = 2 + clients.dice.below(12);
        let list = |items: &[u64]| items.iter().map(u64::to_string).collect::<Vec<_>>().join(";");
        for _ in 0..2 + clients.dice.below(6) {
            match clients.dice.below(9) {
                0..4 => {
                    let element = clients.dice.below(3);
                    if clients.act(&format!("enqueue q {element}")) != "fail" {
                        state.push(element);
                    }
                }
                4 => {
                    if clients.act(&format!("drain q [{}]", list(&state))) == "ok" {
                        state.clear();
                    }
                }
                _ => {
                    let taken =
                        if clients.dice.one_in(spoil) { Some(clients.dice.below(3)) } else { state.pop() };
                    let text = taken.map_or_else(|| "nil".to_owned(), |taken| taken.to_string());
                    clients.act(&format!("dequeue q {text}"));
                }
            }
        }
        while let Some(taken) = state.pop() {
            if !clients.dice.one_in(spoil) {
                clients.last(&format!("dequeue q {taken}"));
            }
        }
        match clients.dice.below(4) {
            0 => {}
            1 => clients.last("drain q []"),
            _ => clients.last("dequeue q nil"),
        }
        clients.history()
    };
    fuzz(ModelName::Queue, 20_000, make, oracle::queue);
}

#[test]
fn fuzz_locks() {
    // Each client gives back what it has taken.
    let make = |seed| {
        let mut clients = Clients::new(seed);
        // Where everything is at time 0 there is no real-time order, and nothing to compare.
        clients.free = [1; 3];
        let mut holds = [false; 3];
        for _ in 0..2 + clients.dice.below(7) {
            let turn = clients.dice.below(3) as usize;
            let now = *clients.free.iter().max().unwrap();
            let from = clients.free[turn].max(now.saturating_sub(clients.dice.below(8)));
            let to = from + clients.dice.below(7);
            clients.free[turn] = to + 1;
            let outcome = ["ok", "ok", "ok", "ok", "fail", "info"][clients.dice.below(6) as usize];
            let text = if holds[turn] { "release m nil" } else { "acquire m nil" };
            // Where all happens at time 0 there is no real time, and nothing to linearize by.
            clients.line(turn, text, (from + 1, to + 1), outcome);
            match outcome {
                "ok" => holds[turn] = !holds[turn],
                "info" => holds[turn] = false,
                _ => {}
            }
        }
        clients.history()
    };
    fuzz(ModelName::Mutex, 20_000, make, oracle::mutex);
}

#[test]
fn fuzz_identifiers_and_banks() {
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let widest = 4 + clients.dice.below(60);
        for _ in 0..2 + clients.dice.below(6) {
            let id = clients.dice.below(widest);
            clients.act(&format!("generate ids {id}"));
        }
        clients.last("generate ids 99");
        clients.history()
    };
    let distinct = |history: &History| {
        let given = history.operations().iter().filter(|op| op.is_ok());
        let given: Vec<_> = given.map(Operation::reply).collect();
        (0..given.len()).all(|i| !given[..i].contains(&given[i]))
    };
    fuzz(ModelName::UniqueIds, 20_000, make, distinct);
    let names = ["a", "b", "c", "d"];
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let spoil = 4 + clients.dice.below(40);
        let mut accounts = [10_i64, 10, 10, 0];
        if clients.dice.one_in(3) {
            clients.act("txn - [[w;a;10];[w;b;10];[w;c;10]]");
        }
        for _ in 0..2 + clients.dice.below(6) {
            let widest = if clients.dice.one_in(4) { 4 } else { 3 };
            let (from, to) = (clients.dice.below(3) as usize, clients.dice.below(widest) as usize);
            let by = clients.dice.below(7) as i64;
            if clients.act(&format!("transfer bank [{};{};{by}]", names[from], names[to])) == "ok" {
                accounts[from] -= by;
                accounts[to] += by;
            }
            let [a, b, c, d] = accounts;
            let c = if clients.dice.one_in(spoil) { c + 1 } else { c };
            let c = if c == 0 && clients.dice.one_in(4) { "nil".to_owned() } else { c.to_string() };
            let d = if d != 0 || clients.dice.one_in(spoil) { format!(",d={d}") } else { String::new() };
            let nothing = clients.dice.one_in(spoil);
            let shown = if nothing { "{}".to_owned() } else { format!("a={a},b={b},c={c}{d}") };
            clients.act(&format!("read-all bank {shown}"));
        }
        clients.last("read-all bank a=10,b=10,c=10");
        clients.history()
    };
    fuzz(ModelName::Bank, 20_000, make, oracle::bank);
}

#[test]
fn fuzz_long_forks() {
    let make = |seed| {
        let mut clients = Clients::new(seed);
        let mut written = [0_u64; 3];
        for _ in 0..3 + clients.dice.below(5) {
            let mut items = Vec::new();
            for (key, name) in ["x", "y", "z"].into_iter().enumerate() {
                match clients.dice.below(5) {
                    0 if written[key] == 0 || clients.dice.one_in(8) => {
                        written[key] += 1;
                        items.push(format!("[w;{name};{}]", written[key]));
                    }
                    0..2 => {}
                    _ => {
                        let value = ["nil", "nil", "nil", "1", "1", "2"][clients.dice.below(6) as usize];
                        items.push(format!("[r;{name};{value}]"));
                    }
                }
            }
            // Now and then a key is read once more, and not always alike.
            if clients.dice.one_in(4) {
                let name = ["x", "y", "z"][clients.dice.below(3) as usize];
                let value = ["nil", "1"][clients.dice.below(2) as usize];
                items.push(format!("[r;{name};{value}]"));
            }
            clients.act(&items.join(" "));
        }
        let lines: Vec<String> = clients.lines.iter().map(|line| line.replacen(' ', " txn - ", 1)).collect();
        transactions(&lines)
    };
    fuzz(ModelName::LongFork, 20_000, make, oracle::long_fork);
}

/// `c1 txn - [w;x;1] [r;y;nil] [0,3] ok`, all of it shown.
fn transactions(lines: &[String]) -> History {
    use histories::{Kind, Op, Process, Value};
    let mut events = Vec::new();
    for line in lines {
        let at = line.rfind(" [").unwrap();
        let (times, outcome) = line[at + 2..].split_once("] ").unwrap();
        let (from, to) = times.split_once(',').unwrap();
        let words: Vec<&str> = line[..at].split_whitespace().collect();
        let process = Process::Client(words[0][1..].parse().unwrap());
        let items = words[3..].iter().map(|item| {
            let parts: Vec<&str> = item.trim_matches(['[', ']']).split(';').collect();
            let value = parts[2].parse().map_or(Value::Null, Value::Int);
            Value::list([Value::text(parts[0]), Value::text(parts[1]), value])
        });
        let op = Op::global(Function::Txn, Value::list(items));
        let kind = match outcome {
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            _ => Kind::Info,
        };
        events.push(testing::event(from.parse().unwrap(), process, Kind::Invoke, op.clone()));
        if let Ok(to) = to.parse() {
            events.push(testing::event(to, process, kind, op));
        }
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}
