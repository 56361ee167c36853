//! Completion for bash. It needs no other package.
//!
//! The script reads the words before the cursor by the rules of [`capelet_cli::arguments`], so that neither data nor a
//! value is taken for a command.

use crate::program::{Command, Program};

/// The completion script of a program.
pub fn write(program: &Program) -> String {
    let rows: String = program.command.all().into_iter().map(row).collect();
    let function = format!("_{}", program.name().replace('-', "_"));
    let script = include_str!("completion.bash").replace("@table@", &rows);
    script.replace("@program@", program.name()).replace("@function@", &function)
}

/// What the script knows about a command.
fn row(command: &Command) -> String {
    let path = command.path();
    let mut row = format!("    '{path}')\n");
    let mut array = |name: &str, words: Vec<String>| {
        if !words.is_empty() {
            row.push_str(&format!("        {name}=({})\n", words.join(" ")));
        }
    };
    array("commands", command.commands.iter().map(|inner| inner.name().to_owned()).collect());
    let options = command.options.iter().flat_map(|option| {
        let takes = option.takes.as_ref().map(|taken| format!("='{}'", taken.value.kind())).unwrap_or_default();
        option.names().into_iter().map(move |name| format!("{name}{takes}"))
    });
    array("options", options.collect());
    array("arguments", command.arguments.iter().map(|argument| format!("'{}'", argument.kind())).collect());
    row + "        ;;\n"
}
