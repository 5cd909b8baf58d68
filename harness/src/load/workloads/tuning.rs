//! What a run may say of its workload beside the number of keys. Where it says nothing, each workload does as it likes.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Tuning {
    /// The fewest and the most micro-operations of a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_length: Option<(u16, u16)>,
    /// How much more often each key is used than the next: 1 means all alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_skew: Option<f64>,
    /// Writes of a key by transactions, after which another takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_per_key: Option<u64>,
    /// Of a bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u16>,
    /// What all accounts of a bank hold together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_amount: Option<i64>,
    /// Whether an account of a bank may be overdrawn.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub negative_balances: bool,
}
