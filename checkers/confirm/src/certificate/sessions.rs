//! An order of writes that keeps what a session guarantee demands.

use std::collections::BTreeMap;

use histories::{Function, History, ModelName, Outcome};

use super::columns::Columns;

/// Whether the order of writes keeps a guarantee: what a session has written or seen is never newer than what it is shown,
/// or comes before what it writes.
pub(super) fn verify(
    history: &History,
    columns: &Columns,
    position: &[Option<u32>],
    model: ModelName,
) -> Result<(), String> {
    if let Some(op) = history.operations().iter().find(|op| op.function == Function::Txn) {
        return Err(format!("client {} ran a transaction: no order of single writes tells", op.process));
    }
    for (id, _) in
        columns.writes.iter().enumerate().filter(|(id, keys)| columns.counts[*id] && !keys.is_empty())
    {
        position[id].ok_or_else(|| format!("operation {id} is left out"))?;
    }
    for operations in &columns.sessions {
        // By register, the newest write that binds the session; of those that bind it whatever the register, the newest.
        let mut newest: BTreeMap<u32, u32> = BTreeMap::new();
        let mut newest_of_all = None;
        for &id in operations {
            let refused = |what: &str| Err(format!("operation {id} {what}"));
            for &(key, source) in &columns.reads[id as usize] {
                let shown = source.and_then(|source| position[source as usize]);
                let binds = newest.get(&key).copied();
                if matches!(model, ModelName::ReadYourWrites | ModelName::MonotonicReads) && shown < binds {
                    return refused("was shown less than its session had written or seen");
                }
                if let (Some(shown), ModelName::MonotonicReads) = (shown, model) {
                    newest.insert(key, shown);
                }
                if model == ModelName::WritesFollowReads {
                    newest_of_all = newest_of_all.max(shown);
                }
            }
            for &key in &columns.writes[id as usize] {
                let own = position[id as usize];
                let orders_writes =
                    matches!(model, ModelName::MonotonicWrites | ModelName::WritesFollowReads);
                if orders_writes && newest_of_all.is_some() && own <= newest_of_all {
                    return refused("wrote before what its session had written or seen");
                }
                if model == ModelName::MonotonicWrites {
                    newest_of_all = own;
                }
                let is_sure = history.operations()[id as usize].outcome == Outcome::Ok;
                if let (Some(own), ModelName::ReadYourWrites, true) = (own, model, is_sure) {
                    let binds = newest.entry(key).or_insert(own);
                    *binds = own.max(*binds);
                }
            }
        }
    }
    Ok(())
}
