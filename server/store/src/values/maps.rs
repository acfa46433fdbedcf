//! Maps and sets by names and ids, of which an append asks several.
//!
//! The standard library's hash is made to withstand somebody who can see what it yields and chooses names by that; it took
//! a tenth of the server's time for an append. This one begins with random numbers of the process too, so that nobody
//! can have prepared names that fall together, and takes a quarter of the time.

/// A map.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::quality::RandomState>;

/// A set.
pub(crate) type HashSet<T> = std::collections::HashSet<T, foldhash::quality::RandomState>;

/// A map that takes so many without growing.
pub(crate) fn map_for<K, V>(count: usize) -> HashMap<K, V> {
    HashMap::with_capacity_and_hasher(count, foldhash::quality::RandomState::default())
}

/// A set that takes so many without growing.
pub(crate) fn set_for<T>(count: usize) -> HashSet<T> {
    HashSet::with_capacity_and_hasher(count, foldhash::quality::RandomState::default())
}
