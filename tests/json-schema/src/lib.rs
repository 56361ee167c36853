//! `docs/json.schema.json` in the tests of the programs: a result that the schema does not describe fails a test.
//!
//! [`tables`](tables::tables) writes the tables of `docs/json.md` from the same schema, so that they cannot contradict it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod tables;

use jsonschema::Validator;
use serde_json::Value;
use std::sync::LazyLock;

/// The schema.
pub static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../docs/json.schema.json")).expect("the schema is JSON"));

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).expect("the schema is a JSON Schema"));

/// What the schema does not allow in this object.
pub fn problems(object: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(object).map(|error| error.to_string()).collect()
}

/// The object that a program printed: one line, as the schema describes it.
///
/// # Panics
/// If it is not.
pub fn object(printed: &[u8]) -> Value {
    let mut objects = objects(printed);
    assert_eq!(objects.len(), 1, "not one line: {}", String::from_utf8_lossy(printed));
    objects.remove(0)
}

/// The objects that a program printed, one on each line, as the schema describes them.
///
/// # Panics
/// If they are not.
pub fn objects(printed: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(printed).expect("UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "no line end: {text}");
    text.lines().map(checked).collect()
}

fn checked(line: &str) -> Value {
    let object = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let problems = problems(&object);
    assert!(problems.is_empty(), "not as in docs/json.schema.json: {problems:#?}\n{object:#}");
    object
}
