//! Names of fields and columns that a format does not have: which known one somebody may have meant.
//!
//! A name that is passed over in silence makes verdicts of what was never read. So one that stands for something that
//! is missing is refused, and any other is told once.

use std::fmt;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::{Function, nearest};

/// A field and what other tools and people call it.
pub(crate) type Words = (&'static str, &'static [&'static str]);

/// The fields that a verdict rests on.
const FIELDS: [Words; 7] = [
    ("process", &["client", "session", "thread", "proc", "worker", "pid"]),
    ("type", &["kind", "event", "status", "outcome", "state"]),
    ("f", &["op", "operation", "function", "func", "fn", "action", "method"]),
    ("key", &["k", "register", "variable"]),
    (
        "value",
        &[
            "val", "argument", "arg", "args", "input", "result", "output", "reply", "response", "returned",
            "return", "ret", "answer", "v",
        ],
    ),
    ("time", &["timestamp", "ts"]),
    ("index", &["idx"]),
];

/// Unknown fields of a file, each looked up once.
#[derive(Default)]
pub(crate) struct UnknownNames {
    looked_up: FxHashMap<String, Vec<&'static str>>,
}

/// So many names are remembered, and told; a file that makes up more is told of those.
const NAMES_MAX: usize = 64;

impl UnknownNames {
    /// The fields that a name may stand for, the likeliest first, and whether it comes for the first time.
    pub(crate) fn meaning(&mut self, name: &str) -> (Vec<&'static str>, bool) {
        if let Some(meant) = self.looked_up.get(name) {
            return (meant.clone(), false);
        }
        let meant = of_event(name);
        let is_new = self.looked_up.len() < NAMES_MAX;
        if is_new {
            self.looked_up.insert(name.to_owned(), meant.clone());
        }
        (meant, is_new)
    }
}

/// Which of an event's fields a name may stand for, the likeliest first.
pub(crate) fn of_event(name: &str) -> Vec<&'static str> {
    meanings(name, &FIELDS)
}

/// Why an update that has no value is refused.
pub(crate) fn without_value(function: &Function) -> String {
    format!("this {function} has no value; where nothing is meant, its value is null")
}

/// The first key of a header that is none of those known, and the known one that is most like it.
pub(crate) fn unknown_key<'k>(
    keys: impl IntoIterator<Item = String>,
    known: &[&'k str],
) -> Option<(String, Option<&'k str>)> {
    let unknown = keys.into_iter().find(|key| !known.contains(&&**key))?;
    let near = nearest(&unknown, known.iter().copied());
    Some((unknown, near))
}

/// The keys of an object in JSON, none where the text is no object.
pub(crate) fn keys(text: &[u8]) -> Vec<String> {
    serde_json::from_slice::<Keys>(text).map_or_else(|_| Vec::new(), |keys| keys.0)
}

struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

/// The column, from 1, in which a key of an object in JSON stands, as far as its text tells.
pub(crate) fn column(text: &[u8], key: &str) -> u64 {
    memchr::memmem::find(text, format!("{key:?}").as_bytes()).map_or(1, |at| at as u64 + 1)
}

/// Which of the known fields a name may stand for, the likeliest first.
pub(crate) fn meanings(name: &str, known: &[Words]) -> Vec<&'static str> {
    let name = name.to_ascii_lowercase();
    let mut meant: Vec<(u32, &'static str)> = known
        .iter()
        .filter_map(|(field, words)| {
            let nearness = std::iter::once(field).chain(*words).map(|word| nearness(&name, word)).max()?;
            (nearness > 0).then_some((nearness, *field))
        })
        .collect();
    meant.sort_by_key(|(nearness, _)| std::cmp::Reverse(*nearness));
    meant.into_iter().map(|(_, field)| field).collect()
}

/// 3 for the word itself, 2 for a typing mistake of it or its beginning, 1 where it is a part of the name, else 0.
fn nearness(name: &str, word: &str) -> u32 {
    let letters = word.len();
    if name == word {
        3
    } else if letters >= 3 && name.len() >= 3 && (word.starts_with(name) || is_mistyped(name, word)) {
        2
    } else {
        u32::from(name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| part == word))
    }
}

/// Whether one mistake makes the word of the name, or two where it is long. In a word of up to four letters another
/// letter makes another word: `note` is no `node`.
fn is_mistyped(name: &str, word: &str) -> bool {
    let distance = strsim::osa_distance(name, word);
    let begins_alike = name.bytes().zip(word.bytes()).take_while(|(one, other)| one == other).count() >= 4;
    match word.len() {
        0..=4 => distance == 1 && strsim::hamming(name, word) != Ok(1),
        5..=7 => distance == 1 || distance == 2 && begins_alike,
        _ => distance <= 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_near_a_field_stands_for_it() {
        let first = |name| meanings(name, &FIELDS).first().copied();
        for (name, field) in [
            ("val", "value"),
            ("vaule", "value"),
            ("Value", "value"),
            ("values", "value"),
            ("result", "value"),
            ("return_value", "value"),
            ("tiem", "time"),
            ("timestamp", "time"),
            ("end-time", "time"),
            ("client_id", "process"),
            ("procces", "process"),
            ("tpye", "type"),
            ("kye", "key"),
            ("indx", "index"),
            ("operation", "f"),
        ] {
            assert_eq!(first(name), Some(field), "{name}");
        }
        for name in [
            "note", "mode", "line", "link", "position", "final?", "ext", "region", "debug", "via", "role",
            "valid",
        ] {
            assert_eq!(first(name), None, "{name}");
        }
    }
}
