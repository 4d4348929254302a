//! Every path that a source file names: `use` trees are unfolded, `super::` is followed as far as the crate's root.

/// A path and the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Counted from one.
    pub(crate) line: usize,
    /// Its parts; a path of the crate begins with `crate`.
    pub(crate) parts: Vec<String>,
}

impl Named {
    /// Whether the path begins with `prefix`, written with `::`.
    pub(crate) fn begins_with(&self, prefix: &str) -> bool {
        let mut parts = self.parts.iter();
        prefix.split("::").all(|wanted| parts.next().is_some_and(|part| part == wanted))
    }
}

/// The paths in `source`, whose file stands for the module `modules`.
pub(crate) fn named_in(source: &str, modules: &[&str]) -> Vec<Named> {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, found: Vec::new() };
    // Inline modules that are open, by the number of braces that were open before each.
    let mut inline: Vec<usize> = Vec::new();
    let mut braces = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                inline.retain(|outside| *outside < braces);
            }
            "mod" if tokens.get(at + 2).is_some_and(|next| next.text == "{") => {
                inline.push(braces);
                at += 2;
                continue;
            }
            _ => {}
        }
        let begins = is_word(&token.text) && tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if !begins {
            at += 1;
            continue;
        }
        let first = reader.found.len();
        at = reader.unfold(at, &[]);
        for named in &mut reader.found[first..] {
            named.parts = absolute(&named.parts, modules.len() + inline.len());
        }
    }
    reader.found
}

/// The path from the crate's root, if it climbs there from `depth` modules below it.
fn absolute(parts: &[String], depth: usize) -> Vec<String> {
    let climbs = parts.iter().take_while(|part| matches!(part.as_str(), "super")).count();
    if climbs > 0 && climbs >= depth {
        std::iter::once("crate".to_owned()).chain(parts.iter().skip(climbs).cloned()).collect()
    } else {
        parts.to_vec()
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    found: Vec<Named>,
}

impl Reader<'_> {
    /// Reads the path or tree at `at` that continues `prefix`; gives the place behind it.
    fn unfold(&mut self, mut at: usize, prefix: &[String]) -> usize {
        let mut parts = prefix.to_vec();
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                "{" => {
                    at += 1;
                    while let Some(inner) = self.tokens.get(at).filter(|token| token.text != "}") {
                        at = if is_word(&inner.text) { self.unfold(at, &parts) } else { at + 1 };
                    }
                    return at + 1;
                }
                word if is_word(word) => parts.push(word.to_owned()),
                _ => break,
            }
            at += 1;
            if self.tokens.get(at).is_none_or(|token| token.text != "::") {
                break;
            }
            at += 1;
        }
        self.found.push(Named { line, parts });
        let is_renamed = self.tokens.get(at).is_some_and(|token| token.text == "as");
        at + if is_renamed { 2 } else { 0 }
    }
}

/// A word, `::`, or one character.
#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The tokens of Rust text, without comments and literals.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => text_literal(rest),
            '\'' => character(rest),
            _ if raw_hashes(rest).is_some() => raw_literal(rest),
            _ if is_word(rest) => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token { line, text: rest[..end].to_owned() });
                end
            }
            _ if rest.starts_with("::") => {
                tokens.push(Token { line, text: "::".to_owned() });
                2
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push(Token { line, text: c.to_string() });
                }
                c.len_utf8()
            }
        };
        let (passed, left) = rest.split_at(length);
        line += passed.matches('\n').count();
        rest = left;
    }
    tokens
}

fn text_literal(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((escaped, _))) => {
            rest[escaped + 1..].find('\'').map_or(1, |end| escaped + end + 2)
        }
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 1,
    }
}

/// How many hashes a raw string has, if one begins here.
fn raw_hashes(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    inner[hashes..].starts_with('"').then_some(hashes)
}

fn raw_literal(rest: &str) -> usize {
    let end = format!("\"{}", "#".repeat(raw_hashes(rest).unwrap_or(0)));
    let begin = rest.find('"').map_or(rest.len(), |quote| quote + 1);
    rest[begin..].find(&end).map_or(rest.len(), |found| begin + found + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str, modules: &[&str]) -> Vec<String> {
        named_in(source, modules).into_iter().map(|named| named.parts.join("::")).collect()
    }

    #[test]
    fn a_tree_is_unfolded() {
        let source =
            "use crate::{google::{Client, oauth::Vault as V}, sync};\nuse std::{fs, io::Write as _};";
        assert_eq!(
            read(source, &["execute"]),
            [
                "crate::google::Client",
                "crate::google::oauth::Vault",
                "crate::sync",
                "std::fs",
                "std::io::Write"
            ]
        );
    }

    #[test]
    fn a_path_within_an_expression_counts_and_one_within_words_does_not() {
        let source = r##"
            // crate::cli
            let a = "crate::cli"; let b = r#"crate::"cli"#; let c = '"'; let d: &'a str = x("crate::cli");
            crate::sync::merge::<T>(a);
        "##;
        assert_eq!(read(source, &["execute"]), ["crate::sync::merge"]);
    }

    #[test]
    fn who_climbs_to_the_root_is_seen() {
        assert_eq!(read("use super::cli::run;", &["sync"]), ["crate::cli::run"]);
        assert_eq!(read("use super::super::cli::run;", &["sync", "plan"]), ["crate::cli::run"]);
        assert_eq!(read("use super::plan::Step;", &["sync", "merge"]), ["super::plan::Step"]);
        assert_eq!(read("mod tests { use super::plan::Step; }", &["sync"]), ["super::plan::Step"]);
    }

    #[test]
    fn lines_are_counted_through_literals() {
        let found = named_in("let a = \"\n\n\";\nuse crate::sync;", &["execute"]);
        assert_eq!(found, [Named { line: 4, parts: vec!["crate".to_owned(), "sync".to_owned()] }]);
    }
}
