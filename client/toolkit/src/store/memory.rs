//! Read models in memory, for tests and for read models that are cheap to rebuild: any value that can be cloned.
//!
//! A transaction works on a copy, so keep the value small.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_client::{Position, RecordedEvent, Uuid};

use super::{DeadLetter, Generation, Move, ReadModelStore, StoreError, demand_as_far, handle_all};
use crate::projection::{Definition, Handler};

/// Stores read models of one type in this process.
///
/// ```
/// use std::collections::BTreeMap;
/// use annals_toolkit::store::memory::MemoryStore;
///
/// let balances: MemoryStore<BTreeMap<String, i64>> = MemoryStore::new();
/// assert_eq!(balances.model("balances"), None);
/// ```
#[derive(Debug)]
pub struct MemoryStore<T> {
    kept: Arc<Mutex<Kept<T>>>,
}

#[derive(Debug)]
struct Kept<T> {
    generations: BTreeMap<(String, u32), (Generation, T)>,
    letters: Vec<DeadLetter>,
}

impl<T> Clone for MemoryStore<T> {
    fn clone(&self) -> Self {
        MemoryStore {
            kept: self.kept.clone(),
        }
    }
}

impl<T> Default for MemoryStore<T> {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl<T> MemoryStore<T> {
    /// Creates an empty store.
    pub fn new() -> Self {
        let kept = Kept {
            generations: BTreeMap::new(),
            letters: Vec::new(),
        };
        MemoryStore {
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        // A panic can't leave the state half changed, so a poisoned lock is safe to use.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> MemoryStore<T> {
    /// Returns the current live read model of a projection; `None` if there is none yet.
    pub fn model(&self, name: &str) -> Option<T> {
        let kept = self.kept();
        let mut live = kept
            .generations
            .values()
            .filter(|(one, _)| one.live && one.name == name);
        live.next().map(|(_, model)| model.clone())
    }
}

impl<T> Kept<T> {
    fn of(&mut self, generation: &Generation, from: Position) -> Result<&mut (Generation, T), StoreError> {
        let key = (generation.name.clone(), generation.number);
        let kept = self.generations.get_mut(&key);
        kept.filter(|(kept, _)| kept.position == from)
            .ok_or(StoreError::Superseded)
    }

    fn generations(&self, name: &str) -> Vec<Generation> {
        let kept = self.generations.values().map(|(generation, _)| generation);
        kept.filter(|one| one.name == name).cloned().collect()
    }
}

impl<T: Clone + Default + Send + 'static> ReadModelStore for MemoryStore<T> {
    type Model = T;

    async fn generations(&self, name: &str) -> Result<Vec<Generation>, StoreError> {
        Ok(self.kept().generations(name))
    }

    async fn create(
        &self,
        projection: &Definition,
        number: u32,
        store_id: Uuid,
        live: bool,
    ) -> Result<Generation, StoreError> {
        let name = projection.name.clone();
        let generation = Generation {
            name: name.clone(),
            number,
            version: projection.version,
            position: Position::START,
            live,
            store_id,
        };
        let mut kept = self.kept();
        let entry = kept.generations.entry((name, number));
        Ok(entry.or_insert_with(|| (generation, T::default())).0.clone())
    }

    async fn apply(
        &self,
        generation: &Generation,
        checkpoint: Move,
        events: &[RecordedEvent],
        (_, handler): (&Definition, &dyn Handler<T>),
    ) -> Result<(), StoreError> {
        let mut model = self.kept().of(generation, checkpoint.from)?.1.clone();
        handle_all(handler, events, &mut model).await?;
        let mut kept = self.kept();
        let (kept, old) = kept.of(generation, checkpoint.from)?;
        kept.position = checkpoint.to;
        *old = model;
        Ok(())
    }

    async fn bury(
        &self,
        generation: &Generation,
        expected: Position,
        letter: &DeadLetter,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.of(generation, expected)?.0.position = letter.position;
        kept.letters.push(letter.clone());
        Ok(())
    }

    async fn switch(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let name = projection.name.as_str();
        let mut kept = self.kept();
        demand_as_far(&kept.generations(name), number)?;
        kept.generations
            .retain(|(of, older), _| of != name || *older >= number);
        kept.letters
            .retain(|letter| letter.name != name || letter.generation >= number);
        if let Some((generation, _)) = kept.generations.get_mut(&(name.to_owned(), number)) {
            generation.live = true;
        }
        Ok(())
    }

    async fn remove(&self, projection: &Definition, number: u32) -> Result<(), StoreError> {
        let name = projection.name.as_str();
        let mut kept = self.kept();
        kept.generations.remove(&(name.to_owned(), number));
        kept.letters
            .retain(|letter| letter.name != name || letter.generation != number);
        Ok(())
    }

    async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let kept = self.kept();
        let mut letters: Vec<_> = kept
            .letters
            .iter()
            .filter(|one| one.name == name)
            .cloned()
            .collect();
        letters.sort_by_key(|letter| letter.position);
        Ok(letters)
    }

    fn is_passing(&self, _: &(dyn Error + 'static)) -> bool {
        // Memory has no temporary errors.
        false
    }
}
