//! Every client against every engine: the cases of `interop/cases`.

use annals_tests::{
    harness::Engine,
    interop::{Case, Language, Performer, Player},
};

/// Plays every case with one client.
async fn plays_every_case(engine: Engine, language: Language) {
    let cases: Vec<Case> = Case::all()
        .into_iter()
        .filter(|case| !case.goes_across())
        .collect();
    play(engine, &cases, &[language]).await;
}

/// Plays the cases across languages, for every ordered pair of the clients that take part.
async fn plays_together(engine: Engine) {
    let cases: Vec<Case> = Case::all().into_iter().filter(Case::goes_across).collect();
    play(engine, &cases, &Language::taking_part()).await;
}

async fn play(engine: Engine, cases: &[Case], languages: &[Language]) {
    let performers: Vec<Performer> = languages.iter().copied().map(Performer::start).collect();
    let names: Vec<&str> = performers
        .iter()
        .map(|performer| performer.language().name())
        .collect();
    let mut player = Player::new(engine, performers);
    let mut played = 0;
    let mut failures = Vec::new();
    for case in cases {
        match player.play(case).await {
            Ok(times) => played += times,
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(played > 0, "{} played no case", names.join(", "));
    println!(
        "{} with {}: {} cases played {played} times",
        engine.name(),
        names.join(", "),
        cases.len()
    );
}

/// Tests on one engine. Those that the ordinary tests run are passed through a macro.
macro_rules! on_engine {
    ($module:ident, $engine:expr, $through:path) => {
        mod $module {
            use super::*;

            $through! {
                #[tokio::test]
                async fn rust_plays_every_case() {
                    plays_every_case($engine, Language::Rust).await;
                }
            }

            #[tokio::test]
            #[ignore = "run by `just test-clients`"]
            async fn python_plays_every_case() {
                plays_every_case($engine, Language::Python).await;
            }

            #[tokio::test]
            #[ignore = "run by `just test-clients`"]
            async fn typescript_plays_every_case() {
                plays_every_case($engine, Language::TypeScript).await;
            }

            #[tokio::test]
            #[ignore = "run by `just test-clients`"]
            async fn languages_play_together() {
                plays_together($engine).await;
            }
        }
    };
}

macro_rules! needs_nothing {
    ($test:item) => {
        $test
    };
}

on_engine!(memory, Engine::Memory, needs_nothing);
on_engine!(embedded, Engine::Embedded, needs_nothing);
on_engine!(
    foundationdb,
    Engine::FoundationDb,
    annals_tests::needs_foundationdb
);

#[test]
fn cases_have_names_of_their_own_for_what_they_show() {
    let mut said: Vec<String> = Case::all().iter().map(|case| case.says().to_owned()).collect();
    let count = said.len();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), count, "two cases have the same statement");
}

#[test]
fn a_case_that_is_not_as_the_readme_says_is_refused() {
    for (wrong, why) in [
        (r#"{"says": "x", "steps": []}"#, "no steps"),
        (
            r#"{"says": "", "steps": [{"do": "server_info", "gives": {}}]}"#,
            "says nothing",
        ),
        (
            r#"{"says": "x", "steps": [{"do": "server_info"}]}"#,
            "expects nothing",
        ),
        (
            r#"{"says": "x", "steps": [{"do": "server_info", "gives": {}, "fails": {}}]}"#,
            "gives and fails",
        ),
        (
            r#"{"says": "x", "steps": [{"do": "json", "gives": {}, "preserves_or_refuses": true}]}"#,
            "gives one thing and may give others",
        ),
        (
            r#"{"says": "x", "steps": [{"do": "server_info", "preserves_or_refuses": true}]}"#,
            "preserves no value",
        ),
        (
            r#"{"says": "x", "steps": [{"do": "server_info", "gives": {}, "skip": true}]}"#,
            "an unknown field",
        ),
        (
            r#"{"says": "x", "needs": "luck", "steps": [{"do": "server_info", "gives": {}}]}"#,
            "an unknown need",
        ),
        (
            r#"{"says": "x", "steps": [
                {"do": "server_info", "gives": {}},
                {"do": "server_info", "by": "b", "gives": {}}
            ]}"#,
            "only some steps have `by`",
        ),
    ] {
        assert!(Case::parse("wrong", wrong).is_err(), "{why}");
    }
}

/// A client must not skip anything that it does not know, so the player treats that as a failure.
#[tokio::test]
async fn what_a_client_does_not_know_fails() {
    for language in Language::taking_part() {
        for (step, what) in [
            (r#"{"do": "frobnicate", "gives": {}}"#, "an action"),
            (
                r#"{"do": "stream_info", "with": {"stream": "s", "colour": "red"}, "gives": {}}"#,
                "an argument",
            ),
            (
                r#"{"do": "append", "with": {"stream": "s", "events": [{"type": "T", "colour": "red"}]},
                    "gives": {}}"#,
                "a field of an event",
            ),
            (
                r#"{"do": "json", "with": {"value": {"colour": "red"}}, "gives": {}}"#,
                "a value",
            ),
            (
                r#"{"do": "read_all", "with": {"query": [{"colours": ["red"]}]}, "gives": {}}"#,
                "a field of a query",
            ),
        ] {
            let text = format!(r#"{{"says": "{what} that no client knows", "steps": [{step}]}}"#);
            let case = Case::parse("unknown", &text).unwrap();
            let mut player = Player::new(Engine::Memory, vec![Performer::start(language)]);
            let found = player.play(&case).await.unwrap_err();
            assert!(found.contains("unknown"), "{what}, {}: {found}", language.name());
        }
    }
}
