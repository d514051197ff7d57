//! What a history does not record: patterns in the syntax of `.gitignore`.

use std::path::Path;

use fast_glob::{glob_match, validate};
use rushes_core::{Error, ErrorKind, Result};

/// The patterns every history begins with (ASC MHL 1.0, section 6.3).
pub const DEFAULT_IGNORE: [&str; 3] = [".DS_Store", "ascmhl", "ascmhl/"];

/// The patterns of one history, in order.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    written: Vec<String>,
    read: Vec<Pattern>,
}

impl Patterns {
    /// Those of the latest generation, with `more` after them; the list only ever grows.
    pub(super) fn of(latest: &[String], more: &[String]) -> Result<Self> {
        let mut written: Vec<String> = Vec::new();
        let default = DEFAULT_IGNORE.map(String::from);
        let first = if latest.is_empty() { &default[..] } else { latest };
        for pattern in first.iter().chain(more) {
            if !written.contains(pattern) {
                written.push(pattern.clone());
            }
        }
        let read = written.iter().filter_map(|p| Pattern::read(p).transpose()).collect::<Result<_>>()?;
        Ok(Self { written, read })
    }

    /// As they are written into a manifest.
    pub(super) fn written(&self) -> &[String] {
        &self.written
    }

    /// Whether `path`, relative to the folder of the history, is left out. Its folders are not.
    pub(super) fn leaves_out(&self, path: &Path, folder: bool) -> bool {
        let Some(name) = path.file_name() else { return false };
        // The history itself is never part of what it records, whatever the patterns say.
        if folder && name == super::FOLDER {
            return true;
        }
        let (name, whole) = (name.as_encoded_bytes(), path.as_os_str().as_encoded_bytes());
        let last = self.read.iter().rev().find(|p| p.matches(name, whole, folder));
        last.is_some_and(|p| !p.takes_back)
    }
}

/// One pattern, read as gitignore(5) says.
#[derive(Debug, Clone)]
struct Pattern {
    /// What it matches is recorded after all.
    takes_back: bool,
    folders_only: bool,
    /// It is compared with the whole path, not with the name alone.
    whole: bool,
    /// There is nothing but the name itself in it.
    plain: bool,
    glob: Vec<u8>,
}

impl Pattern {
    /// `None` for an empty line or a comment.
    fn read(line: &str) -> Result<Option<Self>> {
        let text = if line.ends_with("\\ ") { line } else { line.trim_end() };
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let (takes_back, text) = text.strip_prefix('!').map_or((false, text), |t| (true, t));
        let (folders_only, text) = text.strip_suffix('/').map_or((false, text), |t| (true, t));
        let whole = text.contains('/');
        let text = text.strip_prefix('/').unwrap_or(text);
        let plain = !text.contains(['*', '?', '[', '\\']);
        let glob = if plain { text.into() } else { glob(text).into_bytes() };
        if !plain && let Err(e) = validate(&glob) {
            let said = format!("`{}` is no ignore pattern: {e}", line.escape_debug());
            return Err(Error::new(ErrorKind::Invalid, said).advice("write it as in a .gitignore file"));
        }
        Ok(Some(Self { takes_back, folders_only, whole, plain, glob }))
    }

    fn matches(&self, name: &[u8], whole: &[u8], folder: bool) -> bool {
        let subject = if self.whole { whole } else { name };
        (folder || !self.folders_only)
            && if self.plain { self.glob == subject } else { glob_match(&self.glob, subject) }
    }
}

/// What git means, in the syntax of the matcher: there, braces are alternatives, some escaped
/// letters are control characters, and two stars must stand between separators. A bracket that
/// nothing closes is itself, as for the reference tool.
fn glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        match c {
            '\\' => match rest[1..].chars().next() {
                Some(next) => {
                    used += next.len_utf8();
                    literal(&mut out, next);
                }
                None => out.push(c),
            },
            '*' => {
                used = rest.len() - rest.trim_start_matches('*').len();
                let alone =
                    (out.is_empty() || out.ends_with('/')) && matches!(rest.as_bytes().get(used), None | Some(b'/'));
                out.push_str(if used > 1 && alone { "**" } else { "*" });
            }
            '[' => match class(rest) {
                Some(end) => {
                    used = end;
                    out.push_str(&rest[..end]);
                }
                None => literal(&mut out, c),
            },
            '?' => out.push(c),
            c => literal(&mut out, c),
        }
        rest = &rest[used..];
    }
    out
}

fn literal(out: &mut String, c: char) {
    if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '!' | '\\') {
        out.push('\\');
    }
    out.push(c);
}

/// The length of the class that `text` begins with.
fn class(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = if matches!(bytes.get(1), Some(b'!' | b'^')) { 2 } else { 1 };
    let first = at;
    loop {
        match bytes.get(at)? {
            b']' if at > first => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_mean_what_git_means() {
        let more = ["*.tmp", "/only-here", "cache/", "!keep.tmp", "a/**/z"].map(String::from);
        let p = Patterns::of(&[], &more).unwrap();
        let out = |path: &str, folder: bool| p.leaves_out(Path::new(path), folder);
        assert!(out(".DS_Store", false) && out("Clips/.DS_Store", false));
        assert!(out("ascmhl", true) && out("Clips/ascmhl", true));
        assert!(out("x.tmp", false) && out("Clips/x.tmp", false));
        assert!(!out("Clips/keep.tmp", false), "a later pattern takes back");
        assert!(out("only-here", false) && !out("Clips/only-here", false));
        assert!(out("Clips/cache", true) && !out("Clips/cache", false), "folders only");
        assert!(out("a/b/c/z", false) && out("a/z", false) && !out("b/z", false));
        assert!(!out("Clips/A001.mov", false));
    }

    /// `git check-ignore` (git 2.39) says the same of each.
    #[test]
    fn what_is_odd_means_what_git_means() {
        let cases = [
            ("a{b", "a{b", true),
            ("{x,y}", "{x,y}", true),
            ("{x,y}", "x", false),
            ("\\!a", "!a", true),
            ("\\#a", "#a", true),
            ("#a", "#a", false),
            ("\\n", "n", true),
            ("a**b", "axxb", true),
            ("a**b", "a/b", false),
            ("d/**", "d/e/f", true),
            ("d/**", "d", false),
            ("**/d", "d", true),
            ("**/d", "e/f/d", true),
            ("a?c", "a/c", false),
            ("a[!x]c", "a/c", false),
            ("a[x-z]c", "ayc", true),
            ("a[]]c", "a]c", true),
            ("a ", "a", true),
            ("a\\ ", "a ", true),
            ("/", "a", false),
            ("!!a", "a", false),
        ];
        for (pattern, path, out) in cases {
            let p = Patterns::of(&[], &[pattern.into()]).unwrap();
            assert_eq!(p.leaves_out(Path::new(path), false), out, "{pattern:?} {path:?}");
        }
        let open = Patterns::of(&[], &["a[b".into()]).unwrap();
        assert!(open.leaves_out(Path::new("a[b"), false), "as the reference tool reads it");
        let e = Patterns::of(&[], &["a*\\".into()]).unwrap_err();
        assert!(e.to_string().contains("is no ignore pattern"), "{e}");
    }

    #[test]
    fn the_list_only_grows_and_says_nothing_twice() {
        let latest = ["ascmhl", "*.log"].map(String::from);
        let p = Patterns::of(&latest, &["*.log".into(), "*.bak".into()]).unwrap();
        assert_eq!(p.written(), ["ascmhl", "*.log", "*.bak"]);
    }

    proptest! {
        /// ripgrep's crate, which is another reading of the same manual page.
        #[test]
        fn patterns_mean_what_another_reader_of_them_means(
            patterns in proptest::collection::vec("[!/]?([ab.]|\\*|\\*\\*/|/\\*\\*|/|\\?|\\[[ab]\\]|\\\\[a*]){1,6}/?", 1..4),
            path in "[ab][ab.]{0,2}(/[ab.]{0,2}[ab]){0,3}",
            folder: bool,
        ) {
            // Git reads three stars as two; ripgrep as two and one. No name is empty.
            let read_alike = |p: &String| !p.contains("***") && !p.contains("//");
            let patterns: Vec<String> = patterns.into_iter().filter(read_alike).collect();
            let ours = Patterns::of(&patterns, &[]).unwrap();
            let mut builder = ignore::gitignore::GitignoreBuilder::new("");
            for pattern in &patterns {
                builder.add_line(None, pattern).unwrap();
            }
            let theirs = builder.build().unwrap();
            prop_assert_eq!(
                ours.leaves_out(Path::new(&path), folder),
                theirs.matched(&path, folder).is_ignore(),
                "{:?} {:?}", patterns, path
            );
        }
    }
}
