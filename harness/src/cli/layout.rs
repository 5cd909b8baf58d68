//! How wide the page is, and text that fits it: lines are broken between words, never in one.

use std::io::IsTerminal;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::cli::paint::Paint;

/// What a person reads from: its colours, its columns, and whether everything is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) paint: Paint,
    pub(crate) width: Width,
    pub(crate) verbose: bool,
}

impl Screen {
    /// For tests: neither colours nor limits.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { paint: Paint::PLAIN, width: Width::UNLIMITED, verbose: false };

    /// A label and what is said under it; what does not fit goes on below.
    pub(crate) fn entry(self, label: &str, value: &str) -> String {
        self.width.wrap(&format!("  {label:22}{value}"), 24)
    }
}

/// How many columns a line may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width(usize);

impl Width {
    /// Of what is read by programs, or searched line by line.
    pub(crate) const UNLIMITED: Self = Self(usize::MAX);
    /// Narrower than this nothing can be laid out.
    const LEAST: usize = 40;

    /// `COLUMNS` where it is set, else those of the terminal; what is no terminal has no limit.
    pub(crate) fn of(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Self {
        let told =
            std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|&width| width > 0);
        let seen = || stream.is_terminal().then(|| terminal_size::terminal_size_of(stream)).flatten();
        told.or_else(|| seen().map(|(columns, _)| usize::from(columns.0)))
            .map_or(Self::UNLIMITED, Self::columns)
    }

    pub(crate) fn columns(columns: usize) -> Self {
        Self(columns.max(Self::LEAST))
    }

    /// What is left beside so many columns, at least a few words.
    pub(crate) fn minus(self, columns: usize) -> usize {
        self.0.saturating_sub(columns).max(Self::LEAST / 2)
    }

    /// One line of text; what does not fit goes on below, after `hanging` spaces. A word that is longer than a line, as a
    /// path may be, stays whole.
    pub(crate) fn wrap(self, line: &str, hanging: usize) -> String {
        if self == Self::UNLIMITED {
            return line.to_owned();
        }
        self.lines(line, hanging).join("\n")
    }

    fn lines(self, line: &str, hanging: usize) -> Vec<String> {
        let indent = " ".repeat(hanging);
        let leading = line.len() - line.trim_start().len();
        let (first, rest) = line.split_at(leading);
        let options = Options::new(self.0)
            .initial_indent(first)
            .subsequent_indent(&indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        textwrap::wrap(rest, options).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    /// A paragraph in a cell of so many columns, line by line.
    pub(crate) fn cell(text: &str, columns: usize) -> Vec<String> {
        Self(columns.max(1)).lines(text, 0)
    }

    /// The proof of an anomaly, each of its lines by itself. Rows of operations go on behind their bar.
    pub(crate) fn explanation(self, text: &str) -> String {
        if self == Self::UNLIMITED {
            return text.to_owned();
        }
        let lines = text.lines().map(|line| match line.find(" | ") {
            Some(bar) if !line.trim_start().starts_with('=') => {
                let (number, operation) = (&line[..bar], &line[bar + 3..]);
                let parts = Self(self.minus(bar + 3)).lines(operation, 4);
                format!("{number} | {}", parts.join(&format!("\n{} | ", " ".repeat(bar))))
            }
            _ => self.wrap(line, 4),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// How many columns a text takes, escape sequences apart.
pub(crate) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_only() {
        let line =
            "  note                  read-your-writes was promised, and is undecided: the budget ran out";
        insta::assert_snapshot!(Width::columns(60).wrap(line, 24), @r"
          note                  read-your-writes was promised, and
                                is undecided: the budget ran out
        ");
        assert_eq!(Width::UNLIMITED.wrap(line, 24), line);
        let path = format!("  folder  {}", "runs/quick/20260102T030405Z-7/".repeat(3));
        assert!(Width::columns(40).wrap(&path, 10).contains(&"runs/quick/20260102T030405Z-7/".repeat(3)));
    }

    #[test]
    fn a_proof_keeps_its_bars() {
        let text = "error[stale-read]: client 4 read x = 3 after client 1's write of x = 5 was acknowledged\n  --> a:3\n\
                    3 | ok  client 1  write x 3     completed 0.003 s  at n1  wrote 3\n  = 3 was overwritten";
        insta::assert_snapshot!(Width::columns(50).explanation(text));
    }
}
