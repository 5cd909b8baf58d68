//! The figures of a run that a suite can expect something of, as paths into its JSON.

use super::Figure;

/// A path into the JSON of a run.
pub(crate) struct Entry {
    pub(crate) path: &'static str,
    /// What can stand there.
    pub(crate) figure: Figure,
    /// What it says, in a few words.
    pub(crate) about: &'static str,
}

/// Every path at which a number, a truth or a word stands.
pub(crate) const FIGURES: [Entry; 46] = [
    Entry {
        path: "availability.after",
        figure: Figure::Share,
        about: "operations answered, of those asked for after the last fault",
    },
    Entry { path: "availability.before", figure: Figure::Share, about: "the same before the first fault" },
    Entry {
        path: "availability.during",
        figure: Figure::Share,
        about: "the same while a fault was in force",
    },
    Entry { path: "availability.overall", figure: Figure::Share, about: "operations answered, of all" },
    Entry { path: "availability.reads", figure: Figure::Share, about: "reads answered, of all reads" },
    Entry { path: "availability.writes", figure: Figure::Share, about: "writes answered, of all writes" },
    Entry {
        path: "availability.writes_during",
        figure: Figure::Share,
        about: "writes answered, of those asked for while a fault was in force",
    },
    Entry {
        path: "conflicts.lost",
        figure: Figure::Number,
        about: "acknowledged updates that are gone and should not be",
    },
    Entry {
        path: "conflicts.reads",
        figure: Figure::Number,
        about: "reads of registers that keep concurrent versions",
    },
    Entry {
        path: "conflicts.reappeared",
        figure: Figure::Number,
        about: "elements that were removed and are there again",
    },
    Entry {
        path: "conflicts.sibling_reads",
        figure: Figure::Number,
        about: "of those reads, the ones that showed several versions",
    },
    Entry {
        path: "conflicts.siblings_max",
        figure: Figure::Number,
        about: "the most versions that one read showed",
    },
    Entry {
        path: "conflicts.updates",
        figure: Figure::Number,
        about: "acknowledged updates of data types that merge or keep versions",
    },
    Entry {
        path: "convergence.after_ms",
        figure: Figure::Number,
        about: "milliseconds from the heal until all replicas agreed",
    },
    Entry {
        path: "convergence.converged",
        figure: Figure::Truth,
        about: "whether all replicas agreed in the end",
    },
    Entry { path: "dir", figure: Figure::Word(&[]), about: "the folder of the run" },
    Entry { path: "durability.acknowledged", figure: Figure::Number, about: "acknowledged writes" },
    Entry {
        path: "durability.discarded",
        figure: Figure::Number,
        about: "acknowledged writes that gave way to a concurrent one",
    },
    Entry { path: "durability.lost", figure: Figure::Number, about: "acknowledged writes that are gone" },
    Entry {
        path: "durability.superseded",
        figure: Figure::Number,
        about: "acknowledged writes that a later one replaced",
    },
    Entry { path: "elapsed_ms", figure: Figure::Number, about: "milliseconds of the workload" },
    Entry { path: "finished", figure: Figure::Truth, about: "whether the run came to its end" },
    Entry {
        path: "latency_ms.read.p50",
        figure: Figure::Number,
        about: "milliseconds of an answered read, the median",
    },
    Entry { path: "latency_ms.read.p99", figure: Figure::Number, about: "the same at the 99th percentile" },
    Entry {
        path: "latency_ms.write.p50",
        figure: Figure::Number,
        about: "milliseconds of an acknowledged write, the median",
    },
    Entry { path: "latency_ms.write.p99", figure: Figure::Number, about: "the same at the 99th percentile" },
    Entry { path: "mode", figure: Figure::Word(&[]), about: "the mode, by name" },
    Entry {
        path: "operations.fail",
        figure: Figure::Number,
        about: "operations that certainly did not happen",
    },
    Entry { path: "operations.info", figure: Figure::Number, about: "operations of unknown outcome" },
    Entry { path: "operations.ok", figure: Figure::Number, about: "operations that were answered" },
    Entry {
        path: "outcome",
        figure: Figure::Word(&["pass", "violation", "unknown", "inconclusive", "harness-failure"]),
        about: "what the run came to",
    },
    Entry {
        path: "reads_without_leader",
        figure: Figure::Share,
        about: "answered reads that no leader decided, of all",
    },
    Entry { path: "reproduce", figure: Figure::Word(&[]), about: "the command that runs the same again" },
    Entry { path: "seed", figure: Figure::Number, about: "the seed of the run" },
    Entry { path: "stage", figure: Figure::Word(&["live", "sim"]), about: "where the run took place" },
    Entry {
        path: "staleness.gamma_ms",
        figure: Figure::Number,
        about: "milliseconds by which operations would have to be wider for the history to be linearizable",
    },
    Entry { path: "staleness.max_ms", figure: Figure::Number, about: "the longest that a read lay behind" },
    Entry {
        path: "staleness.max_versions",
        figure: Figure::Number,
        about: "the most versions that a read lay behind",
    },
    Entry {
        path: "staleness.p50_ms",
        figure: Figure::Number,
        about: "milliseconds that a stale read lay behind, the median",
    },
    Entry { path: "staleness.p95_ms", figure: Figure::Number, about: "the same at the 95th percentile" },
    Entry { path: "staleness.p99_ms", figure: Figure::Number, about: "the same at the 99th percentile" },
    Entry { path: "staleness.reads", figure: Figure::Number, about: "reads that were looked at" },
    Entry { path: "staleness.stale_reads", figure: Figure::Number, about: "of those, the stale ones" },
    Entry { path: "suite", figure: Figure::Word(&[]), about: "the suite, by name" },
    Entry { path: "system", figure: Figure::Word(&[]), about: "the system under test, by name" },
    Entry { path: "workload", figure: Figure::Word(&[]), about: "the workload, by name" },
];
