//! docs/audit.html: the trust base as treemaps, with the same figures as tables. It has no script and loads nothing.

use std::fmt::Write as _;

use crate::audit::outside_crates::OutsideCrate;
use crate::audit::own_code::{OwnFile, OwnFolder};
use crate::audit::svg::{Group, Tile, escaped, treemap};
use crate::audit::trust_base::TrustBase;
use crate::repo_path::RepoPath;

const STYLE: &str = include_str!("page.css");
/// The kernel's source is not in the repository. Its configuration is.
const KERNEL_LINK: &str = "../reproducible/kernel.config";

/// The page as text.
pub fn page(base: &TrustBase) -> String {
    let own: usize = base.own.iter().map(OwnFolder::lines).sum();
    let outside: usize = base.crates.iter().map(|outside| outside.lines).sum();
    let objects: usize = base.kernel.totals().map(|(_, objects)| objects).sum();
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<title>Capelet: what there is to read</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>What there is to read</h1>
<p>These pictures show what runs inside a Capelet enclave. The area of each box is proportional to its size. A tooltip
has the figures, and a link leads to the source. The tables below each picture have the same figures as text.
<a href=\"audit.md\">audit.md</a> has the rest: the dependencies of each program, the files of the image, and the proof
that there is no shell.</p>
<p>This page has no script and loads nothing. <code>xtask audit --write</code> writes it.</p>

<h2>Our own code: {own} lines</h2>
<p>Tests, comments and blank lines are not counted. Each colour is a package.</p>
<p><span class=\"key mark\">the file contains unsafe code</span></p>
{}{}
<h2>Crates of other projects: {outside} lines</h2>
<p>The lines of Rust in <code>src/</code>, including tests and code for other platforms: an upper bound. C and assembly
are not counted. The colour shows how often the code has the keyword <code>unsafe</code>.</p>
<p><span class=\"key u0\">never</span> <span class=\"key u1\">1 to 9</span> <span class=\"key u2\">10 to 99</span>
<span class=\"key u3\">100 or more</span></p>
{}{}
<h2>The kernel: {objects} object files</h2>
<p>The object files that were compiled for the kernel, by subsystem. Each colour is a top folder of the kernel's source.
The links lead to the kernel's configuration, because its source is not in this repository.</p>
{}{}</body>
</html>
",
        own_map(&base.own),
        own_table(&base.own),
        crate_map(&base.crates),
        crate_table(&base.crates),
        kernel_map(base),
        kernel_table(base),
    )
}

/// The link from docs/ to a file of the repository.
fn link_to(path: &RepoPath) -> String {
    format!("../{path}")
}

fn lines(count: usize) -> String {
    format!("{count} line{}", if count == 1 { "" } else { "s" })
}

fn own_map(folders: &[OwnFolder]) -> String {
    let tile = |index: usize, folder: &OwnFolder, file: &OwnFile| {
        let unsafe_count = file.size.unsafe_lines.len();
        let inside = file.path.as_str().trim_start_matches(folder.folder.as_str()).trim_start_matches('/');
        let note = if unsafe_count == 0 { String::new() } else { format!(", {unsafe_count} unsafe") };
        Tile {
            value: file.size.lines,
            label: inside.into(),
            note: format!("{}{note}", file.size.lines),
            title: format!("{}: {}{note}", file.path, lines(file.size.lines)),
            link: link_to(&file.path),
            class: format!("h{}", index % 10),
            is_marked: unsafe_count > 0,
        }
    };
    let group = |(index, folder): (usize, &OwnFolder)| Group {
        name: folder.folder.folder().to_string(),
        tiles: folder.files.iter().map(|file| tile(index, folder, file)).collect(),
    };
    let groups: Vec<_> = folders.iter().enumerate().map(group).collect();
    treemap("Treemap of our own files by lines of code", &groups, 560.0)
}

fn own_table(folders: &[OwnFolder]) -> String {
    let mut rows = String::new();
    for file in folders.iter().flat_map(|folder| &folder.files) {
        let (link, path) = (escaped(&link_to(&file.path)), escaped(file.path.as_str()));
        let cells = [file.size.lines, file.size.unsafe_lines.len()];
        rows += &row(&format!("<a href=\"{link}\"><code>{path}</code></a>"), &cells, "");
    }
    table("Our own files", &["file", "lines", "unsafe"], &rows)
}

fn crate_link(outside: &OutsideCrate) -> String {
    format!("https://docs.rs/crate/{}/{}/source/", outside.id.name, outside.id.version)
}

fn crate_map(crates: &[OutsideCrate]) -> String {
    let tile = |outside: &OutsideCrate| {
        let shade = match outside.unsafe_count {
            0 => "u0",
            1..10 => "u1",
            10..100 => "u2",
            _ => "u3",
        };
        let programs: Vec<&str> = outside.programs.iter().copied().collect();
        Tile {
            value: outside.lines,
            label: outside.id.name.clone(),
            note: format!("{}, {} unsafe", outside.lines, outside.unsafe_count),
            title: format!(
                "{} {}: {}, {} unsafe, in {}",
                outside.id.name,
                outside.id.version,
                lines(outside.lines),
                outside.unsafe_count,
                programs.join(", ")
            ),
            link: crate_link(outside),
            class: shade.into(),
            is_marked: false,
        }
    };
    let group = Group { name: String::new(), tiles: crates.iter().map(tile).collect() };
    treemap("Treemap of other projects' crates by lines of Rust", &[group], 620.0)
}

fn crate_table(crates: &[OutsideCrate]) -> String {
    let mut rows = String::new();
    for outside in crates {
        let (link, name) = (escaped(&crate_link(outside)), escaped(&outside.id.name));
        let first = format!("<a href=\"{link}\"><code>{name}</code></a> {}", escaped(&outside.id.version));
        let programs: Vec<&str> = outside.programs.iter().copied().collect();
        rows += &row(&first, &[outside.lines, outside.unsafe_count], &format!("<td>{}</td>", programs.join(", ")));
    }
    table("Crates of other projects", &["crate", "lines", "unsafe", "in"], &rows)
}

fn kernel_map(base: &TrustBase) -> String {
    let groups: Vec<_> = base
        .kernel
        .folders
        .iter()
        .enumerate()
        .map(|(index, (folder, subsystems))| Group {
            name: folder.clone(),
            tiles: subsystems
                .iter()
                .map(|(subsystem, objects)| Tile {
                    value: *objects,
                    label: if subsystem == folder { format!("{folder} itself") } else { subsystem.clone() },
                    note: objects.to_string(),
                    title: format!("{subsystem}: {objects} object file{}", if *objects == 1 { "" } else { "s" }),
                    link: KERNEL_LINK.into(),
                    class: format!("h{}", index % 10),
                    is_marked: false,
                })
                .collect(),
        })
        .collect();
    treemap("Treemap of the kernel's object files by subsystem", &groups, 460.0)
}

fn kernel_table(base: &TrustBase) -> String {
    let subsystems = base.kernel.folders.values().flatten();
    let rows: String =
        subsystems.map(|(name, objects)| row(&format!("<code>{}</code>", escaped(name)), &[*objects], "")).collect();
    table("Object files of the kernel", &["subsystem", "objects"], &rows)
}

/// A row: the first cell and `last` are HTML, and the numbers stand between them.
fn row(first: &str, numbers: &[usize], last: &str) -> String {
    let numbers: String = numbers.iter().map(|number| format!("<td class=\"n\">{number}</td>")).collect();
    format!("<tr><td>{first}</td>{numbers}{last}</tr>\n")
}

/// A table in a part of the page that opens when it is clicked.
fn table(caption: &str, columns: &[&str], rows: &str) -> String {
    let mut head = String::new();
    for column in columns {
        let class = if ["lines", "unsafe", "objects"].contains(column) { " class=\"n\"" } else { "" };
        let _ = write!(head, "<th scope=\"col\"{class}>{column}</th>");
    }
    format!(
        "<details>\n<summary>{caption} as a table</summary>\n<table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr>\
         </thead>\n<tbody>\n{rows}</tbody>\n</table>\n</details>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::trust_base::tests::sample;

    #[test]
    fn has_no_script_and_loads_nothing() {
        let page = page(&sample());
        for forbidden in
            ["<script", "src=", "srcset=", "url(", "@import", "<iframe", "<object", "<embed", "<link", "onload"]
        {
            assert!(!page.contains(forbidden), "the page contains `{forbidden}`");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn links_lead_into_the_repository_or_to_the_source_of_a_crate() {
        let page = page(&sample());
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.contains(&"../init/pid1/src/sys.rs"));
        assert!(links.contains(&"https://docs.rs/crate/libc/1.0.0/source/"));
        assert!(links.contains(&"../reproducible/kernel.config"));
        for link in links {
            let is_known = link == "audit.md" || link.starts_with("../") || link.starts_with("https://docs.rs/crate/");
            assert!(is_known, "{link}");
        }
    }

    #[test]
    fn has_each_figure_in_a_tooltip_and_in_a_table() {
        let page = page(&sample());
        for text in [
            "<title>init/pid1/src/sys.rs: 40 lines, 1 unsafe</title>",
            "<title>libc 1.0.0: 300 lines, 120 unsafe, in core, pid1</title>",
            "<title>fs/proc: 1 object file</title>",
            "<td class=\"n\">40</td><td class=\"n\">1</td></tr>",
            "<td class=\"n\">300</td><td class=\"n\">120</td><td>core, pid1</td></tr>",
            "<tr><td><code>fs/proc</code></td><td class=\"n\">1</td></tr>",
        ] {
            assert!(page.contains(text), "`{text}` is missing in\n{page}");
        }
        assert_eq!(page.matches("class=\"mark\"").count(), 1);
    }

    #[test]
    fn the_same_figures_give_the_same_page() {
        assert_eq!(page(&sample()), page(&sample()));
    }
}
