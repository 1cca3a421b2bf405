//! Places that callers hold: no one of them holds them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// How many places one holder may have. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Places<K> {
    most: usize,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// At most so many for each holder.
    pub fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    /// One more place, if the holder has not all of its own; given back when it is dropped.
    pub fn take(&self, holder: K) -> Option<Place<K>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let places = held.entry(holder.clone()).or_default();
        if *places >= self.most {
            return None;
        }
        *places += 1;
        Some(Place { held: Arc::clone(&self.held), holder })
    }
}

/// A place that is held.
#[derive(Debug)]
pub struct Place<K: Hash + Eq + Clone> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    holder: K,
}

impl<K: Hash + Eq + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = held.get_mut(&self.holder) {
            *places -= 1;
            if *places == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

/// Whose address it is: of IPv6 the first 64 bits, of which a subscriber has all that follow.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn one_holder_leaves_room_for_others_and_gives_back() {
        let places = Places::new(2);
        let held = [places.take("one").unwrap(), places.take("one").unwrap()];
        assert!(places.take("one").is_none());
        let other = places.take("other").unwrap();
        drop(held);
        assert!(places.take("one").is_some());
        drop(other);
        assert!(places.held.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
