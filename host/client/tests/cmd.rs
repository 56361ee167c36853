//! The command line as data files: command, output and exit status. No case needs an enclave.
#![allow(clippy::unwrap_used)]

use std::fs;
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

/// The programs print what the data files say, as the test above shows.
#[test]
fn the_json_in_the_data_files_is_as_the_schema_says() {
    let mut seen = 0;
    for file in fs::read_dir("tests/cmd").unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for line in text.lines().filter(|line| line.starts_with(r#"{""#)) {
            // `[..]` stands for any text. A message can be any text too.
            let line = [("owner", 52), ("fingerprint", 32)].iter().fold(line.to_owned(), |line, (name, length)| {
                line.replace(&format!(r#""{name}":"[..]""#), &format!(r#""{name}":"{}""#, "a".repeat(*length)))
            });
            let object = serde_json::from_str(&line.replace("{[..]}", "{}")).unwrap();
            let problems = capelet_json_schema::problems(&object);
            assert!(problems.is_empty(), "{}: {line}: {problems:?}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}
