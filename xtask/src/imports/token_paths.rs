//! Paths in the tokens of macro calls and attributes, which syn does not parse.

use proc_macro2::{Span, TokenStream, TokenTree};

/// The paths in a macro's tokens, such as `crate::text::quote` or `Error`, each with the place of its first name.
pub fn paths_in_tokens(tokens: &TokenStream) -> Vec<(Vec<String>, Span)> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut start = Span::call_site();
    let mut colons = 0;
    let mut after_dot = false;
    let mut after_dollar = false;
    let mut finish = |path: &mut Vec<String>, start: Span| {
        if !path.is_empty() {
            found.push((std::mem::take(path), start));
        }
    };
    let mut nested = Vec::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 || path.is_empty() {
                    finish(&mut path, start);
                }
                // A name after `.` is a field or a method, and one after `$` is a macro's parameter.
                if !path.is_empty() || !after_dot {
                    if path.is_empty() {
                        start = ident.span();
                    }
                    let is_crate = after_dollar && ident == "crate";
                    if !after_dollar || is_crate {
                        path.push(ident.to_string());
                    }
                }
                (colons, after_dot, after_dollar) = (0, false, false);
            }
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    ':' => colons += 1,
                    _ => {
                        finish(&mut path, start);
                        colons = 0;
                    }
                }
                after_dot = punct.as_char() == '.';
                after_dollar = punct.as_char() == '$';
            }
            TokenTree::Group(group) => {
                finish(&mut path, start);
                (colons, after_dot, after_dollar) = (0, false, false);
                nested.push(group.stream());
            }
            TokenTree::Literal(_) => {
                finish(&mut path, start);
                (colons, after_dot, after_dollar) = (0, false, false);
            }
        }
    }
    finish(&mut path, start);
    found.extend(nested.iter().flat_map(paths_in_tokens));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_paths_in_macro_tokens() {
        let tokens: TokenStream =
            "\"{}\", crate::text::quote(&self.name), $crate::A, x.len(), [T::<u8>::new()]".parse().unwrap();
        let paths: Vec<_> = paths_in_tokens(&tokens).into_iter().map(|(path, _)| path.join("::")).collect();
        assert_eq!(paths, ["crate::text::quote", "crate::A", "x", "self", "T", "u8", "new"]);
    }
}
