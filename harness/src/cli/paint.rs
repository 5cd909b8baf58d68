//! Colour, where it is wanted.
//!
//! Changes no text: without its escape sequences a painted text is the plain one.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    enabled: bool,
}

const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();
const BLUE: Style = AnsiColor::Blue.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl Paint {
    pub(crate) const PLAIN: Self = Self { enabled: false };

    pub(crate) fn new(choice: ColorChoice, stream: &impl IsTerminal) -> Self {
        let enabled = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self { enabled }
    }

    fn apply(self, style: Style, text: &str) -> String {
        if self.enabled { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.apply(GREEN, text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.apply(RED, text)
    }

    pub(crate) fn doubtful(self, text: &str) -> String {
        self.apply(YELLOW, text)
    }

    /// A violation that was to be seen.
    pub(crate) fn expected(self, text: &str) -> String {
        self.apply(CYAN, text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.apply(BOLD, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.apply(DIM, text)
    }

    /// Colours an explanation line by line, as compilers do.
    pub(crate) fn explanation(self, text: &str) -> String {
        if !self.enabled {
            return text.to_owned();
        }
        text.lines().map(|line| self.explanation_line(line)).collect::<Vec<_>>().join("\n")
    }

    fn explanation_line(self, line: &str) -> String {
        if let Some((rule, rest)) = line.split_once(": ").filter(|(rule, _)| rule.starts_with("error[")) {
            return format!("{}{}", self.bad(rule), self.strong(&format!(": {rest}")));
        }
        if let Some((indent, place)) = line.split_once("--> ") {
            return format!("{indent}{} {place}", self.apply(BLUE, "-->"));
        }
        if let Some((indent, fact)) = line.split_once("= ").filter(|(indent, _)| indent.trim().is_empty()) {
            return format!("{indent}{} {fact}", self.apply(BLUE, "="));
        }
        match line.split_once(" | ") {
            Some((number, rest)) => format!("{} {rest}", self.apply(BLUE, &format!("{number} |"))),
            None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "error[stale-read]: x: y\n  --> a:3\n3 | ok  client 1\n  = because";

    #[test]
    fn without_its_escapes_a_painted_explanation_is_the_plain_one() {
        let painted = Paint { enabled: true }.explanation(TEXT);
        assert_ne!(painted, TEXT);
        let mut plain = String::new();
        let mut escaped = false;
        for character in painted.chars() {
            match character {
                '\u{1b}' => escaped = true,
                'm' if escaped => escaped = false,
                _ if escaped => {}
                other => plain.push(other),
            }
        }
        assert_eq!(plain, TEXT);
        assert_eq!(Paint::PLAIN.explanation(TEXT), TEXT);
    }
}
