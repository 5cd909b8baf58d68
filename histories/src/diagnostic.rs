//! One clear error about one place in a file.

use std::fmt;

use crate::printable::Printable;

/// What is wrong in an input file, where, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as the user gave it, `-` for standard input.
    pub file: String,
    /// From 1; 0 where the problem is the file as a whole.
    pub line: u64,
    /// In bytes from 1; 0 where the problem is the line as a whole.
    pub column: u64,
    pub message: String,
    /// What to do about it, if there is something.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn whole_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: message.into(), help: None }
    }

    pub fn at(file: &str, line: u64, column: u64, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, column, message: message.into(), help: None }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a name in the place of one that is not known, where one is like it.
    #[must_use]
    pub(crate) fn help_near(self, near: Option<&str>) -> Self {
        match near {
            Some(near) => self.help(format!("did you mean {near:?}?")),
            None => self,
        }
    }
}

/// `file:line:column: message`, and the help on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.file).fmt(f)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", Printable(&self.message))?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", Printable(help)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
