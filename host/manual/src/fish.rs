//! Completion for fish.
//!
//! fish's own conditions (`complete -n`) know the words before the cursor, and not which of them are values. The script
//! therefore reads these words itself, by the rules of [`capelet_cli::arguments`].

use crate::program::{Argument, Command, Program};
use crate::text::summary;

/// The completion script of a program.
pub fn write(program: &Program) -> String {
    let rows: String = program.command.all().into_iter().map(row).collect();
    let function = format!("__{}", program.name().replace('-', "_"));
    let script = include_str!("completion.fish").replace("@table@", &rows);
    script.replace("@program@", program.name()).replace("@function@", &function)
}

/// What the script knows about a command.
fn row(command: &Command) -> String {
    let path = command.path();
    let mut row = format!("        case '{path}'\n");
    let mut list = |name: &str, words: Vec<String>| {
        if !words.is_empty() {
            let words: Vec<_> = words.iter().map(|word| quote(word)).collect();
            row.push_str(&format!("            set {name} {}\n", words.join(" \\\n                ")));
        }
    };
    let commands = command.commands.iter();
    list("commands", commands.map(|inner| format!("{} {}", inner.name(), summary(&inner.description))).collect());
    let options = command.options.iter().flat_map(|option| {
        let takes = option.takes.as_ref().map(|taken| format!("={}", taken.value.kind())).unwrap_or_default();
        option.names().into_iter().map(move |name| format!("{name}{takes} {}", option.description))
    });
    list("options", options.collect());
    list("arguments", command.arguments.iter().map(Argument::kind).collect());
    row
}

/// A word in apostrophes, in which only these and the backslash have a meaning to fish.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'"))
}
