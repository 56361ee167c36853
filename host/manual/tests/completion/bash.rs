//! bash, interactive, with the lines as its input. readline needs no terminal for that.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What bash offers: the words that it inserts into each line when it is told to insert all completions.
pub fn offered(work: &Path, prefix: &Path, lines: &[String]) -> Option<Vec<Vec<String>>> {
    run(work, prefix, lines, "")
}

/// The same in a bash that takes no word apart at `=` and `:`.
pub fn offered_without_division(work: &Path, prefix: &Path, lines: &[String]) -> Option<Vec<Vec<String>>> {
    run(work, prefix, lines, "COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}\n")
}

fn run(work: &Path, prefix: &Path, lines: &[String], setting: &str) -> Option<Vec<Vec<String>>> {
    let outside = tempfile::tempdir().unwrap();
    let (input, output) = (outside.path().join("input"), outside.path().join("output"));
    let mut script = format!("{setting}bind '\"\\C-t\": insert-completions'\n");
    for file in fs::read_dir(prefix.join("share/bash-completion/completions")).unwrap() {
        let file = file.unwrap();
        // Each program is a function that notes its arguments.
        script.push_str(&format!("source '{}'\n", file.path().display()));
        let name = file.file_name().into_string().unwrap();
        script.push_str(&format!("{name}() {{ {{ printf '%s\\t' \"$@\"; echo; }} >> '{}'; }}\n", output.display()));
    }
    for line in lines {
        script.push_str(&format!("{line}\x14\n"));
    }
    fs::write(&input, script).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]).current_dir(work).stdin(fs::File::open(&input).unwrap());
    bash.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs([("TERM", "dumb"), ("INPUTRC", "/dev/null")]);
    let ended = bash.env("HISTFILE", "").stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let messages = String::from_utf8_lossy(&ended.stderr).into_owned();
    // Without a terminal, bash complains about that only.
    let complaints = messages.lines().filter(|line| line.starts_with("bash: ") && !line.contains("terminal"));
    assert!(complaints.clone().all(|line| line.contains("job control")), "{messages}");
    let calls = fs::read_to_string(&output).unwrap_or_else(|error| panic!("{error}: {messages}"));
    assert_eq!(calls.lines().count(), lines.len(), "{messages}");
    let calls = calls.lines().map(|call| call.split_terminator('\t').map(str::to_owned).collect::<Vec<_>>());
    Some(calls.zip(lines).map(|(call, line)| inserted(call, line)).collect())
}

/// The words of `call` that were not typed.
fn inserted(mut call: Vec<String>, line: &str) -> Vec<String> {
    let line = line.replace("2>/dev/null ", "").replace("2> /dev/null ", "");
    let typed: Vec<_> = line.split(' ').skip(1).collect();
    let (current, before) = typed.split_last().unwrap();
    let inserted = call.split_off(before.len());
    assert_eq!(call, before, "{line:?}");
    if inserted == [*current] { Vec::new() } else { inserted }
}
