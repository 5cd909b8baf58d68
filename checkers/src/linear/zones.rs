//! Zones: when each value was in force, and which two values cannot be put in an order.
//!
//! Every value has a writer here: reads that no write explains are found before, by [`crate::core::unexplained`].
//!
//! After Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 1997. A value's write and its reads stand
//! together in any linearization. So real time forces all of A before all of B iff some operation of A returned
//! before some of B was called: `first_return(A) < last_call(B)`. Let that relation have a cycle, let A have the
//! least first return on it, Z stand before A and Y before Z: then `first_return(A) <= first_return(Y) <
//! last_call(Z)`, so A and Z already form a cycle of two. One of the two is a forward zone (it returns first, and
//! is called again later); hence the two rules below find a conflict wherever there is one.

use crate::core::registers::Zone;
use crate::{Budget, Exhausted};

/// Two zones, by index, each of which has to be entirely before the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conflict {
    /// When both were in force.
    pub(crate) since: i64,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// The earliest of the conflicts that the two rules find where every operation is widened by `gap` in all; none
/// iff there is no conflict.
pub(crate) fn conflict(zones: &[Zone], gap: i64, budget: &Budget) -> Result<Option<Conflict>, Exhausted> {
    let mut forward: Vec<(i64, i64, u32)> = (0..)
        .zip(zones)
        .filter(|(_, zone)| zone.first_return + gap < zone.last_call)
        .map(|(i, zone)| (zone.first_return, zone.last_call, i))
        .collect();
    budget.check()?;
    sort_nearly_sorted(&mut forward);
    budget.check()?;
    let mut earliest: Option<Conflict> = None;
    let mut found = |a: u32, b: u32| {
        let since = zones[a as usize].first_return.max(zones[b as usize].first_return);
        let new = Conflict { since, a, b };
        if earliest.is_none_or(|old| new < old) {
            earliest = Some(new);
        }
    };
    for pair in forward.windows(2) {
        if pair[1].0 + gap < pair[0].1 {
            found(pair[0].2, pair[1].2);
        }
    }
    // Neighbouring values begin near each other, so the search continues where the last one ended.
    let mut near = 0;
    for (b, zone) in (0..).zip(zones) {
        if b % 65_536 == 0 {
            budget.check()?;
        }
        if zone.first_return + gap < zone.last_call {
            continue;
        }
        near = last_before(&forward, zone.last_call - gap, near);
        if near > 0 && zone.first_return + gap < forward[near - 1].1 {
            found(forward[near - 1].2, b);
        }
    }
    Ok(earliest)
}

/// Values come in the order in which they first occur, so each zone is near its place already.
fn sort_nearly_sorted(zones: &mut [(i64, i64, u32)]) {
    let mut moves_left = 16 * zones.len();
    for i in 1..zones.len() {
        let zone = zones[i];
        let mut place = i;
        while place > 0 && zones[place - 1] > zone {
            zones[place] = zones[place - 1];
            place -= 1;
        }
        zones[place] = zone;
        moves_left = moves_left.saturating_sub(i - place);
        if moves_left == 0 {
            return zones.sort_unstable();
        }
    }
}

/// How many forward zones begin before `time`, searched outwards from a guess.
fn last_before(forward: &[(i64, i64, u32)], time: i64, guess: usize) -> usize {
    let (mut low, mut high) = (guess.min(forward.len()), guess.min(forward.len()));
    let mut step = 1;
    while low > 0 && forward[low - 1].0 >= time {
        high = low - 1;
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 1;
    while high < forward.len() && forward[high].0 < time {
        low = high + 1;
        high = (high + step).min(forward.len());
        step *= 2;
    }
    low + forward[low..high].partition_point(|zone| zone.0 < time)
}

/// Γ in nanoseconds: the least gap at which no conflict is left.
pub(crate) fn gamma(zones: &[Zone], budget: &Budget) -> Result<i64, Exhausted> {
    let contested = contested(zones);
    let (mut holds_not, mut holds) = (-1, 0);
    while conflict(&contested, holds, budget)?.is_some() {
        holds_not = holds;
        holds = 2 * holds + 1;
    }
    while holds - holds_not > 1 {
        let middle = i64::midpoint(holds, holds_not);
        if conflict(&contested, middle, budget)?.is_some() {
            holds_not = middle;
        } else {
            holds = middle;
        }
    }
    Ok(holds)
}

/// Only zones that were in force at some time can conflict.
fn contested(zones: &[Zone]) -> Vec<Zone> {
    zones.iter().copied().filter(|zone| zone.first_return < crate::core::registers::NEVER).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_sorted_or_not_the_order_is_the_same() {
        for step in [1, 7, 331, 999] {
            let mut zones: Vec<(i64, i64, u32)> = (0..1000).map(|i| (i * step % 1000, i, 0)).collect();
            let mut expected = zones.clone();
            expected.sort_unstable();
            sort_nearly_sorted(&mut zones);
            assert_eq!(zones, expected);
        }
    }

    #[test]
    fn the_guided_search_finds_what_a_plain_one_finds() {
        let forward: Vec<(i64, i64, u32)> = (0..50).map(|i| (i * 3, i * 3 + 1, 0)).collect();
        for time in -2..155 {
            let plain = forward.partition_point(|zone| zone.0 < time);
            for guess in 0..=60 {
                assert_eq!(last_before(&forward, time, guess), plain, "time {time}, guess {guess}");
            }
        }
    }
}
