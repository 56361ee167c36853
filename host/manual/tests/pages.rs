//! The man pages and `docs/cli.md`: they are complete, clean, and the same wherever they are made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use argh::{ArgsInfo, FromArgs};
use capelet_cli::arguments::Stop;
use capelet_manual::program::{Command, Program};
use capelet_manual::text::Block;
use capelet_manual::value::Value;
use capelet_manual::{man, markdown, programs, share};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

/// The files of all man pages, each with its content.
fn man_pages() -> Vec<(String, String)> {
    let programs = programs::all();
    programs.iter().flat_map(|program| man::files(program, &programs)).collect()
}

fn all_commands(programs: &[Program]) -> Vec<&Command> {
    programs.iter().flat_map(|program| program.command.all()).collect()
}

/// A man page without what only roff needs.
fn text_of(page: &str) -> String {
    let fonts = ["\\fB", "\\fI", "\\fR", "\\&"];
    let page = fonts.iter().fold(page.to_owned(), |page, font| page.replace(font, ""));
    page.replace("\\-", "-").replace("\\(aq", "'").replace("\\(ti", "~").replace("\\e", "\\")
}

#[test]
fn every_command_has_a_man_page_with_each_of_its_options_and_arguments() {
    let (programs, pages) = (programs::all(), man_pages());
    let commands = all_commands(&programs);
    assert_eq!(pages.len(), commands.len());
    for command in commands {
        let name = format!("{}.1", command.words.join("-"));
        let (_, page) = pages.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("{name}"));
        let page = text_of(page);
        for option in &command.options {
            let value = option.takes.as_ref().map(|taken| format!(" <{}>", taken.name)).unwrap_or_default();
            let term = format!("\n.TP\n{}{value}", option.names().join(", "));
            assert!(page.contains(&term), "{name}: {term}");
        }
        for argument in &command.arguments {
            assert!(page.contains(&format!("\n.TP\n<{}>", argument.taken.name)), "{name}: {}", argument.taken.name);
        }
        for inner in &command.commands {
            assert!(page.contains(&format!("\n.TP\n{}\n", inner.name())), "{name}: {}", inner.name());
            assert!(page.contains(&format!("{}-{}(1)", command.words.join("-"), inner.name())), "{name}");
        }
    }
}

#[test]
fn the_page_of_a_program_has_the_usual_sections() {
    for program in programs::all() {
        let programs = programs::all();
        let files = man::files(&program, &programs);
        let sections: Vec<_> = files[0].1.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let usual = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"];
        for section in usual {
            assert!(sections.contains(&section), "{}: {section} in {sections:?}", program.name());
        }
        assert_eq!(sections.contains(&"COMMANDS"), !program.command.commands.is_empty());
        assert_eq!(sections.contains(&"ENVIRONMENT"), !program.environment.is_empty());
        assert_eq!(sections.contains(&"FILES"), !program.files.is_empty());
    }
}

#[test]
fn markdown_has_each_command_with_each_of_its_options() {
    let programs = programs::all();
    let page = markdown::write(&programs);
    for command in all_commands(&programs) {
        let title = format!("# {}\n", command.words.join(" "));
        let (_, section) = page.split_once(&title).unwrap_or_else(|| panic!("{title}"));
        let section = section.split("\n##").next().unwrap();
        for option in &command.options {
            let value = option.takes.as_ref().map(|taken| format!(" <{}>", taken.name)).unwrap_or_default();
            assert!(section.contains(&format!("`{}{value}", option.long)), "{title}: {}", option.long);
        }
        for argument in &command.arguments {
            assert!(section.contains(&format!("\n- `<{}>", argument.taken.name)), "{title}: {}", argument.taken.name);
        }
    }
}

#[test]
fn no_template_reaches_a_page() {
    let mut pages = man_pages();
    pages.push(("cli.md".into(), markdown::write(&programs::all())));
    for (name, page) in pages {
        for rest in ["{command_name}", "{{", "}}", "\u{a0}", "\\[u00A0]"] {
            assert!(!page.contains(rest), "{name}: {rest}");
        }
    }
}

/// Completion offers files only for what is named `file`. See `CONTRIBUTING.md`.
#[test]
fn what_is_described_as_a_file_is_named_so() {
    let programs = programs::all();
    let beginnings =
        ["a file", "the file", "an .eif", "the .eif", "a folder", "the folder", "folder for", "where to write"];
    let mut seen = 0;
    for command in all_commands(&programs) {
        let options = command.options.iter().filter_map(|option| Some((option.takes.as_ref()?, &option.description)));
        let arguments = command.arguments.iter().map(|argument| (&argument.taken, &argument.description));
        for (taken, description) in options.chain(arguments) {
            if beginnings.iter().any(|beginning| description.starts_with(beginning)) {
                let is_path = matches!(taken.value, Value::File | Value::Folder);
                assert!(is_path, "{}: <{}> is {description}", command.words.join(" "), taken.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// An environment variable that a program reads is in its manual.
#[test]
fn every_environment_variable_is_explained() {
    let folders =
        [("capelet", "../client/src"), ("capelet-local", "../local/src"), ("capelet-parent", "../parent/src")];
    for program in programs::all() {
        let Some((_, folder)) = folders.iter().find(|(name, _)| *name == program.name()) else { continue };
        let mut read = BTreeSet::new();
        environment_variables(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut read);
        assert_eq!(read.is_empty(), program.environment.is_empty(), "{}: {read:?}", program.name());
        for name in read {
            let is_explained =
                program.environment.iter().any(|(names, _)| names.split(", ").any(|known| known == name));
            assert!(is_explained, "{} reads {name}: add it to ENVIRONMENT", program.name());
        }
    }
}

/// Adds the strings in these sources that are names of environment variables of ours or of a standard.
fn environment_variables(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            environment_variables(&path, found);
            continue;
        }
        // These explain the variables.
        if path.ends_with("environment.rs") || path.ends_with("cli.rs") {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        let is_name = |text: &&str| {
            let is_of = |prefix: &&str| text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
            let is_known = ["CAPELET_", "XDG_", "CLICOLOR"].iter().any(is_of) || *text == "NO_COLOR";
            is_known && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        found.extend(source.split('"').filter(is_name).map(str::to_owned));
    }
}

#[test]
fn formatters_of_man_pages_find_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, page) in man_pages() {
        paths.push(folder.path().join(&name));
        fs::write(folder.path().join(name), page).unwrap();
    }
    let run = |program: &str, arguments: &[&str]| {
        let mut process = Process::new(program);
        process.args(arguments).args(&paths).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        let Ok(ended) = process.output() else {
            println!("SKIPPED: {program} is missing");
            return String::new();
        };
        String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap()
    };
    assert_eq!(run("groff", &["-ww", "-man", "-Tutf8", "-z"]), "");
    // A page has no date, so that it is the same whenever it is made.
    let faults = run("mandoc", &["-T", "lint", "-W", "warning"]);
    let faults: Vec<_> = faults.lines().filter(|line| !line.contains("missing date")).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_the_same_wherever_they_are_made() {
    let program = env!("CARGO_BIN_EXE_capelet-manual");
    let made = |name: &str, language: &str, zone: &str| {
        let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let to = folder.path().join("to");
        let mut process = Process::new(program);
        process.arg("--to").arg(&to).current_dir(folder.path());
        process.env_clear().envs([("HOME", name), ("USER", name), ("LC_ALL", language), ("TZ", zone)]);
        assert!(process.status().unwrap().success());
        let files = share::files(&programs::all());
        files.iter().map(|(file, _)| (file.clone(), fs::read(to.join(file)).unwrap())).collect::<Vec<_>>()
    };
    let expected: Vec<_> = share::files(&programs::all()).into_iter().map(|(n, text)| (n, text.into_bytes())).collect();
    assert_eq!(made("first", "C", "UTC"), expected);
    assert_eq!(made("second", "C.UTF-8", "Asia/Tokyo"), expected);
}

#[test]
fn docs_cli_md_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let is_same = committed == markdown::write(&programs::all());
    assert!(is_same, "docs/cli.md is not what the argument types say: run `make manual`, and commit docs/cli.md");
}

/// The words of each command in a line: `a 'b c' | d < e` has `a`, `b c` and `d`.
fn calls_in(line: &str) -> Vec<Vec<String>> {
    let (mut calls, mut word, mut is_quoted, mut is_target) = (vec![Vec::new()], None::<String>, false, false);
    for character in line.chars().chain([' ']) {
        match character {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '|' if !is_quoted => calls.push(Vec::new()),
            '<' | '>' if !is_quoted => is_target = true,
            ' ' if !is_quoted => {
                if let Some(word) = word.take()
                    && !std::mem::take(&mut is_target)
                {
                    calls.last_mut().unwrap().push(word);
                }
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    calls
}

#[test]
fn every_example_is_a_valid_command_line() {
    let mut seen = 0;
    for program in programs::all() {
        for command in program.command.all() {
            let code = command.examples.iter().chain(&command.notes).filter_map(|block| match block {
                Block::Code(lines) => Some(lines.join("\n").replace("\\\n", "")),
                Block::Paragraph(_) => None,
            });
            for line in code.flat_map(|code| code.lines().map(str::to_owned).collect::<Vec<_>>()) {
                for call in calls_in(&line) {
                    let (name, arguments) = call.split_first().unwrap();
                    let arguments = arguments.iter().map(OsString::from);
                    let stop = match name.as_str() {
                        "capelet" => parse::<capelet::cli::args::capelet::Capelet>(arguments),
                        "capelet-parent" => parse::<capelet_parent::cli::Arguments>(arguments),
                        "capelet-local" => parse::<capelet_local::cli::Arguments>(arguments),
                        "eif-build" => parse::<eif_build::cli::Args>(arguments),
                        // Another program, which is not a misspelt one of these.
                        other => {
                            assert!(!other.starts_with("capelet") && !other.starts_with("eif"), "{line}");
                            continue;
                        }
                    };
                    assert_eq!(stop, None, "{line}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

fn parse<T: FromArgs + ArgsInfo>(arguments: impl Iterator<Item = OsString>) -> Option<Stop> {
    capelet_cli::arguments::Program::new("program", "").parse::<T>(arguments).err()
}
