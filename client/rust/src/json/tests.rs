use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{DEPTH_MAX, to_vec};

/// Nested arrays, the innermost empty.
struct Nested(u32);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 | 1 => serializer.collect_seq::<[Nested; 0]>([]),
            depth => serializer.collect_seq([Nested(depth - 1)]),
        }
    }
}

#[derive(Serialize)]
struct Reading {
    value: f64,
}

#[derive(Serialize)]
enum Measured {
    Once(f64),
    Twice(f32, f32),
    Named { readings: Vec<Reading> },
}

fn refused(value: &impl Serialize) -> String {
    to_vec(value)
        .expect_err("it can't be represented in JSON")
        .to_string()
}

#[test]
fn a_number_that_json_does_not_have_is_refused_wherever_it_is() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let reading = || Reading { value: odd };
        let single = odd as f32;
        for problem in [
            refused(&odd),
            refused(&single),
            refused(&Some(odd)),
            refused(&[1.0, odd]),
            refused(&(1, odd)),
            refused(&HashMap::from([("a", odd)])),
            refused(&HashMap::from([(1, vec![odd])])),
            refused(&reading()),
            refused(&Measured::Once(odd)),
            refused(&Measured::Twice(1.0, single)),
            refused(&Measured::Named {
                readings: vec![reading()],
            }),
        ] {
            assert!(problem.contains(&format!("no number for {odd}")), "{problem}");
        }
    }
}

#[test]
fn a_refusal_names_the_fields_that_lead_to_the_value() {
    let readings = vec![Reading { value: 1.0 }, Reading { value: f64::NAN }];
    let named = BTreeMap::from([("sensor", Measured::Named { readings })]);
    assert_eq!(
        refused(&named),
        "sensor: readings: value: JSON has no number for NaN; store it as text, or as null with an Option"
    );
}

#[test]
fn what_can_be_written_can_be_read_however_deep_it_is() {
    for depth in [1, 2, DEPTH_MAX] {
        let written = to_vec(&Nested(depth)).unwrap();
        let read: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(to_vec(&read).unwrap(), written);
    }
    let too_deep = to_vec(&Nested(DEPTH_MAX)).unwrap();
    let too_deep = [b"[".as_slice(), &too_deep, b"]"].concat();
    assert!(
        serde_json::from_slice::<Value>(&too_deep).is_err(),
        "reading takes more than writing does"
    );
    for depth in [DEPTH_MAX + 1, 10_000, 1_000_000] {
        assert!(refused(&Nested(depth)).contains("levels deep"));
    }
}

#[test]
fn everything_else_is_written_as_serde_json_writes_it() {
    let raw = RawValue::from_string("{\"a\": 1e400}".to_owned()).unwrap();
    let values = (
        (u64::MAX, i64::MIN, u128::MAX, -0.0, 1.5_f32, 'é'),
        json!({"a": [null, true, {"b": "\u{0}\n"}], "2": 9_007_199_254_740_993_u64}),
        (Some(1), None::<u8>, (), serde_json::Map::new()),
        (Measured::Once(1.0), Measured::Twice(1.0, 2.0)),
        Measured::Named {
            readings: vec![Reading { value: 5e-324 }],
        },
        HashMap::from([(true, raw)]),
    );
    assert_eq!(to_vec(&values).unwrap(), serde_json::to_vec(&values).unwrap());
}

#[test]
fn every_float_is_read_as_it_was_written() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
    for _ in 0..20_000 {
        let float = f64::from_bits(rand::Rng::random(&mut random));
        let written = to_vec(&float);
        if !float.is_finite() {
            assert!(written.is_err(), "{float}");
            continue;
        }
        let read: f64 = serde_json::from_slice(&written.unwrap()).unwrap();
        assert_eq!(read.to_bits(), float.to_bits(), "{float:e} became {read:e}");
    }
}
