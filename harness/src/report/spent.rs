//! What it took to find something, and the figures over several finds.

use schemars::JsonSchema;
use serde::Serialize;

/// What a find took.
#[derive(Clone, Copy, Debug, Default, PartialEq, JsonSchema, Serialize)]
pub(crate) struct Spent {
    pub(crate) seeds: u64,
    pub(crate) operations: u64,
    /// Wall time.
    pub(crate) seconds: f64,
}

impl Spent {
    /// Each figure's own median, the lower one of two.
    pub(crate) fn median(finds: &[Self]) -> Option<Self> {
        Self::percentile(finds, 50)
    }

    /// Each figure's own percentile: the least that so many in a hundred do not exceed.
    pub(crate) fn percentile(finds: &[Self], percent: usize) -> Option<Self> {
        let mut sorted = [finds.to_vec(), finds.to_vec(), finds.to_vec()];
        sorted[0].sort_by_key(|find| find.seeds);
        sorted[1].sort_by_key(|find| find.operations);
        sorted[2].sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let place = (finds.len() * percent).div_ceil(100).saturating_sub(1);
        let [seeds, operations, seconds] = sorted.map(|finds| finds.get(place).copied());
        Some(Self { seeds: seeds?.seeds, operations: operations?.operations, seconds: seconds?.seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_of_each_figure_by_itself() {
        let spent = |seeds, operations, seconds| Spent { seeds, operations, seconds };
        let finds = [spent(1, 90, 0.3), spent(7, 10, 0.1), spent(3, 20, 9.0)];
        assert_eq!(Spent::median(&finds), Some(spent(3, 20, 0.3)));
        assert_eq!(Spent::median(&finds[..2]), Some(spent(1, 10, 0.1)));
        assert_eq!(Spent::median(&[]), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let finds: Vec<Spent> = (1..=40).map(|seeds| Spent { seeds, ..Spent::default() }).collect();
        assert_eq!(Spent::percentile(&finds, 95).map(|spent| spent.seeds), Some(38));
        assert_eq!(Spent::percentile(&finds[..5], 95).map(|spent| spent.seeds), Some(5));
        assert_eq!(Spent::percentile(&finds[..1], 95).map(|spent| spent.seeds), Some(1));
    }
}
