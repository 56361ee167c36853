//! The completions, as real shells use them. bash is needed; a test of zsh or fish says so if the shell is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bash;
mod cases;
mod fish;
mod zsh;

use capelet_manual::programs;
use capelet_manual::value::Value;
use cases::{CASES, Case, DIVIDED_REDIRECTION, VALUES_LIKE_OPTIONS};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Asks a shell what it offers for each line. The first folder is the present one, and the second has the completions at
/// their places below a prefix. `None` if the shell is missing.
type Shell = fn(&Path, &Path, &[String]) -> Option<Vec<Vec<String>>>;

/// The folder in which the lines are completed, and the prefix with the completions.
fn folders() -> (TempDir, TempDir) {
    let (work, prefix) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in ["a.txt", "b c.txt"] {
        fs::write(work.path().join(file), []).unwrap();
    }
    for folder in ["key", "sub"] {
        fs::create_dir(work.path().join(folder)).unwrap();
    }
    for (name, content) in capelet_manual::share::files(&programs::all()) {
        let path = prefix.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    (work, prefix)
}

/// Checks what the shell offers for the cases.
fn check<'a>(name: &str, shell: Shell, cases: impl IntoIterator<Item = Case<'a>>) {
    let (work, prefix) = folders();
    let cases: Vec<_> = cases.into_iter().collect();
    let lines: Vec<_> = cases.iter().map(|case| case.line.to_string()).collect();
    let Some(offered) = shell(work.path(), prefix.path(), &lines) else {
        println!("SKIPPED: {name} is missing");
        return;
    };
    assert_eq!(offered.len(), cases.len());
    for (case, offered) in cases.iter().zip(offered) {
        let strip = |word: &String| {
            let value = word.strip_prefix(case.before).unwrap_or(word);
            value.strip_suffix('/').unwrap_or(value).to_owned()
        };
        let mut offered: Vec<_> = offered.iter().map(strip).collect();
        offered.sort();
        offered.dedup();
        let mut expected = case.offered.to_vec();
        expected.sort_unstable();
        assert_eq!(offered, expected, "{name}: {:?}", case.line);
    }
}

/// Each command with its options, with the commands in it, and with each option that takes one of several words.
fn check_everything(name: &str, shell: Shell) {
    let programs = programs::all();
    let mut lines = Vec::new();
    for command in programs.iter().flat_map(|program| program.command.all()) {
        let call = command.words.join(" ");
        lines.push((format!("{call} -"), command.options.iter().flat_map(|option| option.names()).collect()));
        if !command.commands.is_empty() {
            let commands = command.commands.iter().map(|inner| inner.name().to_owned()).collect();
            lines.push((format!("{call} "), commands));
        }
        for option in &command.options {
            if let Some(Value::OneOf(words)) = option.takes.as_ref().map(|taken| &taken.value) {
                let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
                lines.extend(option.names().iter().map(|name| (format!("{call} {name} "), words.clone())));
            }
        }
    }
    assert!(lines.len() > 100, "{}", lines.len());
    let offered: Vec<Vec<&str>> =
        lines.iter().map(|(_, offered)| offered.iter().map(String::as_str).collect()).collect();
    let cases = lines.iter().zip(&offered);
    check(name, shell, cases.map(|((line, _), offered)| Case { line, before: "", offered }));
}

#[test]
fn bash_takes_no_data_for_a_command() {
    check("bash", bash::offered, CASES.into_iter().chain(VALUES_LIKE_OPTIONS).chain(DIVIDED_REDIRECTION));
}

#[test]
fn bash_offers_every_command_option_and_value() {
    check_everything("bash", bash::offered);
}

#[test]
fn bash_completes_values_also_if_it_does_not_divide_words() {
    check("bash", bash::offered_without_division, CASES);
}

#[test]
fn zsh_takes_no_data_for_a_command() {
    check("zsh", zsh::offered, CASES.into_iter().chain(DIVIDED_REDIRECTION));
}

#[test]
fn zsh_offers_every_command_option_and_value() {
    check_everything("zsh", zsh::offered);
}

#[test]
fn fish_takes_no_data_for_a_command() {
    check("fish", fish::offered, CASES.into_iter().chain(VALUES_LIKE_OPTIONS));
}

#[test]
fn fish_offers_every_command_option_and_value() {
    check_everything("fish", fish::offered);
}
