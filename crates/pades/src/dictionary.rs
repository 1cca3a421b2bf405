//! Dictionaries (ISO 32000-1 §7.3.7): in the order in which they were written, each key once.

use crate::object::{Object, Reference};

/// Keys and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dictionary(Vec<(Vec<u8>, Object)>);

impl Dictionary {
    /// Of these pairs; none where a key is there twice: readers differ in which one counts.
    pub(crate) fn read(pairs: Vec<(Vec<u8>, Object)>) -> Option<Self> {
        let mut keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| key.as_slice()).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
        (!twice).then_some(Self(pairs))
    }

    /// Of these pairs.
    pub(crate) fn of<const N: usize>(pairs: [(&str, Object); N]) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect())
    }

    pub(crate) fn get(&self, wanted: &str) -> Option<&Object> {
        self.0.iter().find(|(key, _)| key == wanted.as_bytes()).map(|(_, value)| value)
    }

    /// Sets a key, in its place where it is there.
    pub(crate) fn set(&mut self, wanted: &str, value: Object) {
        match self.0.iter_mut().find(|(key, _)| key == wanted.as_bytes()) {
            Some((_, place)) => *place = value,
            None => self.0.push((wanted.as_bytes().to_vec(), value)),
        }
    }

    pub(crate) fn with(mut self, key: &str, value: Object) -> Self {
        self.set(key, value);
        self
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Object)> {
        self.0.iter().map(|(key, value)| (key.as_slice(), value))
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        self.get(key)?.integer()
    }

    pub(crate) fn reference(&self, key: &str) -> Option<Reference> {
        self.get(key)?.reference()
    }

    pub(crate) fn has_name(&self, key: &str, name: &str) -> bool {
        self.get(key).is_some_and(|value| value.is_name(name))
    }
}
