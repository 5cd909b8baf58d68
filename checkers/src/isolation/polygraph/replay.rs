//! Replays an order of transactions and says whether every read saw what that order puts there.

use super::super::columns::Columns;
use super::layout::{Layout, Moment};
use crate::graph::NONE;

/// Whether each transaction read the newest committed versions and, under snapshot isolation, whether no other
/// transaction committed to a key that it wrote while it ran.
pub(super) fn replays(columns: &Columns, layout: Layout, order: &[u32]) -> bool {
    let mut current: Vec<u32> = (0..columns.keys).collect();
    let mut at_start = vec![NONE; columns.versions() as usize];
    let mut committed = 0;
    for &node in order {
        let Some((t, moment)) = layout.transaction(node) else { continue };
        if moment != Moment::Commit {
            let fits = |&version: &u32| current[columns.key[version as usize] as usize] == version;
            if !columns.reads.row(t).iter().all(fits) {
                return false;
            }
            for version in columns.installed(t) {
                at_start[version as usize] = current[columns.key[version as usize] as usize];
            }
        }
        if moment != Moment::Start {
            for version in columns.installed(t) {
                let key = columns.key[version as usize] as usize;
                if at_start[version as usize] != current[key] {
                    return false;
                }
                current[key] = version;
            }
            committed += 1;
        }
    }
    committed == columns.count() && follows_lists(columns, order, layout)
}

/// Whether the versions of each key commit in the order that is known of them.
fn follows_lists(columns: &Columns, order: &[u32], layout: Layout) -> bool {
    let mut place = vec![0; columns.count() as usize];
    for (at, &node) in (0u32..).zip(order) {
        if let Some((t, moment)) = layout.transaction(node)
            && moment != Moment::Start
        {
            place[t as usize] = at;
        }
    }
    let at = |version: u32| place[columns.writer[version as usize] as usize];
    (columns.keys..columns.versions())
        .all(|version| columns.next(version).is_none_or(|next| at(version) < at(next)))
}
