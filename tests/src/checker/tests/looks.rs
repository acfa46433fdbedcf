//! Rules about the reported states of streams.

use super::*;

fn facts(name: &str, last_revision: u64, last_position: u64, first_position: u64) -> StreamFacts {
    StreamFacts {
        name: name.to_owned(),
        last_revision,
        last_position,
        first_position,
        created_at: 1_000,
    }
}

#[test]
fn looks_at_streams_tell_what_the_log_holds() {
    let (history, log) = good();
    let (a, b) = (facts("a", 1, 2, 1), facts("b", 0, 3, 3));
    let list = |after: Option<&str>, limit| Look::List {
        prefix: String::new(),
        after: after.map(str::to_owned),
        limit,
    };
    let one = || Look::Stream("a".to_owned());
    let (wrong, stale) = (
        StreamFacts {
            last_position: 3,
            ..a.clone()
        },
        facts("a", 0, 1, 1),
    );
    let cases: [(Look, &[StreamFacts], Option<Rule>); 10] = [
        (one(), std::slice::from_ref(&a), None),
        (Look::Stream("c".to_owned()), &[], None),
        (list(None, 2), &[a.clone(), b.clone()], None),
        (list(None, 1), std::slice::from_ref(&a), None),
        (list(Some("a"), 5), std::slice::from_ref(&b), None),
        (one(), &[], Some(Rule::FreshRead)),
        (one(), &[stale], Some(Rule::FreshRead)),
        (one(), &[wrong], Some(Rule::ExactRead)),
        (list(None, 2), std::slice::from_ref(&a), Some(Rule::FreshRead)),
        (list(None, 2), &[b.clone(), a.clone()], Some(Rule::ExactRead)),
    ];
    for (look, answer, broken) in cases {
        let mut history = history.clone();
        let call = history.look(look);
        history.look_answered(call, answer.to_vec());
        match broken {
            None => assert_good(&history, &log),
            Some(rule) => assert_broken(rule, &history, &log),
        }
    }
}
