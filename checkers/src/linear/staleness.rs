//! How far reads lay behind: in time, and in versions.
//!
//! It never judges: each stale read is a conflict that the zones find as well.
//!
//! A read of v is stale by the time since a newer value had certainly replaced v: newer values are those whose
//! write began after v had been seen or acknowledged, and each is in force from its first return on.

use histories::{History, Nanos};

use crate::core::registers::{Access, NEVER, NONE, Register, Registers, Zone};
use crate::{Budget, Exhausted};

/// What one key's reads show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lag {
    /// Of each stale read its invocation and how far it lay behind, in nanoseconds.
    pub(crate) stale: Vec<(i64, i64)>,
    pub(crate) versions_max: u64,
    /// The stale read that completed first.
    pub(crate) first: Option<Stale>,
}

/// A read, and the row of a write that had replaced its value. Rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stale {
    pub(crate) read: u32,
    pub(crate) newer: u32,
}

/// When each stale read was invoked, and how long its value had been replaced by then, in the order of the invocations.
/// Where a key is no register, or its values repeat, nothing is said of it; nor of what the budget does not reach.
pub fn stale_reads(history: &History, budget: &Budget) -> Vec<(Nanos, Nanos)> {
    let registers =
        Registers::of(history).groups.into_iter().filter_map(|group| group.compile(history, budget).ok());
    let lags = registers.filter_map(|register| lag(&register, budget).ok());
    let mut stale: Vec<(i64, i64)> = lags.flat_map(|lag| lag.stale).collect();
    stale.sort_unstable();
    let nanos = |time: i64| Nanos(time.max(0).unsigned_abs());
    stale.into_iter().map(|(called, behind)| (nanos(called), nanos(behind))).collect()
}

pub(crate) fn lag(register: &Register, budget: &Budget) -> Result<Lag, Exhausted> {
    let writes = Writes::of(register);
    let successor: Vec<u32> =
        register.zones.iter().map(|zone| writes.first_after(zone.first_return)).collect();
    let mut lag = Lag::default();
    let mut queries = Vec::new();
    for (index, row) in (0_u32..).zip(&register.rows) {
        if index % 65_536 == 0 {
            budget.check()?;
        }
        if row.access != Access::Read || !explained(register, row.value) {
            continue;
        }
        let newer = successor[row.value as usize];
        let since = writes.in_force(register, newer);
        if since >= row.call {
            continue;
        }
        lag.stale.push((row.call, row.call - since));
        let earlier = lag.first.is_none_or(|first| row.ret < register.rows[first.read as usize].ret);
        if earlier {
            lag.first = Some(Stale { read: index, newer: writes.rows[newer as usize] });
        }
        queries.push((row.call, register.zones[row.value as usize].first_return));
    }
    lag.versions_max = writes.versions_max(register, queries);
    Ok(lag)
}

fn explained(register: &Register, value: u32) -> bool {
    let writer = register.writers[value as usize];
    value == crate::core::registers::INITIAL
        || writer != NONE
            && register.zones[value as usize].first_return >= register.rows[writer as usize].call
}

/// The writes of a key in the order of their invocations.
struct Writes {
    rows: Vec<u32>,
    calls: Vec<i64>,
    /// Of the writes from here on, the place of the one whose value was in force first.
    soonest: Vec<u32>,
}

impl Writes {
    fn of(register: &Register) -> Self {
        let rows: Vec<u32> =
            (0..).zip(&register.rows).filter(|(_, row)| row.access != Access::Read).map(|(i, _)| i).collect();
        let calls = rows.iter().map(|&row| register.rows[row as usize].call).collect();
        let mut soonest: Vec<u32> = vec![NONE; rows.len()];
        let mut best = (NEVER, NONE);
        for place in (0..rows.len()).rev() {
            let zone = zone(register, rows[place]);
            if zone.first_return < best.0 {
                best = (zone.first_return, place as u32);
            }
            soonest[place] = best.1;
        }
        Self { rows, calls, soonest }
    }

    /// Of the writes that were called after `time`, the one whose value was in force first.
    fn first_after(&self, time: i64) -> u32 {
        let place = self.calls.partition_point(|&call| call <= time);
        self.soonest.get(place).copied().unwrap_or(NONE)
    }

    fn in_force(&self, register: &Register, place: u32) -> i64 {
        self.rows.get(place as usize).map_or(NEVER, |&row| zone(register, row).first_return)
    }

    /// The largest count, over (read call, first return of its value), of writes called after the latter and in
    /// force before the former.
    fn versions_max(&self, register: &Register, mut queries: Vec<(i64, i64)>) -> u64 {
        queries.sort_unstable();
        let mut in_force: Vec<(i64, u32)> =
            (0..).zip(&self.rows).map(|(place, &row)| (zone(register, row).first_return, place)).collect();
        in_force.sort_unstable();
        let mut tree = Fenwick::new(self.rows.len());
        let mut next = in_force.into_iter().peekable();
        let mut most = 0;
        for (call, since) in queries {
            while let Some((_, place)) = next.next_if(|&(time, _)| time < call) {
                tree.add(place as usize);
            }
            let older = self.calls.partition_point(|&call| call <= since);
            most = most.max(tree.total - tree.before(older));
        }
        most
    }
}

fn zone(register: &Register, row: u32) -> &Zone {
    &register.zones[register.rows[row as usize].value as usize]
}

/// Counts by place, with sums over prefixes.
struct Fenwick {
    sums: Vec<u64>,
    total: u64,
}

impl Fenwick {
    fn new(len: usize) -> Self {
        Self { sums: vec![0; len + 1], total: 0 }
    }

    fn add(&mut self, place: usize) {
        self.total += 1;
        let mut i = place + 1;
        while i < self.sums.len() {
            self.sums[i] += 1;
            i += i & i.wrapping_neg();
        }
    }

    /// How many lie before `place`.
    fn before(&self, place: usize) -> u64 {
        let (mut i, mut sum) = (place, 0);
        while i > 0 {
            sum += self.sums[i];
            i &= i - 1;
        }
        sum
    }
}
