//! How far replicas lay behind in the course of a run, from the `lag.csv` of its folder.

use std::path::Path;

use indexmap::IndexMap;
use serde::Serialize;

/// More points of one line are not drawn.
const POINTS_MAX: usize = 600;

/// One replica, as another counts.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Lag {
    /// `follower 2 of n1`.
    pub(crate) name: String,
    /// Milliseconds of the run, and entries.
    pub(crate) points: Vec<(f64, u64)>,
}

impl Lag {
    /// How far it lay behind when that was most.
    pub(crate) fn most(&self) -> u64 {
        self.points.iter().map(|point| point.1).max().unwrap_or(0)
    }
}

/// Nothing where the file is not there, or is none of ours.
pub(crate) fn read(path: &Path) -> Vec<Lag> {
    std::fs::read_to_string(path).map(|text| parsed(&text)).unwrap_or_default()
}

pub(crate) fn parsed(text: &str) -> Vec<Lag> {
    let mut lines: IndexMap<String, Vec<(f64, u64)>> = IndexMap::new();
    for row in text.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let &[time, node, of, which, entries] = cells.as_slice() else { continue };
        if let (Ok(time), Ok(entries)) = (time.parse(), entries.parse()) {
            lines.entry(format!("{of} {which} of {node}")).or_default().push((time, entries));
        }
    }
    lines.into_iter().map(|(name, points)| Lag { name, points: thinned(&points) }).collect()
}

/// The highest of every few points.
fn thinned(points: &[(f64, u64)]) -> Vec<(f64, u64)> {
    let group = points.len().div_ceil(POINTS_MAX).max(1);
    points.chunks(group).filter_map(|chunk| chunk.iter().copied().max_by_key(|point| point.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_replica_and_its_highest_points() {
        let text = "time_ms,node,of,which,entries\n1.0,n1,follower,2,3\n2.0,n1,follower,2,9\n1.0,n1,datacentre,2,4\nbroken\n";
        let lag = parsed(text);
        assert_eq!(lag[0], Lag { name: "follower 2 of n1".into(), points: vec![(1.0, 3), (2.0, 9)] });
        assert_eq!(lag[1].name, "datacentre 2 of n1");
        let many: Vec<(f64, u64)> = (0..1200).map(|i| (f64::from(i), u64::from(i % 2 == 1) * 7)).collect();
        assert_eq!(thinned(&many).len(), 600);
        assert!(thinned(&many).iter().all(|point| point.1 == 7));
    }
}
