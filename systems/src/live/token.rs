//! The secret of a run: only those who have it are answered by the run's nodes. Whoever else is on the machine finds their
//! ports, and is refused.

use std::fmt;
use std::io;

use subtle::ConstantTimeEq;

use crate::http::Link;

/// Nodes are told it on their standard input, where no list of processes shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// The header of a request that it travels in.
    pub(crate) const HEADER: &str = "x-partita-token";
    const BYTES: usize = 32;

    /// From the system's randomness: a run's seed is no secret.
    pub(crate) fn draw() -> io::Result<Self> {
        let mut bytes = [0; Self::BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let digits = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        Ok(Self(digits))
    }

    /// As a node reads it: the first line of its standard input, without its end. `None` where nothing is there.
    pub(crate) fn read(mut input: impl io::BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let token = line.trim_end();
        Ok((!token.is_empty()).then(|| Self(token.to_owned())))
    }

    /// What [`Token::read`] reads.
    pub(crate) fn to_line(&self) -> String {
        format!("{}\n", self.0)
    }

    /// As a header's value.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A connection that shows it with every request.
    pub(crate) fn link(&self) -> Link {
        Link::with_header(Self::HEADER, self.0.clone())
    }

    /// Takes the same time however much of `presented` is right.
    pub(crate) fn is(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

/// It never gets into a log.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_no_two_are_alike() {
        let (one, other) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert_eq!(Token::read(one.to_line().as_bytes()).unwrap(), Some(one.clone()));
        assert_eq!(Token::read(&b""[..]).unwrap(), None);
        assert!(one.is(one.as_str().as_bytes()) && !one.is(other.as_str().as_bytes()));
        assert!(!one.is(b"") && !one.is(&one.as_str().as_bytes()[1..]));
        assert_eq!(format!("{one:?}"), "Token(…)");
    }
}
