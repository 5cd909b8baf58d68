//! An ordered map of few entries, in hardly more memory than they take: there is one for each of a million keys.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By rising key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Puts in one item; the first one without room for more.
pub(super) fn put<T>(items: &mut Vec<T>, place: usize, item: T) {
    if items.is_empty() {
        items.reserve_exact(1);
    }
    items.insert(place, item);
}

impl<K: Ord, V> Few<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(held, _)| held.borrow().cmp(key))
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|place| &self.0[place].1)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        match self.find(&key) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => put(&mut self.0, place, (key, value)),
        }
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Ok(place) = self.find(key) {
            self.0.remove(place);
        }
    }

    /// What stands at `key`, put there first if nothing does.
    pub(super) fn at<Q: Ord + ?Sized + ToOwned<Owned = K>>(&mut self, key: &Q) -> &mut V
    where
        K: Borrow<Q>,
        V: Default,
    {
        let place = self.find(key).unwrap_or_else(|place| {
            put(&mut self.0, place, (key.to_owned(), V::default()));
            place
        });
        &mut self.0[place].1
    }
}

impl<K, V> Few<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of entries with the same key the last one stays.
impl<K: Ord, V> FromIterator<(K, V)> for Few<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let sorted: BTreeMap<K, V> = entries.into_iter().collect();
        Self(sorted.into_iter().collect())
    }
}

/// As a map.
impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Few<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|entries| entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..8_u8, 0..3_u8, any::<i64>()), 0..40)) {
            let (mut few, mut map) = (Few::default(), BTreeMap::new());
            for (key, what, value) in steps {
                let key = key.to_string();
                match what {
                    0 => {
                        few.insert(key.clone(), value);
                        map.insert(key, value);
                    }
                    1 => {
                        *few.at(key.as_str()) ^= value;
                        *map.entry(key).or_default() ^= value;
                    }
                    _ => {
                        few.remove(key.as_str());
                        map.remove(&key);
                    }
                }
            }
            prop_assert!(few.iter().eq(&map));
            prop_assert_eq!(few.is_empty(), map.is_empty());
            prop_assert_eq!(few.get("3"), map.get("3"));
            let json = serde_json::to_string(&few).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Few<String, i64>>(&json).unwrap(), few);
        }
    }
}
