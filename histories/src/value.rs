//! What operations carry: a small JSON-shaped value, 16 bytes in memory.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{Micro, Micros, printable};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A written or read value. Collections sit behind one thin pointer, so that a history of a million
/// operations on integers pays for integers only; cloning is cheap.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Absent: the value of a key that nobody wrote, or of an invocation that asks.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Text(Arc<String>),
    List(Arc<Vec<Value>>),
    Map(Arc<BTreeMap<String, Value>>),
    /// A list of micro-operations `[function, key, value]`, equal to the list that it is.
    Txn(Arc<Micros>),
}

const _: () = assert!(size_of::<Value>() == 16);

/// A node of a map, which has room for eleven entries and is half full at least.
const MAP_NODE_BYTES: u64 = 456;

thread_local! {
    static WORDS: [Value; 3] = ["r", "w", "append"].map(Value::text);
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Arc::new(text.into()))
    }

    /// As [`Value::text`], without memory of its own where the text is the name of a micro-operation, of which a
    /// history has millions.
    pub(crate) fn word(text: &str) -> Self {
        let place = match text {
            "r" => 0,
            "w" => 1,
            "append" => 2,
            _ => return Self::text(text),
        };
        WORDS.with(|words| words[place].clone())
    }

    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    pub fn map(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self::Map(Arc::new(entries.into_iter().collect()))
    }

    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(int) = self { Some(*int) } else { None }
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Txn(micros) => Some(micros.listed()),
            _ => None,
        }
    }

    /// The micro-operations of a transaction, an error for each item that is none; `None` for what is no list.
    pub fn micros(&self) -> Option<impl Iterator<Item = Result<Micro<'_>, NoMicro>>> {
        let (list, rows) = match self {
            Self::List(items) => (Some(items), None),
            Self::Txn(micros) => (None, Some(micros)),
            _ => return None,
        };
        let rows = rows.into_iter().flat_map(|micros| micros.each().map(Ok));
        Some(list.into_iter().flat_map(move |list| list.iter().map(Self::micro)).chain(rows))
    }

    fn micro(&self) -> Result<Micro<'_>, NoMicro> {
        match self.as_list() {
            Some([Self::Text(function), key, value]) => {
                Ok(Micro { function, key: Cow::Borrowed(key), value: Cow::Borrowed(value) })
            }
            _ => Err(NoMicro),
        }
    }

    /// The same in less memory, where it is a list of micro-operations.
    pub(crate) fn compact(self) -> Self {
        match &self {
            Self::List(items) if !items.is_empty() => match Micros::of(items) {
                Some(micros) => Self::Txn(Arc::new(micros)),
                None => self,
            },
            _ => self,
        }
    }

    /// Whether it is all that was asked where `answer` was answered: the same but for what was read.
    pub(crate) fn is_question_of(&self, answer: &Self) -> bool {
        match (self, answer) {
            (Self::Txn(asked), Self::Txn(answered)) => asked.is_question_of(answered),
            _ => false,
        }
    }

    /// Lists of one kind and the other are the same.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Text(_) => 3,
            Self::List(_) | Self::Txn(_) => 4,
            Self::Map(_) => 5,
        }
    }

    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// Memory behind the 16 bytes, by estimate.
    pub(crate) fn heap_bytes(&self) -> u64 {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) => 0,
            Self::Text(text) => 56 + text.len() as u64,
            Self::List(items) => 56 + items.iter().map(|item| 16 + item.heap_bytes()).sum::<u64>(),
            Self::Map(entries) => {
                let entry = |(key, value): (&String, &Self)| 24 + key.len() as u64 + value.heap_bytes();
                56 + MAP_NODE_BYTES * entries.len().div_ceil(6) as u64
                    + entries.iter().map(entry).sum::<u64>()
            }
            Self::Txn(micros) => micros.heap_bytes(),
        }
    }

    /// The two values of a compare-and-set, `[from, to]`.
    pub fn as_pair(&self) -> Option<(&Self, &Self)> {
        match self.as_list()? {
            [from, to] => Some((from, to)),
            _ => None,
        }
    }
}

/// An item of a list that is no micro-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMicro;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Map(one), Self::Map(other)) => one == other,
            (Self::Txn(one), Self::Txn(other)) => one == other,
            (Self::List(_), Self::Txn(_)) | (Self::Txn(_), Self::List(_)) => {
                self.as_list() == other.as_list()
            }
            _ => false,
        }
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Map(one), Self::Map(other)) => one.cmp(other),
            (Self::List(_) | Self::Txn(_), Self::List(_) | Self::Txn(_)) => {
                self.as_list().cmp(&other.as_list())
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(bool) => bool.hash(state),
            Self::Int(int) => int.hash(state),
            Self::Text(text) => text.hash(state),
            Self::List(items) => items[..].hash(state),
            Self::Txn(micros) => micros.listed().hash(state),
            Self::Map(entries) => entries.hash(state),
        }
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Compact, as in an explanation: `3`, `"a"`, `[1 2]`, `nil`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nil"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Self::Txn(micros) => {
                f.write_str("[")?;
                for (i, Micro { function, key, value }) in micros.each().enumerate() {
                    write!(f, "{}[{function:?} {key} {value}]", if i == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{}: {value}", if i == 0 { "" } else { ", " }, MapKey(key))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// As it is, or in quotation marks where it has what those escape.
struct MapKey<'a>(&'a str);

impl fmt::Display for MapKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = matches!(printable(self.0), Cow::Borrowed(_)) && !self.0.contains(['"', '\\']);
        if plain { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => entries.serialize(serializer),
            Self::Txn(micros) => {
                serializer.collect_seq(micros.each().map(|micro| (micro.function, micro.key, micro.value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a boolean, a 64-bit integer, a string, a list or an object")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int))
    }

    fn visit_u64<E: Error>(self, int: u64) -> Result<Value, E> {
        i64::try_from(int)
            .map(Value::Int)
            .map_err(|_| E::custom(format!("{int} is larger than a 64-bit integer holds")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::word(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(Arc::new(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            entries.insert(key, value);
        }
        Ok(Value::Map(Arc::new(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_through_json() {
        let json = r#"{"a":[1,null,true,"x"],"b":-7}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(value.to_string(), r#"{a: [1 nil true "x"], b: -7}"#);
    }

    #[test]
    fn a_shown_value_has_nothing_that_a_terminal_obeys() {
        let value =
            Value::map([("a\u{1b}[2J".to_owned(), "\u{9b}\n".into()), ("\u{202e}\"".into(), 1.into())]);
        assert_eq!(value.to_string(), r#"{"a\u{1b}[2J": "\u{9b}\n", "\u{202e}\"": 1}"#);
        let in_list = Value::list([value]).to_string();
        assert!(!in_list.chars().any(char::is_control), "{in_list}");
    }

    #[test]
    fn an_integer_beyond_64_bits_is_refused_with_its_digits() {
        let error = serde_json::from_str::<Value>("9223372036854775808").unwrap_err();
        assert!(error.to_string().contains("9223372036854775808"), "{error}");
    }
}
