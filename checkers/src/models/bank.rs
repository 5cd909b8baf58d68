//! Accounts between which money is moved, and which are read all together.
//!
//! What they hold at first is not known: the first read tells it.

use std::collections::BTreeMap;

use super::{Effect, Model};

/// Accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bank;

/// Balances by account; one of nothing is left out.
pub type Balances = BTreeMap<String, i128>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BankCall {
    /// Reads all accounts. A reply is their balances.
    Read,
    /// Moves an amount. Whether the account may go below nothing is not asked: what was refused is no call.
    Transfer { from: String, to: String, amount: i64 },
}

impl Model for Bank {
    /// `None` until a read has told what the accounts hold.
    type State = Option<Balances>;
    type Call = BankCall;
    type Reply = Balances;

    fn initial(&self) -> Option<Balances> {
        None
    }

    fn step(
        &self,
        state: &Option<Balances>,
        call: &BankCall,
        reply: Option<&Balances>,
    ) -> Option<Option<Balances>> {
        match (state, call) {
            (None, BankCall::Read) => Some(reply.cloned()),
            (Some(balances), BankCall::Read) => {
                reply.is_none_or(|seen| seen == balances).then(|| state.clone())
            }
            (None, BankCall::Transfer { .. }) => Some(None),
            (Some(balances), BankCall::Transfer { from, to, amount }) => {
                let mut balances = balances.clone();
                for (account, by) in [(from, -i128::from(*amount)), (to, i128::from(*amount))] {
                    let balance = balances.entry(account.clone()).or_default();
                    *balance += by;
                    if *balance == 0 {
                        balances.remove(account);
                    }
                }
                Some(Some(balances))
            }
        }
    }

    fn effect(&self, call: &BankCall, reply: Option<&Balances>) -> Effect {
        match (call, reply) {
            (BankCall::Read, None) => Effect::Reads,
            // The first read tells what the accounts hold, and so it changes what is known.
            (BankCall::Read, Some(_)) => Effect::Unknown,
            (BankCall::Transfer { .. }, _) => Effect::Blind,
        }
    }

    fn state_bytes(&self, state: &Option<Balances>) -> usize {
        let entry = |name: &String| 64 + name.len();
        size_of::<Option<Balances>>() + state.iter().flat_map(BTreeMap::keys).map(entry).sum::<usize>()
    }
}
