//! Non-empty lists whose first item is stored inline. Nearly every append is to one stream, and nearly every stream
//! name is looked up alone; these cases must not allocate.

use std::ops::{Index, IndexMut};

/// A non-empty list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OneOrMore<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> OneOrMore<T> {
    pub(crate) const fn one(first: T) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }

    pub(crate) const fn first(&self) -> &T {
        &self.first
    }

    /// Returns the items after the first.
    pub(crate) fn rest(&self) -> &[T] {
        &self.rest
    }

    pub(crate) fn push(&mut self, item: T) {
        self.rest.push(item);
    }

    pub(crate) fn len(&self) -> usize {
        1 + self.rest.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Maps each item, given its index.
    pub(crate) fn map<U>(&self, mut to: impl FnMut(usize, &T) -> U) -> OneOrMore<U> {
        let first = to(0, &self.first);
        let rest = self.rest.iter().enumerate();
        OneOrMore {
            first,
            rest: rest.map(|(n, item)| to(n + 1, item)).collect(),
        }
    }
}

impl<T> Index<usize> for OneOrMore<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        match index {
            0 => &self.first,
            _ => &self.rest[index - 1],
        }
    }
}

impl<T> IndexMut<usize> for OneOrMore<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        match index {
            0 => &mut self.first,
            _ => &mut self.rest[index - 1],
        }
    }
}
