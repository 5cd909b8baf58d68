//! The runs that should find the store's planted bugs.

use super::Bug;
use crate::Trap;

const fn trap(bug: Bug, mode: &'static str, workload: &'static str, faults: &'static str) -> Trap {
    Trap { bug: bug.name(), mode, workload, faults, nodes: None, liveness: true }
}

const fn on(nodes: u16, trap: Trap) -> Trap {
    Trap { nodes: Some(nodes), ..trap }
}

/// For what only the faults of the trap may break.
const fn without_loss(trap: Trap) -> Trap {
    Trap { liveness: false, ..trap }
}

/// One or more for each bug and family that has it.
pub(crate) const TRAPS: &[Trap] = &[
    trap(Bug::AckBeforeReplicate, "single/quorum", "register", "partition:leader"),
    trap(Bug::AckBeforeSync, "single/quorum", "set", "power:all"),
    trap(Bug::StaleLeaderRead, "single/quorum", "register", "partition:leader"),
    trap(Bug::VoteTwice, "single/quorum", "set", "disk:torn:any,pause:any,disk:slow:any,kill:leader"),
    trap(Bug::SkipEntry, "single/quorum", "set", "kill:leader"),
    trap(Bug::TruncateCommitted, "single/quorum", "set", "disk:torn:any,pause:any,disk:slow:any"),
    trap(Bug::CasComparesNothing, "single/quorum", "register", "kill:leader"),
    trap(Bug::DoubleApply, "single/quorum", "register", "duplicate"),
    trap(Bug::SnapshotMissesTail, "single/quorum[snapshot=40]", "register", "kill:one,kill:leader"),
    trap(Bug::DenyTheUnknown, "single/quorum", "register", "kill:leader,partition:leader"),
    trap(Bug::IgnoreWatermark, "single/session-read", "register", "partition:one"),
    trap(Bug::RecoveryDropsTail, "single/quorum", "set", "kill:all"),
    trap(Bug::SkipTermCheck, "single/leader-read", "set", "partition:leader"),
    on(5, trap(Bug::CommitUnheard, "single/follower-read", "set", "partition:halves")),
    trap(Bug::LeaseTooLong, "single/lease", "register", "partition:leader"),
    trap(Bug::RingLoop, "multi/crdt-ring", "counter", "partition:datacentres"),
    trap(Bug::MergeDropsSibling, "multi/version-vector", "siblings", "partition:datacentres"),
    trap(Bug::VectorOffByOne, "multi/version-vector", "siblings", "partition:datacentres"),
    trap(Bug::CausalSkipsWait, "multi/lww-hlc", "register", "partition:datacentres"),
    trap(Bug::RemoveTakesUnseen, "multi/crdt", "or-set", "partition:datacentres"),
    trap(Bug::NoSuccessor, "single/quorum", "register", "kill:leader"),
    trap(Bug::AckBeforeSync, "leaderless/abd", "register", "power:all"),
    trap(Bug::RecoveryDropsTail, "leaderless/abd", "register", "kill:all"),
    // With hints alone, what a coordinator takes with it when it dies is never mended.
    without_loss(trap(
        Bug::LostHint,
        "leaderless/quorum[read-repair=off,anti-entropy=1000s]",
        "register",
        "partition:one",
    )),
    trap(
        Bug::SkipWriteBack,
        "leaderless/abd[read-repair=off]",
        "register",
        "partition:one,slow:by=20ms..80ms:all",
    ),
    trap(Bug::ClockAsVersion, "leaderless/abd", "register", "clock:step:one"),
    trap(Bug::QuorumOneShort, "leaderless/abd", "register", "partition:one"),
    trap(Bug::ReadOneShort, "leaderless/abd", "register", "partition:one"),
    trap(
        Bug::MerkleSkipsBranch,
        "leaderless/quorum[read-repair=off,handoff=off]",
        "register",
        "partition:one",
    ),
    trap(Bug::CompactionDropsPending, "leaderless/abd[snapshot=4]", "register", "kill:all"),
    trap(Bug::LastArrivalWins, "leaderless/abd", "register", "slow:by=20ms..80ms:all"),
    trap(Bug::SnapshotOneLate, "txn/snapshot", "txn-list", "none"),
    trap(Bug::SkipConflictCheck, "txn/snapshot", "lost-update", "none"),
    trap(Bug::OwnWritesUnread, "txn/serializable", "txn-list", "none"),
    trap(Bug::AbortedWriteLeaks, "txn/snapshot", "txn-list", "none"),
    trap(Bug::WritesInTwoEntries, "txn/snapshot", "txn-list", "none"),
    trap(Bug::CommitBeforeLog, "txn/snapshot", "txn-register", "kill:leader"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_has_a_trap_in_each_family_that_has_it() {
        for &bug in Bug::ALL {
            for family in
                ["single", "multi", "leaderless", "txn"].into_iter().filter(|family| bug.is_in(family))
            {
                let mut traps = TRAPS.iter().filter(|trap| trap.bug == bug.name());
                assert!(traps.any(|trap| trap.mode.starts_with(family)), "{bug} in {family}");
            }
        }
        assert!(Bug::ALL.len() >= 20);
    }
}
