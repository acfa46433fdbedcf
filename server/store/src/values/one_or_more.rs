//! Lists of at least one, the first of which lies inline: nearly every append is to one stream and nearly every stream's
//! name is looked up alone, and those shall not cost an allocation.

use std::ops::{Index, IndexMut};

/// One or more.
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

    /// Those behind the first.
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

    /// What each becomes, given which one it is.
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
