//! Planted bugs: known defects, by name, for proving that the harness finds them. None is ever on unless it is asked for.
//!
//! Nothing is carried out here: each is a line or two where the protocol would do it right, behind a comparison.

use std::fmt;
use std::str::FromStr;

use super::words::nearest;

macro_rules! bugs {
    ($($variant:ident = $name:literal, $families:literal, $about:literal;)*) => {
        /// A planted bug: `single/quorum[bug=vote-twice]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug { $(#[doc = $about] $variant,)* }

        impl Bug {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it breaks, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The families that have it, `single leaderless`.
            pub const fn families(self) -> &'static str {
                match self { $(Self::$variant => $families,)* }
            }
        }
    };
}

bugs! {
    AckBeforeReplicate = "ack-before-replicate", "single", "a leader commits what is on its own disk only: a new leader lacks acknowledged writes";
    AckBeforeSync = "ack-before-sync", "single leaderless", "members say that they hold what is not on disk yet: a power loss takes acknowledged writes";
    StaleLeaderRead = "stale-leader-read", "single", "a leader reads without asking whether it still leads: a deposed one answers from the past";
    CasComparesNothing = "cas-compares-nothing", "single", "a compare-and-set writes whatever it finds: two replace the same value";
    SkipTermCheck = "skip-term-check", "single", "a follower takes entries of a leader of an earlier term: committed ones are replaced";
    CommitUnheard = "commit-unheard", "single", "a follower takes all that it holds for committed, and shows what may be truncated later";
    LeaseTooLong = "lease-too-long", "single", "a leader trusts its lease, and that it leads, ten times as long as voters keep to it";
    VoteTwice = "vote-twice", "single", "a member votes for several candidates of a term: two leaders share it";
    SkipEntry = "skip-entry", "single", "a follower leaves out every fiftieth entry when it applies its log";
    TruncateCommitted = "truncate-committed", "single", "a candidate with an incomplete log is elected, and truncates what others had committed";
    DoubleApply = "double-apply", "single", "a leader carries a forwarded write out as often as the message arrives";
    SnapshotMissesTail = "snapshot-misses-tail", "single", "a snapshot says that it covers its last entry, and does not: who starts from it lacks a write";
    DenyTheUnknown = "deny-the-unknown", "single", "a forwarded write that was not answered in time is said to have failed for certain";
    IgnoreWatermark = "ignore-watermark", "single", "a replica answers a session that has seen more than it";
    RecoveryDropsTail = "recovery-drops-tail", "single leaderless", "a member that starts takes the last records of its log for torn, though they are whole";
    NoSuccessor = "no-successor", "single", "who has once heard a leader never stands for election: a leader that is lost has no successor";
    LostHint = "lost-hint", "leaderless", "a hint is dropped when it is offered, not when it is taken over";
    SkipWriteBack = "skip-write-back", "leaderless", "a read answers before what it saw is stored on enough members: the next one may miss it";
    ClockAsVersion = "clock-as-version", "leaderless", "a tag is made from the wall clock instead of the highest tag of a quorum";
    QuorumOneShort = "quorum-one-short", "leaderless", "a write is acknowledged by one member less than w: reads may miss it";
    MerkleSkipsBranch = "merkle-skips-branch", "leaderless", "trees are compared without their last branch: what falls there is never mended";
    CompactionDropsPending = "compaction-drops-pending", "leaderless", "a log that is rewritten loses what was on its way to disk";
    LastArrivalWins = "last-arrival-wins", "leaderless", "a member keeps what arrives last, whatever its version";
    RingLoop = "ring-loop", "multi", "a change that has come around to the datacentre that made it is applied there once more";
    MergeDropsSibling = "merge-drops-sibling", "multi", "a version that comes from elsewhere takes the place of siblings that it does not quote";
    VectorOffByOne = "vector-off-by-one", "multi", "a reader's context covers one version more than there is: quoting it replaces one that nobody has seen";
    CausalSkipsWait = "causal-skips-wait", "multi", "a change does not wait for what its origin had applied before it";
    RemoveTakesUnseen = "remove-takes-unseen", "multi", "a removal that comes from elsewhere undoes additions that it had not seen";
    SnapshotOneLate = "snapshot-one-late", "txn", "a snapshot does not keep out the first change that comes after it: a transaction sees a part of another";
    SkipConflictCheck = "skip-conflict-check", "txn", "a transaction is certified without the last of its keys: two replace what both have read";
    OwnWritesUnread = "own-writes-unread", "txn", "a transaction does not see what it has written itself";
    AbortedWriteLeaks = "aborted-write-leaks", "txn", "the first write of a transaction that is refused takes place all the same";
    WritesInTwoEntries = "writes-in-two-entries", "txn", "a transaction's writes are two entries of the log: others see the first without the second";
    CommitBeforeLog = "commit-before-log", "txn", "a transaction is acknowledged before its entry is on any disk: others miss it, and it may be lost";
    ReadOneShort = "read-one-short", "leaderless", "a read asks one member less than r: it may miss what was acknowledged";
}

impl Bug {
    /// How many records [`Bug::RecoveryDropsTail`] drops.
    pub(super) const TAIL: usize = 3;

    /// A bug of `family` by name; the error names the nearest.
    pub(super) fn of(family: &str, name: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().copied().filter(|bug| family.split(' ').any(|one| bug.is_in(one)));
        known().find(|bug| bug.name() == name).ok_or_else(|| {
            let family = family.replace(' ', "/* and ");
            format!("no bug of {family}/* is called {name:?}; {}", nearest(name, known().map(Self::name)))
        })
    }

    pub fn is_in(self, family: &str) -> bool {
        self.families().split(' ').any(|other| other == family)
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().copied();
        known()
            .find(|bug| bug.name() == name)
            .ok_or_else(|| format!("no bug is called {name:?}; {}", nearest(name, known().map(Self::name))))
    }
}
