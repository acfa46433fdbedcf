use annals_client::{ExpectedRevision, Query, QueryItem, Revision};
use clap::{CommandFactory, Parser};

use super::{Arguments, Command, Expected, Format};

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    let words = line.split(' ').filter(|word| !word.is_empty());
    Arguments::try_parse_from(std::iter::once("annals").chain(words))
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn lines_that_make_sense_are_taken_and_others_refused_with_code_2() {
    let table = [
        ("append order-1 --type T --data {}", true),
        (
            "append order-1 --type T --data {} --expect no-stream --tag a --tag b",
            true,
        ),
        ("append order-1 --type T --data -1", true),
        (
            "append order-1 --type T --data {} --id 018f4a3c-0000-7000-8000-000000000001",
            true,
        ),
        (
            "append order-1 --type T --data {} --expect 3 --expect order-2=no-stream --expect a=b=stream-exists",
            true,
        ),
        (
            "append order-1 --type T --data {} --no-match-type A --no-match-tag x --no-match-tag y --after 17",
            true,
        ),
        ("append order-1 --type T --data {} --no-match-stream s", true),
        ("append order-1 --type T --data {} --after 17", false),
        ("append order-1 --type T --data {} --expect order-2=", false),
        ("append order-1 --type T --data {} --expect =3", false),
        ("append --atomic events.ndjson", true),
        (
            "append --atomic - --expect order-1=0 --no-match-tag x --after 0",
            true,
        ),
        ("append order-1 --atomic events.ndjson", false),
        ("append --atomic events.ndjson --type T", false),
        ("append --atomic events.ndjson --tag a", false),
        ("append order-1 --type T", false),
        ("append order-1 --data {}", false),
        ("append --type T --data {}", false),
        ("append order-1 --type T --data {} --expect latest", false),
        ("append order-1 --type T --data {} --expect -1", false),
        ("append order-1 --type T --data {} --id 42", false),
        ("delete order-1 --expect 7", true),
        ("delete order-1 --expect order-2=7", false),
        ("delete order-1 --expected-revision 7", false),
        ("tombstone order-1 --expect no-stream", true),
        ("retention order-1 --max-count 1 --expect-version 7", true),
        ("retention order-1 --max-count 1 --expect 7", false),
        ("read order-1", true),
        (
            "read --all --from 5 --limit 10 --backwards --type A --type B --tag x",
            true,
        ),
        ("read order-1 --as-of 2026-01-02T03:04:05Z", true),
        ("read --all --as-of 2026-01-02T03:04:05.678901+01:00", true),
        ("read order-1 --until-revision 7", true),
        ("read --all --until-position 7", true),
        ("read order-1 --as-of yesterday", false),
        ("read order-1 --as-of 2026-01-02T03:04:05", false),
        ("read --all --until-revision 7", false),
        ("read order-1 --until-position 7", false),
        (
            "read order-1 --until-revision 7 --as-of 2026-01-02T03:04:05Z",
            false,
        ),
        ("position-at 2026-01-02T03:04:05Z", true),
        ("position-at", false),
        (
            "snapshot save order-1 - --revision 7 --schema-version 2 --keep 1",
            true,
        ),
        ("snapshot save order-1 -", false),
        ("snapshot save order-1 - --revision 7 --keep 101", false),
        (
            "snapshot load order-1 --at-or-before 7 --schema-version 2 --out -",
            true,
        ),
        ("snapshot load", false),
        ("snapshot", false),
        ("read", false),
        ("read order-1 --all", false),
        ("read --all --limit 0", false),
        ("read --all --from -1", false),
        ("subscribe --all --after 7 --until-caught-up", true),
        ("subscribe order-1 --from-end --limit 3", true),
        ("subscribe --all --after 7 --from-end", false),
        ("subscribe", false),
        ("groups", true),
        ("groups --prefix ship", true),
        (
            "groups create shipping --stream-prefix order- --mode exclusive --from 17",
            true,
        ),
        ("groups create shipping --from yesterday", false),
        ("groups create", false),
        ("groups update shipping --max-attempts 3 --expect-version 1", true),
        ("groups describe shipping", true),
        ("groups reset shipping", false),
        ("groups reset shipping --to end", true),
        ("groups delete shipping", true),
        ("parked list shipping --stream order-1 --limit 5", true),
        ("parked replay shipping", false),
        ("parked replay shipping 17 18", true),
        ("parked replay shipping --all --to-group repair", true),
        ("parked replay shipping 17 --all", false),
        ("parked discard shipping --stream order-1", true),
        ("consume shipping", false),
        ("consume shipping --exec true --concurrency 4", true),
        ("consume shipping --exec true --concurrency 0", false),
        ("checkpoints", true),
        ("checkpoints --prefix shop/ --limit 5", true),
        ("checkpoints --limit 0", false),
        ("checkpoints delete order-list", true),
        ("checkpoints delete", false),
        ("checkpoints --limit 5 delete order-list", false),
        ("streams", true),
        ("streams --prefix order- --limit 5", true),
        ("stream order-1", true),
        ("stream", false),
        ("import events.ndjson", true),
        ("import -", true),
        ("import", false),
        ("export", true),
        ("export out.ndjson --stream-prefix order-", true),
        ("info --format ndjson", true),
        ("--format table info", true),
        ("info --format xml", false),
        ("info --timeout 0", false),
        ("completions zsh", true),
        ("completions tcsh", false),
        ("frobnicate", false),
        ("", false),
    ];
    for (line, good) in table {
        match parse(line) {
            Ok(_) => assert!(good, "{line:?} was taken"),
            Err(error) => {
                assert!(!good, "{line:?} was refused: {error}");
                assert_eq!(error.exit_code(), 2, "{line:?}");
            }
        }
    }
}

#[test]
fn endpoints_may_be_repeated_listed_and_short() {
    let table = [
        (
            "info --endpoint http://a:1 --endpoint http://b:2",
            vec!["http://a:1", "http://b:2"],
        ),
        ("info --endpoint http://a:1,b:2", vec!["http://a:1", "b:2"]),
        ("info --endpoint a:1,", vec!["a:1"]),
    ];
    for (line, endpoints) in table {
        assert_eq!(parse(line).unwrap().connection.endpoints(), endpoints, "{line:?}");
    }
}

#[test]
fn what_is_expected_has_the_same_values_in_every_command() {
    let table = [
        ("any", ExpectedRevision::Any),
        ("no-stream", ExpectedRevision::NoStream),
        ("stream-exists", ExpectedRevision::StreamExists),
        ("0", ExpectedRevision::Exactly(Revision(0))),
        (
            "18446744073709551615",
            ExpectedRevision::Exactly(Revision(u64::MAX)),
        ),
    ];
    let commands = ["append s --type T --data 1", "delete s", "tombstone s"];
    for (text, expected) in table {
        for command in commands {
            let line = format!("{command} --format table --expect {text}");
            let arguments = parse(&line).unwrap();
            assert_eq!(arguments.connection.format, Some(Format::Table));
            let found = match arguments.command {
                Command::Append(append) => append.expect[0].revision,
                Command::Delete(end) | Command::Tombstone(end) => end.expect,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{line}");
        }
    }
    for command in commands {
        for wrong in ["latest", "-1", "1.0", "no_stream", ""] {
            let refused = parse(&format!("{command} --expect={wrong}"))
                .unwrap_err()
                .to_string();
            let advice = "use any, no-stream, stream-exists, or a revision such as 0";
            assert!(refused.contains(advice), "{command} {wrong:?}: {refused}");
        }
    }
}

#[test]
fn filters_are_one_item_and_none_are_no_query() {
    let query = |line| match parse(line).unwrap().command {
        Command::Read(read) => Query::from(read.filters),
        other => panic!("{other:?}"),
    };
    assert_eq!(query("read --all"), Query::all());
    let item = QueryItem::new()
        .of_type("A")
        .of_type("B")
        .of_type_prefix("Order")
        .in_stream_prefix("order-")
        .tagged("x")
        .tagged("y");
    let line = "read --all --type A --type B --type-prefix Order --stream-prefix order- --tag x --tag y";
    assert_eq!(query(line), item.into());
}

#[test]
fn what_is_expected_of_another_stream_names_it_before_the_last_equals_sign() {
    let line = "append s --type T --data 1 --expect a=b=7 --expect no-stream --no-match-type A --no-match-type B \
                --no-match-stream s --no-match-tag x --after 9";
    let Command::Append(append) = parse(line).unwrap().command else {
        panic!("{line}")
    };
    let expected = |stream: Option<&str>, revision| Expected {
        stream: stream.map(str::to_owned),
        revision,
    };
    assert_eq!(
        append.expect,
        [
            expected(Some("a=b"), ExpectedRevision::Exactly(Revision(7))),
            expected(None, ExpectedRevision::NoStream)
        ]
    );
    let item = QueryItem::new()
        .of_type("A")
        .of_type("B")
        .in_stream("s")
        .tagged("x");
    assert_eq!(
        (append.no_match.item(), append.no_match.after),
        (Some(item), Some(9))
    );
}
