//! Pages for `man`: roff with the macros of man(7).

use crate::page::{Item, Page, Part, pages};
use crate::program::Program;
use crate::text::{self, Block};

/// The page as a file for `man`.
pub fn write(page: &Page) -> String {
    let name = file_stem(&page.words);
    let mut out = String::from(".\\\" Generated from the program's argument types.\n");
    // The third argument is the date. A page has none, so that it is the same whenever it is made.
    let version = concat!("Capelet ", env!("CARGO_PKG_VERSION"));
    out.push_str(&format!(".TH {} 1 \"\" \"{version}\" \"Capelet\"\n", escape(&name.to_uppercase())));
    // Words are neither spread over the line nor divided, so that names stay whole.
    out.push_str(".nh\n.ad l\n");
    out.push_str(&format!(".SH NAME\n{} \\- {}\n", escape(&name), inline(&page.summary)));
    out.push_str(".SH SYNOPSIS\n");
    code(&mut out, &page.synopsis);
    for section in &page.sections {
        out.push_str(&format!(".SH {}\n", section.title.to_uppercase()));
        for (index, part) in section.parts.iter().enumerate() {
            write_part(&mut out, part, index == 0);
        }
    }
    out
}

/// The pages of a program, each with the name of its file.
pub fn files(program: &Program, programs: &[Program]) -> Vec<(String, String)> {
    pages(program, programs).iter().map(|page| (format!("{}.1", file_stem(&page.words)), write(page))).collect()
}

/// `capelet-key-create` for `capelet key create`.
fn file_stem(words: &[String]) -> String {
    words.join("-")
}

fn write_part(out: &mut String, part: &Part, is_first: bool) {
    match part {
        Part::Block(Block::Paragraph(text)) => {
            if !is_first {
                out.push_str(".PP\n");
            }
            out.push_str(&line(&inline(text)));
        }
        Part::Block(Block::Code(lines)) => {
            if !is_first {
                out.push_str(".PP\n");
            }
            out.push_str(".RS 4\n");
            code(out, lines);
            out.push_str(".RE\n");
        }
        Part::List(items) | Part::SharedOptions(items) => items.iter().for_each(|item| write_item(out, item)),
        Part::Pages(words) => {
            let names: Vec<_> = words.iter().map(|words| format!("\\fB{}\\fR(1)", escape(&file_stem(words)))).collect();
            out.push_str(&line(&names.join(", ")));
        }
    }
}

fn write_item(out: &mut String, item: &Item) {
    let names: Vec<_> = item.names.iter().map(|name| format!("\\fB{}\\fR", escape(name))).collect();
    let value = item.value.iter().map(|value| format!("\\fI{}\\fR", escape(value)));
    let term: Vec<_> = [names.join(", ")].into_iter().filter(|names| !names.is_empty()).chain(value).collect();
    out.push_str(&format!(".TP\n{}\n{}", term.join(" "), line(&inline(&item.text))));
}

fn code(out: &mut String, lines: &[String]) {
    out.push_str(".EX\n");
    for text in lines {
        out.push_str(&line(&escape(text)));
    }
    out.push_str(".EE\n");
}

/// A line of text. It must not look like a request, which begins with a full stop or an apostrophe.
fn line(text: &str) -> String {
    let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
    format!("{guard}{text}\n")
}

/// Prose, with bold code in place of code in backquotes.
fn inline(text: &str) -> String {
    text::inline(text, escape, |part| format!("\\fB{}\\fR", escape(part)))
}

/// Text in which no character means something to roff. It can be copied from the page: roff would otherwise print
/// other dashes, quotes and accents than those that a shell understands.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            ' '..='~' => out.push(character),
            _ => out.push_str(&format!("\\[u{:04X}]", u32::from(character))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_commands_roff() {
        assert_eq!(line(".so /etc/passwd"), "\\&.so /etc/passwd\n");
        assert_eq!(line("'br"), "\\&'br\n");
        assert_eq!(escape("a\\fB -x 'q' ~ ^ ` …"), "a\\efB \\-x \\(aqq\\(aq \\(ti \\(ha \\(ga \\[u2026]");
        assert_eq!(escape("a\nb"), "a\\[u000A]b");
        assert_eq!(inline("use `a -b` or ` alone"), "use \\(gaa \\-b\\(ga or \\(ga alone");
        assert_eq!(inline("use `a -b` now"), "use \\fBa \\-b\\fR now");
    }
}
