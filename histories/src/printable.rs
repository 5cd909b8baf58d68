//! Text from a file as a terminal may have it: what would move the cursor, colour the rest or turn its direction is shown
//! as an escape.
//!
//! It never changes what a file of ours says: it is for people's eyes.

use std::borrow::Cow;
use std::fmt;

/// The same text, with escapes in the place of control characters, line breaks included.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_control) { Cow::Owned(Printable(text).to_string()) } else { Cow::Borrowed(text) }
}

/// As [`printable`], line by line: for text that has lines of its own.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| character != '\n' && is_control(character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(printable).collect::<Vec<_>>().join("\n"))
}

/// So many characters of a name are shown.
const NAME_CHARACTERS_MAX: usize = 60;
/// Of a longer one, so many of its end: names differ there as often as where they begin.
const NAME_END_CHARACTERS: usize = 20;

/// A name for people: without control characters, and of a long one the beginning and the end.
pub fn brief_name(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_CHARACTERS_MAX {
        return printable(name).into_owned();
    }
    let head: String = name.chars().take(NAME_CHARACTERS_MAX - NAME_END_CHARACTERS - 1).collect();
    let end: String = name.chars().skip(count - NAME_END_CHARACTERS).collect();
    format!("{}…{}", Printable(&head), Printable(&end))
}

/// Shows a text as [`printable`] has it.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_control) {
            f.write_str(&rest[..at])?;
            let mut after = rest[at..].chars();
            if let Some(control) = after.next() {
                write!(f, "{}", control.escape_debug())?;
            }
            rest = after.as_str();
        }
        f.write_str(rest)
    }
}

/// Control characters, and those that turn or hide the direction of what comes after.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_name_the_beginning_and_the_end_are_shown() {
        assert_eq!(brief_name("a\tb"), "a\\tb");
        let long = format!("{}end", "k".repeat(300));
        let brief = brief_name(&long);
        assert_eq!(brief.chars().count(), NAME_CHARACTERS_MAX);
        assert!(brief.contains('…') && brief.ends_with("kend"), "{brief}");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(printable("x\u{1b}[2Jy\r\n\0"), "x\\u{1b}[2Jy\\r\\n\\0");
        assert_eq!(printable("\u{202e}abc\u{9b}"), "\\u{202e}abc\\u{9b}");
        assert_eq!(printable_lines("a\u{7}\nb"), "a\\u{7}\nb");
        assert!(matches!(printable("größe \\n"), Cow::Borrowed("größe \\n")));
        let once = printable("\u{1b}").into_owned();
        assert_eq!(printable(&once), once, "an escape stays what it is");
    }
}
