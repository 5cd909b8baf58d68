//! Strings of EDN and of JSON, with their escapes.
//!
//! It never gives back text that is not UTF-8.

use std::borrow::Cow;

use super::{Formed, Scanner, Trouble};

impl<'a> Scanner<'a> {
    pub(crate) fn string(&mut self) -> Formed<Cow<'a, str>> {
        let start = self.at + 1;
        let Some(length) = self.text[start..].iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return Err(Trouble::More);
        };
        let text = self.text;
        if text[start + length] == b'"' {
            self.at = start + length + 1;
            return utf8(&text[start..start + length], start).map(Cow::Borrowed);
        }
        self.at = start + length;
        let plain = utf8(&text[start..self.at], start)?.to_owned();
        self.escaped(plain).map(Cow::Owned)
    }

    fn escaped(&mut self, mut out: String) -> Formed<String> {
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                return Err(Trouble::More);
            };
            out.push_str(utf8(&rest[..length], self.at)?);
            self.at += length + 1;
            if rest[length] == b'"' {
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Formed<char> {
        let Some(byte) = self.text.get(self.at) else { return Err(Trouble::More) };
        self.at += 1;
        Ok(match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(*byte),
            b'u' => return self.unicode(),
            _ => {
                self.at -= 1;
                return self.wrong("expected one of n t r b f u \" \\ / after a backslash");
            }
        })
    }

    /// Four digits after `\u`, and of a surrogate pair the second half.
    fn unicode(&mut self) -> Formed<char> {
        let start = self.at;
        let first = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            // Anything but a second half stays half a pair, which is no character.
            self.hex()?
                .checked_sub(0xdc00)
                .filter(|low| *low < 0x400)
                .map(|low| 0x10000 + ((first - 0xd800) << 10) + low)
        } else {
            Some(first)
        };
        let half = || Trouble::At(start, "half a surrogate pair is no character".into());
        code.and_then(char::from_u32).ok_or_else(half)
    }

    fn hex(&mut self) -> Formed<u32> {
        let Some(digits) = self.text.get(self.at..self.at + 4) else { return Err(Trouble::More) };
        let mut code = 0;
        for digit in digits {
            let Some(digit) = char::from(*digit).to_digit(16) else {
                return self.wrong("expected four hexadecimal digits");
            };
            code = code << 4 | digit;
        }
        self.at += 4;
        Ok(code)
    }
}

fn utf8(bytes: &[u8], start: usize) -> Formed<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Trouble::At(start + error.valid_up_to(), "these bytes are not UTF-8".into()))
}
