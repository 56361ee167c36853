//! The drawing of the packages in docs/architecture.md, a Mermaid flowchart.
//!
//! Of Mermaid's language this reads what a drawing of packages needs: `flowchart` or `graph`, nodes with and without
//! labels, `A --> B`, chains, `A & B --> C`, arrows with a text, subgraphs, comments and styles. The name of a node is
//! the name of the package. Every other line is an error, so that no arrow is overlooked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::workspace::PackageName;

/// The page with the drawing.
pub const PAGE: &str = "docs/architecture.md";
const BEGIN: &str = "<!-- packages -->";
const END: &str = "<!-- /packages -->";

/// The nodes and arrows of a drawing, each with its line in the page.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    pub nodes: BTreeMap<PackageName, usize>,
    pub arrows: BTreeMap<(PackageName, PackageName), usize>,
}

/// Reads the drawing of the repository at `root`.
///
/// # Errors
/// `Faults`, if there is no page; `Format`, if it has no drawing between the markers or one that cannot be read.
pub fn read(root: &Path) -> Result<Drawing, Error> {
    let path = RepoPath::new(PAGE).on_disk(root);
    if !path.is_file() {
        return Err(Error::Faults(vec![format!(
            "{PAGE} not found: write it with a ```mermaid block between `{BEGIN}` and `{END}` that draws the dependencies \
             between the packages"
        )]));
    }
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
    parse(&text)
}

fn parse(page: &str) -> Result<Drawing, Error> {
    let fault = |line: usize, reason: String| Error::Format { path: RepoPath::new(PAGE), line, reason };
    let lines: Vec<(usize, &str)> = page.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).collect();
    let only = |marker: &str| {
        let mut found = lines.iter().filter(|(_, line)| *line == marker);
        match (found.next(), found.next()) {
            (Some((line, _)), None) => Ok(*line),
            (None, _) => Err(fault(1, format!("the marker `{marker}` is missing"))),
            (_, Some((line, _))) => Err(fault(*line, format!("the marker `{marker}` is repeated"))),
        }
    };
    let (begin, end) = (only(BEGIN)?, only(END)?);
    let between = lines.iter().filter(|(line, _)| begin < *line && *line < end);
    let mut block = between.skip_while(|(_, line)| *line != "```mermaid").skip(1);
    let mut drawing = Drawing::default();
    let mut is_empty = true;
    for (line, content) in block.by_ref().take_while(|(_, line)| *line != "```") {
        is_empty = false;
        for statement in content.split(';').map(str::trim) {
            drawing.add(statement, *line).map_err(|reason| fault(*line, reason))?;
        }
    }
    if is_empty {
        return Err(fault(begin, format!("no ```mermaid block between `{BEGIN}` and `{END}`")));
    }
    Ok(drawing)
}

/// Words that begin a line without nodes and arrows.
const OTHER: [&str; 10] =
    ["graph", "flowchart", "subgraph", "end", "direction", "classDef", "class", "style", "linkStyle", "%%"];

impl Drawing {
    fn add(&mut self, statement: &str, line: usize) -> Result<(), String> {
        let word = statement.split_whitespace().next().unwrap_or_default();
        if word.is_empty() || word.starts_with("%%") || OTHER.contains(&word) {
            return Ok(());
        }
        let mut rest = statement;
        let mut before: Option<BTreeSet<PackageName>> = None;
        loop {
            let group;
            (group, rest) = take_nodes(rest)?;
            for node in &group {
                self.nodes.entry(node.clone()).or_insert(line);
            }
            for from in before.iter().flatten() {
                for to in &group {
                    self.arrows.entry((from.clone(), to.clone())).or_insert(line);
                }
            }
            if rest.is_empty() {
                return Ok(());
            }
            rest = take_arrow(rest)?;
            before = Some(group);
        }
    }
}

/// Takes `A["label"] & B` from the start of `text`.
fn take_nodes(text: &str) -> Result<(BTreeSet<PackageName>, &str), String> {
    let mut nodes = BTreeSet::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || name.ends_with('-') {
            return Err(format!("expected the name of a package followed by a space, found `{rest}`"));
        }
        nodes.insert(PackageName::new(name));
        rest = skip_label(after)?.trim_start();
        match rest.strip_prefix('&') {
            Some(after) => rest = after.trim_start(),
            None => return Ok((nodes, rest)),
        }
    }
}

/// Skips `["label"]`, `("label")`, `{"label"}` and a class, `:::name`.
fn skip_label(text: &str) -> Result<&str, String> {
    let close = match text.chars().next() {
        Some('[') => ']',
        Some('(') => ')',
        Some('{') => '}',
        Some(':') => {
            let name = text.trim_start_matches(':');
            return Ok(name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        }
        _ => return Ok(text),
    };
    // `[(`, `[[` and `((` close with as many characters.
    let end = text.rfind(close).filter(|end| !text[..*end].contains("--"));
    let end = end.or_else(|| text.find(close)).ok_or_else(|| format!("the label `{text}` does not end"))?;
    let after = text[end..].trim_start_matches([']', ')', '}']);
    skip_label(after)
}

/// Takes `-->` or `-->|text|` from the start of `text`.
fn take_arrow(text: &str) -> Result<&str, String> {
    let Some(after) = text.strip_prefix("-->").filter(|after| !after.starts_with(['-', '>'])) else {
        return Err(format!("unsupported arrow at `{text}`: use `-->`, one for each dependency"));
    };
    match after.trim_start().strip_prefix('|') {
        None => Ok(after),
        Some(label) => {
            let (_, after) =
                label.split_once('|').ok_or_else(|| format!("the text of an arrow does not end: `{text}`"))?;
            Ok(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "# Architecture

<!-- packages -->
The arrows are dependencies.
```mermaid
flowchart TD
    %% inside the enclave
    subgraph inside
        capelet-core[\"capelet-core<br/>drivers\"] --> enclave-core & capelet-abi
        enclave-core(enclave-core) -->|messages| capelet-abi
    end
    capelet:::host --> eif-build --> capelet-abi; capelet --> enclave-core
    lonely
    classDef host fill:#eee
```
<!-- /packages -->
";

    fn arrows(drawing: &Drawing) -> Vec<String> {
        drawing.arrows.iter().map(|((from, to), line)| format!("{from}>{to}:{line}")).collect()
    }

    #[test]
    fn reads_nodes_and_arrows_of_a_flowchart() {
        let drawing = parse(SAMPLE).unwrap();
        assert_eq!(
            arrows(&drawing),
            [
                "capelet>eif-build:12",
                "capelet>enclave-core:12",
                "capelet-core>capelet-abi:9",
                "capelet-core>enclave-core:9",
                "eif-build>capelet-abi:12",
                "enclave-core>capelet-abi:10",
            ]
        );
        assert_eq!(drawing.nodes.get(&PackageName::new("lonely")), Some(&13));
    }

    #[test]
    fn reads_a_label_with_its_own_arrow_behind_it() {
        let block = |line: &str| format!("{BEGIN}\n```mermaid\ngraph TD\n{line}\n```\n{END}\n");
        let drawing = parse(&block("a[\"a\"] --> b[[\"b\"]] --> c(\"c\")")).unwrap();
        assert_eq!(arrows(&drawing), ["a>b:4", "b>c:4"]);
    }

    #[test]
    fn rejects_arrows_of_other_kinds_and_lines_that_it_does_not_know() {
        let block = |line: &str| format!("{BEGIN}\n```mermaid\ngraph TD\n{line}\n```\n{END}\n");
        let error = parse(&block("a -.-> b")).unwrap_err().to_string();
        assert_eq!(error, "docs/architecture.md:4: unsupported arrow at `-.-> b`: use `-->`, one for each dependency");
        assert!(parse(&block("a --- b")).is_err());
        assert!(parse(&block("a--> b")).is_err());
        assert!(parse(&block("click a \"https://example.org\"")).is_err());
    }

    #[test]
    fn a_page_without_markers_or_block_is_an_error() {
        let error = parse("# Architecture\n").unwrap_err().to_string();
        assert_eq!(error, "docs/architecture.md:1: the marker `<!-- packages -->` is missing");
        let error = parse(&format!("{BEGIN}\n{END}\n")).unwrap_err().to_string();
        assert!(error.contains("no ```mermaid block"), "{error}");
    }

    #[test]
    fn a_missing_page_is_an_error_that_says_so() {
        let folder = tempfile::TempDir::new().unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("docs/architecture.md not found: write it"), "{error}");
    }
}
