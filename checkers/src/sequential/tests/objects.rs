//! Objects of other kinds, whose elements repeat, against every interleaving.

use super::*;

/// Registers whose values repeat, lists, sets and counters, simulated like registers.
fn objects(dice: &mut Dice) -> History {
    let (count, clients) = (3 + dice.below(7), 2 + dice.below(3));
    let kinds: Vec<u64> = (0..=dice.below(3)).map(|_| dice.below(4)).collect();
    let mut sessions: Vec<Vec<String>> = vec![Vec::new(); clients as usize];
    let mut held: Vec<Vec<i64>> = vec![Vec::new(); kinds.len()];
    let spoil = 2 + dice.below(8);
    for _ in 0..count {
        let (client, key) = (dice.below(clients) as usize, dice.below(kinds.len() as u64) as usize);
        let outcome = ["ok", "ok", "ok", "ok", "info", "fail"][dice.below(6) as usize];
        let happens = outcome == "ok" || (outcome == "info" && dice.one_in(2));
        let value = 1 + dice.below(3) as i64;
        let state = &mut held[key];
        let mut after = state.clone();
        let function = match kinds[key] {
            0 => {
                after = vec![value];
                "write"
            }
            1 => {
                after.push(value);
                "append"
            }
            2 if dice.one_in(4) => {
                after.retain(|&other| other != value);
                "remove"
            }
            2 => {
                after.push(value);
                after.sort_unstable();
                after.dedup();
                "add"
            }
            _ => {
                after = vec![state.first().unwrap_or(&0) + value];
                "increment"
            }
        };
        let line = if dice.one_in(2) {
            let mut seen = if dice.one_in(spoil) { after } else { state.clone() };
            if dice.one_in(spoil) {
                seen.pop();
            }
            let items: Vec<String> = seen.iter().map(i64::to_string).collect();
            match kinds[key] {
                0 | 3 => format!("read k{key} {} @", items.first().map_or("nil", String::as_str)),
                _ => format!("read-all k{key} [{}] @", items.join(";")),
            }
        } else {
            *state = if happens { after } else { state.clone() };
            format!("{function} k{key} {value} @ {outcome}")
        };
        sessions[client].push(format!("c{client} {line}"));
    }
    testing::history(&merged(dice, sessions).join("\n"))
}

#[test]
fn objects_of_other_kinds_agree_with_every_interleaving() {
    let cases = cases(5_000);
    let counts = compare(13, cases, objects);
    tell(&format!("objects: {counts:?}"));
    assert!(counts.valid > cases / 5 && counts.invalid > cases / 8, "{counts:?}");
}
