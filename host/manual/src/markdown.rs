//! All pages as one page of Markdown, which is `docs/cli.md`.

use crate::page::{Item, Page, Part, pages};
use crate::program::Program;
use crate::text::{self, Block};

/// The pages of all programs.
pub fn write(programs: &[Program]) -> String {
    let mut out = String::from(
        "# The programs\n\n\
         Every command with its options, in the words of the man pages. This page is generated from the types that parse \
         the arguments: `make manual` writes it anew.\n\n",
    );
    for program in programs {
        let commands: Vec<_> = program.command.commands.iter().map(|command| link(&command.words)).collect();
        let list = if commands.is_empty() { String::new() } else { format!(": {}", commands.join(", ")) };
        out.push_str(&format!("- {}{list}\n", link(&program.command.words)));
    }
    for program in programs {
        for page in pages(program, programs) {
            write_page(&mut out, &page, program.name());
        }
    }
    out
}

fn write_page(out: &mut String, page: &Page, program: &str) {
    let level = if page.words.len() == 1 { "##" } else { "###" };
    out.push_str(&format!("\n{level} {}\n", page.words.join(" ")));
    code(out, &page.synopsis);
    // On one page, what is beside a command needs no list.
    for section in page.sections.iter().filter(|section| section.title != "See also") {
        // The description needs no title.
        if section.title != "Description" {
            out.push_str(&format!("\n**{}**\n", section.title));
        }
        for part in &section.parts {
            write_part(out, part, program);
        }
    }
}

fn write_part(out: &mut String, part: &Part, program: &str) {
    match part {
        Part::Block(Block::Paragraph(text)) => out.push_str(&format!("\n{}\n", paragraph(text))),
        Part::Block(Block::Code(lines)) => code(out, lines),
        Part::List(items) => {
            out.push('\n');
            items.iter().for_each(|item| out.push_str(&format!("- {}: {}\n", term(item), inline(&item.text))));
        }
        Part::SharedOptions(items) => {
            let terms: Vec<_> = items.iter().map(term).collect();
            out.push_str(&format!(
                "\nEvery command has these, which [{program}](#{program}) explains: {}\n",
                terms.join("; ")
            ));
        }
        Part::Pages(_) => {}
    }
}

/// The names, of which the last one and the value are one piece of code.
fn term(item: &Item) -> String {
    let mut words = item.names.clone();
    match (words.last_mut(), &item.value) {
        (Some(name), Some(value)) => *name = format!("{name} {value}"),
        (None, Some(value)) => words.push(value.clone()),
        (_, None) => {}
    }
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn link(words: &[String]) -> String {
    format!("[{}](#{})", words.join(" "), words.join("-"))
}

fn code(out: &mut String, lines: &[String]) {
    out.push_str("\n```sh\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("```\n");
}

/// A paragraph. It must not look like a list or a heading.
fn paragraph(text: &str) -> String {
    let guard = if text.starts_with(['-', '+', '#']) { "\\" } else { "" };
    format!("{guard}{}", inline(text))
}

/// Prose in which only code in backquotes has a meaning to Markdown.
fn inline(text: &str) -> String {
    text::inline(text, escape, |part| format!("`{part}`"))
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let special = match character {
            '\\' | '`' | '*' | '<' | '>' | '[' | ']' => true,
            // Within a word it means itself.
            '_' => !before.is_alphanumeric() || !characters.peek().is_some_and(|next| next.is_alphanumeric()),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(character);
        before = character;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_markdown() {
        assert_eq!(inline("<b> *x* [y] a_b _c_ `*`"), "\\<b\\> \\*x\\* \\[y\\] a_b \\_c\\_ `*`");
        assert_eq!(inline("a ` b"), "a \\` b");
        assert_eq!(paragraph("- x"), "\\- x");
    }

    #[test]
    fn an_option_and_its_value_are_one_piece_of_code() {
        let item = |names: &[&str], value: Option<&str>| Item {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            value: value.map(str::to_owned),
            text: String::new(),
        };
        assert_eq!(term(&item(&["-o", "--output"], Some("<plain|json>"))), "`-o`, `--output <plain|json>`");
        assert_eq!(term(&item(&["-v", "--verbose"], None)), "`-v`, `--verbose`");
        assert_eq!(term(&item(&[], Some("<file>"))), "`<file>`");
    }
}
