//! Sets that only grow and lists that are only appended to, each element added once.

use super::*;

/// Some order explains it, told session by session; now and then an answer lacks what it should show, has it too
/// early, or in another order.
fn grown(dice: &mut Dice) -> History {
    let (count, clients, keys) = (4 + dice.below(7), 2 + dice.below(3), 1 + dice.below(3));
    let lists: Vec<bool> = (0..keys).map(|_| dice.one_in(2)).collect();
    let mut sessions: Vec<Vec<String>> = vec![Vec::new(); clients as usize];
    let mut held: Vec<Vec<u64>> = vec![Vec::new(); keys as usize];
    let spoil = 2 + dice.below(8);
    for element in 1..=count {
        let (client, key) = (dice.below(clients) as usize, dice.below(keys) as usize);
        let line = if dice.one_in(2) {
            let mut seen = held[key].clone();
            if dice.one_in(spoil) && !seen.is_empty() {
                let (a, b) = (dice.below(seen.len() as u64) as usize, dice.below(seen.len() as u64) as usize);
                match dice.below(4) {
                    0 => seen.swap(a, b),
                    1 => seen.push(1 + dice.below(count)),
                    _ => {
                        seen.remove(a);
                    }
                }
            }
            if !lists[key] {
                // A set is written in order.
                seen.sort_unstable();
                seen.dedup();
            }
            let items: Vec<String> = seen.iter().map(u64::to_string).collect();
            format!("read-all k{key} [{}] @", items.join(";"))
        } else {
            let outcome = ["ok", "ok", "ok", "ok", "info", "fail"][dice.below(6) as usize];
            if outcome == "ok" || (outcome == "info" && dice.one_in(2)) {
                held[key].push(element);
            }
            format!("{} k{key} {element} @ {outcome}", if lists[key] { "append" } else { "add" })
        };
        sessions[client].push(format!("c{client} {line}"));
    }
    testing::history(&merged(dice, sessions).join("\n"))
}

#[test]
fn forced_order_agrees_with_every_interleaving() {
    let cases = cases(10_000);
    let counts = compare(14, cases, grown);
    tell(&format!("sets and lists that grow: {counts:?}"));
    assert!(counts.valid > cases / 5 && counts.invalid > cases / 8, "{counts:?}");
    assert!(counts.searched < cases / 2, "{counts:?}");
}
