//! How much Rust code there is, and how often it says `unsafe`.

use proc_macro2::{LineColumn, TokenStream, TokenTree};

use crate::source::file::SourceFile;

/// The size of one file of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Lines with code. Blank lines, comments, and what only a test build compiles are not counted.
    pub lines: usize,
    /// For each keyword `unsafe` its line, without indentation.
    pub unsafe_lines: Vec<String>,
}

impl FileSize {
    pub fn of(file: &SourceFile) -> Self {
        let source: Vec<&str> = file.text.lines().collect();
        // The file was parsed as Rust before, so it has tokens.
        let tokens: TokenStream = file.text.parse().unwrap_or_default();
        let mut found = Tokens { source: &source, has_code: vec![false; source.len() + 1], unsafe_at: Vec::new() };
        found.add(tokens, &|at| file.left_out.contains(at));
        let lines = found.has_code.iter().enumerate();
        let is_blank = |line: usize| source.get(line.wrapping_sub(1)).is_none_or(|text| text.trim().is_empty());
        let lines = lines.filter(|(line, has_code)| **has_code && !is_blank(*line)).count();
        let text = |line: usize| source.get(line.wrapping_sub(1)).map_or("", |text| text.trim()).to_string();
        Self { lines, unsafe_lines: found.unsafe_at.into_iter().map(text).collect() }
    }
}

/// The size of a file of another project: lines that are neither blank nor begin with `//`, tests included.
pub fn outside_lines(text: &str) -> usize {
    let is_code = |line: &&str| !line.trim_start_matches([' ', '\t']).is_empty();
    text.lines().filter(is_code).filter(|line| !line.trim_start_matches([' ', '\t']).starts_with("//")).count()
}

/// How often a file of another project has the keyword `unsafe`, outside of comments and strings.
///
/// A file that cannot be split into Rust's tokens is searched for the word, so that nothing is missed.
pub fn outside_unsafe(text: &str) -> usize {
    if !text.contains("unsafe") {
        return 0;
    }
    match text.parse::<TokenStream>() {
        Ok(tokens) => count_unsafe(tokens),
        Err(_) => {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            text.split(|c| !is_name(c)).filter(|word| *word == "unsafe").count()
        }
    }
}

fn count_unsafe(tokens: TokenStream) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) => usize::from(ident == "unsafe"),
            TokenTree::Group(group) => count_unsafe(group.stream()),
            _ => 0,
        })
        .sum()
}

struct Tokens<'a> {
    source: &'a [&'a str],
    /// For each line, counted from 1, whether a token is on it.
    has_code: Vec<bool>,
    unsafe_at: Vec<usize>,
}

impl Tokens<'_> {
    fn add(&mut self, tokens: TokenStream, left_out: &impl Fn(LineColumn) -> bool) {
        for token in tokens {
            let span = token.span();
            if left_out(span.start()) || self.is_comment(span.start()) {
                continue;
            }
            match token {
                TokenTree::Group(group) => {
                    self.mark(group.span_open().start().line, group.span_open().end().line);
                    self.add(group.stream(), left_out);
                    self.mark(group.span_close().start().line, group.span_close().end().line);
                }
                token => {
                    self.mark(span.start().line, span.end().line);
                    if matches!(&token, TokenTree::Ident(ident) if ident == "unsafe") {
                        self.unsafe_at.push(span.start().line);
                    }
                }
            }
        }
    }

    fn mark(&mut self, first: usize, last: usize) {
        for line in first..=last {
            if let Some(has_code) = self.has_code.get_mut(line) {
                *has_code = true;
            }
        }
    }

    /// Documentation is turned into tokens that stand where the comment stands.
    fn is_comment(&self, at: LineColumn) -> bool {
        let line = self.source.get(at.line.wrapping_sub(1));
        let rest: String = line.map(|line| line.chars().skip(at.column).take(2).collect()).unwrap_or_default();
        matches!(rest.as_str(), "//" | "/*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo_path::RepoPath;

    fn size(text: &str) -> FileSize {
        FileSize::of(
            &SourceFile::parse(RepoPath::new("a/src/lib.rs"), text.into(), crate::source::left_out::Build::Image)
                .unwrap(),
        )
    }

    #[test]
    fn counts_lines_with_code_only() {
        let text = "//! Documentation.
/* a comment
   of two lines */
#![forbid(unsafe_code)]

/// Documentation.
/** more */
fn f() -> u32 { // a comment
    let x = 4 /
        2;

    x // the result
}
";
        assert_eq!(size(text).lines, 6);
    }

    #[test]
    fn text_inside_a_string_is_code_except_for_blank_lines() {
        assert_eq!(size("const A: &str = \"one\n// two\n\nfour\";\n").lines, 3);
    }

    #[test]
    fn leaves_out_what_only_a_test_build_compiles() {
        let text = "fn f() {}
#[cfg(test)]
mod tests {
    fn t() { unsafe { g() } }
}
impl A {
    #[cfg(test)]
    fn t() {}
    fn h() {}
}
";
        assert_eq!(size(text), FileSize { lines: 4, unsafe_lines: vec![] });
    }

    #[test]
    fn finds_every_keyword_unsafe_and_no_word_that_only_contains_it() {
        let text = "#![deny(unsafe_code)]
// unsafe in a comment
const A: &str = \"unsafe\";
fn f() {
    let a = unsafe { g() };
    call!(unsafe { g() });
}
unsafe impl Send for A {}
unsafe extern \"C\" { fn g(); }
";
        assert_eq!(
            size(text).unsafe_lines,
            [
                "let a = unsafe { g() };",
                "call!(unsafe { g() });",
                "unsafe impl Send for A {}",
                "unsafe extern \"C\" { fn g(); }"
            ]
        );
        assert_eq!(outside_unsafe(text), 4);
    }

    #[test]
    fn other_projects_lines_include_their_tests() {
        let text = "// comment\n\n\t// comment\nfn f() {}\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(outside_lines(text), 3);
    }

    #[test]
    fn a_file_that_is_not_rust_is_searched_for_the_word() {
        assert_eq!(outside_unsafe("unsafe { \" unsafe_code"), 1);
    }
}
