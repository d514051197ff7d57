//! What came of comparing files with what is written of them.

use rushes_core::media::{Finding, Severity};
use serde::Serialize;

use crate::offload::CardPath;

/// What came of a comparison.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    /// What was found of each file: those that are there in the order of their folders, then those
    /// that are missing.
    pub files: Vec<Judged>,
    /// Everything that is worth telling.
    pub findings: Vec<Finding>,
}

/// A file that was compared.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Where it is below the folder.
    pub path: CardPath,
    /// What it was found to be.
    #[serde(flatten)]
    pub is: Is,
}

/// What a file was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Is {
    /// What it was: every digest that was compared is equal.
    Verified,
    /// There, and not read: only names were asked for, or nothing but its size is known.
    There,
    /// Not what it was.
    Changed,
    /// Not there.
    Missing,
    /// Not known before.
    New,
    /// Known under another name.
    Renamed {
        /// The name.
        from: CardPath,
    },
    /// There, and it could not be read.
    Unreadable,
}

impl Verdict {
    /// All that is known is there and is what it was, and nothing else is there.
    pub fn agrees(&self) -> bool {
        self.findings.iter().all(|f| f.severity < Severity::Error)
            && self.files.iter().all(|f| matches!(f.is, Is::Verified | Is::There))
    }

    /// Nothing that is known is lost or changed; new and renamed files do not matter.
    pub fn keeps(&self) -> bool {
        self.findings.iter().all(|f| f.severity < Severity::Error || f.code == "file-new")
            && !self.files.iter().any(|f| matches!(f.is, Is::Changed | Is::Missing | Is::Unreadable))
    }

    /// How many files were found to be such.
    pub fn count(&self, such: impl Fn(&Is) -> bool) -> usize {
        self.files.iter().filter(|f| such(&f.is)).count()
    }

    /// In words: `3 files verified, 1 changed`.
    pub fn words(&self) -> String {
        type Such = (&'static str, fn(&Is) -> bool);
        const ALL: [Such; 7] = [
            ("verified", |i| matches!(i, Is::Verified)),
            ("there", |i| matches!(i, Is::There)),
            ("changed", |i| matches!(i, Is::Changed)),
            ("missing", |i| matches!(i, Is::Missing)),
            ("new", |i| matches!(i, Is::New)),
            ("renamed", |i| matches!(i, Is::Renamed { .. })),
            ("unreadable", |i| matches!(i, Is::Unreadable)),
        ];
        let counted = ALL.iter().map(|(word, such)| (self.count(such), word)).filter(|(n, _)| *n > 0);
        let words: Vec<String> = counted.map(|(n, word)| format!("{n} {word}")).collect();
        if words.is_empty() { "no files".to_owned() } else { words.join(", ") }
    }

    pub(super) fn say(&mut self, path: CardPath, is: Is, finding: Option<Finding>) {
        if let Some(finding) = finding {
            self.findings.push(finding.path(std::path::PathBuf::from(path.lossy().into_owned())));
        }
        self.files.push(Judged { path, is });
    }
}
