//! Many seeds of the simulation of the ends of streams.

use annals_store::Sabotage;
use annals_tests::simulation::{self, Ends, Plan};

use crate::{Seeds, simulated_time};

const SEEDS: u64 = 500;

fn simulate(plan: Plan) -> Ends {
    simulated_time::run(simulation::simulate_ends(plan))
}

#[test]
fn what_was_told_to_be_gone_is_never_seen_and_nothing_else_is_lost() {
    let seeds = Seeds::of_this_run(SEEDS);
    let mut done = std::collections::BTreeMap::new();
    for seed in seeds.all() {
        let ends = simulate(Plan::new(seed));
        assert!(
            ends.failures.is_empty(),
            "seed {seed}: {:#?}\nrun it again:\n  \
             ANNALS_SIMULATION_SEED={seed} cargo test --test simulation ends -- --nocapture",
            ends.failures
        );
        for (what, times) in ends.done {
            *done.entry(what).or_insert(0_u64) += times;
        }
    }
    println!("{done:#?}");
    if seeds.all().count() as u64 >= SEEDS {
        for what in [
            "append",
            "append to a tombstone",
            "asked again",
            "asked again after a kill",
            "clocks set ahead and back",
            "delete",
            "delete that was written and not answered",
            "events that the last scavenge removed",
            "look",
            "look while clocks were ahead",
            "retry",
            "retry of an append that is no longer kept",
            "retry of an append that was deleted",
            "retry of an append to a stream with a tombstone",
            "scavenge asked for when it was killed",
            "scavenge runs",
            "scavenge that had removed something",
            "scavenge was stopped",
            "set prefix retention",
            "set retention",
            "tombstone",
        ] {
            assert!(done.contains_key(what), "{what:?} never happened");
        }
    }
}

#[test]
fn a_store_that_answers_too_early_is_caught() {
    let sabotage = Sabotage::ReplyEarly;
    let caught = (0..200).find(|seed| {
        let plan = Plan {
            sabotage,
            ..Plan::new(*seed)
        };
        !simulate(plan).failures.is_empty()
    });
    println!(
        "{sabotage:?} is caught by seed {:?}",
        caught.expect("it is caught")
    );
}
