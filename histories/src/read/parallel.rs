//! Many lines at once, parsed on as many cores as there are, and handed on in the order of the file.
//!
//! It never looks into a line.

use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

use crate::read::source::{Block, Line};

/// How much text one core parses at a time: enough to be worth its while.
const PIECE_BYTES: usize = 64 * 1024;

/// How much text is held and parsed at once.
pub(crate) const BLOCK_BYTES: usize = 32 * PIECE_BYTES;

/// What `parse` makes of each line of a block that is not blank, in order.
pub(crate) fn lines<'a, T: Send>(
    block: &Block<'a>,
    parse: impl Fn(&Line<'a>) -> T + Sync,
) -> impl Iterator<Item = (u64, T)> {
    let parsed: Vec<Vec<(u64, T)>> = pieces(block)
        .into_par_iter()
        .map(|piece| Lines { rest: piece }.map(|line| (line.number, parse(&line))).collect())
        .collect();
    parsed.into_iter().flatten()
}

/// A block in several, each of whole lines.
fn pieces<'a>(block: &Block<'a>) -> Vec<Block<'a>> {
    let (mut rest, mut number) = (block.bytes, block.number);
    let mut pieces = Vec::with_capacity(rest.len() / PIECE_BYTES + 1);
    while !rest.is_empty() {
        let beyond = rest.get(PIECE_BYTES..).and_then(|rest| memchr(b'\n', rest));
        let (bytes, after) = rest.split_at(beyond.map_or(rest.len(), |at| PIECE_BYTES + at + 1));
        pieces.push(Block { bytes, number, whole: block.whole || !after.is_empty() });
        number += memchr_iter(b'\n', bytes).count() as u64;
        rest = after;
    }
    pieces
}

/// The lines of a block that are not blank.
struct Lines<'a> {
    rest: Block<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while !self.rest.bytes.is_empty() {
            let (bytes, number) = (self.rest.bytes, self.rest.number);
            let end = memchr(b'\n', bytes);
            let line = &bytes[..end.unwrap_or(bytes.len())];
            self.rest.bytes = end.map_or(&[], |end| &bytes[end + 1..]);
            self.rest.number += 1;
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Line { bytes: line, number, whole: end.is_some() || self.rest.whole });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_a_block_is_cut_its_lines_come_in_order() {
        let text: String = (1..=30_000)
            .map(|i| if i % 7 == 0 { "  \n".to_owned() } else { format!("line {i}\r\n") })
            .collect::<String>()
            + "the last";
        let block = Block { bytes: text.as_bytes(), number: 1, whole: false };
        assert!(pieces(&block).len() > 3);
        let lines: Vec<(u64, (String, bool))> =
            lines(&block, |line| (String::from_utf8_lossy(line.bytes).trim_end().to_owned(), line.whole))
                .collect();
        let expected = (1..=30_000_u64).filter(|i| i % 7 > 0).map(|i| (i, (format!("line {i}"), true)));
        let expected: Vec<_> = expected.chain([(30_001, ("the last".to_owned(), false))]).collect();
        assert_eq!(lines, expected);
    }
}
