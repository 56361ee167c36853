//! The schema is complete, uniform, and what `docs/json.md` says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_json_schema::{SCHEMA, problems, tables};
use capelet_manual::programs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

#[test]
fn the_schema_is_a_json_schema_and_every_reference_has_a_target() {
    if let Err(error) = jsonschema::meta::validate(&SCHEMA) {
        panic!("{error}");
    }
    let text = SCHEMA.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(SCHEMA.pointer(reference).is_some(), "{reference}");
    }
    // A definition that nothing uses could contradict the programs unnoticed.
    for name in SCHEMA["$defs"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("\"#/$defs/{name}\"")), "{name} is unused");
    }
}

#[test]
fn every_command_of_every_program_has_a_definition() {
    let programs = programs::all();
    let words: BTreeSet<_> =
        programs.iter().flat_map(|program| program.command.all()).map(|command| command.words.join(" ")).collect();
    let defined = tables::commands().into_iter().map(|command| command.words).collect::<BTreeSet<_>>();
    let named = SCHEMA["properties"]["command"]["enum"].as_array().unwrap();
    let named: BTreeSet<_> = named.iter().map(|words| words.as_str().unwrap().to_owned()).collect();
    assert_eq!(defined, words);
    assert_eq!(named, words);
}

/// `eif-build` uses the names of measurements.json, where `file` is not a path.
#[test]
fn a_name_has_one_meaning() {
    let mut meanings = BTreeMap::new();
    for command in tables::commands() {
        let family = command.words.starts_with("eif-build");
        for (name, schema) in command.members {
            let meaning = meanings.entry((family, name.clone())).or_insert_with(|| schema.clone());
            assert_eq!(*meaning, schema, "{name} of {}", command.words);
        }
    }
}

#[test]
fn docs_json_md_has_the_tables_of_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let page = fs::read_to_string(path).unwrap();
    let is_same = tables::replace(&page).expect("the marks of the tables") == page;
    assert!(is_same, "docs/json.md is stale: `make manual` writes it");
}

fn checksum(members: &[(&str, Value)]) -> Value {
    let mut object = json!({"format": 1, "command": "capelet checksum", "development": false});
    members.iter().for_each(|(name, value)| object[*name] = value.clone());
    object
}

#[test]
fn rejects_what_is_not_described() {
    let hash = || json!("ab".repeat(32));
    let error = || json!({"code": "io", "message": "m"});
    for valid in [
        checksum(&[("function_checksum", hash())]),
        checksum(&[("error", error())]),
        checksum(&[("function_checksum", hash()), ("error", error())]),
    ] {
        assert!(problems(&valid).is_empty(), "{valid}");
        for name in ["format", "command", "development"] {
            let mut without = valid.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(!problems(&without).is_empty(), "without {name}");
        }
    }
    for invalid in [
        checksum(&[]),
        checksum(&[("function_checksum", json!("AB".repeat(32)))]),
        checksum(&[("function_checksum", json!(1))]),
        checksum(&[("function_checksum", hash()), ("kid", hash())]),
        checksum(&[("error", json!({"code": "io"}))]),
        checksum(&[("error", json!({"code": "Not a code", "message": "m"}))]),
        checksum(&[("error", json!({"code": "io", "message": "m", "more": 1}))]),
        checksum(&[("function_checksum", hash()), ("command", json!("capelet sum"))]),
        checksum(&[("function_checksum", hash()), ("development", Value::Null)]),
        checksum(&[("function_checksum", hash()), ("format", json!(2))]),
    ] {
        assert!(!problems(&invalid).is_empty(), "{invalid}");
    }
}
