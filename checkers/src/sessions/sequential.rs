//! Sequential consistency, witness first: an order of all writes is guessed, and the rest is decided exactly.
//!
//! It never says violated: that follows from weaker models. Where no guess fits it says that it does not know.
//!
//! Given an order of the writes, each session walks along it: a write must lie ahead of where its session stands,
//! and a read fits iff its value is not yet overwritten there. Reading as early as possible leaves the most room,
//! so the walk fails only where no placement of the reads exists.

use histories::History;
use rustc_hash::FxHashMap;

use crate::registers::NONE;
use crate::{Budget, Exhausted, Verdict};

use super::table::{Act, Seen, Table};

pub(super) fn decide(history: &History, table: &Table, budget: &Budget) -> Verdict {
    for guess in guesses(history, table) {
        match explains(table, &guess, budget) {
            Ok(true) => return Verdict::Valid,
            Ok(false) => {}
            Err(Exhausted) => return Verdict::Unknown(Exhausted.to_string()),
        }
    }
    Verdict::Unknown("no order of writes that was tried explains every read".into())
}

/// Acts that write, in orders worth a try: by the system's versions, by when a value was first known, by completion
/// and by invocation.
fn guesses(history: &History, table: &Table) -> Vec<Vec<Act>> {
    let writes: Vec<Act> = table.acts.iter().copied().filter(|act| act.wrote.is_some()).collect();
    let mut known: FxHashMap<u32, u64> = FxHashMap::default();
    for act in &table.acts {
        let returned = history.operation(act.operation).returned().0;
        let values = [act.wrote, if let Seen::Written(write) = act.seen { Some(write) } else { None }];
        for write in values.into_iter().flatten() {
            let first = known.entry(write).or_insert(u64::MAX);
            *first = (*first).min(returned);
        }
    }
    let by = |key: &dyn Fn(&Act) -> u64| {
        let mut order = writes.clone();
        order.sort_by_key(|act| (key(act), act.operation));
        order
    };
    let version = |act: &Act| history.hints(act.operation).version;
    let mut guesses = Vec::new();
    if writes.iter().all(|act| version(act).is_some()) {
        guesses.push(by(&|act| version(act).unwrap_or_default()));
    }
    guesses.push(by(&|act| act.wrote.and_then(|write| known.get(&write).copied()).unwrap_or(u64::MAX)));
    guesses.push(by(&|act| history.operation(act.operation).returned().0));
    guesses.push(by(&|act| history.operation(act.operation).invoked.0));
    guesses
}

/// Where each value begins and ends in an order of writes; places count from 1, and all is absent at 0.
struct Reigns {
    /// By write.
    begins: Vec<u32>,
    /// By write; [`NONE`] for the last of its key.
    ends: Vec<u32>,
    /// By key.
    absent_until: Vec<u32>,
}

/// `None` where a compare-and-set does not follow the value that it replaced.
fn reigns(table: &Table, order: &[Act]) -> Option<Reigns> {
    let mut reigns = Reigns {
        begins: vec![NONE; table.writes as usize],
        ends: vec![NONE; table.writes as usize],
        absent_until: vec![NONE; table.keys.len()],
    };
    let mut current: Vec<Seen> = vec![Seen::Absent; table.keys.len()];
    for (place, act) in (1..).zip(order) {
        let Some(write) = act.wrote else { continue };
        let before = std::mem::replace(&mut current[act.key as usize], Seen::Written(write));
        if act.seen != Seen::Nothing && act.seen != before {
            return None;
        }
        match before {
            Seen::Written(old) => reigns.ends[old as usize] = place,
            _ => reigns.absent_until[act.key as usize] = place,
        }
        reigns.begins[write as usize] = place;
    }
    Some(reigns)
}

fn explains(table: &Table, order: &[Act], budget: &Budget) -> Result<bool, Exhausted> {
    let Some(reigns) = reigns(table, order) else { return Ok(false) };
    let (mut session, mut stands) = (None, 0);
    for (index, act) in table.acts.iter().enumerate() {
        if index % 65_536 == 0 {
            budget.check()?;
        }
        if session != Some(act.process) {
            (session, stands) = (Some(act.process), 0);
        }
        let next = match (act.wrote, act.seen) {
            (Some(write), _) if reigns.begins[write as usize] > stands => reigns.begins[write as usize],
            (None, Seen::Written(write)) if reigns.ends[write as usize] > stands => {
                stands.max(reigns.begins[write as usize])
            }
            (None, Seen::Absent) if reigns.absent_until[act.key as usize] > stands => stands,
            (None, Seen::Nothing) => stands,
            _ => return Ok(false),
        };
        if act.acknowledged {
            stands = next;
        }
    }
    Ok(true)
}
