//! Accounts: transfers move money and make none, and no account goes below zero.
//!
//! It never asks which transfers a read had seen; the total is the same whichever they were.

use std::collections::{BTreeMap, BTreeSet};

use histories::{AnomalyKind, Function, History, ModelName, Operation, OperationId, Value};

use super::Ruling;
use crate::{Anomaly, Budget, Witness, words};

pub(super) fn decide(history: &History, _budget: &Budget) -> Ruling {
    let mut ruling = Ruling::default();
    let only_read = is_only_read(history);
    let is_of_bank = |op: &&Operation| op.function == Function::Transfer || only_read;
    let banks: BTreeSet<_> = history.operations().iter().filter(is_of_bank).map(|op| op.key).collect();
    if banks.is_empty() {
        return Ruling::not_applicable("no operation transfers between accounts");
    }
    for bank in banks {
        let reads = history.iter().filter(|(_, op)| {
            op.is_ok()
                && op.key == bank
                && matches!(op.function, Function::Read | Function::ReadAll)
                && op.call().is_null()
        });
        let mut totals: BTreeMap<i128, Vec<OperationId>> = BTreeMap::new();
        for (id, op) in reads {
            let Some(total) = total(op.reply()) else {
                ruling.undecided.push(format!("a read shows {}, not the accounts' balances", op.reply()));
                continue;
            };
            ruling.judged += 1;
            ruling.anomalies.extend(overdrawn(history, id));
            totals.entry(total).or_default().push(id);
        }
        ruling.anomalies.extend(different(history, &totals));
    }
    if ruling.judged == 0 {
        ruling.undecided.push("nobody read all accounts".into());
    }
    ruling
}

/// Whether nothing happens but that the balances of accounts are read: a bank's history before its first transfer.
pub(crate) fn is_only_read(history: &History) -> bool {
    let reads_balances = |op: &Operation| {
        matches!(op.function, Function::Read | Function::ReadAll)
            && (!op.is_ok() || total(op.reply()).is_some())
    };
    let operations = history.operations();
    operations.iter().all(reads_balances) && operations.iter().any(Operation::is_ok)
}

fn total(balances: &Value) -> Option<i128> {
    balances.as_map()?.values().map(|balance| balance.as_int().map(i128::from)).sum()
}

/// Reads that disagree with most others, each beside one of those.
fn different(history: &History, totals: &BTreeMap<i128, Vec<OperationId>>) -> Vec<Anomaly> {
    let usual = totals.iter().max_by_key(|(_, reads)| reads.len());
    let Some((usual, others)) = usual else { return Vec::new() };
    let odd = totals.iter().filter(|(total, _)| *total != usual);
    let mut odd: Vec<(OperationId, i128)> =
        odd.flat_map(|(&total, reads)| reads.iter().map(move |&id| (id, total))).collect();
    odd.sort_unstable();
    odd.into_iter().map(|(id, total)| wrong(history, (id, total), (others[0], *usual))).collect()
}

fn wrong(
    history: &History,
    (odd, total): (OperationId, i128),
    (other, usual): (OperationId, i128),
) -> Anomaly {
    let op = history.operation(odd);
    Anomaly {
        kind: AnomalyKind::WrongTotal,
        summary: format!("client {} saw {total} in all accounts together, others {usual}", op.process),
        key: op.key,
        steps: vec![
            words::completed(history, other, format!("shows {usual} in all")),
            words::completed(history, odd, format!("shows {total} in all")),
        ],
        facts: vec!["a transfer takes from one account what it gives to another".into()],
        witness: Witness { model: ModelName::Bank, operations: vec![other, odd] },
    }
}

fn overdrawn(history: &History, id: OperationId) -> Option<Anomaly> {
    let op = history.operation(id);
    let (account, balance) = op
        .reply()
        .as_map()?
        .iter()
        .find(|(_, balance)| balance.as_int().is_some_and(|balance| balance < 0))?;
    Some(Anomaly {
        kind: AnomalyKind::Overdrawn,
        summary: format!("client {} saw {balance} in account {account}", op.process),
        key: op.key,
        steps: vec![words::completed(history, id, format!("shows {account}: {balance}"))],
        facts: vec!["a transfer beyond an account's balance is refused".into()],
        witness: Witness { model: ModelName::Bank, operations: vec![id] },
    })
}
