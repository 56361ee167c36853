//! The command line as data: what is said, what is printed, how it ends. None of it needs an enclave.
#![allow(clippy::unwrap_used)]

#[test]
fn commands() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    // Nobody's own folder is touched; a case that needs one names it with CAPELET_HOME.
    cases.env("HOME", home.path().display().to_string()).env("XDG_CONFIG_HOME", "");
    cases.case("tests/cmd/*.trycmd");
    cases.run();
}
