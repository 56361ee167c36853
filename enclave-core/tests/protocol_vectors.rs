//! The protocol's vectors: each case has the result that it states. Another implementation, in another language, made
//! them from `docs/protocol.md` alone. The environment variable `PROTOCOL_VECTORS` names another folder of vectors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "protocol_vectors/basics.rs"]
mod basics;
#[path = "protocol_vectors/case.rs"]
mod case;
#[path = "protocol_vectors/kdf.rs"]
mod kdf;
#[path = "protocol_vectors/messages.rs"]
mod messages;
#[path = "protocol_vectors/params.rs"]
mod params;
#[path = "protocol_vectors/sealed.rs"]
mod sealed;
#[path = "protocol_vectors/statements.rs"]
mod statements;
#[path = "protocol_vectors/streams.rs"]
mod streams;

use case::{Input, Output, Values};
use enclave_core::Error;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Reads a case's input as the product does, and returns everything that a case may check. Accepted and refused cases
/// run the same code. The second argument is what an accepted case expects. It serves inner values that no API returns:
/// of these the function returns only those from which it has derived a value that an API does return.
type Run = fn(&Input<'_>, Option<&Values>) -> Result<Output, Error>;

/// The files, the function that runs their cases, and how many cases must be accepted and refused.
const FILES: [(&str, Run, usize, usize); 20] = [
    ("bundle", statements::bundle, 5, 38),
    ("cbor", basics::cbor, 26, 31),
    ("ciphertext", sealed::ciphertext, 2, 22),
    ("configuration", statements::configuration, 6, 28),
    ("deployers", params::deployers, 5, 20),
    ("frame", params::frame, 7, 8),
    ("hash", basics::hash, 8, 0),
    ("hpke", sealed::hpke, 3, 3),
    ("identity", basics::identity, 6, 0),
    ("object", sealed::object, 3, 58),
    ("params", params::params, 23, 187),
    ("policy", params::policy, 7, 31),
    ("receipt", messages::receipt, 14, 57),
    ("request", messages::request, 11, 45),
    ("response", messages::response, 5, 11),
    ("session", messages::session, 5, 26),
    ("sign1", basics::sign1, 2, 22),
    ("statement", statements::statement, 6, 32),
    ("stream", streams::stream, 10, 31),
    ("text", basics::text, 5, 7),
];

/// The one other file that may be in the folder.
const README: &str = "README.md";

fn other_folder() -> Option<PathBuf> {
    std::env::var_os("PROTOCOL_VECTORS").map(PathBuf::from)
}

fn folder() -> PathBuf {
    other_folder().unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/protocol").into())
}

/// Names of the folder's files. Each must be known. In the project's own folder none may be missing.
fn names() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder of vectors");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = names.filter(|name| name != README).collect();
    let known: BTreeSet<String> = FILES.iter().map(|(name, ..)| format!("{name}.json")).collect();
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(unknown.is_empty(), "nothing here runs {unknown:?}");
    assert!(!found.is_empty() && (other_folder().is_some() || found == known), "files are missing: {found:?}");
    found
}

#[test]
fn each_case_has_the_result_that_it_states() {
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    let names = names();
    for (name, run, accept, refuse) in FILES.iter().filter(|(name, ..)| names.contains(&format!("{name}.json"))) {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).expect(name);
        let file: Value = serde_json::from_str(&text).expect(name);
        let [to_accept, to_refuse] = ["accept", "refuse"].map(|key| file[key].as_array().expect(key));
        let found = (to_accept.len(), to_refuse.len());
        assert!(found.0 > 0 && (other_folder().is_some() || found == (*accept, *refuse)), "{name} has {found:?} cases");
        let first = &to_accept[0]["in"];
        for case in to_accept {
            match accept_case(*run, &case["in"], first, &case["out"]) {
                Ok(()) => accepted += 1,
                Err(error) => wrong.push(format!("{name}, accept, {}: {error}", case["name"])),
            }
        }
        for case in to_refuse {
            let why = case["why"].as_str().expect("why");
            match run(&Input::new(&case["in"], first), None) {
                Ok(_) => wrong.push(format!("{name}, refuse, {why}: accepted")),
                Err(error) if why.starts_with("cannot-open") && error != Error::CannotOpen => {
                    wrong.push(format!("{name}, refuse, {why}: {error}"));
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused");
    println!("{accepted} accepted, {refused} refused");
}

/// Checks that a case is accepted, and that every value that it states is checked.
fn accept_case(run: Run, input: &Value, first: &Value, expected: &Value) -> Result<(), String> {
    let expected = Values::new(expected);
    let output = run(&Input::new(input, first), Some(&expected)).map_err(|error| error.to_string())?;
    for (name, value) in expected.iter() {
        match output.get(name) {
            None => return Err(format!("{name} is not checked")),
            Some(found) if found != value => return Err(format!("{name} is {found}")),
            Some(_) => {}
        }
    }
    Ok(())
}
