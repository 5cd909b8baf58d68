//! What a state machine holds, by key: found by hash, shown in the order of keys. Nobody sees the order of the hashes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use histories::Key;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyed<T>(FxHashMap<Key, T>);

impl<T> Keyed<T> {
    pub(super) fn get(&self, key: &Key) -> Option<&T> {
        self.0.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut T> {
        self.0.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: Key, value: T) {
        self.0.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<T> {
        self.0.remove(key)
    }

    pub(super) fn sorted(&self) -> BTreeMap<&Key, &T> {
        self.0.iter().collect()
    }
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T: Hash> Hash for Keyed<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.sorted().hash(hasher);
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FxHashMap::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_in_the_order_of_keys_and_read_back() {
        let mut keyed = Keyed::default();
        for number in (0..50).rev() {
            keyed.insert(Key::from(format!("k{number:02}")), number);
        }
        let keys: Vec<&str> = keyed.sorted().into_keys().map(Key::as_str).collect();
        assert!(keys.is_sorted() && keys.len() == 50);
        let json = serde_json::to_string(&keyed).unwrap();
        assert!(json.starts_with(r#"{"k00":0,"k01":1,"#), "{json}");
        assert_eq!(serde_json::from_str::<Keyed<i32>>(&json).unwrap(), keyed);
    }
}
