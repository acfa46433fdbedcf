//! Plays cases.

use serde_json::{Map, Value, json};

use super::{
    Case, Performer,
    case::{Role, Step},
    judgement::{difference, shown},
    notation::spelled_out,
    odd,
};
use crate::harness::{Engine, Server};

/// Plays cases on an engine with given clients.
#[derive(Debug)]
pub struct Player {
    engine: Engine,
    performers: Vec<Performer>,
}

/// A case that is being played.
struct Scene<'a> {
    server: Server,
    performers: &'a mut [Performer],
    /// Indexes of the performers `a` and `b`.
    roles: [usize; 2],
    kept: Map<String, Value>,
}

impl Player {
    /// A player with these clients, at least one.
    #[must_use]
    pub fn new(engine: Engine, performers: Vec<Performer>) -> Self {
        Self { engine, performers }
    }

    /// Plays a case: across languages for every ordered pair of the clients, otherwise with each of them. Returns how
    /// often it was played, or the first deviation from the case.
    pub async fn play(&mut self, case: &Case) -> Result<usize, String> {
        if case.needs_persistence() && !self.engine.persists() {
            return Ok(0);
        }
        let count = self.performers.len();
        let casts = (0..count).flat_map(|a| (0..count).map(move |b| [a, b]));
        let casts: Vec<_> = casts.filter(|[a, b]| (a != b) == case.goes_across()).collect();
        for roles in &casts {
            self.play_with(case, *roles).await?;
        }
        Ok(casts.len())
    }

    async fn play_with(&mut self, case: &Case, roles: [usize; 2]) -> Result<(), String> {
        let server = Server::start(self.engine);
        let endpoint = server.endpoint();
        for performer in &mut self.performers {
            let answer = performer.perform("connect", json!({"endpoint": endpoint})).await;
            let language = performer.language().name();
            assert_eq!(answer, json!({"gives": {}}), "{language} connects to {endpoint}");
        }
        let kept = Map::from_iter([
            ("engine".to_owned(), Value::from(self.engine.name())),
            ("version".to_owned(), Value::from(env!("CARGO_PKG_VERSION"))),
        ]);
        let mut scene = Scene {
            server,
            performers: &mut self.performers,
            roles,
            kept,
        };
        for (number, step) in case.steps().iter().enumerate() {
            if let Err(failure) = scene.perform(step).await {
                let (name, says, engine) = (&case.name, case.says(), self.engine.name());
                return Err(format!(
                    "case {name} ({says}), step {number}, {} on {engine}: {failure}",
                    step.action
                ));
            }
        }
        Ok(())
    }
}

impl Scene<'_> {
    async fn perform(&mut self, step: &Step) -> Result<(), String> {
        if step.action == "kill_server" {
            self.server.kill();
            self.server.start_again();
            return Ok(());
        }
        let with = spelled_out(&Value::Object(step.with.clone()), &self.kept)?;
        if step.preserves_or_refuses {
            return self.preserve_or_refuse(step, with).await;
        }
        let (outcome, written) = match (&step.gives, &step.fails) {
            (Some(gives), _) => ("gives", gives),
            (None, fails) => (
                "fails",
                fails.as_ref().expect("cases are checked when they are read"),
            ),
        };
        let expected = json!({outcome: spelled_out(written, &self.kept)?});
        let mut first: Option<Value> = None;
        for index in self.cast(step.by) {
            let performer = &mut self.performers[index];
            let answer = performer.perform(&step.action, with.clone()).await;
            let whole = first.get_or_insert_with(|| answer.clone());
            if let Some(wrong) = difference(&expected, &answer).or_else(|| difference(whole, &answer)) {
                let who = performer.language().name();
                return Err(format!("by {who}: {wrong}\nthe answer: {}", shown(&answer)));
            }
        }
        for (name, pointer) in &step.keep {
            let answer = first.as_ref().and_then(|answer| answer.get("gives"));
            let pointer = pointer.as_str().unwrap_or_default();
            let part = answer.and_then(|answer| answer.pointer(pointer));
            let part = part.ok_or_else(|| format!("there is nothing at {pointer} to keep"))?;
            self.kept.insert(name.clone(), part.clone());
        }
        Ok(())
    }

    /// Each performer may do anything permitted, and they need not all do the same.
    async fn preserve_or_refuse(&mut self, step: &Step, with: Value) -> Result<(), String> {
        let value = with.get("value").ok_or("the value is missing")?;
        for index in self.cast(step.by) {
            let performer = &mut self.performers[index];
            let answer = performer.perform(&step.action, with.clone()).await;
            odd::judge(value, &answer).map_err(|wrong| {
                let who = performer.language().name();
                format!(
                    "by {who}, of {}: {wrong}\nthe answer: {}",
                    shown(value),
                    shown(&answer)
                )
            })?;
        }
        Ok(())
    }

    fn cast(&self, role: Option<Role>) -> Vec<usize> {
        match role {
            None | Some(Role::A) => vec![self.roles[0]],
            Some(Role::B) => vec![self.roles[1]],
            Some(Role::All) => (0..self.performers.len()).collect(),
        }
    }
}
