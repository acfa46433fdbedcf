//! A client that writes and reads.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use annals_tests::checker::state::{StateAnswer, StateRead};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    calls::{self, Stubs},
    draw::{self, Request},
    race::Table,
};

/// Number of requests that are remembered, to be retried.
const REMEMBERED_MAX: usize = 8;

pub struct Writer {
    table: Arc<Table>,
    /// Connections to each server; those to the first are used.
    stubs: Vec<Stubs>,
    random: StdRng,
    remembered: Vec<Request>,
}

impl Writer {
    pub fn new(table: Arc<Table>, stubs: Vec<Stubs>, seed: u64) -> Self {
        Self {
            table,
            stubs,
            random: StdRng::seed_from_u64(seed),
            remembered: Vec::new(),
        }
    }

    pub async fn run(mut self) {
        while !self.table.stop.load(Ordering::Relaxed) {
            let table = Arc::clone(&self.table);
            let racing = table.gate.read().await;
            let was_lost = match self.random.random_range(0..10) {
                0..2 => self.read().await,
                2 => self.write_twice().await,
                _ => self.write().await,
            };
            if !was_lost {
                self.table.answers.fetch_add(1, Ordering::Relaxed);
            }
            if was_lost || self.random.random_bool(0.1) {
                // Knowledge from one server is valid on another.
                self.stubs.rotate_left(1);
            }
            drop(racing);
            // Otherwise a history would be too long to be judged soon.
            let millis = self.random.random_range(5..50);
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    /// A new request, or one that was sent before.
    fn next(&mut self) -> Request {
        if !self.remembered.is_empty() && self.random.random_bool(0.1) {
            let index = self.random.random_range(0..self.remembered.len());
            return self.remembered[index].clone();
        }
        let request = draw::request(&mut self.random, &self.table.known.lock());
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.remove(0);
        }
        self.remembered.push(request.clone());
        request
    }

    /// Sends a request, and retries it once or twice through other servers if the response is lost. If its outcome is
    /// still unknown then, it remains so until the clients rest. Returns whether it is unknown.
    async fn write(&mut self) -> bool {
        let request = self.next();
        for _ in 0..self.random.random_range(1..4) {
            let asked = calls::ask(&self.table, &request);
            let answers = calls::send(&mut self.stubs[0], &request).await;
            let was_lost = answers.1 == StateAnswer::Unknown;
            calls::answer(&self.table, &request, asked, answers);
            if !was_lost {
                return false;
            }
            self.stubs.rotate_left(1);
        }
        self.table.open.lock().push(request);
        true
    }

    /// Sends a request through two servers at once, like a load balancer that retries.
    async fn write_twice(&mut self) -> bool {
        let request = self.next();
        let asked = [(); 2].map(|()| calls::ask(&self.table, &request));
        let mut another = self.stubs[1 % self.stubs.len()].clone();
        let (first, second) = tokio::join!(
            calls::send(&mut self.stubs[0], &request),
            calls::send(&mut another, &request)
        );
        // Both responses are recorded here, so that neither is known to have come before the other.
        let lost = [&first, &second].map(|answers| answers.1 == StateAnswer::Unknown);
        for (asked, answers) in asked.into_iter().zip([first, second]) {
            calls::answer(&self.table, &request, asked, answers);
        }
        if lost.contains(&true) {
            self.table.open.lock().push(request);
        }
        lost.contains(&true)
    }

    async fn read(&mut self) -> bool {
        let (scope, key) = (draw::scope(&mut self.random), draw::key(&mut self.random));
        let read = if self.random.random_bool(0.5) {
            StateRead::Get { scope, key }
        } else {
            StateRead::List {
                scope,
                prefix: ["", "a"][self.random.random_range(0..2)].to_owned(),
                after: self.random.random_bool(0.3).then_some(key),
                limit: self.random.random_range(1..6),
            }
        };
        calls::read(&self.table, &mut self.stubs[0], read).await.is_none()
    }
}
