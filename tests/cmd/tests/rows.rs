//! The conventions of the command line as data files: one file for each convention, with commands of all programs, their
//! output and their exit status. No case needs an enclave.
//!
//! The cases of single commands of the client are in `host/client/tests/cmd`.
#![allow(clippy::unwrap_used)]

#[test]
fn every_program_keeps_the_conventions() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    for name in ["capelet", "capelet-parent", "capelet-local", "eif-build"] {
        cases.register_bin(name, capelet_e2e::binary(name));
    }
    // No case uses the folders of the user who runs the tests.
    let home = home.path().display().to_string();
    cases.env("HOME", home).env("XDG_CONFIG_HOME", "").env("XDG_DATA_HOME", "").env("XDG_STATE_HOME", "");
    cases.case("rows/*.trycmd");
    cases.run();
}
