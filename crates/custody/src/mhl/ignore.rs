//! What a history does not record: patterns in the syntax of `.gitignore`.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rushes_core::{Error, ErrorKind, Result};

/// The patterns every history begins with (ASC MHL 1.0, section 6.3).
pub const DEFAULT_IGNORE: [&str; 3] = [".DS_Store", "ascmhl", "ascmhl/"];

/// The patterns of one history, in order.
#[derive(Debug, Clone)]
pub(super) struct Patterns {
    written: Vec<String>,
    matcher: Gitignore,
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
        let mut builder = GitignoreBuilder::new("");
        for pattern in &written {
            builder.add_line(None, &without_braces(pattern)).map_err(|e| {
                Error::new(ErrorKind::Invalid, format!("`{}` is no ignore pattern: {e}", pattern.escape_debug()))
                    .advice("write it as in a .gitignore file")
            })?;
        }
        let matcher = builder.build().map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        Ok(Self { written, matcher })
    }

    /// As they are written into a manifest.
    pub(super) fn written(&self) -> &[String] {
        &self.written
    }

    /// Whether `path`, relative to the folder of the history, is left out. Its folders are not.
    pub(super) fn leaves_out(&self, path: &Path, folder: bool) -> bool {
        // The history itself is never part of what it records, whatever the patterns say.
        (folder && path.file_name().is_some_and(|n| n == super::FOLDER))
            || self.matcher.matched(path, folder).is_ignore()
    }
}

/// Braces mean themselves to git, and alternatives to the matcher.
fn without_braces(pattern: &str) -> String {
    let (mut out, mut escaped, mut in_class) = (String::with_capacity(pattern.len()), false, false);
    for c in pattern.chars() {
        if matches!(c, '{' | '}') && !escaped && !in_class {
            out.push('\\');
        }
        match c {
            _ if escaped => {}
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_list_only_grows_and_says_nothing_twice() {
        let latest = ["ascmhl", "*.log"].map(String::from);
        let p = Patterns::of(&latest, &["*.log".into(), "*.bak".into()]).unwrap();
        assert_eq!(p.written(), ["ascmhl", "*.log", "*.bak"]);
        let braces = Patterns::of(&[], &["a{b".into(), "{x,y}".into()]).unwrap();
        assert!(braces.leaves_out(Path::new("a{b"), false), "braces mean themselves to git");
        assert!(braces.leaves_out(Path::new("{x,y}"), false) && !braces.leaves_out(Path::new("x"), false));
    }
}
