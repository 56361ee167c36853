//! The pages of a program: one for the program, and one for each of its commands. A page says the same on paper, in
//! `man` and in Markdown.

use crate::program::{Argument, Command, CommandOption, Program, Taken, Times};
use crate::text::{self, Block};

/// The longest line of a synopsis.
const WIDTH: usize = 76;

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The words that call the command.
    pub words: Vec<String>,
    /// What it does, in a part of one line.
    pub summary: String,
    /// How it is called, in one or more lines.
    pub synopsis: Vec<String>,
    /// Everything else, in order.
    pub sections: Vec<Section>,
}

/// A section of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its title: `Options`.
    pub title: &'static str,
    /// What it says.
    pub parts: Vec<Part>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub enum Part {
    /// Prose or code.
    Block(Block),
    /// Things, each with what it is.
    List(Vec<Item>),
    /// Options that every command of the program has.
    SharedOptions(Vec<Item>),
    /// Other pages, each by the words of its command.
    Pages(Vec<Vec<String>>),
}

/// Something, and what it is.
#[derive(Clone, Debug)]
pub struct Item {
    /// What the user types as it is: the names of an option, or a command. Empty for an argument.
    pub names: Vec<String>,
    /// What stands for a value: `<file>`.
    pub value: Option<String>,
    /// What it is.
    pub text: String,
}

/// The pages of `program`, which is one of `programs`.
pub fn pages(program: &Program, programs: &[Program]) -> Vec<Page> {
    let command_page = |command: &Command| page(program, command, sections_of_command(program, command));
    let mut pages = vec![page(program, &program.command, sections_of_program(program, programs))];
    pages.extend(program.command.all().into_iter().skip(1).map(command_page));
    pages
}

fn page(program: &Program, command: &Command, sections: Vec<Section>) -> Page {
    let description = [Block::Paragraph(text::sentence(&command.description))];
    let description = section("Description", description.iter().chain(&command.notes).cloned().map(Part::Block));
    let commands = command.commands.iter().map(|inner| Item {
        names: vec![inner.name().to_owned()],
        value: None,
        text: text::summary(&inner.description),
    });
    let arguments = command.arguments.iter().map(|argument| Item {
        names: Vec::new(),
        value: Some(value(&argument.taken, argument.times)),
        text: argument.description.clone(),
    });
    let is_program = command.words.len() == 1;
    let own = command.options.iter().filter(|option| is_program || !program.command.options.contains(option));
    let shared: Vec<_> = program.shared_options(command).filter(|_| !is_program).map(option).collect();
    let options = [Part::List(own.map(option).collect()), Part::SharedOptions(shared)];
    let examples = command.examples.iter().cloned().map(Part::Block);
    let mut all = vec![
        description,
        section("Commands", [Part::List(commands.collect())]),
        section("Arguments", [Part::List(arguments.collect())]),
        section("Options", options),
        section("Examples", examples),
    ];
    all.extend(sections);
    all.retain(|section| !section.parts.is_empty());
    let summary = text::summary(&command.description);
    Page { words: command.words.clone(), summary, synopsis: synopsis(command), sections: all }
}

fn section(title: &'static str, parts: impl IntoIterator<Item = Part>) -> Section {
    let is_empty = |part: &Part| match part {
        Part::Block(_) => false,
        Part::List(items) | Part::SharedOptions(items) => items.is_empty(),
        Part::Pages(pages) => pages.is_empty(),
    };
    Section { title, parts: parts.into_iter().filter(|part| !is_empty(part)).collect() }
}

fn sections_of_program(program: &Program, programs: &[Program]) -> Vec<Section> {
    let statuses = [
        ("0", "success"),
        (
            "1",
            "failure; a line `Error: … [code]` on standard error says what is wrong and what to do, and the code in \
             brackets never changes its meaning",
        ),
        ("2", "invalid command line; nothing was done"),
    ];
    let entries = |entries: &[(&str, &str)]| {
        let item = |(name, text): &(&str, &str)| Item {
            names: vec![(*name).to_owned()],
            value: None,
            text: (*text).to_owned(),
        };
        [Part::List(entries.iter().map(item).collect())]
    };
    let others = programs.iter().filter(|other| other.name() != program.name()).map(|other| &other.command);
    let pages = program.command.commands.iter().chain(others).map(|command| command.words.clone());
    vec![
        section("Exit status", entries(&statuses)),
        section("Environment", entries(program.environment)),
        section("Files", entries(program.files)),
        section("See also", [Part::Pages(pages.collect())]),
    ]
}

fn sections_of_command(program: &Program, command: &Command) -> Vec<Section> {
    let statuses = command.statuses.iter().map(|(status, text)| Item {
        names: vec![status.to_string()],
        value: None,
        text: (*text).to_owned(),
    });
    // Every command is on the page of the one that contains it. Those beside it are often needed with it.
    let around = program
        .command
        .all()
        .into_iter()
        .find(|outer| outer.words.len() > 1 && outer.commands.iter().any(|inner| inner.words == command.words));
    let beside = around.iter().flat_map(|outer| &outer.commands).filter(|other| other.words != command.words);
    let around = [&program.command].into_iter().chain(around);
    let pages = around.chain(beside).chain(&command.commands).map(|command| command.words.clone());
    vec![section("Exit status", [Part::List(statuses.collect())]), section("See also", [Part::Pages(pages.collect())])]
}

fn option(option: &CommandOption) -> Item {
    let value = option.takes.as_ref().map(|taken| value(taken, option.times));
    Item { names: option.names(), value, text: option.description.clone() }
}

/// What stands for a value. Dots say that it, or its option with it, can be repeated.
fn value(taken: &Taken, times: Times) -> String {
    let dots = if times == Times::Any { "..." } else { "" };
    format!("<{}>{dots}", taken.name)
}

/// How a command is called. Only those options are named that it cannot do without.
fn synopsis(command: &Command) -> Vec<String> {
    let argument = |argument: &Argument| {
        let value = value(&argument.taken, argument.times);
        if argument.times == Times::Once { value } else { format!("[{value}]") }
    };
    let required = command.options.iter().filter(|option| option.times == Times::Once);
    let required = required.filter_map(|option| {
        option.takes.as_ref().map(|taken| format!("{} <{}>", option.names().concat(), taken.name))
    });
    let mut words = vec!["[<options>]".to_owned()];
    words.extend(required);
    words.extend(command.arguments.iter().map(argument));
    if !command.commands.is_empty() {
        words.push("<command> [<args>]".to_owned());
    }
    let mut lines = vec![command.words.join(" ")];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines
}
