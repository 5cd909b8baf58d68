//! What a history that shows less than the whole still knows of the whole: when it was over.
//!
//! It knows nothing of what single operations did.

use crate::{History, Nanos, dumps};

/// What of a whole history no part of it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole {
    /// When the last update of any key completed.
    pub(crate) last_update: Option<Nanos>,
    /// Whether some update never came to an end.
    pub(crate) has_open_update: bool,
    /// Whether operations tell which node was asked.
    pub(crate) names_nodes: bool,
    /// Whether the last dumps of the nodes differ in some key.
    pub(crate) replicas_differ: bool,
    /// What reads that were called before this time lack is not judged: others that showed it are left out.
    pub(crate) from: Nanos,
    /// Where the history was cut, if anything came after that.
    pub(crate) cut_at: Option<Nanos>,
}

impl Whole {
    pub(super) fn of(history: &History) -> Self {
        let mut whole = Self::default();
        for op in &history.operations {
            whole.names_nodes |= op.node.is_some();
            match (op.only_looks(), op.has_completion()) {
                (true, _) => {}
                (false, true) => whole.last_update = whole.last_update.max(Some(op.completed)),
                (false, false) => whole.has_open_update = true,
            }
        }
        whole
    }

    /// Notes it of a history of which a part will be left out.
    pub(crate) fn note(history: &mut History) -> &mut Self {
        if history.whole.is_none() {
            let replicas_differ = dumps::last_ones_differ(history);
            history.whole = Some(Box::new(Self { replicas_differ, ..Self::of(history) }));
        }
        history.whole.get_or_insert_default()
    }
}

/// What is known of the whole of which this history may be a part.
impl History {
    fn of_whole<T>(&self, get: impl Fn(&Whole) -> T) -> T {
        match &self.whole {
            Some(whole) => get(whole),
            None => get(&Whole::of(self)),
        }
    }

    /// When the last update of the whole history completed: what was asked for later sees the end.
    pub fn last_update(&self) -> Option<Nanos> {
        self.of_whole(|whole| whole.last_update)
    }

    /// Whether an update of the whole history never came to an end.
    pub fn has_open_update(&self) -> bool {
        self.of_whole(|whole| whole.has_open_update)
    }

    /// Whether operations of the whole history tell which node was asked.
    pub fn names_nodes(&self) -> bool {
        self.of_whole(|whole| whole.names_nodes)
    }

    /// Whether, as far as this history does not show it, the replicas of the whole still differed when they were last asked.
    pub fn replicas_differ(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| whole.replicas_differ)
    }

    /// From when on the reads of the history are complete: what one that was called earlier lacks, another may have shown
    /// that is left out.
    pub fn seen_from(&self) -> Nanos {
        self.whole.as_ref().map_or(Nanos::ZERO, |whole| whole.from)
    }

    /// Where a view ended the history, if anything came after that.
    pub fn cut_at(&self) -> Option<Nanos> {
        self.whole.as_ref()?.cut_at
    }
}
