//! Accounts: transfers move money and make none, no account goes below zero, and none comes from nowhere.
//!
//! Which transfers a read had seen does not matter: the total is the same whichever they were.
//!
//! What the accounts hold together is what was read of them before the first transfer began. Where nothing was, it is what
//! they were opened with, where a read shows that, else the total that was read most often. Where the header says what they
//! hold, which accounts there are, or that they may hold less than nothing, that counts. Where a transaction of the history
//! opens accounts, a read that shows none saw the time before, and tells nothing of the total: a stale snapshot is consistent.

use std::collections::{BTreeMap, BTreeSet};

use histories::{
    Accounts, AnomalyKind, Function, History, KeyId, ModelName, Nanos, Operation, OperationId, Outcome, Value,
};

use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Step, Witness, words};

/// So many transfers are told that may have changed the total.
const TRANSFERS_TOLD_MAX: usize = 4;

pub(super) fn decide(history: &History, _budget: &Budget) -> Ruling {
    let mut ruling = Ruling::default();
    let only_read = is_only_read(history);
    let is_of_bank = |op: &&Operation| op.function == Function::Transfer || only_read;
    let banks: BTreeSet<_> = history.operations().iter().filter(is_of_bank).map(|op| op.key).collect();
    if banks.is_empty() {
        return Ruling::not_applicable("no operation transfers between accounts");
    }
    let opened_here = opens_accounts(history);
    for key in banks {
        let bank = Bank::of(history, key, opened_here);
        ruling.judged += bank.reads.len();
        ruling.undecided.extend(bank.malformed.map(|id| {
            let reply = history.operation(id).reply();
            format!("a read shows {reply}, not the accounts' balances")
        }));
        if !bank.known.negative_balances {
            ruling.anomalies.extend(bank.reads.iter().filter_map(|read| overdrawn(history, read.operation)));
        }
        ruling.anomalies.extend(bank.without_balance());
        ruling.anomalies.extend(bank.unexpected());
        ruling.anomalies.extend(bank.different());
    }
    if ruling.judged == 0 {
        ruling.undecided.push("nobody read all accounts".into());
    }
    ruling
}

/// Whether nothing happens but that the balances of accounts are read: a bank's history before its first transfer.
pub(crate) fn is_only_read(history: &History) -> bool {
    let reads_balances = |op: &Operation| {
        op.function.is_read() && (!op.is_ok() || op.reply().as_map().is_some_and(|map| total(map).is_some()))
    };
    let operations = history.operations();
    operations.iter().all(reads_balances) && operations.iter().any(Operation::is_ok)
}

/// Whether a transaction that may have happened writes: accounts are not there from the beginning.
fn opens_accounts(history: &History) -> bool {
    let writes = |op: &Operation| {
        let mut micros = op.call().micros().into_iter().flatten().flatten();
        op.function == Function::Txn
            && op.outcome != Outcome::Fail
            && micros.any(|micro| micro.function == "w")
    };
    history.operations().iter().any(writes)
}

/// What balances come to; an account without one counts as nothing. `None` where one is no number.
fn total(balances: &BTreeMap<String, Value>) -> Option<i128> {
    let amount = |balance: &Value| if balance.is_null() { Some(0) } else { balance.as_int().map(i128::from) };
    balances.values().map(amount).sum()
}

/// A read of all accounts.
#[derive(Clone, Copy, Debug)]
struct Read<'h> {
    operation: OperationId,
    invoked: Nanos,
    completed: Nanos,
    balances: &'h BTreeMap<String, Value>,
    total: i128,
}

/// The transfers between some accounts, and the reads of them.
struct Bank<'h> {
    history: &'h History,
    known: Accounts,
    /// By invocation.
    reads: Vec<Read<'h>>,
    /// Those that may have happened, by invocation.
    transfers: Vec<OperationId>,
    /// A read that shows something else.
    malformed: Option<OperationId>,
}

impl<'h> Bank<'h> {
    /// `opened_here`: whether a read of no account saw the time before they were opened.
    fn of(history: &'h History, key: Option<KeyId>, opened_here: bool) -> Self {
        let known = history.header.bank.clone().unwrap_or_default();
        let mut bank = Self { history, known, reads: Vec::new(), transfers: Vec::new(), malformed: None };
        for (id, op) in history.iter().filter(|(_, op)| op.key == key && op.outcome != Outcome::Fail) {
            match op.function {
                Function::Transfer => bank.transfers.push(id),
                Function::Read | Function::ReadAll if op.is_ok() && op.call().is_null() => {
                    match op.reply().as_map().and_then(|balances| Some((balances, total(balances)?))) {
                        Some((balances, _)) if balances.is_empty() && opened_here => {}
                        Some((balances, total)) => bank.reads.push(Read {
                            operation: id,
                            invoked: op.invoked,
                            completed: op.completed,
                            balances,
                            total,
                        }),
                        None => bank.malformed = bank.malformed.or(Some(id)),
                    }
                }
                _ => {}
            }
        }
        bank
    }

    /// A read that is right beyond doubt, because it ended before the first transfer began; else one that shows what the
    /// accounts were opened with; else one of those that most others agree with. Which one it is decides who is told to be
    /// wrong, and not whether any is.
    fn usual(&self) -> Option<&Read<'h>> {
        let begun = self.begun();
        let before = self.reads.iter().find(|read| !self.transfers.is_empty() && read.completed < begun);
        let opened = self.opened();
        let as_opened = || self.reads.iter().find(|read| Some(read.total) == opened);
        let mut counts: BTreeMap<i128, usize> = BTreeMap::new();
        for read in &self.reads {
            *counts.entry(read.total).or_default() += 1;
        }
        let most = counts.values().max().copied();
        let as_most = || self.reads.iter().find(|read| counts.get(&read.total).copied() == most);
        before.or_else(as_opened).or_else(as_most)
    }

    /// When the first transfer began.
    fn begun(&self) -> Nanos {
        self.transfers.first().map_or(Nanos::MAX, |&id| self.history.operation(id).invoked)
    }

    /// The sum of the last transaction that only writes balances and was acknowledged before the first transfer began.
    fn opened(&self) -> Option<i128> {
        let begun = self.begun();
        let early = |op: &&Operation| op.function == Function::Txn && op.is_ok() && op.completed < begun;
        self.history.operations().iter().rev().filter(early).find_map(written)
    }

    /// Reads whose total is another than the usual one, stretch by stretch, each beside a read that is right.
    fn different(&self) -> Vec<Anomaly> {
        if let Some(total) = self.known.total_amount {
            let stretches = self.reads.chunk_by(|one, next| one.total == next.total);
            let wrong = stretches.filter(|same| same[0].total != i128::from(total));
            return wrong.map(|odd| self.off(total, odd)).collect();
        }
        let Some(usual) = self.usual() else { return Vec::new() };
        let mut right = usual;
        let mut found: Vec<Anomaly> = Vec::new();
        for same in self.reads.chunk_by(|one, next| one.total == next.total) {
            if same[0].total == usual.total {
                right = &same[same.len() - 1];
            } else {
                found.push(self.wrong(right, same));
            }
        }
        found
    }

    /// Reads that show something else than what the accounts are known to hold.
    fn off(&self, total: i64, odd: &[Read<'h>]) -> Anomaly {
        let first = odd[0];
        let op = self.history.operation(first.operation);
        let shown = first.total;
        Anomaly {
            kind: AnomalyKind::WrongTotal,
            edges: Vec::new(),
            not_rechecked: None,
            summary: format!(
                "client {} saw {shown} in all accounts together, which hold {total}{}",
                op.process,
                so_did(odd.len())
            ),
            key: op.key,
            steps: vec![words::completed(self.history, first.operation, format!("shows {shown} in all"))],
            facts: vec![format!("the accounts are known to hold {total}")],
            witness: Witness { model: ModelName::Bank, operations: vec![first.operation] },
        }
    }

    fn wrong(&self, right: &Read<'h>, odd: &[Read<'h>]) -> Anomaly {
        let (first, usual) = (odd[0], right.total);
        let op = self.history.operation(first.operation);
        let more = so_did(odd.len());
        let shows = |read: &Read<'_>| {
            words::completed(self.history, read.operation, format!("shows {} in all", read.total))
        };
        let between = self.between(right, &first);
        let mut facts = vec!["a transfer takes from one account what it gives to another".to_owned()];
        facts.extend(match between.len() {
            0 => None,
            1 => Some(format!("{} is all that happened in between", words::noun(self.history, between[0]))),
            count => Some(format!("{count} transfers may have taken effect in between")),
        });
        let transfers = between.into_iter().take(TRANSFERS_TOLD_MAX);
        let transfers = transfers.map(|id| words::invoked(id, "may have changed the total"));
        let mut steps: Vec<Step> = vec![shows(right), shows(&first)];
        // A read that is right need not come first.
        steps.splice(1..1, transfers);
        let mut operations = vec![right.operation, first.operation];
        operations.extend(
            steps
                .iter()
                .map(|step| step.operation)
                .filter(|id| *id != right.operation && *id != first.operation),
        );
        Anomaly {
            kind: AnomalyKind::WrongTotal,
            edges: Vec::new(),
            not_rechecked: None,
            summary: format!(
                "client {} saw {} in all accounts together, which held {usual}{more}",
                op.process, first.total
            ),
            key: op.key,
            steps,
            facts,
            witness: Witness { model: ModelName::Bank, operations },
        }
    }

    /// Transfers that the second read can have seen, and the first one need not have.
    fn between(&self, right: &Read<'_>, odd: &Read<'_>) -> Vec<OperationId> {
        let may_have = |id: &&OperationId| {
            let transfer = self.history.operation(**id);
            transfer.returned() >= right.invoked && transfer.invoked <= odd.completed
        };
        self.transfers.iter().filter(may_have).copied().collect()
    }

    /// The first read of each account that has no balance.
    fn without_balance(&self) -> Vec<Anomaly> {
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for read in &self.reads {
            let nil = read.balances.iter().filter(|(_, balance)| balance.is_null());
            for (account, _) in nil.filter(|(account, _)| told.insert(account.as_str())) {
                let op = self.history.operation(read.operation);
                found.push(Anomaly {
                    kind: AnomalyKind::NilBalance,
                    edges: Vec::new(),
                    not_rechecked: None,
                    summary: format!("client {} saw no balance in account {account}", op.process),
                    key: op.key,
                    steps: vec![words::completed(
                        self.history,
                        read.operation,
                        format!("shows {account}: nil"),
                    )],
                    facts: vec!["an account that is there has a balance".into()],
                    witness: Witness { model: ModelName::Bank, operations: vec![read.operation] },
                });
            }
        }
        found
    }

    /// Accounts that are none of those that there are; where it is not said which these are, accounts that no transfer names,
    /// and that one read shows and another does not.
    fn unexpected(&self) -> Vec<Anomaly> {
        if !self.known.accounts.is_empty() {
            return self.unlisted();
        }
        let named: BTreeSet<String> =
            self.transfers.iter().flat_map(|&id| accounts(self.history.operation(id))).collect();
        let shown: BTreeSet<&String> = self.reads.iter().flat_map(|read| read.balances.keys()).collect();
        shown
            .into_iter()
            .filter(|&account| !named.contains(account))
            .filter_map(|a| self.appears(a))
            .collect()
    }

    /// The first read that shows each account that is not listed.
    fn unlisted(&self) -> Vec<Anomaly> {
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for read in &self.reads {
            let others = read.balances.iter().filter(|(account, _)| !self.known.accounts.contains(account));
            for (account, balance) in others.filter(|(account, _)| told.insert(account.as_str())) {
                let op = self.history.operation(read.operation);
                let shows = format!("shows {account}: {balance}");
                found.push(Anomaly {
                    kind: AnomalyKind::UnexpectedAccount,
                    edges: Vec::new(),
                    not_rechecked: None,
                    summary: format!("client {} saw the account {account}, which there is not", op.process),
                    key: op.key,
                    steps: vec![words::completed(self.history, read.operation, shows)],
                    facts: vec![format!("the accounts are {}", self.known.accounts.join(", "))],
                    witness: Witness { model: ModelName::Bank, operations: vec![read.operation] },
                });
            }
        }
        found
    }

    fn appears(&self, account: &String) -> Option<Anomaly> {
        let (showing, lacking): (Vec<&Read<'_>>, Vec<&Read<'_>>) =
            self.reads.iter().partition(|read| read.balances.contains_key(account));
        let (shows, lacks) = (*showing.first()?, *lacking.first()?);
        let client = |read: &Read<'_>| self.history.operation(read.operation).process;
        let balance = format!("shows {account}: {}", shows.balances[account]);
        Some(Anomaly {
            kind: AnomalyKind::UnexpectedAccount,
            edges: Vec::new(),
            not_rechecked: None,
            summary: format!(
                "client {} saw the account {account}, and client {} saw none of that name",
                client(shows),
                client(lacks)
            ),
            key: self.history.operation(shows.operation).key,
            steps: vec![
                words::completed(self.history, lacks.operation, format!("shows no account {account}")),
                words::completed(self.history, shows.operation, balance),
            ],
            facts: vec![format!("no transfer names the account {account}")],
            witness: Witness { model: ModelName::Bank, operations: vec![lacks.operation, shows.operation] },
        })
    }
}

/// What the writes of a transaction come to; `None` where it does anything else.
fn written(transaction: &Operation) -> Option<i128> {
    let micros = transaction.call().micros()?;
    micros.map(|micro| micro.ok().filter(|micro| micro.function == "w")?.value.as_int().map(i128::from)).sum()
}

/// How many reads of a stretch showed the same as the first.
fn so_did(count: usize) -> String {
    match count {
        1 => String::new(),
        count => format!("; so did {}", words::count(count - 1, "later read")),
    }
}

/// The two accounts of a transfer: `[from, to, amount]`, or a map of these.
fn accounts(transfer: &Operation) -> Vec<String> {
    let name = |value: &Value| value.as_text().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(map) = transfer.call().as_map() {
        return ["from", "to"].iter().filter_map(|&side| map.get(side)).map(name).collect();
    }
    transfer.call().as_list().unwrap_or_default().iter().take(2).map(name).collect()
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
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!("client {} saw {balance} in account {account}", op.process),
        key: op.key,
        steps: vec![words::completed(history, id, format!("shows {account}: {balance}"))],
        facts: vec!["a transfer beyond an account's balance is refused".into()],
        witness: Witness { model: ModelName::Bank, operations: vec![id] },
    })
}
