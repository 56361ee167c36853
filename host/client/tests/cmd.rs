//! The command line as data files: command, output and exit status. No case needs an enclave.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn prints_what_the_data_files_say() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    // No case uses the folder of the user who runs the tests. A case that needs a folder sets CAPELET_HOME.
    cases.env("HOME", home.path().display().to_string());
    for variable in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        cases.env(variable, "");
    }
    // Git keeps no modes of files, and the folder of a case is a copy.
    cases.register_bin("chmod", Path::new("/bin/chmod"));
    cases.case("tests/cmd/*.trycmd");
    cases.run();
}
