//! Forms of EDN and of JSON: the values that histories hold, from bytes that may end in mid-form.
//!
//! It never recurses deeper than [`DEPTH_MAX`] and never gives a number another value than the one written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::Value;

pub use weight::EVENT_BYTES_MAX;
pub(crate) use weight::weigh_json;

/// Collections nested deeper than this are refused.
pub const DEPTH_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Edn,
    Json,
}

/// Why no form was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The text ends inside the form: more of the file is needed.
    More,
    /// The offset of what is wrong, and what was expected.
    At(usize, String),
}

pub(crate) type Formed<T> = Result<T, Trouble>;

/// Reads forms from the front of a text.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
    /// Whether the file ends where the text does.
    last: bool,
    /// Forms around the one that is read, those that are passed over included.
    depth: usize,
    /// Memory of the values that were made, by estimate. Nothing is added to a collection where it is too much.
    weight: usize,
    /// Whether a set was among the values that were made.
    pub(crate) made_set: bool,
}

/// Whether a byte cannot be part of a number, a keyword or a symbol.
fn ends_token(byte: u8, dialect: Dialect) -> bool {
    match byte {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"'
        | b';' => true,
        b':' => dialect == Dialect::Json,
        _ => false,
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect, last: bool) -> Self {
        Self { text, at: 0, dialect, last, depth: 0, weight: 0, made_set: false }
    }

    /// A scanner at the same place, to look ahead with.
    pub(crate) fn fork(&self) -> Self {
        Self { ..*self }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    fn is_edn(&self) -> bool {
        self.dialect == Dialect::Edn
    }

    pub(crate) fn wrong<T>(&self, message: impl Into<String>) -> Formed<T> {
        Err(Trouble::At(self.at, message.into()))
    }

    /// The next byte that belongs to a form; `None` at the end of the file.
    pub(crate) fn peek(&mut self) -> Formed<Option<u8>> {
        loop {
            match self.text.get(self.at) {
                None if self.last => return Ok(None),
                None => return Err(Trouble::More),
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b',') => self.at += 1,
                Some(b';') if self.is_edn() => self.comment()?,
                Some(b'#') if self.is_edn() && self.text.get(self.at + 1) == Some(&b'_') => {
                    self.at += 2;
                    self.skip()?;
                }
                Some(byte) => return Ok(Some(*byte)),
            }
        }
    }

    /// As [`Scanner::peek`], where a form must come.
    pub(crate) fn expect(&mut self) -> Formed<u8> {
        self.peek()?.ok_or(Trouble::More)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    fn comment(&mut self) -> Formed<()> {
        match memchr::memchr(b'\n', &self.text[self.at..]) {
            Some(length) => self.at += length + 1,
            None if self.last => self.at = self.text.len(),
            None => return Err(Trouble::More),
        }
        Ok(())
    }

    /// Reads a form.
    pub(crate) fn value(&mut self) -> Formed<Value> {
        self.enter()?;
        let value = self.value_inside()?;
        self.depth -= 1;
        Ok(value)
    }

    fn value_inside(&mut self) -> Formed<Value> {
        match self.expect()? {
            b'"' => {
                let text = self.string()?;
                self.weight += weight::TEXT + text.len();
                Ok(Value::word(&text))
            }
            open @ (b'[' | b'(') => {
                self.at += 1;
                self.items(closing(open)).map(Value::list)
            }
            b'{' => self.map().map(|entries| Value::Map(entries.into())),
            b')' | b']' | b'}' => self.wrong("expected a value before this bracket"),
            b'#' if self.is_edn() => self.tagged(),
            b'^' if self.is_edn() => {
                self.at += 1;
                self.skip()?;
                self.value()
            }
            b'\\' if self.is_edn() => self.character(),
            _ => self.atom(),
        }
    }

    /// One form deeper. What fails is not gone on with, so that only success counts back.
    fn enter(&mut self) -> Formed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.wrong(format!("brackets nested deeper than {DEPTH_MAX}, which is the limit"));
        }
        Ok(())
    }

    #[cold]
    fn too_heavy<T>(&self) -> Formed<T> {
        self.wrong(weight::too_heavy())
    }

    /// The values up to the closing bracket, which is consumed.
    fn items(&mut self, closing: u8) -> Formed<Vec<Value>> {
        let mut items = Vec::new();
        self.weight += weight::LIST;
        while !self.closes(closing)? {
            self.weight += weight::ITEM;
            if self.weight > EVENT_BYTES_MAX {
                return self.too_heavy();
            }
            items.push(self.value()?);
        }
        Ok(items)
    }

    /// Whether the closing bracket comes next, which is then consumed. Another one in its place is wrong.
    fn closes(&mut self, closing: u8) -> Formed<bool> {
        let next = self.expect()?;
        if next == closing {
            self.at += 1;
            return Ok(true);
        }
        if matches!(next, b')' | b']' | b'}') {
            return self.wrong(format!("expected `{}`", char::from(closing)));
        }
        Ok(false)
    }

    fn map(&mut self) -> Formed<BTreeMap<String, Value>> {
        let mut entries = BTreeMap::new();
        self.at += 1;
        self.weight += weight::MAP;
        while !self.closes(b'}')? {
            self.weight += weight::ENTRY;
            if self.weight > EVENT_BYTES_MAX {
                return self.too_heavy();
            }
            let key = key_text(self.value()?);
            self.separator()?;
            entries.insert(key, self.value()?);
        }
        Ok(entries)
    }

    /// The colon after a key, in JSON.
    pub(crate) fn separator(&mut self) -> Formed<()> {
        if self.is_edn() {
            return Ok(());
        }
        if self.expect()? != b':' {
            return self.wrong("expected `:` after a key");
        }
        self.at += 1;
        Ok(())
    }

    /// `#{…}` is the sorted list of its elements; any other tag is dropped and its value kept.
    fn tagged(&mut self) -> Formed<Value> {
        match self.tag()? {
            b"" if self.text.get(self.at) == Some(&b'{') => {
                self.at += 1;
                let mut items = self.items(b'}')?;
                items.sort_unstable();
                self.made_set = true;
                Ok(Value::list(items))
            }
            b"#" => self.atom(),
            _ => self.value(),
        }
    }

    /// The name after `#`, which is consumed with it; what it tags comes next.
    pub(crate) fn tag(&mut self) -> Formed<&'a [u8]> {
        self.at += 1;
        let Some(next) = self.text.get(self.at) else { return Err(Trouble::More) };
        if *next == b'#' {
            self.at += 1;
            return Ok(b"#");
        }
        let start = self.at;
        self.end_of_token()?;
        Ok(&self.text[start..self.at])
    }

    fn end_of_token(&mut self) -> Formed<()> {
        match self.text[self.at..].iter().position(|byte| ends_token(*byte, self.dialect)) {
            Some(length) => self.at += length,
            None if self.last => self.at = self.text.len(),
            None => return Err(Trouble::More),
        }
        Ok(())
    }

    /// The text of a token, keyword or symbol, or of a string; `nil` is none.
    pub(crate) fn name(&mut self) -> Formed<Option<Cow<'a, str>>> {
        if self.expect()? == b'"' {
            return self.string().map(Some);
        }
        let start = self.at;
        let token = self.token()?;
        match token.strip_prefix(':') {
            Some(keyword) => Ok(Some(Cow::Borrowed(keyword))),
            None if token == self.nil() => Ok(None),
            None => Err(Trouble::At(start, format!("expected a keyword or a string, not {token:?}"))),
        }
    }

    fn nil(&self) -> &'static str {
        match self.dialect {
            Dialect::Edn => "nil",
            Dialect::Json => "null",
        }
    }

    pub(crate) fn token(&mut self) -> Formed<&'a str> {
        let start = self.at;
        if self.dialect == Dialect::Json && self.text.get(self.at) == Some(&b':') {
            return self.wrong("expected a value, not `:`");
        }
        self.end_of_token()?;
        let text = self.text;
        if start == self.at {
            return self.wrong("expected a value");
        }
        match std::str::from_utf8(&text[start..self.at]) {
            Ok(token) if token.bytes().any(|byte| byte < b' ' || byte == 0x7f) => {
                Err(Trouble::At(start, format!("expected a value, not the control characters {token:?}")))
            }
            Ok(token) => Ok(token),
            Err(error) => Err(Trouble::At(start + error.valid_up_to(), "these bytes are not UTF-8".into())),
        }
    }

    fn atom(&mut self) -> Formed<Value> {
        let start = self.at;
        if let Some(int) = self.short_int() {
            return Ok(Value::Int(int));
        }
        let token = self.token()?;
        self.weight += weight::TEXT + token.len();
        if let Some(keyword) = token.strip_prefix(':') {
            return Ok(Value::word(keyword));
        }
        match token {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ if token == self.nil() => Ok(Value::Null),
            _ if starts_number(token) => {
                number(token, self.dialect).map_err(|message| Trouble::At(start, message))
            }
            _ if self.is_edn() => Ok(Value::text(token)),
            _ => Err(Trouble::At(start, format!("expected a value, not {token:?}"))),
        }
    }

    /// Most values are whole numbers of a few digits.
    fn short_int(&mut self) -> Option<i64> {
        let negative = self.text.get(self.at) == Some(&b'-');
        let mut at = self.at + usize::from(negative);
        let (first, mut int) = (at, 0_i64);
        while let Some(digit) = self.text.get(at).filter(|byte| byte.is_ascii_digit()) {
            int = int.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            at += 1;
        }
        let ends = self.text.get(at).is_some_and(|byte| ends_token(*byte, self.dialect));
        let padded = self.text.get(first) == Some(&b'0') && at - first > 1;
        if !ends || at == first || at - first > 18 || padded {
            return None;
        }
        self.at = at;
        Some(if negative { -int } else { int })
    }

    /// `\a`, `\newline`.
    fn character(&mut self) -> Formed<Value> {
        self.at += 1;
        self.weight += weight::TEXT;
        let start = self.at;
        if let Some(byte) = self.text.get(start).filter(|byte| ends_token(**byte, self.dialect)) {
            self.at += 1;
            return Ok(Value::text(char::from(*byte)));
        }
        let name = self.token()?;
        Ok(match name {
            "newline" => Value::text('\n'),
            "space" => Value::text(' '),
            "tab" => Value::text('\t'),
            "return" => Value::text('\r'),
            other => Value::text(other),
        })
    }

    /// Passes over a form whatever its numbers are.
    pub(crate) fn skip(&mut self) -> Formed<()> {
        self.enter()?;
        self.skip_inside()?;
        self.depth -= 1;
        Ok(())
    }

    fn skip_inside(&mut self) -> Formed<()> {
        match self.expect()? {
            b'"' => self.string().map(drop),
            open @ (b'[' | b'(' | b'{') => self.skip_items(closing(open)),
            b'#' if self.is_edn() => {
                self.tag()?;
                self.skip()
            }
            b'^' if self.is_edn() => {
                self.at += 1;
                self.skip()?;
                self.skip()
            }
            b'\\' if self.is_edn() => self.character().map(drop),
            b')' | b']' | b'}' => self.wrong("expected a value before this bracket"),
            _ => self.token().map(drop),
        }
    }

    fn skip_items(&mut self, closing: u8) -> Formed<()> {
        self.at += 1;
        while !self.closes(closing)? {
            match self.text.get(self.at) {
                Some(b':') if !self.is_edn() => self.at += 1,
                _ => self.skip()?,
            }
        }
        Ok(())
    }
}

/// The bracket that ends what `open` begins.
fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// How a value is written as a key.
pub(crate) fn key_text(value: Value) -> String {
    match value {
        Value::Text(text) => (*text).clone(),
        other => other.to_string(),
    }
}

fn starts_number(token: &str) -> bool {
    let digits = token.strip_prefix(['-', '+']).unwrap_or(token);
    digits.starts_with(|first: char| first.is_ascii_digit())
}

/// A whole number; a fraction is kept as text, because equal texts are equal numbers and nothing is rounded. So is, in EDN,
/// what begins with further zeros: it is no number there, and `01` is not `1`.
fn number(token: &str, dialect: Dialect) -> Result<Value, String> {
    let whole = token.strip_suffix('N').unwrap_or(token);
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if digits.len() > 1 && digits.starts_with('0') {
            let wrong = || format!("expected a number, which does not begin with a zero, not {token:?}");
            return if dialect == Dialect::Edn { Ok(Value::text(token)) } else { Err(wrong()) };
        }
        return whole.strip_prefix('+').unwrap_or(whole).parse().map(Value::Int).map_err(|_| {
            let shown: String = whole.chars().take(40).collect();
            let more = if whole.len() > 40 { "…" } else { "" };
            format!("{shown}{more} is larger than a 64-bit integer holds")
        });
    }
    if let Ok(fraction) = token.strip_suffix('M').unwrap_or(token).parse::<f64>() {
        return Ok(if fraction.is_finite() { Value::text(fraction.to_string()) } else { Value::text(token) });
    }
    let known = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X' | b'r' | b'R' | b'/');
    if digits.bytes().all(known) {
        return Ok(Value::text(token));
    }
    Err(format!("expected a number, not {token:?}"))
}

mod micros;
mod string;
#[cfg(test)]
mod tests;
mod weight;
