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

    /// Of edges that are visited twice, in the same order each time.
    pub(crate) fn of_edges(nodes: usize, edges: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        let mut starts = vec![0; nodes + 1];
        edges(&mut |from, _| starts[from as usize + 1] += 1);
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut next = starts.clone();
        let mut items = vec![0; end as usize];
        edges(&mut |from, to| {
            items[next[from as usize] as usize] = to;
            next[from as usize] += 1;
        });
        Self { starts, items }
    }

    /// The same edges the other way round.
    pub(crate) fn reversed(&self) -> Self {
        Self::of_edges(self.count(), |visit| {
            for from in 0..self.count() as u32 {
                self.row(from).iter().for_each(|&to| visit(to, from));
            }
        })
    }

    pub(crate) fn items(&self) -> &[u32] {
        &self.items
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

    #[test]
    fn visited_edges_make_the_same_rows_and_can_be_reversed() {
        let pairs = [(2, 3), (0, 1), (2, 0), (1, 0)];
        let rows = Rows::of_edges(4, |visit| pairs.iter().for_each(|&(from, to)| visit(from, to)));
        let same = Rows::of(4, pairs.into_iter());
        assert!((0..4).all(|row| rows.row(row) == same.row(row)));
        let reversed = rows.reversed();
        assert_eq!((reversed.row(0), reversed.row(3)), (&[1, 2][..], &[2][..]));
    }
}
