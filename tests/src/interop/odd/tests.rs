use super::*;

fn judged(value: Value, data: &[u8]) -> Result<(), String> {
    judge(&value, &json!({"gives": {"data": BASE64.encode(data)}}))
}

#[test]
fn a_value_that_is_preserved_is_right_however_it_is_written() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for (value, data) in [
        (json!({"number": "-0"}), "-0"),
        (json!({"number": "-0"}), "-0.0"),
        (json!({"integer": "9007199254740993"}), "9007199254740993"),
        (json!({"json": "1e400"}), " 1e400 "),
        (json!({"string": "d800"}), "\"\\uD800\""),
        (json!({"string": "0061d83dde000022"}), "\"a\u{1f600}\\\"\""),
        (json!({"string": "d83dde00"}), "\"\\ud83d\\uDE00\""),
        (json!({"bytes": "00ff"}), "[0, 255]"),
        (json!({"float64s": [1.5, -0.0]}), "[1.5,-0.0]"),
        (
            json!({"date": 1_767_323_045_678_000_i64}),
            "\"2026-01-02T03:04:05.678Z\"",
        ),
        (
            json!({"date": 1_767_323_045_678_000_i64}),
            "\"2026-01-02T04:04:05.678+01:00\"",
        ),
        (json!({"undefined": true}), ""),
        (json!({"object": {"a": {"undefined": true}}}), "{}"),
        (
            json!({"object": {"a": {"integer": "9007199254740993"}}}),
            "{\"a\": 9007199254740993}",
        ),
        (json!({"nested": 1}), "[ ]"),
        (json!({"nested": 10_000}), &deep),
    ] {
        assert_eq!(
            judged(value.clone(), data.as_bytes()),
            Ok(()),
            "{value} as {data:.30}"
        );
    }
    assert_eq!(
        judged(json!({"bytes": "00ff"}), &[0, 255]),
        Ok(()),
        "bytes as they are"
    );
}

#[test]
fn a_value_that_is_refused_or_absent_is_right() {
    for answer in [
        json!({"fails": {"reason": "INVALID_VALUE"}}),
        json!({"gives": {"absent": true}}),
    ] {
        assert_eq!(judge(&json!({"number": "NaN"}), &answer), Ok(()));
    }
}

#[test]
fn a_value_that_is_changed_is_wrong() {
    for (value, data) in [
        (json!({"number": "NaN"}), "null"),
        (json!({"number": "NaN"}), "NaN"),
        (json!({"number": "Infinity"}), "1e999"),
        (json!({"number": "-0"}), "0"),
        (json!({"number": "-0"}), "\"-0\""),
        (json!({"integer": "9007199254740993"}), "9007199254740992"),
        (json!({"integer": "9007199254740993"}), "\"9007199254740993\""),
        (json!({"integer": "9007199254740993"}), "9007199254740993.0"),
        (json!({"json": "1e400"}), "null"),
        (json!({"json": "1e400"}), "Infinity"),
        (json!({"string": "d800"}), "\"\u{fffd}\""),
        (json!({"string": "d800"}), "\"\\ud83d\\ude00\""),
        (json!({"string": "0031"}), "1"),
        (json!({"bytes": "00ff"}), "{\"0\":0,\"1\":255}"),
        (json!({"bytes": "00ff"}), "{}"),
        (json!({"float64s": [1.5]}), "{\"0\":1.5}"),
        (json!({"float64s": [1.5]}), "[1.5,0.0]"),
        (json!({"date": 1_000_000}), "\"1970-01-01T00:00:01\""),
        (json!({"date": 1_000_000}), "\"1970-01-01T00:00:02Z\""),
        (json!({"date": 1_000_000}), "{}"),
        (json!({"undefined": true}), "null"),
        (json!({"object": {"a": {"undefined": true}}}), "{\"a\":null}"),
        (json!({"object": {"a": {"number": "NaN"}}}), "{\"a\":null}"),
        (json!({"object": {"a": {"number": "NaN"}}}), "{}"),
        (json!({"object": {"a": {"number": "-0"}}}), "{\"a\":-0,\"b\":1}"),
        (json!({"nested": 10_000}), "[[]]"),
        (json!({"nested": 2}), "[[],[]]"),
        (json!({"nested": 2}), "[[1]]"),
    ] {
        assert!(
            judged(value.clone(), data.as_bytes()).is_err(),
            "{value} as {data}"
        );
    }
    assert!(
        judged(json!({"string": "d800"}), b"\"\xed\xa0\x80\"").is_err(),
        "it is not UTF-8"
    );
}

#[test]
fn any_other_answer_is_wrong() {
    for answer in [
        json!({"fails": {"reason": "OTHER"}}),
        json!({"fails": {"reason": "INVALID_VALUE", "message": "x"}}),
        json!({"gives": {"absent": false}}),
        json!({"gives": {}}),
        json!({"unknown": "json"}),
    ] {
        assert!(judge(&json!({"number": "NaN"}), &answer).is_err(), "{answer}");
    }
    let absent = json!({"gives": {"absent": true}});
    for value in [json!({"colour": "red"}), json!("NaN"), json!({})] {
        assert!(judge(&value, &absent).is_err(), "{value}");
    }
}
