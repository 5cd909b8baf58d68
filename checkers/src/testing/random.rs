//! Random histories of one register, of which many are linearizable and many nearly are.

use histories::History;

use super::Dice;

/// Up to `count` operations of three clients, most answers taken from an atomic register, some spoilt.
pub(crate) fn random(dice: &mut Dice, count: u64, with_cas: bool) -> History {
    let mut lines = Vec::new();
    let (mut free, mut names) = ([0_u64; 3], [0_u64, 1, 2]);
    let (mut state, mut written) = (0_u64, 0_u64);
    let spoil = 1 + dice.below(6);
    for _ in 0..count {
        let turn = (0..3).min_by_key(|&client| free[client] + dice.below(3)).unwrap();
        let client = names[turn];
        let from = free[turn] + 1 + dice.below(3);
        let to = from + dice.below(12);
        free[turn] = to;
        let seen = if dice.one_in(spoil) { dice.below(written + 2) } else { state };
        let value = |value: u64| if value == 0 { "nil".to_owned() } else { value.to_string() };
        let outcome = match dice.below(10) {
            0 => "info",
            1 => "fail",
            _ => "ok",
        };
        let kind = dice.below(10);
        let time = if outcome == "info" { format!("[{from},]") } else { format!("[{from},{to}]") };
        if kind < 5 {
            lines.push(format!("c{client} read x {} {time} {outcome}", value(seen)));
        } else {
            written += 1;
            let applies = outcome == "ok" || outcome == "info" && dice.one_in(2);
            if with_cas && kind < 8 {
                let found = if outcome == "fail" && dice.one_in(2) { value(seen) } else { String::new() };
                lines.push(format!("c{client} cas x {} {written} {time} {outcome} {found}", value(seen)));
            } else {
                lines.push(format!("c{client} write x {written} {time} {outcome}"));
            }
            state = if applies { written } else { state };
        }
        if outcome == "info" {
            names[turn] += 3;
        }
    }
    super::history(&lines.join("\n"))
}
