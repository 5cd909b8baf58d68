//! A bank: amounts go from one account to another, and all accounts together hold what they held at first.

use histories::{Event, Function, Key, Kind, ModelName, Op, Process, Value};
use nemesis::Dice;
use systems::Steps;

use super::micros::{read, transaction, write};
use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Next};

pub(super) struct Bank;

const ACCOUNTS: u16 = 8;
const TOTAL: i64 = 100;
const AMOUNT_MAX: u64 = 5;

impl Workload for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn about(&self) -> &'static str {
        "transfers between accounts, and reads of all of them, which always hold the same together"
    }

    fn mix(&self) -> Vec<Function> {
        vec![Function::Transfer, Function::Read]
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let count = shape.tuning.accounts.unwrap_or(ACCOUNTS).max(2);
        Box::new(Transfers {
            accounts: (1..=count).map(|number| format!("account{number}")).collect(),
            total: shape.tuning.total_amount.unwrap_or(TOTAL),
            overdraft: shape.tuning.negative_balances,
            // A second generator of a run finds the accounts that the first has opened.
            opening: if shape.first_value == 1 { Opening::Due } else { Opening::Done },
        })
    }

    fn epilogue(&self, shape: &Shape, _keys: Vec<Key>) -> Box<dyn Generator> {
        epilogue::final_operations(shape, &[Op::global(Function::Read, Value::Null)])
    }

    fn by_default(&self) -> bool {
        false
    }

    fn transactions(&self) -> Option<Steps> {
        Some(Steps::Registers)
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Bank, ModelName::Convergence]
    }
}

struct Transfers {
    accounts: Vec<String>,
    total: i64,
    overdraft: bool,
    opening: Opening,
}

/// How far the accounts are that everything begins with. Nothing is read or moved before they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Due,
    /// This process is asked for it; an answer of another's is none.
    Asked,
    /// Whether they were opened is not known: then they are looked for, and never opened twice.
    Unclear,
    Done,
}

impl Transfers {
    /// The first account holds what the others leave over.
    fn open(&self) -> Op {
        let count = self.accounts.len() as i64;
        let rest = self.total - self.total / count * (count - 1);
        let held = std::iter::once(rest).chain(std::iter::repeat(self.total / count));
        let writes =
            self.accounts.iter().zip(held).map(|(name, held)| write(Value::text(name), Value::Int(held)));
        transaction(writes)
    }

    fn look(&self) -> Op {
        transaction(self.accounts.iter().map(|name| read(Value::text(name))))
    }

    fn transfer(&self, dice: &mut Dice) -> Op {
        let count = self.accounts.len() as u64;
        let from = dice.below(count);
        let to = (from + dice.between(1, count - 1)) % count;
        let name = |place: u64| Value::text(&self.accounts[place as usize]);
        let amount = Value::Int(dice.between(1, AMOUNT_MAX) as i64);
        let value = if self.overdraft {
            let parts = [
                ("from", name(from)),
                ("to", name(to)),
                ("amount", amount),
                ("overdraft", Value::Bool(true)),
            ];
            Value::map(parts.map(|(part, value)| (part.to_owned(), value)))
        } else {
            Value::list([name(from), name(to), amount])
        };
        Op::global(Function::Transfer, value)
    }
}

impl Generator for Transfers {
    fn next(&mut self, _: &Context<'_>, dice: &mut Dice) -> Next {
        let op = match self.opening {
            Opening::Due => self.open(),
            Opening::Asked => return Next::Pending,
            Opening::Unclear => self.look(),
            Opening::Done if dice.chance(1, 3) => Op::global(Function::Read, Value::Null),
            Opening::Done => self.transfer(dice),
        };
        if matches!(self.opening, Opening::Due | Opening::Unclear) {
            self.opening = Opening::Asked;
        }
        Next::Op(op.into())
    }

    fn observe(&mut self, completion: &Event) {
        let is_opening = self.opening == Opening::Asked
            && completion.op.function == Function::Txn
            && matches!(completion.process, Process::Client(_));
        if !is_opening {
            return;
        }
        let shown = completion.op.value.micros().into_iter().flatten().flatten();
        let looked = completion.op.only_looks();
        let there = shown.into_iter().all(|micro| !micro.value.is_null());
        self.opening = match completion.kind {
            Kind::Ok if there => Opening::Done,
            Kind::Ok | Kind::Fail if looked => Opening::Unclear,
            Kind::Fail => Opening::Due,
            Kind::Ok | Kind::Info | Kind::Invoke => Opening::Unclear,
        };
    }
}
