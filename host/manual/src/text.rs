//! The texts of argument types.
//!
//! argh makes one template of a command's texts. In it `{command_name}` stands for the words that call the command, and
//! `{{` and `}}` for braces. A no-break space at the start of a line keeps an indentation that the compiler would remove.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Prose. `Code` stands in backquotes.
    Paragraph(String),
    /// Lines that are printed as they are.
    Code(Vec<String>),
}

/// The text of a template, for the command that these words call.
pub fn fill(template: &str, command: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}', '\u{a0}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let (replaced, by) = [("{command_name}", command), ("{{", "{"), ("}}", "}"), ("\u{a0}", " ")]
            .into_iter()
            .find(|(replaced, _)| from.starts_with(replaced))
            .unwrap_or_else(|| (&from[..1], &from[..1]));
        text.push_str(by);
        rest = &from[replaced.len()..];
    }
    text.push_str(rest);
    text
}

/// The blocks of an example. A line that ends with a colon introduces what follows, and every other line is code.
pub fn example(text: &str) -> Vec<Block> {
    blocks(text, |line| line.ends_with(':') && !is_indented(line))
}

/// The blocks of a note. Indented lines are code, and all others are prose.
pub fn note(text: &str) -> Vec<Block> {
    blocks(text, |line| !is_indented(line))
}

/// The first sentence, without its full stop, as it may continue a line: `Runs it. Ends.` becomes `runs it`.
pub fn summary(text: &str) -> String {
    let first = text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.');
    let mut characters = first.chars();
    match (characters.next(), characters.clone().next()) {
        // An abbreviation keeps its capitals.
        (Some(initial), Some(second)) if !second.is_uppercase() => {
            [initial.to_ascii_lowercase()].into_iter().chain(characters).collect()
        }
        _ => first.to_owned(),
    }
}

/// Prose with code in backquotes: `prose` and `code` write the parts. A backquote without a partner is prose.
pub fn inline(text: &str, prose: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let parts: Vec<_> = text.split('`').collect();
    if parts.len() % 2 == 0 {
        return prose(text);
    }
    let part = |(index, part): (usize, &&str)| if index % 2 == 0 { prose(part) } else { code(part) };
    parts.iter().enumerate().map(part).collect()
}

/// The text with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let initial = characters.next().map(|initial| initial.to_ascii_uppercase());
    let mut sentence: String = initial.into_iter().chain(characters).collect();
    if !sentence.ends_with(['.', ':']) {
        sentence.push('.');
    }
    sentence
}

fn is_indented(line: &str) -> bool {
    line.starts_with(' ')
}

fn blocks(text: &str, is_prose: impl Fn(&str) -> bool) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in text.lines() {
        match (is_prose(line), blocks.last_mut()) {
            (true, Some(Block::Paragraph(paragraph))) => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            (false, Some(Block::Code(lines))) => lines.push(line.to_owned()),
            (true, _) => blocks.push(Block::Paragraph(line.to_owned())),
            (false, _) => blocks.push(Block::Code(vec![line.to_owned()])),
        }
    }
    for block in &mut blocks {
        if let Block::Code(lines) = block {
            let indent = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
            lines.iter_mut().for_each(|line| drop(line.drain(..indent)));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_templates() {
        assert_eq!(fill("{command_name} {{\"a\": {{}}}}\n\u{a0} x {y}", "p c"), "p c {\"a\": {}}\n  x {y}");
    }

    #[test]
    fn separates_prose_from_code() {
        let code = |lines: &[&str]| Block::Code(lines.iter().map(|line| (*line).to_owned()).collect());
        let paragraph = |text: &str| Block::Paragraph(text.to_owned());
        assert_eq!(example("p a\np b \\\n  --c"), [code(&["p a", "p b \\", "  --c"])]);
        assert_eq!(example("First:\n  p a \\\n    --b"), [paragraph("First:"), code(&["p a \\", "  --b"])]);
        assert_eq!(
            note("One\ntwo. Then:\n  p a\n  p b\nThree."),
            [paragraph("One two. Then:"), code(&["p a", "p b"]), paragraph("Three.")]
        );
    }

    #[test]
    fn a_description_becomes_a_summary_and_sentences() {
        for (text, short, long) in [
            ("runs it; also ends it", "runs it; also ends it", "Runs it; also ends it."),
            ("AWS's enclaves", "AWS's enclaves", "AWS's enclaves."),
            ("Writes .eif files. Ends.", "writes .eif files", "Writes .eif files. Ends."),
        ] {
            assert_eq!((summary(text).as_str(), sentence(text).as_str()), (short, long));
        }
    }
}
