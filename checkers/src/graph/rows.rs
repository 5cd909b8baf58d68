//! Rows of numbers, one behind the other: a graph's adjacency lists in two arrays (compressed sparse rows).

/// For each row, its items in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// Where each row begins in `items`, and the end of the last.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    /// From pairs of row and item, in O(rows + pairs).
    pub(crate) fn of(rows: usize, pairs: impl DoubleEndedIterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0; rows + 1];
        let mut count = 0;
        for (row, _) in pairs.clone() {
            starts[row as usize] += 1;
            count += 1;
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut items = vec![0; count];
        // Each row is filled from its end, so the pairs are taken from the last to the first.
        for (row, item) in pairs.rev() {
            starts[row as usize] -= 1;
            items[starts[row as usize] as usize] = item;
        }
        Self { starts, items }
    }

    pub(crate) fn row(&self, row: u32) -> &[u32] {
        &self.items[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }

    /// How many items a row holds.
    pub(crate) fn len(&self, row: u32) -> usize {
        (self.starts[row as usize + 1] - self.starts[row as usize]) as usize
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_order_of_their_items() {
        let pairs = [(2, 7), (0, 1), (2, 3), (0, 9), (2, 7)];
        let rows = Rows::of(4, pairs.into_iter());
        assert_eq!(rows.row(0), [1, 9]);
        assert_eq!(rows.row(1), [0; 0]);
        assert_eq!(rows.row(2), [7, 3, 7]);
        assert_eq!((rows.len(3), rows.count()), (0, 4));
    }
}
