//! Bytes of a file of any size, by line or by form, with the place of each.
//!
//! It never holds more than one line (or form) and one block.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

use crate::Diagnostic;

/// A line, or an event that spans lines, longer than this is refused rather than held.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

const BLOCK_BYTES: usize = 256 * 1024;

/// What some editors put before UTF-8 text. It says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file as it is read.
pub(crate) struct Source<'a> {
    input: Box<dyn Read + 'a>,
    name: String,
    buffer: Vec<u8>,
    /// What lies before is consumed.
    start: usize,
    ended: bool,
    /// The line on which `start` lies, from 1.
    line: u64,
    /// Bytes of that line before `start`.
    column: u64,
}

/// A line with its number; the line break is not part of it.
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) number: u64,
    /// Whether a line break ended it.
    pub(crate) whole: bool,
}

/// Lines, the last of which may break off.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) bytes: &'a [u8],
    /// Of the first line.
    pub(crate) number: u64,
    /// Whether a line break ended the last.
    pub(crate) whole: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(input: Box<dyn Read + 'a>, name: &str) -> Self {
        let name = name.to_owned();
        Self { input, name, buffer: Vec::new(), start: 0, ended: false, line: 1, column: 0 }
    }

    /// Passes over a byte order mark, which no column counts.
    pub(crate) fn skip_mark(&mut self) -> Result<(), Diagnostic> {
        if self.peek(BYTE_ORDER_MARK.len())?.starts_with(BYTE_ORDER_MARK) {
            self.start += BYTE_ORDER_MARK.len();
        }
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What is held and not consumed.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether nothing comes after [`Source::rest`].
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Makes at least `count` bytes available, if the file has them.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], Diagnostic> {
        while self.rest().len() < count && !self.ended {
            self.fill()?;
        }
        Ok(self.rest())
    }

    /// Reads another block, or as much as is held, so that reading again and again stays linear.
    pub(crate) fn fill(&mut self) -> Result<(), Diagnostic> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        if held >= LINE_BYTES_MAX {
            let limit = LINE_BYTES_MAX >> 20;
            return Err(self.at(0, format!("a line of more than {limit} MiB, which is the limit")));
        }
        let wanted = held.max(BLOCK_BYTES);
        self.buffer.resize(held + wanted, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + *read.as_ref().unwrap_or(&0));
        self.ended = read.map_err(|error| self.at(held, format!("cannot be read: {error}")))? == 0;
        Ok(())
    }

    /// Forgets the first `count` bytes of the rest.
    pub(crate) fn consume(&mut self, count: usize) {
        let gone = &self.buffer[self.start..self.start + count];
        let mut last = None;
        for at in memchr_iter(b'\n', gone) {
            self.line += 1;
            last = Some(at);
        }
        self.column = match last {
            Some(at) => (count - at - 1) as u64,
            None => self.column + count as u64,
        };
        self.start += count;
    }

    /// The next line that is not blank, `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>, Diagnostic> {
        loop {
            let end = self.line_end()?;
            let (from, number) = (self.start, self.line);
            let (length, whole) = match end {
                Some(length) => (length, true),
                None => (self.rest().len(), false),
            };
            self.start += length + usize::from(whole);
            self.line += u64::from(whole);
            if length == 0 && !whole {
                return Ok(None);
            }
            let blank = self.buffer[from..from + length].iter().all(u8::is_ascii_whitespace);
            if !blank {
                return Ok(Some(Line { bytes: &self.buffer[from..from + length], number, whole }));
            }
        }
    }

    /// The next lines, `count` bytes of them at most, or one that is longer; `None` at the end.
    pub(crate) fn next_block(&mut self, count: usize) -> Result<Option<Block<'_>>, Diagnostic> {
        self.peek(count)?;
        while !self.ended && memrchr(b'\n', self.rest()).is_none() {
            self.fill()?;
        }
        let rest = self.rest();
        let (first, beyond) = rest.split_at(count.min(rest.len()));
        let whole = memrchr(b'\n', first).or_else(|| memchr(b'\n', beyond).map(|at| first.len() + at));
        let all = self.ended && beyond.is_empty();
        let length = if all { rest.len() } else { whole.map_or(rest.len(), |at| at + 1) };
        if length == 0 {
            return Ok(None);
        }
        let (from, number) = (self.start, self.line);
        self.consume(length);
        let bytes = &self.buffer[from..from + length];
        Ok(Some(Block { bytes, number, whole: bytes.ends_with(b"\n") }))
    }

    /// Length of the next line, `None` where the file ends first.
    fn line_end(&mut self) -> Result<Option<usize>, Diagnostic> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.rest()[searched..]) {
                return Ok(Some(searched + at));
            }
            searched = self.rest().len();
            if self.ended {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// A diagnostic for the byte at `offset` of the rest.
    pub(crate) fn at(&self, offset: usize, message: impl Into<String>) -> Diagnostic {
        let (line, column) = self.place(offset);
        Diagnostic::at(&self.name, line, column, message)
    }

    /// Line and column, from 1, of the byte at `offset` of the rest.
    pub(crate) fn place(&self, offset: usize) -> (u64, u64) {
        let before = &self.rest()[..offset.min(self.rest().len())];
        let breaks = memchr_iter(b'\n', before).count() as u64;
        let column = match memrchr(b'\n', before) {
            Some(at) => (before.len() - at) as u64,
            None => self.column + before.len() as u64 + 1,
        };
        (self.line + breaks, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn lines_come_with_their_numbers_however_slowly_they_arrive() {
        let text = b"a\n\n  \nbc\r\nd";
        let mut source = Source::new(Box::new(Slow(text)), "f");
        let mut lines = Vec::new();
        while let Some(line) = source.next_line().unwrap() {
            lines.push((String::from_utf8_lossy(line.bytes).into_owned(), line.number, line.whole));
        }
        let expected = [("a", 1, true), ("bc\r", 4, true), ("d", 5, false)];
        assert_eq!(lines, expected.map(|(text, number, whole)| (text.to_owned(), number, whole)));
    }

    #[test]
    fn places_count_on_from_what_was_consumed() {
        let mut source = Source::new(Box::new(&b"ab\ncde\nf"[..]), "f");
        source.peek(8).unwrap();
        assert_eq!((source.place(0), source.place(4), source.place(7)), ((1, 1), (2, 2), (3, 1)));
        source.consume(4);
        assert_eq!((source.place(0), source.place(3)), ((2, 2), (3, 1)));
        source.consume(1);
        assert_eq!(source.place(0), (2, 3));
    }
}
