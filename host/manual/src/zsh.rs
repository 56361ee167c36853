//! Completion for zsh, with its function `_arguments`.

use crate::program::{Command, CommandOption, Program, Taken, Times};
use crate::text::summary;
use crate::value::Value;

/// The file with the completion functions of a program.
pub fn write(program: &Program) -> String {
    let mut out = format!("#compdef {}\n# Generated from the program's argument types.\n", program.name());
    for command in program.command.all() {
        out.push_str(&function(command));
    }
    let name = function_name(&program.command);
    // zsh runs the file as the function itself at its first use. Afterwards it calls the function.
    out.push_str(&format!(
        "\nif [[ $funcstack[1] == {name} ]]; then\n    {name} \"$@\"\nelse\n    compdef {name} {}\nfi\n",
        program.name()
    ));
    out
}

fn function_name(command: &Command) -> String {
    format!("_{}", command.words.join("_"))
}

/// The function that completes the words after those of a command.
fn function(command: &Command) -> String {
    let mut specifications: Vec<_> = command.options.iter().map(option).collect();
    let name = function_name(command);
    if command.commands.is_empty() {
        specifications.extend(command.arguments.iter().map(|argument| {
            let colons = match argument.times {
                Times::Once => ":",
                Times::OnceOrNever => "::",
                Times::Any => "*:",
            };
            quote(&format!("{colons}{}", message(&argument.taken)))
        }));
        let lines = specifications.join(" \\\n        ");
        return format!("\n{name}() {{\n    _arguments -s -S : \\\n        {lines}\n}}\n");
    }
    // (-): no option of this command may follow; the inner command has its own.
    specifications.push(quote("(-): :->command"));
    specifications.push(quote("(-)*:: :->arguments"));
    let lines = specifications.join(" \\\n        ");
    let commands: String = command
        .commands
        .iter()
        .map(|inner| {
            let text = format!("{}:{}", inner.name(), summary(&inner.description));
            format!("            {}\n", quote(&text))
        })
        .collect();
    let cases: String = command
        .commands
        .iter()
        .map(|inner| format!("        {}) {} && status_=0 ;;\n", inner.name(), function_name(inner)))
        .collect();
    format!(
        "\n{name}() {{\n    local curcontext=$curcontext state state_descr line status_=1\n    typeset -A opt_args\n    \
         _arguments -s -S -C : \\\n        {lines} && status_=0\n    case $state in\n    command)\n        \
         local -a commands=(\n{commands}        )\n        _describe -t commands command commands && status_=0\n        \
         ;;\n    arguments)\n        curcontext=${{curcontext%:*:*}}:{}-$line[1]:\n        case $line[1] in\n{cases}        \
         esac\n        ;;\n    esac\n    return status_\n}}\n",
        command.words.join("-")
    )
}

/// An option's specification: `'(-o --output)'{-o+,--output=}'[plain or json]:plain|json:(plain json)'`.
fn option(option: &CommandOption) -> String {
    let names = option.names();
    let (before, each) = match option.times {
        Times::Any => (quote("*"), names.len() > 1),
        // One of its names excludes the other.
        _ => (quote(&format!("({})", names.join(" "))), names.len() > 1),
    };
    let suffixed = names.iter().map(|name| match (&option.takes, name.starts_with("--")) {
        (None, _) => name.clone(),
        (Some(_), true) => format!("{name}="),
        (Some(_), false) => format!("{name}+"),
    });
    let suffixed: Vec<_> = suffixed.collect();
    let names = if each { format!("{{{}}}", suffixed.join(",")) } else { suffixed.concat() };
    let description = option.description.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    let takes = option.takes.as_ref().map(|taken| format!(":{}", message(taken))).unwrap_or_default();
    format!("{before}{names}{}", quote(&format!("[{description}]{takes}")))
}

/// The name of a value, and how to complete it.
fn message(taken: &Taken) -> String {
    let action = match &taken.value {
        Value::Text => " ".to_owned(),
        Value::File => "_files".to_owned(),
        Value::Folder => "_files -/".to_owned(),
        Value::OneOf(words) => format!("({})", words.join(" ")),
    };
    format!("{}:{action}", taken.name.replace('\\', "\\\\").replace(':', "\\:"))
}

/// A word in apostrophes.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
